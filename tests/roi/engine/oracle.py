"""The definitions written out slowly: one investment, one month, exact fractions. Shares no engine code."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Row:
    """One investment's months in micro-units."""

    benefit: list[int]
    run: list[int]
    one_time: list[int]
    complete: list[bool]  # every month is closed; an incomplete one is a gap
    window: int = 3


def roi(row: Row, month: int) -> Fraction | str:
    cost = sum(row.run[:month]) + sum(row.one_time[:month])
    if not all(row.complete[:month]):
        return "missing_actuals"
    if cost <= 0:
        return "no_cost_yet" if cost == 0 else "non_positive_base"
    return Fraction(sum(row.benefit[:month]) - cost, cost)


def is_reached(row: Row, month: int) -> bool:
    cost = sum(row.run[:month]) + sum(row.one_time[:month])
    return cost > 0 and sum(row.benefit[:month]) >= cost


def breakeven(row: Row, month: int) -> int | str:
    if not all(row.complete[:month]):
        return "missing_actuals"
    return next((m for m in range(1, month + 1) if is_reached(row, m)), "not_reached")


def last_crossing(row: Row, month: int) -> int | str:
    if not all(row.complete[:month]):
        return "missing_actuals"
    ups = [m for m in range(1, month + 1) if is_reached(row, m) and not (m > 1 and is_reached(row, m - 1))]
    return ups[-1] if ups else "not_reached"


def payback(row: Row, month: int) -> Fraction | str:
    """Return the interpolated payback, or the month's end where interpolation has no meaning."""
    at = breakeven(row, month)
    if isinstance(at, str):
        return at
    before = sum(row.run[: at - 1]) + sum(row.one_time[: at - 1]) - sum(row.benefit[: at - 1])
    missing = before + row.one_time[at - 1]
    net = row.benefit[at - 1] - row.run[at - 1]
    return at - 1 + Fraction(missing, net) if 0 < missing <= net else Fraction(at)


def window_months(row: Row, month: int) -> list[int] | str:
    if not row.complete[month - 1]:
        return "missing_actuals"
    known = [m for m in range(month) if row.complete[m]]
    return known[-row.window :] if len(known) >= row.window else "window_incomplete"


def incremental_roi(row: Row, month: int) -> Fraction | str:
    months = window_months(row, month)
    if isinstance(months, str):
        return months
    run = sum(row.run[m] for m in months)
    return Fraction(sum(row.benefit[m] for m in months) - run, run) if run > 0 else "non_positive_base"


def operating_margin(row: Row, month: int) -> int | str:
    months = window_months(row, month)
    return months if isinstance(months, str) else sum(row.benefit[m] - row.run[m] for m in months)


def npv(row: Row, month: int, annual: float) -> float | str:
    if not all(row.complete[:month]):
        return "missing_actuals"
    growth: float = (1 + annual) ** (1 / 12)
    return sum(
        (row.benefit[m] - row.run[m]) / growth ** (m + 1) - row.one_time[m] / growth**m for m in range(month)
    )


def flows(row: Row, month: int) -> list[int]:
    """Return the flows at the ends of months 0..month."""
    return [
        (row.benefit[m - 1] - row.run[m - 1] if m else 0) - (row.one_time[m] if m < month else 0)
        for m in range(month + 1)
    ]
