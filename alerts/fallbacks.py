"""When a message is dead: who is told in its place, once, by another way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID, uuid5

from django.db.models import Q, QuerySet

from alerts import channels, unsubscriptions
from alerts.models import Notification, Target
from alerts.outbox import Claim
from portfolio.models import Membership, User
from portfolio.terms import Role

_NAMESPACE = UUID("7d0f2b6a-51c4-5d0e-9f53-0b6f0c1e7a21")
_UNTOLD = ("dead", "suppressed")


def stand_in(claimed: Claim, *, now: datetime) -> Notification | None:
    """Return the message that is sent in place of a dead one, not yet written; None where nobody is left to tell.

    A person is told by their other address; a shared target, or a person without another, by the portfolio's other
    shared targets, then its administrators by email. Whoever was told of the same event, or of the same digest, needs
    no second message, and a stand-in that dies has none of its own.
    """
    is_digest = claimed.message.get("kind") == "digest"
    if claimed.instead_of_id is not None or (claimed.event_id is None and not is_digest):
        return None
    # A digest tells of many events: what was told of it is itself, and what stands in for it.
    of_digest = Q(pk=claimed.id) | Q(instead_of=claimed.id)
    same = Notification.objects.filter(of_digest if is_digest else Q(event=claimed.event_id))
    if claimed.user_id and _is_told(same.exclude(pk=claimed.id), claimed.user_id):
        return None
    if (known := same.filter(instead_of=claimed.id).first()) is not None:
        return known
    tried = {(channel, address.lower()) for channel, address in same.values_list("channel", "address")}
    for row in _candidates(claimed, now):
        if (row.channel, row.address.lower()) not in tried:
            return row
    return None


def is_told_elsewhere(claimed: Claim) -> bool:
    """Whether somebody else was told, or is being told, of the event behind a dead message."""
    if claimed.event_id is None:
        return False
    others = Notification.objects.filter(event=claimed.event_id).exclude(pk=claimed.id)
    return others.exclude(state__in=(*_UNTOLD, "logged")).exclude(channel__in=channels.unread()).exists()


def _is_told(others: QuerySet[Notification], user_id: int) -> bool:
    return others.filter(user=user_id).exclude(state__in=_UNTOLD).exists()


def _candidates(claimed: Claim, now: datetime) -> Iterator[Notification]:
    """Return whom to tell, in order; who unsubscribed is mailed last, and then although they did."""
    rows = list(_by_order(claimed, now))
    left = {user for user, _ in unsubscriptions.of([claimed.portfolio_id])}
    yield from (row for row in rows if row.channel != "email" or row.user_id not in left)
    for row in rows:
        if row.channel == "email" and row.user_id in left:
            row.message["recipient"]["must_hear"] = True
            yield row


def _by_order(claimed: Claim, now: datetime) -> Iterator[Notification]:
    if claimed.user_id is not None:
        for channel, address in _addresses(User.objects.get(pk=claimed.user_id)):
            yield _row(claimed, now, channel=channel, address=address, user_id=claimed.user_id)
    for target in Target.objects.filter(portfolio=claimed.portfolio_id, is_active=True).order_by("pk"):
        if _is_usable(target, str(claimed.message.get("rule", ""))):
            yield _row(claimed, now, channel=target.channel, address=target.address, name=target.label)
    admins = Membership.objects.filter(portfolio=claimed.portfolio_id, role=Role.ADMIN, user__is_active=True)
    for member in admins.exclude(user=claimed.user_id).select_related("user").order_by("pk"):
        for channel, address in _addresses(member.user):
            yield _row(
                claimed, now, channel=channel, address=address, user_id=member.user_id, name=str(member.user)
            )


def _is_usable(target: Target, rule: str) -> bool:
    if target.rules and rule not in target.rules:
        return False
    return channels.is_read(target.channel)


def _addresses(user: User) -> Iterator[tuple[str, str]]:
    if not user.is_active:
        return
    for channel, address in (("email", user.email), ("slack", user.slack_id)):
        if address and channels.is_read(channel):
            yield channel, address


def _row(
    claimed: Claim, now: datetime, *, channel: str, address: str, user_id: int | None = None, name: str = ""
) -> Notification:
    first = claimed.message.get("recipient") or {}
    label = channels.kind_of(claimed.channel).label
    recipient = {
        "name": name or first.get("name", ""),
        "why": f"in place of {label} to {first.get('name') or claimed.address}, which could not be delivered",
    }
    return Notification(
        # Named by whom it tells of what: two messages that die at the same moment have one stand-in there.
        id=uuid5(_NAMESPACE, f"{claimed.event_id or claimed.id}:{channel}:{user_id or address.lower()}"),
        event_id=claimed.event_id,
        portfolio_id=claimed.portfolio_id,
        user_id=user_id,
        channel=channel,
        address=address,
        thread_key=claimed.thread_key,
        message=claimed.message | {"recipient": recipient},
        instead_of_id=claimed.id,
        next_at=now,
        created_at=now,
    )
