"""What a message carries so that it can be answered where it is read, and what such an answer does."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from alerts import acknowledgments, links, queries, targets, unsubscriptions
from alerts.acknowledgments import Acknowledged
from alerts.links import ACKNOWLEDGE, ANSWER, UNSUBSCRIBE, LinkError
from alerts.models import Episode, Target
from portfolio.models import Investment, Portfolio, User

_ABOUT = """
    SELECT p.public_id, i.owner_id, i.sponsor_id, i.portfolio_id, u.id, u.public_id, u.is_active, u.is_superuser
    FROM alerts_event e JOIN alerts_episode p ON p.id = e.episode_id AND p.closed_at IS NULL
    JOIN portfolio_investment i ON i.id = p.investment_id
    LEFT JOIN portfolio_user u ON u.id = %(user)s::bigint
    WHERE e.id = %(event)s
"""
_SUBSCRIBER = """
    SELECT u.public_id, p.public_id FROM portfolio_user u, portfolio_portfolio p
    WHERE u.id = %(user)s AND p.id = %(portfolio)s
"""
Row = TypeVar("Row", Episode, Portfolio, Target, User)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom an acknowledge link was made for, and the alert it is about."""

    episode: Episode
    user: User
    nonce: str


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person to whom mail about a portfolio goes."""

    user: User
    portfolio: Portfolio


def carried_by(
    notice: UUID,
    *,
    event_id: UUID | None,
    user_id: int | None,
    target: Target | None,
    now: datetime,
    leaves: int | None = None,
) -> dict[str, str]:
    """Return the signed values of one message by name; nothing for what cannot be answered.

    `acknowledge` is an address for the person it is sent to, `answer` the value of the buttons in a shared place,
    `unsubscribe` the address that switches a shared address off, or stops mail to the person about a portfolio:
    `leaves` is its key, None where the mail cannot be left. None of them is stored.
    """
    expires = now + links.LASTS
    episode, user = _asks(event_id, user_id) or (None, None)
    found: dict[str, str] = {}
    if episode is not None and user is not None and acknowledgments.may_act(user, episode):
        payload = {"e": str(episode.public_id), "u": str(user.public_id), "n": str(notice)}
        found["acknowledge"] = links.address(ACKNOWLEDGE, links.sign(ACKNOWLEDGE, payload, expires=expires))
    if episode is not None and settings.SLACK_SIGNING_SECRET:
        # Without it nobody could believe who pressed, so there is no button to press.
        found["answer"] = links.sign(ANSWER, {"e": str(episode.public_id)}, expires=expires)
    if (leaver := _leaver(user_id, target, leaves)) is not None:
        token = links.sign(UNSUBSCRIBE, leaver, expires=now + timedelta(days=365))
        found["unsubscribe"] = links.address(UNSUBSCRIBE, token)
    return found


def _leaver(user_id: int | None, target: Target | None, leaves: int | None) -> dict[str, str] | None:
    """Return who is unsubscribed by a mail's link: a shared address, or a person of a portfolio."""
    if target is not None:
        return {"t": str(target.public_id)} if target.channel == "email" else None
    if user_id is None or leaves is None:
        return None
    row = queries.asked(_SUBSCRIBER, {"user": user_id, "portfolio": leaves})
    return {"u": str(row[0]), "p": str(row[1])} if row else None


def asked_by(token: str, *, now: datetime) -> Asked:
    """Return what an acknowledge link is about. Raises LinkError with a sentence; changes nothing."""
    payload = links.read(ACKNOWLEDGE, token, now=now)
    user = _one(User, payload.get("u"))
    return Asked(episode_of(payload), user, payload.get("n", ""))


def episode_of(payload: dict[str, str]) -> Episode:
    """Return the alert that a signed value names. Raises LinkError where there is none any more."""
    return _one(Episode, payload.get("e"), "investment__portfolio")


@transaction.atomic
def acknowledge(asked: Asked, *, now: datetime) -> Acknowledged:
    """Acknowledge as the person the link was made for, once.

    Raises LinkError (`used`) and OverlayError (`closed`, `forbidden`); a link is not used up by a refusal.
    """
    links.spend(ACKNOWLEDGE, asked.nonce, now=now)
    return acknowledgments.acknowledge(asked.episode, user=asked.user, via="email", now=now)


def leaver_of(token: str, *, now: datetime) -> Target | Subscriber:
    """Return the shared address or the person that an unsubscribe link is about. Raises LinkError with a sentence."""
    payload = links.read(UNSUBSCRIBE, token, now=now)
    if "u" in payload:
        return Subscriber(_one(User, payload["u"]), _one(Portfolio, payload.get("p")))
    return _one(Target, payload.get("t"), "portfolio")


def unsubscribe(leaver: Target | Subscriber, *, now: datetime) -> None:
    """Switch a shared address off, or stop mail to a person about a portfolio; doing so again changes nothing."""
    if isinstance(leaver, Subscriber):
        unsubscriptions.unsubscribe(leaver.user, leaver.portfolio, now=now)
    elif leaver.is_active:
        targets.switch_off(leaver, reason="Unsubscribed by the link in a mail.", now=now, is_wish=True)


def _asks(event_id: UUID | None, user_id: int | None) -> tuple[Episode, User | None] | None:
    """Return the open alert of an event and a person, with no more of them than `may_act` and a link look at."""
    if event_id is None:
        return None
    row = queries.asked(_ABOUT, {"event": event_id, "user": user_id})
    if row is None:
        return None
    public_id, owner, sponsor, portfolio, user, person, is_active, is_superuser = row
    episode = Episode(
        public_id=public_id,
        investment=Investment(owner_id=owner, sponsor_id=sponsor, portfolio_id=portfolio),
    )
    if user is None:
        return episode, None
    return episode, User(pk=user, public_id=person, is_active=is_active, is_superuser=is_superuser)


def _one(model: type[Row], public_id: str | None, *related: str) -> Row:
    try:
        rows = model._default_manager.select_related(*related) if related else model._default_manager
        return rows.get(public_id=public_id or "")
    except (model.DoesNotExist, ValidationError) as error:
        raise LinkError("What this link is about is no longer here.", code="foreign") from error
