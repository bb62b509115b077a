"""The sheet of definitions: what every figure means, the conventions, and what the codes of missing figures say."""

from reports.case_workbook_book import Book
from reports.case_workbook_cells import choose, equals, text
from roi.engine.result import Reason
from roi.usecases import wording
from roi.usecases.base import LONGEST_CASE
from roi.usecases.values import Formula

NAME = "Definitions"
REASONS = (
    Reason.NO_COST_YET,
    Reason.NON_POSITIVE_BASE,
    Reason.NEVER_PAYS_BACK,
    Reason.NOT_REACHED,
    Reason.IRR_NO_SIGN_CHANGE,
    Reason.IRR_NO_ROOT,
    Reason.IRR_MULTIPLE,
    Reason.NO_VOLUME,
    Reason.OVERFLOW,
)
_FIRST = 4
_FIGURES = (
    (
        "Total cost",
        "Run cost and one-time cost of months 1 to the horizon.",
    ),
    (
        "Total value",
        "Benefit of the same months, as planned: nobody has measured it yet.",
    ),
    (
        "Net benefit",
        "Total value less total cost.",
    ),
    (
        "ROI",
        "Net benefit / total cost, not discounted. Missing where total cost is 0 or less.",
    ),
    (
        "Payback",
        "One-time cost / monthly net where all 120 months are alike; otherwise months before the "
        "breakeven month + what is not covered at its start / its benefit less run cost.",
    ),
    (
        "Breakeven month",
        "First month at whose end benefit to date is at least cost to date; equality counts.",
    ),
    (
        "Discounted payback",
        "The same, interpolated, on present values at the discount rate.",
    ),
    (
        "NPV",
        "Sum of benefit less run cost, discounted from the end of its month, less one-time cost, "
        "discounted from the start of its month. At the discount rate, and at the hurdle rate.",
    ),
    (
        "IRR",
        "Monthly rate at which the NPV of the flows to the horizon is 0, per year: (1+i)^12 - 1. All "
        "rates are counted: with several, it is given only where exactly one is positive and the net to "
        "date turns once, from loss to gain.",
    ),
    (
        "MIRR",
        "[worth of inflows at the horizon / worth of outflows at the start]^(1/months) - 1, both at the "
        "discount rate, per year.",
    ),
    (
        "Cost per unit",
        "Cost to the horizon / volume to the horizon; loaded with one-time cost, or run cost only.",
    ),
)
_CONVENTIONS = (
    (
        "Month",
        f"Month 1 is the first of the case. The plan has {LONGEST_CASE} months; those after the horizon "
        "count only for payback and breakeven, which look beyond it.",
    ),
    (
        "Rates",
        "Annual and effective. Monthly: (1+r)^(1/12) - 1, never r/12.",
    ),
    (
        "Signs",
        "Costs and benefits positive; credits negative; parentheses are negative amounts.",
    ),
    (
        "Rounding",
        "Money is rounded to six decimals once per line and month; the product rounds a tie to the even "
        "digit, a spreadsheet away from 0. Totals agree to the cent.",
    ),
    (
        "Missing",
        "A figure that is not defined says n/a and why. It is never 0.",
    ),
    (
        "Roots of IRR",
        "Two rates within one step of the scan (0.13 percent a month around 0) are not told apart here; "
        "the product does.",
    ),
    (
        "As exported",
        "Figures that a template adds of its own are values of the day of export. They say n/a once an "
        "input differs from its exported value.",
    ),
    (
        "Protection",
        "Formulas are protected without a password, so that they are not overwritten by accident.",
    ),
)
_FIRST_REASON = _FIRST + len(_FIGURES) + len(_CONVENTIONS) + 3


def write(book: Book) -> None:
    """Write the sheet."""
    sheet = book.sheet(NAME)
    sheet.page.set_column(0, 0, 24)
    sheet.page.set_column(1, 1, 120)
    sheet.words(0, 0, "Definitions", "title")
    row = _FIRST - 1
    for heading, entries in (
        ("Figures", _FIGURES),
        ("Conventions", _CONVENTIONS),
        ("Why a figure is missing", [(one.value, wording.why(one)) for one in REASONS]),
    ):
        sheet.section(row, heading, columns=2)
        for below, (term, meaning) in enumerate(entries, start=1):
            sheet.words(row + below, 0, term, "wrap_strong")
            sheet.words(row + below, 1, meaning, "wrap")
        row += len(entries) + 1
    sheet.protect()


def meaning(code: Formula) -> Formula:
    """Return the words for the reason in a cell."""
    last = _FIRST_REASON + len(REASONS) - 1
    words, codes = (f"{NAME}!${letter}${_FIRST_REASON}:${letter}${last}" for letter in "BA")
    told = wording.why(Reason(code.value)) if code.value else ""
    found = Formula(f"INDEX({words},MATCH({code.text},{codes},0))", value=told)
    return choose(equals(code, text("")), text(""), found)
