"""Totals of a plan by account, and their quotients: what templates report beside the common figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from portfolio.chart import BY_CODE
from portfolio.terms import AccountKind
from roi.engine.result import Figure, Reason, undefined
from roi.usecases import base
from roi.usecases.base import MICRO, Case, PlannedLine


@dataclass(frozen=True, slots=True)
class Totals:
    """The lines of a plan, summed over its months on request; money in currency units."""

    lines: Sequence[PlannedLine]

    def of(self, *accounts: str, ref: str | None = None) -> float:
        """Return what the lines of these accounts add up to; with `ref`, only those of that reference."""
        wanted = (one for one in self.lines if one.account in accounts and ref in (None, one.ref))
        return sum(float(one.amounts.sum()) / (MICRO if one.is_money else 1) for one in wanted)

    def cost(self) -> float:
        """Return all cost, one-time and run."""
        return self._money(AccountKind.COST)

    def one_time_cost(self) -> float:
        """Return the one-time cost."""
        return self.of(*(code for code, account in BY_CODE.items() if account.nature == "one_time"))

    def benefit(self) -> float:
        """Return all benefit."""
        return self._money(AccountKind.BENEFIT)

    def _money(self, kind: AccountKind) -> float:
        return self.of(*(code for code, account in BY_CODE.items() if account.kind == kind))


def over(case: Case, *, months: int) -> Totals:
    """Return the totals of the first months of a case, whatever its horizon."""
    return Totals(base.project(case, months=months))


def ratio(numerator: float, denominator: float, *, reason: Reason = Reason.NO_VOLUME) -> Figure:
    """Return a quotient, undefined for the given reason where the denominator is not positive."""
    return Figure(numerator / denominator) if denominator > 0 else undefined(reason)
