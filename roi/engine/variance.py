"""Variance to plan, as finance states it: better is positive, (worse) negative, whatever is measured."""

from decimal import Decimal

from portfolio.terms import AccountKind
from roi.engine.result import Reason


def better(
    actual: Decimal, *, plan: Decimal | None, kind: AccountKind, higher_is_better: bool = True
) -> Decimal | Reason:
    """Return by how much the actual is better than plan, or (negative) worse; without a plan the reason.

    Cost is better when lower, benefit and volume when higher, quality as `higher_is_better` says. It serves
    an account's month and, given cumulative amounts, the cumulative variance alike.
    """
    if plan is None:
        return Reason.NO_PLAN
    difference = actual - plan
    return difference if _is_good_when_higher(kind, higher_is_better) else -difference


def relative(variance: Decimal, *, plan: Decimal) -> Decimal | Reason:
    """Return the variance as a fraction of the plan's size; undefined for a plan of 0."""
    if plan == 0:
        return Reason.NON_POSITIVE_BASE
    return variance / abs(plan)


def render(variance: Decimal) -> str:
    """Return the accountant's notation without a currency: 1,250.00 when better, (1,250.00) when worse."""
    text = f"{abs(variance):,.2f}"
    return f"({text})" if variance < 0 else text


def _is_good_when_higher(kind: AccountKind, higher_is_better: bool) -> bool:
    if kind is AccountKind.QUALITY:
        return higher_is_better
    return kind is not AccountKind.COST
