"""What is laid over episodes now, read in bulk: acknowledgments, snoozes and silences. Nothing here writes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Max, Q

from alerts.models import Acknowledgment, Event, Silence, Snooze
from alerts.rules import attention
from alerts.rules.attention import Seen
from alerts.rules.reconcile import ChangeKind
from portfolio.models import Investment


@dataclass(frozen=True, slots=True)
class Overlay:
    """What lies over one episode at a moment."""

    seen: Seen | None = None
    snooze: Snooze | None = None


NOTHING = Overlay()
_HOLD = """
    SELECT id FROM alerts_silence WHERE portfolio_id = ANY(%s) AND handled_at IS NULL ORDER BY id FOR SHARE
"""


def overlays_of(episode_ids: Iterable[int], *, now: datetime) -> dict[int, Overlay]:
    """Return what lies over each episode, where anything does: three queries for all of them."""
    ids = list(episode_ids)
    seen: dict[int, list[Seen]] = defaultdict(list)
    rows = Acknowledgment.objects.filter(episode__in=ids, until__gt=now).order_by("id")
    for episode, user, is_active, point, until in rows.values_list(
        "episode_id", "user_id", "user__is_active", "point_id", "until"
    ):
        seen[episode].append(Seen(user, is_active, point, until))
    snoozes = {
        s.episode_id: s
        for s in Snooze.objects.filter(episode__in=ids, ended_at=None, until__gt=now).select_related("user")
    }
    restated = _restated(list(seen)) if seen else {}
    return {
        pk: Overlay(attention.in_effect(seen[pk], restated_at=restated.get(pk), now=now), snoozes.get(pk))
        for pk in {*seen, *snoozes}
    }


def _restated(episode_ids: Sequence[int]) -> dict[int, int]:
    """Return the facts version of each episode's last material restatement."""
    rows = Event.objects.filter(
        episode__in=episode_ids, kind=ChangeKind.RESTATED.value, evidence__is_material=True
    )
    return dict(rows.values_list("episode_id").annotate(last=Max("point_id")))


def silences_in_force(portfolio_ids: Iterable[int], *, now: datetime, hold: bool = False) -> list[Silence]:
    """Return the silences of portfolios that hold now; one that waits for a second person does not.

    With `hold` their ends are not worked off before the running transaction is over: what is kept back in it is seen
    by whoever tells of the end.
    """
    ids = set(portfolio_ids)
    if hold:
        with connection.cursor() as cursor:
            cursor.execute(_HOLD, [list(ids)])
    silences = Silence.objects.filter(in_force(now), portfolio__in=ids)
    return list(silences.select_related("author").order_by("id"))


def in_force(now: datetime) -> Q:
    """Return the condition under which a silence holds."""
    return Q(starts_at__lte=now, ends_at__gt=now, handled_at=None) & (
        Q(needs_approval=False) | Q(approval__decision="approved")
    )


def silence_for(silences: Sequence[Silence], investment: Investment, rule: str) -> Silence | None:
    """Return the first silence that matches a rule of an investment."""
    return next((s for s in silences if matches(s, investment, rule)), None)


def matches(silence: Silence, investment: Investment, rule: str) -> bool:
    """Whether a silence is about a rule of an investment."""
    return (
        silence.portfolio_id == investment.portfolio_id
        and silence.investment_id in (None, investment.pk)
        and silence.rule in ("", rule)
    )


def reason_of_snooze(snooze: Snooze) -> str:
    """Return why a notice of a snoozed alert is not sent."""
    return f"Snoozed by {snooze.user} until {snooze.until:%Y-%m-%d}: {snooze.reason}"[:300]


def reason_of(silence: Silence) -> str:
    """Return why a notice that a silence matches is not sent, for the people who look for it."""
    return f"Silenced by {silence.author} until {silence.ends_at:%Y-%m-%d}: {silence.comment}"[:300]
