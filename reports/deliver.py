"""Sends reports through the outbox: who gets one, the row that says so, and its words and files at sending."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db.models import Q
from django.urls import reverse

from alerts import envelopes, holding, outbox, unsubscriptions
from alerts.channels.base import Enclosure, Message
from alerts.models import Notification, Target
from alerts.outbox import Claim
from portfolio.models import Membership, Portfolio, User
from portfolio.terms import Role
from reports import archive, pack_mail
from reports.models import ArchivedReport, ReportRun

KIND = "report"
_UNSUBSCRIBED = "They unsubscribed from mail about this portfolio."
_NO_ACCESS = "They are no member of the portfolio any more, so nothing was sent."


def is_recipient(portfolio: Portfolio, text: str) -> bool:
    """Return whether a recipient is a member of the portfolio, a role, or one of its targets."""
    kind, _, name = text.partition(":")
    if kind == "role":
        return name in set(Role)
    try:
        public_id = UUID(name)
    except ValueError:
        return False
    if kind == "target":
        return Target.objects.filter(portfolio=portfolio, public_id=public_id).exists()
    member = Q(memberships__portfolio=portfolio) | Q(is_superuser=True)
    return kind == "user" and User.objects.filter(member, public_id=public_id, is_active=True).exists()


def path_of(report: ArchivedReport) -> str:
    """Return the path of a report's page."""
    return reverse("admin:reports_report", args=[report.public_id])


def announce(run: ReportRun, report: ArchivedReport, shown: Mapping[str, Any], *, now: datetime) -> int:
    """Write a notification for each recipient; who lost access or unsubscribed gets a suppressed one that says so.

    What somebody asked for comes to them all the same.
    """
    message = {
        "kind": KIND,
        "title": pack_mail.headline(shown),
        "severity": "info",
        "portfolio": {"code": report.portfolio.code, "name": report.portfolio.name},
        "report": str(report.public_id),
        "content_hash": report.content_hash,
        "formats": list(run.formats),
        "path": path_of(report),
    }
    rows = [
        *_to_people(run, report, message, now=now),
        *_to_targets(run, report, message, now=now),
    ]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    outbox.wake()
    return len(rows)


def _to_people(
    run: ReportRun, report: ArchivedReport, message: Mapping[str, Any], *, now: datetime
) -> list[Notification]:
    names = [each.partition(":") for each in run.recipients]
    members = Membership.objects.filter(portfolio=report.portfolio_id)
    by_role = members.filter(role__in=[name for kind, _, name in names if kind == "role"])
    named = Q(public_id__in=[name for kind, _, name in names if kind == "user"])
    people = User.objects.filter(named | Q(pk__in=by_role.values("user"))).order_by("pk")
    belong = set(members.values_list("user_id", flat=True))
    gone = {user_id for user_id, _ in unsubscriptions.of([report.portfolio_id])}
    rows = []
    for user in people.filter(is_active=True):
        row = _row(report, message, "email", user.email, user, str(user), now=now)
        if user.pk not in belong and not user.is_superuser:
            row.state, row.suppressed_by, row.state_reason = "suppressed", "no_access", _NO_ACCESS
        elif not user.email:
            row.state, row.suppressed_by = "suppressed", "no_address"
            row.state_reason = "They have no email address."
        elif run.asked_by_id == user.pk:
            row.message["recipient"]["must_hear"] = True
            holding.keep_quiet(row, user, is_critical=False)
        elif user.pk in gone:
            row.state, row.suppressed_by, row.state_reason = "suppressed", "unsubscribed", _UNSUBSCRIBED
        else:
            holding.keep_quiet(row, user, is_critical=False)
        rows.append(row)
    return rows


def _to_targets(
    run: ReportRun, report: ArchivedReport, message: Mapping[str, Any], *, now: datetime
) -> list[Notification]:
    ids = [name for kind, _, name in (each.partition(":") for each in run.recipients) if kind == "target"]
    targets = Target.objects.filter(portfolio=report.portfolio_id, public_id__in=ids, is_active=True)
    return [
        _row(report, message, each.channel, each.address, None, each.label, now=now)
        for each in targets.order_by("pk")
    ]


def _row(
    report: ArchivedReport,
    message: Mapping[str, Any],
    channel: str,
    address: str,
    user: User | None,
    name: str,
    *,
    now: datetime,
) -> Notification:
    return Notification(
        # The same report to the same address is the same row, however often it is announced.
        id=uuid5(report.public_id, f"{channel}:{user.public_id if user else address}"),
        portfolio=report.portfolio,
        user=user,
        channel=channel,
        address=address,
        thread_key=f"report:{report.public_id}",
        message={**message, "recipient": {"name": name, "why": "a schedule of this portfolio, or your wish"}},
        next_at=now,
        created_at=now,
    )


def message_of(claimed: Claim) -> Message:
    """Return a report in words, with its chart and the files that were asked for; they are read only here."""
    told = claimed.message
    report = ArchivedReport.objects.select_related("portfolio").get(public_id=told["report"])
    shown = archive.of(report).shown()
    files = {each.format: each for each in report.files.all()}
    path = str(told["path"])
    headline, unsubscribe = pack_mail.headline(shown), envelopes.carried_by(claimed).get("unsubscribe", "")
    return Message(
        id=claimed.id,
        kind=KIND,
        subject=f"[Hurdle] {headline}",
        headline=headline,
        lead=pack_mail.lead(shown),
        facts=pack_mail.facts(shown),
        notes=(f"Portfolio {shown['portfolio']}", f"As known on {shown['as_of']}"),
        link=envelopes.link_to(path),
        text=pack_mail.text(shown, path=path, unsubscribe=unsubscribe),
        html=pack_mail.with_way_out(bytes(files[archive.MAIL].content).decode(), unsubscribe),
        thread_id=claimed.thread_key,
        is_repeat=claimed.is_repeat,
        occurred_at=claimed.created_at,
        data={
            "kind": KIND,
            "report": told["report"],
            "content_hash": told["content_hash"],
            "portfolio": told["portfolio"],
        },
        enclosures=tuple(_enclosures(files, told["formats"])),
        unsubscribe=unsubscribe,
    )


def _enclosures(files: Mapping[str, Any], formats: Sequence[str]) -> list[Enclosure]:
    found = [
        Enclosure(each.name, each.media_type, bytes(each.content))
        for each in (files.get(name) for name in formats)
        if each is not None
    ]
    picture = files.get(archive.PICTURE)
    if picture is not None:
        inline = Enclosure("chart.png", picture.media_type, bytes(picture.content), pack_mail.PICTURE)
        return [inline, *found]
    return found
