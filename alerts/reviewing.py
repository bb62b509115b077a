"""What alerts ask of people: an announced one opens its review, a retracted one withdraws it, nothing else ends it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from alerts.models import Episode, Event
from alerts.rules import RULES
from alerts.rules.reconcile import ChangeKind
from portfolio import reviews
from portfolio.models import Investment
from portfolio.review_questions import OPENED_BY_RULE
from portfolio.reviews import Request
from portfolio.terms import format_month

_OPENING = frozenset({ChangeKind.FIRED.value, ChangeKind.REOPENED.value})


def follow(events: Sequence[Event], *, now: datetime) -> int:
    """Open and withdraw reviews for what just happened, in the same transaction; returns how many were opened."""
    opening = [event.episode for event in events if _opens(event)]
    named = {episode.investment_id for episode in opening}
    investments = Investment.objects.select_related("portfolio").in_bulk(named) if named else {}
    asked = [_request(episode, investments[episode.investment_id]) for episode in opening]
    retracted = {
        event.episode.public_id: f"The alert was retracted: by what is known now of {format_month(event.month)}, "
        "it would not have fired."
        for event in events
        if event.kind == ChangeKind.RETRACTED.value
    }
    reviews.withdraw(retracted, now=now)
    return reviews.request(asked, now=now)


def _opens(event: Event) -> bool:
    """Return whether an event asks people to decide: history that nobody was told of does not."""
    return event.kind in _OPENING and event.episode.is_announced and event.episode.rule in OPENED_BY_RULE


def _request(episode: Episode, investment: Investment) -> Request:
    fired = format_month(episode.fired_month)
    return Request(
        investment=investment,
        kind=OPENED_BY_RULE[episode.rule],
        origin="alert",
        origin_ref=episode.public_id,
        rule=episode.rule,
        note=f"Alert “{RULES[episode.rule].title}” number {episode.number}, since {fired}.",
    )


def decided(episodes: Iterable[Episode]) -> set[UUID]:
    """Return the public ids of the episodes whose review was decided: people are not asked again."""
    return reviews.is_decided(episode.public_id for episode in episodes)
