"""Internal rate of return in cells: every root on a grid of rates is counted, and the one that counts is bisected.

Grid and rules are those of `roi.engine.roots`, in y = ln(1 + monthly rate). Two roots within one step of the grid are
not told apart here.
"""

from dataclasses import dataclass

import numpy as np

from reports.case_workbook_book import Sheet
from reports.case_workbook_cells import (
    Cells,
    at,
    both,
    choose,
    differs,
    equals,
    first,
    flag,
    reason,
    text,
    total,
)
from reports.case_workbook_table import Column, Table
from reports.case_workbook_workings import FIRST, Flows, Workings
from roi.engine.result import Floats, Reason
from roi.engine.roots import TOTAL_LOSS, grid_of_rates
from roi.usecases.values import Formula, formula, maximum

_BISECTIONS = 52
_RATE = "0.000000000"
_SCALED = "0.00E+00"


@dataclass(frozen=True, slots=True)
class Rate:
    """ln(1 + monthly IRR), and the code of why there is none, or nothing."""

    root: Formula
    reason: Formula


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    rate: Column
    worth: Column
    crosses: Column
    above_loss: Cells  # crossings at rates above a total loss
    positive: Cells  # crossings at positive rates
    skipped_loss: int  # rows of the table before those
    skipped_negative: int


def write(workings: Workings, *, column: int) -> Rate:
    """Write the scan from a column on, the bisection beside it, and return the rate."""
    scan = _scan(workings, column)
    row = workings.next_row + 1
    sheet, look = workings.sheet, workings.sheet.book.style("number", "0")

    def put(label: str, told: Formula) -> Formula:
        nonlocal row
        sheet.words(row, 0, label)
        row += 1
        return sheet.put(row - 1, 1, told, look)

    roots = put("Rates at which the flows are worth nothing", total(scan.above_loss))
    positive = put("Of them positive", total(scan.positive))
    why = put("Why there is no single rate", _reason(workings, scan, roots, positive))
    place = put("Row of the scan in which the rate lies", _place(workings, scan, roots))
    root = _bisect(sheet, workings.flows, scan, column=column + 4, place=place)
    return Rate(root, why)


def _scan(workings: Workings, column: int) -> _Scan:
    points = np.union1d(grid_of_rates(), [TOTAL_LOSS, 0.0])
    table = Table(workings.sheet, FIRST, column, len(points))
    rate = table.numbers("Scan: ln(1+rate)", lambda k: float(points[k]), number=_RATE)
    worth = table.add("NPV, scaled", lambda k: _worth(workings.flows, rate.of(k)), number=_SCALED)

    def crosses(k: int) -> Formula:
        if k == 0:
            return formula(0)
        return flag(differs(flag(worth.of(k) < 0), flag(worth.of(k - 1) < 0)))

    crossing = table.add("Crosses 0", crosses, number="0")
    loss, middle = (int(np.searchsorted(points, border)) + 1 for border in (TOTAL_LOSS, 0.0))
    above_loss, positive = (
        workings.sheet.column(FIRST + skipped, column + 2, list(crossing.cells.values[skipped:]))
        for skipped in (loss, middle)
    )
    return _Scan(rate, worth, crossing, above_loss, positive, loss, middle)


def _worth(flows: Flows, rate: Formula) -> Formula:
    """Return NPV relative to the first flow's time for y >= 0, to the last one's below: no term can overflow."""
    return choose(rate >= 0, _sum(flows, flows.from_first, rate), _sum(flows, flows.to_last, rate))


def _sum(flows: Flows, times: Cells, rate: Formula) -> Formula:
    terms: Floats = flows.flow.values * np.exp(-abs(rate.value) * times.values)
    told = f"SUMPRODUCT({flows.flow.text},EXP(-ABS({rate.text})*{times.text}))"
    return Formula(told, value=float(terms.sum()))


def _reason(workings: Workings, scan: _Scan, roots: Formula, positive: Formula) -> Formula:
    """Return the engine's reason: one sign change has one root; more have one only if they are counted so."""
    is_meant = both(equals(positive, 1), workings.is_norstrom > 0)
    several = reason((roots <= 0, Reason.IRR_NO_ROOT), (is_meant, text("")), (roots > 1, Reason.IRR_MULTIPLE))
    return reason(
        (workings.turns <= 0, Reason.IRR_NO_SIGN_CHANGE),
        (workings.turns > 1, several),
        (total(scan.crosses.cells) <= 0, Reason.IRR_NO_ROOT),
    )


def _place(workings: Workings, scan: _Scan, roots: Formula) -> Formula:
    several = choose(
        equals(roots, 1),
        first(scan.above_loss) + scan.skipped_loss,
        first(scan.positive) + scan.skipped_negative,
    )
    return maximum(choose(workings.turns <= 1, first(scan.crosses.cells), several), 2)  # type: ignore[no-any-return]


def _bisect(sheet: Sheet, flows: Flows, scan: _Scan, *, column: int, place: Formula) -> Formula:
    """Halve the step of the grid until nothing is left of it, and return the middle."""
    look, scaled = sheet.book.style("number", _RATE), sheet.book.style("number", _SCALED)
    for at_column, head in enumerate(("Bisection: low", "High", "Middle", "NPV, scaled")):
        sheet.words(FIRST - 1, column + at_column, head, "head_right")
    low, high = at(scan.rate.cells, place - 1), at(scan.rate.cells, place)
    is_low_negative = flag(at(scan.worth.cells, place - 1) < 0)
    for row in range(FIRST, FIRST + _BISECTIONS):
        low = sheet.put(row, column, low, look)
        high = sheet.put(row, column + 1, high, look)
        middle = sheet.put(row, column + 2, (low + high) / 2, look)
        worth = sheet.put(row, column + 3, _worth(flows, middle), scaled)
        is_low = equals(flag(worth < 0), is_low_negative)
        low, high = choose(is_low, middle, low), choose(is_low, high, middle)
    return middle
