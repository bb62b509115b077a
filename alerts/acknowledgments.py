"""Acknowledging and snoozing an episode: acts of people, checked, recorded, and without any effect on its state."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from alerts import overlays
from alerts.models import Acknowledgment, Episode, EvaluationHead, EvaluationPoint, Snooze, Timer
from alerts.rules.attention import ACKNOWLEDGED_FOR, LONGEST_SNOOZE
from portfolio import access
from portfolio.access import Action
from portfolio.models import User


class OverlayError(ValueError):
    """An act that cannot be recorded: `code` says why (`closed`, `forbidden`, `invalid`), the message is for people."""

    def __init__(self, message: str, *, code: str = "invalid") -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What acknowledging did: the record, whether it is new, and whose acknowledgment leads."""

    acknowledgment: Acknowledgment
    is_new: bool
    leads: bool


def may_act(user: User, episode: Episode) -> bool:
    """Whether somebody may acknowledge or snooze: who records in the portfolio, and the investment's own people."""
    investment = episode.investment
    if not user.is_active:
        return False
    own = {investment.owner_id, investment.sponsor_id}
    return user.pk in own or access.may(user, Action.RECORD, investment.portfolio_id)


@transaction.atomic
def acknowledge(episode: Episode, *, user: User, via: str, now: datetime, note: str = "") -> Acknowledged:
    """Record that somebody has seen an episode on the facts of now; the same person again changes nothing.

    The first acknowledgment in effect leads. Raises OverlayError: the episode is over (`closed`), or `forbidden`.
    """
    held = _locked(episode, user)
    known = overlays.overlays_of([held.pk], now=now).get(held.pk, overlays.NOTHING)
    own = Acknowledgment.objects.filter(episode=held, user=user, until__gt=now).order_by("-id").first()
    point = EvaluationPoint.objects.filter(investment=held.investment).order_by("-id").first()
    if point is None:
        raise OverlayError("This alert was never evaluated.")
    if own is not None and own.point_id == point.pk:
        leads = known.seen is not None and known.seen.user_id == user.pk
        return Acknowledged(own, is_new=False, leads=leads)
    created = Acknowledgment.objects.create(
        episode=held,
        user=user,
        point=point,
        via=via,
        note=note[:500],
        until=now + ACKNOWLEDGED_FOR,
        created_at=now,
    )
    leads = known.seen is None or known.seen.user_id == user.pk
    return Acknowledged(created, is_new=True, leads=leads)


@transaction.atomic
def snooze(episode: Episode, *, user: User, until: datetime, reason: str, now: datetime) -> Snooze:
    """Keep an episode quiet until a day, at most ninety days; a running snooze ends by it. Raises OverlayError."""
    held = _locked(episode, user)
    if not reason.strip():
        raise OverlayError("Say why the alert can wait.")
    if not now < until <= now + LONGEST_SNOOZE:
        raise OverlayError(f"A snooze ends within {LONGEST_SNOOZE.days} days from now.")
    Snooze.objects.filter(episode=held, ended_at=None).update(ended_at=now)
    Timer.objects.filter(episode=held, kind="snooze_end", state="waiting").update(
        state="dropped", reason="A new snooze took its place.", done_at=now
    )
    made = Snooze.objects.create(
        episode=held, user=user, reason=reason.strip()[:500], until=until, created_at=now
    )
    ordinal = Snooze.objects.filter(episode=held).count()
    Timer.objects.create(episode=held, kind="snooze_end", ordinal=ordinal, started_at=now, due_at=until)
    return made


def end_snooze(episode: Episode, *, now: datetime, reason: str) -> bool:
    """End a running snooze before its time, and have it told as any other end; returns whether there was one."""
    ended = Snooze.objects.filter(episode=episode, ended_at=None).update(ended_at=now)
    Timer.objects.filter(episode=episode, kind="snooze_end", state="waiting").update(
        due_at=now, reason=reason[:300]
    )
    return bool(ended)


def _locked(episode: Episode, user: User) -> Episode:
    """Return the episode as it is, alone with it: an evaluation of the same investment waits, or has been before."""
    EvaluationHead.objects.select_for_update().filter(pk=episode.investment_id).first()
    held = Episode.objects.select_related("investment").get(pk=episode.pk)
    check(held, user=user)
    return held


def check(held: Episode, *, user: User) -> None:
    """Raise OverlayError where somebody cannot answer an alert now: `forbidden`, or it is over (`closed`)."""
    if not may_act(user, held):
        raise OverlayError(
            "Only the investment's owner and sponsor, and who records in its portfolio, may do this.",
            code="forbidden",
        )
    if held.closed_at is not None:
        raise OverlayError("This alert is over; nothing waits for an answer.", code="closed")
