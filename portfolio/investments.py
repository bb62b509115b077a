"""Registering an investment and changing the terms its figures depend on, each as a batch in the order of knowing."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from portfolio import knowledge, nudge
from portfolio.models import Approval, Cell, Investment, InvestmentVersion, StageChange, User
from portfolio.terms import ENDED_STAGES, FIRST_YEAR, LAST_YEAR, Book, EntryKind, Stage, format_month

# Which figures count, from when a threshold is looked at, and which rates hold: approval fixes them.
FIXED = ("portfolio", "start_month", "live_month", "end_month", "horizon_months")


@transaction.atomic
def put(
    investment: Investment,
    *,
    now: datetime,
    actor: User | None = None,
    reason: str = "",
    approval: Approval | None = None,
) -> Investment:
    """Save an investment, new or changed, and version its terms (portfolio, months, horizon) when they differ.

    Approval fixes the terms: they change by what a second person has allowed (`portfolio.fixed_terms`). Which plan is
    approved and which stage was entered is not changed here, however old the given copy is. Raises ValidationError,
    also when the start month would leave recorded months before it.
    """
    before = _lock(investment)
    if before:
        investment.approved_plan_version = before.approved_plan_version
        if not _is_entered(investment, before):
            investment.stage = before.stage
    elif investment.stage != Stage.PROPOSED.value:
        raise ValidationError(
            {"stage": "A new investment is proposed; it enters later stages through their gates."}
        )
    if before and approval is None and is_fixed_by_approval(before, investment):
        raise ValidationError(
            f"{before.code} is {before.get_stage_display().lower()}: its portfolio, months and horizon were fixed at "
            "approval. Ask for the change; a second person allows it."
        )
    investment.full_clean()
    if not FIRST_YEAR <= investment.start_month.year <= LAST_YEAR:
        raise ValidationError(
            {"start_month": f"The first month lies in the years {FIRST_YEAR} to {LAST_YEAR}."}
        )
    if before and investment.start_month > before.start_month:
        _refuse_lost_months(investment)
    investment.save()
    if before and _terms(before) == _terms(investment):
        return investment
    batch = knowledge.open_batch(
        portfolio=investment.portfolio,
        kind="terms",
        now=now,
        actor=actor,
        approver=approval.approver if approval else None,
        reason=reason,
        content=["|".join(str(term) for term in (investment.pk, *_terms(investment)))],
    )
    InvestmentVersion.objects.create(
        batch=batch,
        investment=investment,
        portfolio=investment.portfolio,
        start_month=investment.start_month,
        live_month=investment.live_month,
        end_month=investment.end_month,
        horizon_months=investment.horizon_months,
        approval=approval,
    )
    knowledge.advance_heads("investment", [investment.pk], batch.pk)
    nudge.ring([investment.pk])
    return investment


def is_fixed_by_approval(before: Investment, wanted: Investment) -> bool:
    """Return whether a copy has other terms than the investment it is of, once that is past being proposed."""
    return before.stage != Stage.PROPOSED.value and _fixed(before) != _fixed(wanted)


def _lock(investment: Investment) -> Investment | None:
    """Lock the portfolios an investment is in and goes to; return it as it stands then, None for a new one."""
    seen = Investment.objects.filter(pk=investment.pk).first() if investment.pk else None
    touched = {investment.portfolio_id} | ({seen.portfolio_id} if seen else set())
    for portfolio_id in sorted(touched):
        knowledge.lock_portfolio(portfolio_id)
    # Read again: what was seen before the locks may be older than what their last holder wrote.
    before = Investment.objects.filter(pk=investment.pk).first() if seen else None
    if before and before.portfolio_id not in touched:
        raise ValidationError(f"{before.code} was moved to another portfolio meanwhile; try again.")
    return before


def _is_entered(investment: Investment, before: Investment) -> bool:
    """Return whether the given stage is the one that the newest recorded change enters from where it stands."""
    if investment.stage == before.stage:
        return True
    newest = StageChange.objects.filter(investment=before).order_by("-batch_id", "-id").first()
    return newest is not None and (newest.from_stage, newest.to_stage) == (before.stage, investment.stage)


def _fixed(investment: Investment) -> tuple[object, ...]:
    return (investment.portfolio_id, *(getattr(investment, name) for name in FIXED[1:]))


def _terms(investment: Investment) -> tuple[object, ...]:
    return (*_fixed(investment), investment.stage in ENDED_STAGES)


def _refuse_lost_months(investment: Investment) -> None:
    first = (
        Cell.objects.filter(investment=investment, book=Book.ACTUAL.value, kind=EntryKind.VALUE.value)
        .order_by("month")
        .values_list("month", flat=True)
        .first()
    )
    if first and first < investment.start_month:
        sentence = f"Actuals are recorded from {format_month(first)} on; the start month cannot be later."
        raise ValidationError({"start_month": sentence})
