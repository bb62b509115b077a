"""Statements about an investment, written once each: baselines, strategic terms, differentiation; the newest holds."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction

from portfolio import approvals, knowledge
from portfolio.models import Baseline, Batch, Cell, Differentiation, Investment, StrategicTerms, User
from portfolio.terms import (
    AccountKind,
    BaselineMeasure,
    Book,
    EntryKind,
    StrategicKind,
    ValueCategory,
    format_month,
)

# "Strategic" may not be forever: within this time the claim is looked at again.
LONGEST_CLAIM_MONTHS = 36


class StatementError(ValueError):
    """A statement that cannot be made; the message is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A baseline: what was measured over a period, in its unit, and how."""

    measure: BaselineMeasure
    value: Decimal
    unit: str
    period_from: date
    period_to: date
    method: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategic:
    """Why an investment is kept for more than its return; importance is 1 (low) to 5 (high)."""

    kind: StrategicKind
    narrative: str
    review_criteria: str
    horizon_months: int
    importance: int
    expires_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """How far an investment sets the company apart: 1 is a commodity, 5 is unique."""

    rating: int
    narrative: str
    rated_on: date
    is_superseded: bool = False


_Row = TypeVar("_Row", Baseline, StrategicTerms, Differentiation)


@transaction.atomic
def state_baseline(investment: Investment, said: Measured, *, now: datetime, author: User) -> Baseline:
    """Record what was measured before deployment. Raises StatementError with a sentence."""
    _need(said.unit, "Name the unit of what was measured.")
    _need(said.method, "Say how it was measured, and by whom.")
    if said.measure is BaselineMeasure.OTHER:
        _need(said.label, "Say what was measured.")
    if not said.value.is_finite():
        raise StatementError("What was measured is a finite number.")
    knowledge.lock_portfolio(investment.portfolio_id)
    check_period(investment, said.period_from, said.period_to, today=today_of(investment, now))
    row = Baseline(
        measure=said.measure.value,
        label=said.label.strip(),
        unit=said.unit.strip(),
        value=said.value,
        period_from=said.period_from,
        period_to=said.period_to,
        method=said.method.strip(),
    )
    return _write(investment, row, now=now, author=author)


@transaction.atomic
def state_strategic_terms(
    investment: Investment, said: Strategic, *, now: datetime, author: User
) -> StrategicTerms:
    """State why an investment is strategic and until when that claim holds. Raises StatementError."""
    if investment.value_category != ValueCategory.STRATEGIC.value:
        raise StatementError(f"{investment.code} is not strategic; change its purpose first.")
    _need(said.narrative, "Say what it is to gain.")
    _need(said.review_criteria, "Say by which criteria the claim is reviewed.")
    _between(said.importance, "importance")
    if not 1 <= said.horizon_months <= 120:
        raise StatementError("The horizon is 1 to 120 months.")
    today = today_of(investment, now)
    longest = date(today.year + LONGEST_CLAIM_MONTHS // 12, today.month, 1)
    if not today < said.expires_on <= longest.replace(day=28):
        raise StatementError(f"The claim expires after today and within {LONGEST_CLAIM_MONTHS} months.")
    knowledge.lock_portfolio(investment.portfolio_id)
    row = StrategicTerms(
        kind=said.kind.value,
        narrative=said.narrative.strip(),
        review_criteria=said.review_criteria.strip(),
        horizon_months=said.horizon_months,
        importance=said.importance,
        expires_on=said.expires_on,
    )
    return _write(investment, row, now=now, author=author)


@transaction.atomic
def rate_differentiation(
    investment: Investment, said: Rated, *, now: datetime, author: User
) -> Differentiation:
    """Rate how far an investment sets the company apart. Raises StatementError."""
    _need(said.narrative, "Say what sets it apart, or what took its place.")
    _between(said.rating, "rating")
    if said.rated_on > today_of(investment, now):
        raise StatementError("It was rated today or earlier.")
    knowledge.lock_portfolio(investment.portfolio_id)
    row = Differentiation(
        rating=said.rating,
        narrative=said.narrative.strip(),
        rated_on=said.rated_on,
        is_superseded=said.is_superseded,
    )
    return _write(investment, row, now=now, author=author)


def _write(investment: Investment, row: _Row, *, now: datetime, author: User) -> _Row:
    row.investment, row.author = investment, author
    row.batch = open_batch(investment, row, now=now, author=author)
    try:
        row.clean_fields(exclude=["batch", "investment", "author"])
    except ValidationError as refused:
        raise StatementError(sentence_of(refused)) from refused
    row.save(force_insert=True)
    return row


def open_batch(investment: Investment, row: Any, *, now: datetime, author: User, reason: str = "") -> Batch:
    """Return the batch of a statement: its words are vouched for by the portfolio's chain. The lock is held."""
    fields = [f for f in row._meta.concrete_fields if f.name not in ("id", "batch", "created_at")]
    said = {field.name: str(getattr(row, field.attname)) for field in fields}
    name = row._meta.model_name
    return knowledge.open_batch(
        portfolio=investment.portfolio,
        kind="governance",
        now=now,
        actor=author,
        reason=reason,
        content=[f"{name}|{investment.pk}|{approvals.hash_of(said)}"],
    )


def sentence_of(refused: ValidationError) -> str:
    """Return the first refusal of a row's fields as a sentence."""
    name, sentences = next(iter(refused.message_dict.items()))
    return f"{name.replace('_', ' ').capitalize()}: {sentences[0]}"


def today_of(investment: Investment, now: datetime) -> date:
    """Return the day it is in the portfolio's time zone."""
    return now.astimezone(ZoneInfo(investment.portfolio.time_zone)).date()


def live_month(investment: Investment) -> date | None:
    """Return the first month of use: as stated, else the first month that reports a benefit."""
    if investment.live_month:
        return investment.live_month
    cells = Cell.objects.filter(
        investment=investment,
        book=Book.ACTUAL.value,
        kind=EntryKind.VALUE.value,
        account__kind=AccountKind.BENEFIT.value,
    )
    return cells.order_by("month").values_list("month", flat=True).first()


def check_period(investment: Investment, first: date, last: date, *, today: date) -> None:
    """Refuse a period of measuring that is no past period before the first month of use. Raises StatementError."""
    if last < first:
        raise StatementError("A baseline is measured from a day to a later one.")
    if last > today:
        raise StatementError(f"A baseline has been measured; {last} has not come yet.")
    live = live_month(investment)
    if live is not None and last >= live:
        raise StatementError(
            f"A baseline is measured before deployment: {investment.code} is in use from {format_month(live)} on, the "
            f"period ends on {last}."
        )


def _need(text: str, sentence: str) -> None:
    if not text.strip():
        raise StatementError(sentence)


def _between(number: int, name: str) -> None:
    if not 1 <= number <= 5:
        raise StatementError(f"The {name} is a whole number from 1 to 5.")


def newest(model: type[_Row], investment: Investment, *, knowledge_time: int | None = None) -> list[_Row]:
    """Return the statements of one kind, the newest first, now or as known at a knowledge time."""
    rows = model.objects.filter(investment=investment)
    if knowledge_time is not None:
        rows = rows.filter(batch_id__lte=knowledge_time)
    return list(rows.select_related("author", "batch").order_by("-batch_id"))
