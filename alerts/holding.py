"""Which notices wait and why: for quiet hours, for a digest, for the rest of an import. Held rows are obligations."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from alerts.models import Event, Notification
from alerts.routing import MISSING_ACTUALS, Directory, Recipient
from alerts.rules import leaving
from alerts.rules.base import Severity
from alerts.rules.reconcile import ChangeKind
from alerts.rules.routes import IMMEDIATE
from portfolio.models import Portfolio, User
from portfolio.terms import parse_month

# The lanes notices are held in; each is collected by itself.
NO_DATA, RESTATED, GROUPED = "no_data", "restated", "grouped"
# So many notices of one evaluation to one recipient are told one by one; more become one digest.
GROUP_ABOVE = 5
# A digest of an import waits until nothing was added for so long, and never longer than the second.
SETTLE, LONGEST = timedelta(seconds=10), timedelta(minutes=2)
_OPENING = frozenset({ChangeKind.FIRED.value, ChangeKind.REOPENED.value})
_SAYS = {
    NO_DATA: "Waits for the data, and for the portfolio's digest.",
    RESTATED: "Waits for the other corrections of this import.",
    GROUPED: "One of many at once; waits to be told with them.",
    "daily": "Waits for the daily digest.",
    "weekly": "Waits for the weekly digest.",
}
QUIET = "Waits for the end of their quiet hours."


def settle() -> timedelta:
    """Return how long a digest of an import waits for more, as the settings scale it."""
    return SETTLE * settings.TIME_SCALE


def longest() -> timedelta:
    """Return how long it waits at most."""
    return LONGEST * settings.TIME_SCALE


def apply(row: Notification, recipient: Recipient, known: Directory, *, is_history: bool = False) -> None:
    """Hold a notice of an event where something asks for it: missing data, the route's mode, history, quiet hours."""
    now, portfolio, event = row.created_at, row.portfolio, row.event
    if event is None:
        return
    if event.episode.rule == MISSING_ACTUALS:
        hold(row, NO_DATA, at=_asked_at(event, portfolio, known, now))
    elif recipient.mode != IMMEDIATE:
        at = leaving.digest_at(now, hour=portfolio.digest_hour, zone=portfolio.time_zone, mode=recipient.mode)
        hold(row, recipient.mode, at=at)
    elif is_history:
        hold(row, RESTATED, at=now + settle())
    else:
        keep_quiet(row, recipient.user, is_critical=event.episode.severity == Severity.CRITICAL.value)


def hold(row: Notification, lane: str, *, at: datetime) -> None:
    """Hold a notice in a lane until a moment."""
    row.state, row.suppressed_by, row.state_reason, row.digest_at = "held", lane, _SAYS[lane], at


def keep_quiet(row: Notification, user: User | None, *, is_critical: bool) -> None:
    """Let a notice wait for the end of a person's quiet hours; what is critical breaks through."""
    if user is None or is_critical:
        return
    ends = leaving.quiet_until(row.next_at, start=user.quiet_from, end=user.quiet_until, zone=user.time_zone)
    if ends > row.next_at:
        row.next_at, row.state_reason = ends, QUIET


def group(rows: Sequence[Notification], *, now: datetime) -> None:
    """Hold what one evaluation has for a recipient where it is a lot, or where they wait for such a digest already."""
    by_recipient: dict[tuple[object, ...], list[Notification]] = defaultdict(list)
    for row in rows:
        if row.state == "pending":
            by_recipient[recipient_of(row)].append(row)
    if not by_recipient:
        return
    held = Notification.objects.filter(
        state="held", suppressed_by=GROUPED, portfolio__in={row.portfolio_id for row in rows}
    )
    waiting = set(held.values_list(*_RECIPIENT).distinct())
    for recipient, mine in by_recipient.items():
        if len(mine) > GROUP_ABOVE or recipient in waiting:
            for row in mine:
                hold(row, GROUPED, at=now + settle())


_RECIPIENT = ("portfolio_id", "channel", "address", "user_id")


def recipient_of(row: Notification) -> tuple[object, ...]:
    """Return whom a notice goes to: what digests are collected by."""
    return tuple(getattr(row, name) for name in _RECIPIENT)


def _asked_at(event: Event, portfolio: Portfolio, known: Directory, now: datetime) -> datetime:
    hour, zone = portfolio.digest_hour, portfolio.time_zone
    if event.kind not in _OPENING:
        return leaving.digest_at(now, hour=hour, zone=zone, mode="daily")
    missing = [parse_month(month) for month in event.evidence.get("months", [])]
    return leaving.ask_at(
        now,
        month=max(missing, default=event.month),
        close_day=portfolio.close_day,
        calendar=known.calendars[portfolio.pk],
        hour=hour,
        zone=zone,
    )
