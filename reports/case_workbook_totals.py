"""The lower half of the plan's sheet: totals by month, what they add up to, and what that is worth at the start."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from portfolio.terms import MAX_AMOUNT
from reports.case_workbook_cells import both, choose, flag, rounded
from reports.case_workbook_rows import PlanMonth, Row, Writer
from roi.usecases.values import Formula, formula

_MOST = float(MAX_AMOUNT)


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Totals of the plan by month, in currency units, (120,); truths are 1 and 0."""

    benefit: Row
    run_cost: Row
    one_time_cost: Row
    operating: Row  # benefit less run cost
    net: Row
    cumulative_benefit: Row
    cumulative_run: Row
    cumulative_one_time: Row
    cumulative_cost: Row
    cumulative_net: Row
    is_in_range: Row  # no line has left the range of the ledger by this month
    is_covered: Row
    crossing: Row  # the month, where cost comes to be covered in it; else 0


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """Present values to date at the start of month 1, (120,)."""

    factor: Row
    at_discount: Row
    at_hurdle: Row
    is_covered: Row


def write(
    writer: Writer, *, lines: Sequence[Row], benefit: list[Row], run: list[Row], one_time: list[Row]
) -> Totals:
    """Write the totals of the lines above; each group of lines stands together."""
    writer.section("Totals")
    gain = writer.write("Benefit", lambda m: _sum(benefit, m), name="benefit")
    cost = writer.write("Run cost", lambda m: _sum(run, m), name="run_cost")
    once = writer.write("One-time cost", lambda m: _sum(one_time, m), name="one_time_cost")
    operating = writer.write(
        "Benefit less run cost", lambda m: rounded(gain.of(m) - cost.of(m)), name="operating"
    )
    net = writer.write("Net", lambda m: rounded(operating.of(m) - once.of(m)), name="net", style="total")
    to_date = _to_date(writer, gain, cost, once)
    total = writer.running("Net to date", _adding(net), name="cumulative_net", style="total", total="last")
    in_range = _in_range(writer, lines)
    covered = _covered(writer, "Cost is covered (1) or not (0)", total, to_date[-1], in_range)
    crossing = writer.running(
        "Month in which it comes to be covered",
        lambda m, _: choose(_turns(covered, m), PlanMonth(m), 0),
        name="crossing", number="0", total="",
    )  # fmt: skip
    return Totals(gain, cost, once, operating, net, *to_date, total, in_range, covered, crossing)


def write_worth(writer: Writer, totals: Totals) -> Worth:
    """Write present values: one-time cost at the start of its month, run cost and benefit at its end."""
    writer.section("Worth at the start of month 1")
    factor, worth = _discounted(writer, totals, rate=writer.inputs.discount_rate, kind="discount")
    _, at_hurdle = _discounted(writer, totals, rate=writer.inputs.hurdle_rate, kind="hurdle")
    label = "Cost is covered, discounted (1) or not (0)"
    covered = _covered(writer, label, worth, totals.cumulative_cost, totals.is_in_range)
    return Worth(factor, worth, at_hurdle, covered)


def _sum(rows: Sequence[Row], month: int) -> Formula:
    """Return the sum over rows that stand below each other."""
    if not rows:
        return formula(0)
    return rounded(Formula(f"SUM({_span(rows, month)})", value=float(_values(rows, month).sum())))


def _span(rows: Sequence[Row], month: int) -> str:
    return f"{rows[0].of(month).text}:{rows[-1].of(month).text}"


def _values(rows: Sequence[Row], month: int) -> np.ndarray:
    return np.array([row.cells.values[month - 1] for row in rows])


def _to_date(writer: Writer, gain: Row, cost: Row, once: Row) -> tuple[Row, Row, Row, Row]:
    def write(label: str, name: str, *parts: Row) -> Row:
        return writer.running(label, _adding(*parts), name=name, total="last")

    return (
        write("Benefit to date", "cumulative_benefit", gain),
        write("Run cost to date", "cumulative_run", cost),
        write("One-time cost to date", "cumulative_one_time", once),
        write("Cost to date", "cumulative_cost", cost, once),
    )


def _adding(*parts: Row) -> Callable[[int, Formula | None], Formula]:
    """Return what a row adds up to month by month: the cell to the left and this month's parts."""

    def each(month: int, left: Formula | None) -> Formula:
        added = parts[0].of(month) if left is None else left + parts[0].of(month)
        for part in parts[1:]:
            added = added + part.of(month)
        return rounded(added)

    return each


def _in_range(writer: Writer, lines: Sequence[Row]) -> Row:
    """Write until which month all lines stay in the range of the ledger; the product's outlook ends there."""
    limit = formula(_MOST).text

    def each(month: int, left: Formula | None) -> Formula:
        span, values = _span(lines, month), np.abs(_values(lines, month))
        inside = Formula(
            f"AND(MAX({span})<={limit},MIN({span})>=-{limit})", value=bool((values <= _MOST).all())
        )
        return choose(inside, 1 if left is None else left, 0)

    return writer.running(
        "Within the range of the ledger (1)", each, name="is_in_range", number="0", total=""
    )


def _covered(writer: Writer, label: str, worth: Row, cost: Row, in_range: Row) -> Row:
    def each(month: int) -> Formula:
        return flag(both(worth.of(month) >= 0, cost.of(month) > 0, in_range.of(month) > 0))

    name = "is_covered" if "discounted" not in label else "is_worth_covered"
    return writer.write(label, each, name=name, number="0", total="")


def _turns(covered: Row, month: int) -> Formula:
    is_covered = covered.of(month) > 0
    return is_covered if month == 1 else both(is_covered, covered.of(month - 1) <= 0)


def _discounted(writer: Writer, totals: Totals, *, rate: Formula, kind: str) -> tuple[Row, Row]:
    factor = writer.write(
        f"Factor at the {kind} rate, end of month",
        lambda m: (1 + rate) ** ((0 - PlanMonth(m)) / 12),
        name=f"factor_{kind}", number="0.000000", total="",
    )  # fmt: skip

    def present(month: int) -> Formula:
        start = factor.of(month - 1) if month > 1 else formula(1)
        operating, one_time = totals.operating.of(month), totals.one_time_cost.of(month)
        return rounded(operating * factor.of(month) - one_time * start)

    value = writer.write(f"Present value at the {kind} rate", present, name=f"present_{kind}")
    worth = writer.running(
        f"Present value to date at the {kind} rate", _adding(value),
        name=f"worth_{kind}", style="total", total="last",
    )  # fmt: skip
    return factor, worth
