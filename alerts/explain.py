"""Why somebody did, or did not, get a message: the outcome of every stage for each notice of an alert. Reads only."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alerts import routing
from alerts.models import Episode, Event, Notification
from portfolio.models import User

# The outcome of a notice by its state.
_OUTCOME_OF = {
    "held": "held",
    "pending": "waits",
    "sending": "sending",
    "uncertain": "uncertain",
    "sent": "sent",
    "logged": "logged",
    "merged": "merged",
    "suppressed": "kept_back",
    "dead": "dead",
}
OUTCOMES = tuple(_OUTCOME_OF.values())
_WOULD_BE = "They would be told now; they were not when this was decided."
_UNTOLD = {
    "now": "Nobody could be told: there is neither a person to write to nor a shared address that wants this rule.",
    "digest": "It corrects history alone; it is told with the other corrections of its import, or not needed there.",
    "none": "It was recorded and told to nobody, as nobody had been told of this alert before.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice: to whom and why, how it ended and why, when (None: not yet)."""

    notice: UUID
    name: str
    user_id: int | None
    channel: str
    why: str
    outcome: str
    stage: str
    sentence: str
    at: datetime | None
    silence: UUID | None = None
    instead_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """One event with everybody it was addressed to; `untold` says why that is nobody."""

    event: Event
    told: tuple[Told, ...]
    untold: str


@dataclass(frozen=True, slots=True)
class Unaddressed:
    """A person or a shared address of the portfolio that no notice of the alert was ever addressed to, and why not."""

    name: str
    reason: str
    user: User | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything there is to say about the messages of one alert."""

    episode: Episode
    happened: tuple[Happened, ...]
    unaddressed: tuple[Unaddressed, ...]


def of(episode: Episode, *, now: datetime) -> Explanation:
    """Return what became of every notice of an alert, and why its other people were not addressed.

    The notices are as recorded; who is not addressed is answered by the routes and roles of now.
    """
    events = list(Event.objects.filter(episode=episode).order_by("recorded_at", "point_id", "ordinal"))
    rows = (
        Notification.objects.filter(event__in=events)
        .select_related("user", "silence", "told_in")
        .order_by("seq")
    )
    notices: dict[UUID, list[Notification]] = defaultdict(list)
    for row in rows:
        if row.event_id is not None:
            notices[row.event_id].append(row)
    instead = {row.instead_of_id: row for group in notices.values() for row in group if row.instead_of_id}
    happened = tuple(
        Happened(
            event,
            tuple(_told(row, instead.get(row.pk)) for row in notices[event.pk]),
            "" if notices[event.pk] else _untold(event),
        )
        for event in events
    )
    addressed = {row for group in notices.values() for row in group}
    return Explanation(episode, happened, _unaddressed(episode, addressed, now=now))


def _told(row: Notification, stand_in: Notification | None) -> Told:
    recipient = row.message.get("recipient") or {}
    sentence, at = _sentence(row, stand_in)
    return Told(
        notice=row.pk,
        name=str(row.user or recipient.get("name") or "the installation's default channel"),
        user_id=row.user_id,
        channel=row.channel,
        why=str(recipient.get("why") or ""),
        outcome=_OUTCOME_OF[row.state],
        stage=row.suppressed_by,
        sentence=sentence,
        at=at,
        silence=row.silence.public_id if row.silence else None,
        instead_of=row.instead_of_id,
    )


def _sentence(row: Notification, stand_in: Notification | None) -> tuple[str, datetime | None]:
    """Return what became of a notice in words, and the time that goes with it."""
    reason = row.state_reason
    match row.state:
        case "sent":
            return "Sent; the provider took it.", row.sent_at
        case "logged":
            return reason or "Written to the log alone: the channel is not set up here.", None
        case "merged":
            return reason or "Told in a digest.", row.told_in.sent_at if row.told_in else None
        case "held":
            return reason or "Waits for the digest.", row.digest_at
        case "pending":
            tried = f"Tried {row.attempts} times; {reason} Next try" if row.attempts else "Waits; due"
            return f"{tried} at the time given.", row.next_at
        case "sending":
            return "Being sent.", None
        case "uncertain":
            return f"Handed over without an answer; sent once more under the same id. {reason}", row.next_at
        case "dead":
            follows = "" if stand_in is None or "Told instead" in reason else f" {_instead(stand_in)}"
            return f"It could not be delivered: {reason}{follows}", None
    return reason or "Kept back.", None


def _instead(stand_in: Notification) -> str:
    return f"Told instead: {stand_in.user or stand_in.address} by {stand_in.channel}."


def _untold(event: Event) -> str:
    return _UNTOLD.get(str(event.evidence.get("notice") or ""), _UNTOLD["none"])


def _unaddressed(
    episode: Episode, addressed: Collection[Notification], *, now: datetime
) -> tuple[Unaddressed, ...]:
    """Return who is in none of the notices, each with the reason.

    The investment's and the portfolio's people, whom its routes name, and its shared addresses.
    """
    investment = episode.investment
    known = routing.directory([investment], on=now.date())
    told, places = {row.user_id for row in addressed}, {(row.channel, row.address) for row in addressed}
    own: Sequence[User | None] = (investment.owner, investment.sponsor, investment.data_owner)
    people = {user.pk: user for user in own if user is not None}
    people |= {user.pk: user for group in known.members.values() for user in group}
    people |= known.named
    found = []
    for user in people.values():
        if user.pk not in told:
            _, why = routing.explain(investment, episode.rule, episode.severity, known, user)
            found.append(Unaddressed(str(user), why or _WOULD_BE, user))
    for target in known.targets[investment.portfolio_id]:
        if (target.channel, target.address) not in places:
            why = routing.explain_target(investment, episode.rule, episode.severity, known, target)
            found.append(Unaddressed(str(target), why or _WOULD_BE))
    return tuple(found)
