"""Reviews: opened by alerts, the calendar, decisions and people; withdrawn with a reason; ticked off step by step.

Only `portfolio.decisions` ends one with a decision.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.apps import apps
from django.db import transaction
from django.db.models import Q

from portfolio import access, calendars
from portfolio.access import Action
from portfolio.models import Deployment, Investment, Review, User
from portfolio.review_questions import QUESTIONS
from portfolio.terms import ENDED_STAGES, ReviewKind, ReviewState

_LONGEST_NOTE = 1000


class ReviewError(ValueError):
    """A review that cannot be opened, answered or decided; the message is for the user.

    `code` is "forbidden" where somebody else may, "closed" where it is too late, else "refused".
    """

    def __init__(self, message: str, *, code: str = "refused") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What asks for a review. Without a due date, the portfolio's business days count from now."""

    investment: Investment
    kind: ReviewKind
    origin: str
    origin_ref: UUID | None = None
    rule: str = ""
    due_on: date | None = None
    follows_id: int | None = None
    opened_by: User | None = None
    note: str = ""


def request(requests: Sequence[Request], *, now: datetime) -> int:
    """Open reviews in bulk and return how many were new; what is open already for the same origin stays as it is."""
    if not requests:
        return 0
    days = calendars.calendars_of(
        {r.investment.portfolio_id: r.investment.portfolio for r in requests}.values()
    )
    rollbacks = _rollbacks([r.investment for r in requests], on=now.date())
    rows = []
    for asked in requests:
        portfolio = asked.investment.portfolio
        today = now.astimezone(ZoneInfo(portfolio.time_zone)).date()
        due = asked.due_on or days[portfolio.pk].after(today, count=portfolio.review_business_days)
        rows.append(
            Review(
                portfolio=portfolio,
                investment=asked.investment,
                kind=asked.kind.value,
                origin=asked.origin,
                origin_ref=asked.origin_ref,
                rule=asked.rule,
                question=_question(asked, rollbacks.get(asked.investment.pk)),
                checklist=[
                    {"code": step.code, "text": step.text, "is_needed": step.is_needed, "answer": ""}
                    for step in QUESTIONS[asked.kind].steps
                ],
                follows_id=asked.follows_id,
                opened_by=asked.opened_by,
                opened_at=now,
                due_on=due,
            )
        )
    ids = [row.public_id for row in rows]
    Review.objects.bulk_create(rows, ignore_conflicts=True)
    return Review.objects.filter(public_id__in=ids).count()


def _rollbacks(investments: Iterable[Investment], *, on: date) -> dict[int, bool]:
    """Return whether an earlier model version can be restored, by the deployment facts in force."""
    rows = Deployment.objects.filter(investment__in=list(investments), effective_month__lte=on)
    newest = rows.order_by("investment_id", "-effective_month").distinct("investment_id")
    return dict(newest.values_list("investment_id", "has_rollback"))


def _question(asked: Request, has_rollback: bool | None) -> str:
    text = QUESTIONS[asked.kind].text
    if asked.kind is ReviewKind.MAINTAIN_OR_REPLACE and has_rollback is not None:
        fact = "can be restored" if has_rollback else "cannot be restored"
        text += f" By its deployment facts an earlier version {fact}."
    return f"{text} {asked.note}".strip()


def withdraw(reasons: Mapping[UUID, str], *, now: datetime) -> int:
    """Withdraw the open reviews of origins that turned out wrong, each with its reason; returns how many."""
    if not reasons:
        return 0
    held = list(
        Review.objects.select_for_update().filter(origin_ref__in=list(reasons), state=ReviewState.OPEN.value)
    )
    for review in held:
        if review.origin_ref is not None:
            _close(review, ReviewState.WITHDRAWN, reasons[review.origin_ref], now=now)
    Review.objects.bulk_update(held, ["state", "closed_reason", "closed_at"], batch_size=500)
    return len(held)


def _close(review: Review, state: ReviewState, reason: str, *, now: datetime) -> None:
    review.state, review.closed_reason, review.closed_at = state.value, reason, now


@transaction.atomic
def ask_for(
    investment: Investment, kind: ReviewKind, *, user: User, due_on: date, why: str, now: datetime
) -> Review:
    """Open a review because somebody wants one. Raises ReviewError with a sentence."""
    if not access.may(user, Action.RECORD, investment.portfolio_id):
        raise ReviewError("Only who records in the portfolio opens a review.", code="forbidden")
    if kind not in (ReviewKind.BUSINESS_REVIEW, ReviewKind.STRATEGIC, ReviewKind.SCHEDULED):
        raise ReviewError("This kind of review is opened by an alert or a decision.")
    if investment.stage in ENDED_STAGES:
        raise ReviewError(f"{investment.code} has ended; there is nothing left to review.")
    if due_on < now.astimezone(ZoneInfo(investment.portfolio.time_zone)).date():
        raise ReviewError("A review is due today or later.")
    if not why.strip():
        raise ReviewError("Say why a review is needed.")
    asked = Request(
        investment=investment,
        kind=kind,
        origin="person",
        due_on=due_on,
        opened_by=user,
        note=why.strip()[:_LONGEST_NOTE],
    )
    if not request([asked], now=now):
        raise ReviewError(f"{investment.code} has a regular review open already.")
    return Review.objects.filter(investment=investment, opened_by=user).order_by("-id")[0]


@transaction.atomic
def answer(review: Review, code: str, text: str, *, user: User, now: datetime) -> Review:
    """Write the answer to one step of an open review; an earlier answer stays in the history. Raises ReviewError."""
    held = Review.objects.select_for_update().get(pk=review.pk)
    if held.state != ReviewState.OPEN.value:
        raise ReviewError(f"This review is {held.state} already.", code="closed")
    if not access.may(user, Action.RECORD, held.portfolio_id) and not may_decide(user, held):
        raise ReviewError(
            "Only who records or decides in the portfolio answers its reviews.", code="forbidden"
        )
    if len(text) > _LONGEST_NOTE:
        raise ReviewError(f"An answer has {_LONGEST_NOTE} characters at most.")
    step: dict[str, Any] | None = next((one for one in held.checklist if one["code"] == code), None)
    if step is None:
        raise ReviewError(f"This review has no step named '{code[:40]}'.")
    step["answer"] = text.strip()
    step["by"], step["at"] = str(user), now.isoformat()
    held.save(update_fields=["checklist"])
    return held


def unanswered(review: Review) -> list[str]:
    """Return the texts of the steps that have to be answered before somebody decides."""
    return [step["text"] for step in review.checklist if step.get("is_needed") and not step.get("answer")]


def may_decide(user: User, review: Review) -> bool:
    """Return whether a user may decide a review: the board, an administrator or the sponsor, never an owner."""
    investment = review.investment
    if not user.is_active or has_owned(user, review):
        return False
    if access.may(user, Action.DECIDE, review.portfolio_id):
        return True
    return investment.sponsor_id == user.pk and access.may(user, Action.VIEW, review.portfolio_id)


def has_owned(user: User, review: Review) -> bool:
    """Return whether a user has owned the investment at any time since the review opened, whoever owns it now."""
    if review.investment.owner_id == user.pk:
        return True
    history = apps.get_model("portfolio", "InvestmentEvent")  # made by pghistory, which no type checker sees
    events = history._default_manager.filter(pgh_obj=review.investment_id)
    before = events.filter(pgh_created_at__lt=review.opened_at).order_by("-pgh_id").values("pgh_id")[:1]
    since = Q(pgh_created_at__gte=review.opened_at) | Q(pgh_id__in=before)
    return bool(events.filter(since, owner=user).exists())


def is_decided(origin_refs: Iterable[UUID]) -> set[UUID]:
    """Return the origins whose review was decided: nobody is reminded of them any more."""
    rows = Review.objects.filter(origin_ref__in=list(origin_refs), state=ReviewState.DECIDED.value)
    return {ref for ref in rows.values_list("origin_ref", flat=True) if ref}


def open_reviews(user: User) -> Any:
    """Return the open reviews of the portfolios a user may see, the ones due first."""
    return (
        Review.objects.filter(access.scope(user, Action.VIEW), Q(state=ReviewState.OPEN.value))
        .select_related("investment__owner", "investment__sponsor", "portfolio")
        .order_by("due_on", "id")
    )
