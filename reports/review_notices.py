"""Tells people of reviews: those asked to prepare or decide one when it opens, and the next in line when it is late.

What an alert opened, the alert has told already.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid5

from django.db import transaction
from django.urls import reverse

from alerts import holding, messages, outbox
from alerts.channels.base import Message
from alerts.models import Notification
from alerts.outbox import Claim
from portfolio import review_calendar
from portfolio.models import Membership, Review, User
from portfolio.terms import ReviewState, Role

KIND = "review"
# What opened longer ago was told by an earlier run, or by the list it stands on.
_NEW = timedelta(days=2)
_BOARD, _ADMINS = Role.BOARD.value, Role.ADMIN.value


@transaction.atomic
def run(*, now: datetime) -> int:
    """Tell of new reviews and of those that went up a level; running again tells nobody twice. Returns the notices."""
    fresh = Review.objects.filter(
        state=ReviewState.OPEN.value, opened_at__gte=now - _NEW, opened_at__lte=now
    ).exclude(origin="alert")
    related = ("investment__owner", "investment__sponsor", "portfolio")
    found = [(review, 0) for review in fresh.select_related(*related)]
    found += [(review, review.escalation_level) for review in review_calendar.escalate(now=now)]
    members = _members(review for review, _ in found)
    rows = [
        row
        for review, level in found
        for user in _told(review, level, members)
        if (row := _row(review, level, user, now))
    ]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:
        outbox.wake()
    return len(rows)


def _members(reviews: Iterable[Review]) -> dict[tuple[int, str], list[User]]:
    """Return the active board members and administrators of the reviews' portfolios: one query for all."""
    found: dict[tuple[int, str], list[User]] = {}
    rows = Membership.objects.filter(
        portfolio__in={review.portfolio_id for review in reviews},
        role__in=(_BOARD, _ADMINS),
        user__is_active=True,
    ).select_related("user")
    for membership in rows.order_by("user__pk"):
        found.setdefault((membership.portfolio_id, membership.role), []).append(membership.user)
    return found


def _told(review: Review, level: int, members: dict[tuple[int, str], list[User]]) -> list[User]:
    """Return who hears: owner and sponsor at first, then the sponsor, then the board; else the administrators."""
    investment = review.investment
    named = {0: (investment.owner, investment.sponsor), 1: (investment.sponsor,)}.get(level, ())
    people = [user for user in named if user is not None and user.is_active]
    if level == 2:
        people = members.get((review.portfolio_id, _BOARD), [])
    return list(dict.fromkeys(people or members.get((review.portfolio_id, _ADMINS), [])))


def _row(review: Review, level: int, user: User, now: datetime) -> Notification | None:
    if not user.email:
        return None
    row = Notification(
        # The same step of the same review to the same person is the same row, however often it is told.
        id=uuid5(review.public_id, f"{level}:{user.public_id}"),
        portfolio=review.portfolio,
        user=user,
        channel="email",
        address=user.email,
        thread_key=f"review:{review.public_id}",
        message=_message(review, level, user, now),
        next_at=now,
        created_at=now,
    )
    holding.keep_quiet(row, user, is_critical=level == 2)
    return row


def _message(review: Review, level: int, user: User, now: datetime) -> dict[str, Any]:
    investment = review.investment
    return {
        "kind": KIND,
        "title": review.get_kind_display(),
        "severity": ("info", "warning", "critical")[level],
        "portfolio": {"code": review.portfolio.code, "name": review.portfolio.name},
        "investment": {"code": investment.code, "name": investment.name},
        "review": str(review.public_id),
        "question": review.question,
        "level": level,
        "due_on": review.due_on.isoformat(),
        "days_late": max((now.date() - review.due_on).days, 0),
        "path": reverse("admin:reports_review", args=[review.public_id]),
        "recipient": {"name": str(user), "why": _WHY[level]},
    }


_WHY = (
    "you own or sponsor this investment",
    "the review is overdue and waits for its sponsor",
    "the review is overdue and nobody decided",
)


def message_of(claimed: Claim) -> Message:
    """Return the notice of a review in words."""
    told = claimed.message
    code, title = str(told["investment"]["code"]), str(told["title"])
    late = int(told["days_late"])
    turn = f"overdue by {late} day{'' if late == 1 else 's'}" if late else f"due on {told['due_on']}"
    return messages.letter(
        told,
        id=claimed.id,
        thread_id=claimed.thread_key,
        headline=f"{code}: {title} {turn}",
        lead=str(told["question"]),
        facts=(
            ("Investment", f"{code} {told['investment']['name']}"),
            ("Portfolio", str(told["portfolio"]["code"])),
            ("Due", str(told["due_on"])),
        ),
        notes=(
            "It stays open until a decision is recorded.",
            f"Sent to {told['recipient']['name']} because {told['recipient']['why']}.",
        ),
        is_repeat=claimed.is_repeat,
    )
