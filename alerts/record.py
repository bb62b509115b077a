"""What is recorded of an investment's alerts, as the pure rules compare it, and how a change is laid over it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from alerts.models import AlertState, Episode, Event, Notification
from alerts.routing import Recipient
from alerts.rules import inhibit
from alerts.rules.matching import RecordedEpisode
from alerts.rules.reconcile import Change, ChangeKind
from alerts.rules.trajectory import ClosedReason, Trajectory
from portfolio.models import Investment

EPISODE_FIELDS = [
    "first_breach_month",
    "fired_month",
    "resolved_month",
    "closed_reason",
    "is_announced",
    "closed_at",
]
STATE_FIELDS = ["state", "count", "month", "verdict", "reason", "value", "threshold"]
# The stage that keeps a notice back while another rule of the investment says more.
INHIBITED = "inhibited"
_IN_PLACE = "told of its beginning in place of somebody who could not be reached"
_HEARD = "told of it before"
_UNTOLD = frozenset({"dead", "suppressed"})
_CHANGES = frozenset(kind.value for kind in ChangeKind)
# What tells of an alert that is open: at its opening, or once nothing keeps it back any more.
ANNOUNCING = frozenset({ChangeKind.FIRED.value, ChangeKind.REOPENED.value, "silence_ended"})
_SAYING_OPEN = ANNOUNCING | {"reminder", "escalated"}


@dataclass(slots=True)
class Recorded:
    """The recorded episodes of one investment, changed in memory as changes are applied."""

    episodes: dict[tuple[str, int], Episode] = field(default_factory=dict)
    ordinals: dict[tuple[str, int], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    values: dict[tuple[str, int], Decimal | None] = field(default_factory=dict)
    judged_through: dict[str, date | None] = field(default_factory=dict)
    told_keys: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    # Of these, who was last told that it is open, or is on the way to be.
    aware_keys: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    # The last event that tells an episode is open and whose notices another rule keeps back, and from whom.
    inhibited: dict[tuple[str, int], UUID] = field(default_factory=dict)
    inhibited_keys: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    # Episodes of which somebody heard in the place of a recipient whose digest was dead.
    stood_in: set[tuple[str, int]] = field(default_factory=set)

    def of_rule(self, rule: str) -> list[RecordedEpisode]:
        """Return the episodes of a rule by number."""
        return [
            RecordedEpisode(
                number=number,
                fired_month=episode.fired_month,
                announced=episode.is_announced,
                first_breach_month=episode.first_breach_month,
                resolved_month=episode.resolved_month,
                closed_reason=ClosedReason(episode.closed_reason) if episode.closed_reason else None,
                value=self.values.get((rule, number)),
                ordinals=dict(self.ordinals[rule, number]),
            )
            for (name, number), episode in sorted(self.episodes.items())
            if name == rule
        ]

    def apply(
        self, change: Change, *, investment: Investment, rule: str, now: datetime
    ) -> tuple[Episode, bool]:
        """Lay a change over its episode and return it, with whether it is a new one."""
        key = (rule, change.number)
        episode = self.episodes.get(key)
        is_new = episode is None
        if episode is None:
            if change.firing is None:
                raise ValueError(f"Episode {change.number} of {rule} is not recorded.")
            episode = Episode(
                investment=investment,
                rule=rule,
                number=change.number,
                severity=change.firing.policy.severity.value,
                opened_at=now,
            )
            self.episodes[key] = episode
        if change.firing is not None:
            episode.first_breach_month = change.firing.first_breach_month
            episode.fired_month = change.firing.fired_month
        episode.resolved_month = change.resolved_month
        episode.closed_reason = change.closed_reason.value if change.closed_reason else ""
        if change.closed_reason is None:
            episode.closed_at = None
        elif episode.closed_at is None:
            episode.closed_at = now
        if change.announce and change.kind in (ChangeKind.FIRED, ChangeKind.REOPENED):
            episode.is_announced = True
        self.ordinals[key][change.kind.value] = max(self.ordinals[key][change.kind.value], change.ordinal)
        return episode, is_new

    def told(self, episode: Episode) -> set[str]:
        """Return the keys of the targets that were (or are being) told of an episode."""
        return self.told_keys[episode.rule, episode.number]

    def aware(self, episode: Episode) -> set[str]:
        """Return the keys of the targets that were last told (or are being told) that an episode is open."""
        return self.aware_keys[episode.rule, episode.number]

    def unaware(
        self, episode: Episode, told: Sequence[Recipient], *, kept: Collection[str]
    ) -> list[Recipient]:
        """Return whom of some recipients to tell that an episode is open, `kept` being those it was kept back from.

        Everybody where nobody knows; else who was kept back and does not know. Who was told of an end since does
        not know that it is open again.
        """
        aware = self.aware(episode)
        return [one for one in told if one.key not in aware and (not aware or one.key in kept)]

    def remember_inhibited(self, episode: Episode, kind: str, event: UUID, keys: Iterable[str]) -> None:
        """Note from whom another rule keeps back an event that tells an episode is open."""
        key = (episode.rule, episode.number)
        if kind in ANNOUNCING:
            self.inhibited[key] = event
            self.inhibited_keys[key].update(keys)

    def remember(self, episode: Episode, kind: str, keys: Iterable[str]) -> None:
        """Note that targets are being told of an episode, by an event of a kind."""
        key = (episode.rule, episode.number)
        self.told_keys[key].update(keys)
        if kind in inhibit.ABOUT_AN_END:
            self.aware_keys[key].difference_update(keys)
        elif kind in _SAYING_OPEN:
            self.aware_keys[key].update(keys)


def recorded_of(investment_ids: Sequence[int]) -> dict[int, Recorded]:
    """Return what is recorded of each investment: four queries for all of them."""
    found: dict[int, Recorded] = {pk: Recorded() for pk in investment_ids}
    keys: dict[int, tuple[int, str, int]] = {}
    for episode in Episode.objects.filter(investment__in=investment_ids):
        found[episode.investment_id].episodes[episode.rule, episode.number] = episode
        keys[episode.pk] = (episode.investment_id, episode.rule, episode.number)
    events = Event.objects.filter(episode__investment__in=investment_ids).order_by("point_id", "ordinal")
    for episode_id, kind, ordinal, value in events.values_list(
        "episode_id", "kind", "ordinal", "evidence__firing_value"
    ):
        investment_id, rule, number = keys[episode_id]
        recorded = found[investment_id]
        counts = recorded.ordinals[rule, number]
        counts[kind] = max(counts[kind], ordinal)
        # A reminder repeats the value of the opening, which a restatement may have changed since.
        if value is not None and kind in _CHANGES:
            recorded.values[rule, number] = Decimal(value)
    states = AlertState.objects.filter(investment__in=investment_ids)
    for investment_id, rule, month in states.values_list("investment_id", "rule", "month"):
        found[investment_id].judged_through[rule] = month
    _read_notifications(found, keys)
    return found


def others_told_of(episode: Episode, keys: Collection[str]) -> list[Recipient]:
    """Return who heard of an episode and hears of its end as well, though it does not go to them by itself.

    These are the targets of `keys`, and who heard in the place of another whose digest was dead.
    """
    digests = Notification.objects.filter(event__episode=episode, state="merged").values("told_in")
    rows = Notification.objects.filter(Q(event__episode=episode) | Q(instead_of__in=digests))
    told = rows.exclude(state__in=_UNTOLD).select_related("user").order_by("seq")
    found: dict[str, Recipient] = {}
    for row in told:
        name = str((row.message.get("recipient") or {}).get("name", ""))
        why = _IN_PLACE if row.instead_of_id else _HEARD
        one = Recipient(row.channel, row.address, name, why, user=row.user)
        if row.event_id is None or one.key in keys:
            found.setdefault(one.key, one)
    return list(found.values())


def open_ids(recorded: Iterable[Recorded]) -> list[int]:
    """Return the keys of all open episodes."""
    return [e.pk for one in recorded for e in one.episodes.values() if e.pk and e.closed_at is None]


def _read_notifications(found: dict[int, Recorded], keys: dict[int, tuple[int, str, int]]) -> None:
    """Note who was told of which episode, and whose opening is kept back by another rule."""
    rows = Notification.objects.filter(event__episode__investment__in=found).order_by(
        "event__point_id", "seq"
    )
    for (
        episode_id,
        event_id,
        kind,
        state,
        suppressed_by,
        channel,
        address,
        public_id,
        told_in_state,
    ) in rows.values_list(
        "event__episode_id",
        "event_id",
        "event__kind",
        "state",
        "suppressed_by",
        "channel",
        "address",
        "user__public_id",
        "told_in__state",
    ):
        investment_id, rule, number = keys[episode_id]
        recorded, key = found[investment_id], f"{channel}:{public_id or address}"
        is_dead_digest = state == "merged" and told_in_state == "dead"
        if is_dead_digest:
            recorded.stood_in.add((rule, number))
        if state not in _UNTOLD and not is_dead_digest:
            recorded.remember(recorded.episodes[rule, number], kind, [key])
        elif suppressed_by == INHIBITED:
            recorded.remember_inhibited(recorded.episodes[rule, number], kind, event_id, [key])


def state_of(investment: Investment, trajectory: Trajectory) -> AlertState:
    """Return the current state of a rule as a row."""
    last = trajectory.last
    state = AlertState(investment=investment, rule=trajectory.rule)
    if last is not None:
        state.state, state.count, state.month = last.state.value, last.count, last.month
        state.verdict = last.verdict.kind.value
        state.reason = last.verdict.reason.value if last.verdict.reason else ""
        state.value = _text(last.verdict.value)
        state.threshold = _text(last.verdict.threshold)
    return state


def _text(value: Decimal | None) -> str:
    # A ratio may have endless digits; 40 significant ones tell any two stored amounts apart.
    return "" if value is None else f"{value.normalize():f}"[:64]
