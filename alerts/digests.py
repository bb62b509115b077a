"""Collects held notices into digests: one message a recipient and lane, worked off by whoever comes first.

A notice ends as told in a digest, or by itself where it is alone, or with the reason it needed not be told.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.db.models import Max, Min, Q

from alerts import holding, notices, outbox, overlays
from alerts.holding import GROUPED, NO_DATA, RESTATED
from alerts.models import Notification, Silence
from alerts.rules import inhibit
from alerts.rules.base import Severity
from portfolio.models import Investment, Membership, User

_LANE = ("portfolio_id", "channel", "address", "user_id", "suppressed_by")
_LOCK = 0x44494745
_COPIED = ("kind", "rule", "title", "severity", "investment", "month", "since", "value", "threshold", "unit")
_ALSO = ("months", "closed_reason", "path", "reason", "currency", "opened")
_TELLING = ("pending", "sending", "uncertain", "sent", "logged", "merged")
_WORST = (Severity.CRITICAL.value, Severity.WARNING.value, Severity.INFO.value)
_STATE = ("state", "state_reason", "suppressed_by", "silence_id", "told_in_id", "digest_at", "next_at")
# What nobody looks at of the investment that a notice is about.
_READ = {"id", "portfolio", "owner", "sponsor", "data_owner"}
_UNREAD = [
    f"event__episode__investment__{field.name}"
    for field in Investment._meta.concrete_fields
    if field.name not in _READ
]


def run_due(*, now: datetime) -> int:
    """Work off every lane that is due; returns how many held notices were settled."""
    return sum(_work_off(lane, now=now) for lane in _due(now))


def _due(now: datetime) -> list[dict[str, Any]]:
    """Return the lanes that are due; one that still gathers an import waits for quiet, but not for ever."""
    lanes = Notification.objects.filter(state="held").values(*_LANE)
    dated = lanes.annotate(first=Min("digest_at"), last=Max("digest_at")).filter(first__lte=now)
    gathers = Q(suppressed_by__in=[GROUPED, RESTATED], last__gt=now, first__gt=now - holding.longest())
    return [{name: lane[name] for name in _LANE} for lane in dated.exclude(gathers).order_by(*_LANE)]


@transaction.atomic
def _work_off(lane: Mapping[str, Any], *, now: datetime) -> int:
    with connection.cursor() as cursor:
        # Two at once would make two digests of one; whoever comes second finds nothing to do.
        name = "|".join(str(lane[key]) for key in _LANE)
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, name])
        if not cursor.fetchone()[0]:
            return 0
    held = list(
        Notification.objects.select_for_update(of=("self",))
        .filter(state="held", **lane)
        .select_related("event__episode__investment", "portfolio", "user")
        # An import can hold back ten thousand at once: no more of each is read than is looked at here.
        .defer("rendered", "event__evidence", *_UNREAD)
        .order_by("seq")
    )
    before = {row.pk: _state(row) for row in held}
    settled = _not_needed(held, now=now)
    due = [row for row in held if row not in settled and row.digest_at and row.digest_at <= now]
    if lane["suppressed_by"] in (GROUPED, RESTATED):
        due = [row for row in held if row not in settled]
    digests = [made for part in _parts(due) if (made := _tell(part, now=now))]
    Notification.objects.bulk_create(digests)
    _write([*settled, *due], before)
    if due:
        outbox.wake()
    return len(settled) + len(due)


def _state(row: Notification) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in _STATE)


def _write(rows: Sequence[Notification], before: Mapping[UUID, tuple[Any, ...]]) -> None:
    """Write what has changed of each: a statement for all that change in the same way."""
    alike: dict[tuple[tuple[str, Any], ...], list[UUID]] = {}
    for row in rows:
        old, new = before[row.pk], _state(row)
        changed = tuple((name, b) for name, a, b in zip(_STATE, old, new, strict=True) if a != b)
        alike.setdefault(changed, []).append(row.pk)
    for changed, keys in alike.items():
        if changed:
            Notification.objects.filter(pk__in=keys).update(**dict(changed))


def _parts(rows: Sequence[Notification]) -> list[list[Notification]]:
    """Return what is told together: corrections by the import they came with, everything else as it is."""
    parts: dict[object, list[Notification]] = {}
    for row in rows:
        batch = row.message.get("knowledge") if row.suppressed_by == RESTATED else None
        parts.setdefault(batch, []).append(row)
    return list(parts.values())


def _tell(rows: Sequence[Notification], *, now: datetime) -> Notification | None:
    """Let one notice leave by itself, or merge many into the digest that is returned."""
    lead = rows[0]
    worst = min((row.message.get("severity", "") for row in rows), key=_rank)
    if len(rows) == 1:
        lead.state, lead.state_reason, lead.suppressed_by, lead.next_at = "pending", "", "", now
        holding.keep_quiet(lead, lead.user, is_critical=worst == Severity.CRITICAL.value)
        return None
    key = uuid5(lead.id, "digest")
    digest = Notification(
        id=key,
        portfolio=lead.portfolio,
        user=lead.user,
        channel=lead.channel,
        address=lead.address,
        thread_key=f"digest:{key}",
        message=_message(rows, worst),
        next_at=now,
        created_at=now,
    )
    holding.keep_quiet(digest, lead.user, is_critical=worst == Severity.CRITICAL.value)
    for row in rows:
        row.state, row.told_in, row.state_reason = "merged", digest, f"Told in a digest of {len(rows)}."
    return digest


def _rank(severity: str) -> int:
    return _WORST.index(severity) if severity in _WORST else len(_WORST)


def _message(rows: Sequence[Notification], worst: str) -> dict[str, Any]:
    lead = rows[0]
    items = [
        {name: row.message[name] for name in (*_COPIED, *_ALSO) if name in row.message}
        for row in sorted(rows, key=lambda row: (_rank(row.message.get("severity", "")), row.seq))
    ]
    return {
        "kind": "digest",
        "lane": lead.suppressed_by,
        "title": "Digest",
        "severity": worst,
        "portfolio": lead.message.get("portfolio", {}),
        "items": items,
        "path": "/",
        "recipient": lead.message.get("recipient", {}),
    }


def _not_needed(held: Sequence[Notification], *, now: datetime) -> list[Notification]:
    """Give held notices that need not be told any more their reason, and return them."""
    if not held:
        return []
    silences = overlays.silences_in_force([held[0].portfolio_id], now=now)
    may_hear, told = _access(held[0]), _told(held)
    settled: list[Notification] = []
    for row in held:
        why = _why_not(row, silences, told) if may_hear(row) else _NO_ACCESS
        if why is not None:
            row.suppressed_by, row.state_reason, row.silence = why
            row.state = "suppressed"
            settled.append(row)
    return settled


_Why = tuple[str, str, Silence | None]
_NO_ACCESS: _Why = ("no_access", "The recipient has no access to the portfolio any more.", None)


def _why_not(row: Notification, silences: Sequence[Silence], told: set[int]) -> _Why | None:
    if row.event is None:
        return None
    episode = row.event.episode
    silence = overlays.silence_for(silences, episode.investment, episode.rule)
    if silence is not None:
        return "silenced", overlays.reason_of(silence), silence
    if row.suppressed_by != NO_DATA:
        return None
    is_end = row.event.kind in inhibit.ABOUT_AN_END
    if not is_end and episode.closed_at is not None:
        return "in_time", "The data came in before anybody was asked for it.", None
    if is_end and episode.pk not in told:
        return "untold", "Nobody there was asked for this data, so nothing is said of its arrival.", None
    return None


def _told(held: Sequence[Notification]) -> set[int]:
    """Return the episodes whose opening this recipient was told of already."""
    lead = held[0]
    rows = Notification.objects.filter(
        portfolio=lead.portfolio_id,
        channel=lead.channel,
        user=lead.user_id,
        event__episode__in=[row.event.episode_id for row in held if row.event],
        event__kind__in=notices.OPENING,
        state__in=_TELLING,
    )
    rows = rows if lead.user_id else rows.filter(address=lead.address)
    return set(rows.values_list("event__episode_id", flat=True))


def _access(lead: Notification) -> Callable[[Notification], bool]:
    """Return whether the recipient may still hear of a notice: a member, or one of the investment's own people."""
    user: User | None = lead.user
    if user is None:
        return lambda row: True
    is_member = (
        user.is_superuser or Membership.objects.filter(user=user, portfolio=lead.portfolio_id).exists()
    )

    def may_hear(row: Notification) -> bool:
        if row.event is None or is_member:
            return bool(user.is_active)
        one = row.event.episode.investment
        return bool(user.is_active) and user.pk in (one.owner_id, one.sponsor_id, one.data_owner_id)

    return may_hear
