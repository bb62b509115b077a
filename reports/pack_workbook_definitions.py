"""What every figure of a pack's workbook means, on a sheet of its own, with what the figures were computed from."""

from collections.abc import Mapping
from typing import Any

from reports.pack_workbook_cells import set_paper

DEFINITIONS = (
    (
        "Figures through",
        "Newest closed and complete month up to the month of the report; all figures are to its end.",
    ),
    ("Cost to date", "TCO: the sum of all one-time and run cost since the investment's first month."),
    ("Benefit claimed", "The amount in the ledger."),
    (
        "Benefit supported",
        "Its part that evidence supports; without a study, claimed × the portfolio's asserted share.",
    ),
    ("Benefit cashable", "Supported × the realization rate of the account: what becomes cash."),
    ("Net", "Benefit − cost."),
    (
        "ROI to date",
        "(ΣB − ΣC) / ΣC on supported benefit. Undefined where ΣC ≤ 0. Totals: of the sums, never a mean.",
    ),
    (
        "Incremental ROI",
        "(ΣB − ΣR) / ΣR over the last three closed, complete months, R being avoidable run cost.",
    ),
    ("Operating margin", "ΣB − ΣR over the same three months."),
    (
        "NPV",
        "One-time cost at the start of its month, run cost and benefit at its end, at the discount rate.",
    ),
    ("NPV at the hurdle", "The same at the hurdle rate."),
    ("IRR per year", "Monthly IRR of those flows, (1 + i)^12 − 1. Only for the last closed month."),
    (
        "Payback",
        "Months until cumulative benefit covers cumulative cost, interpolated in the month of breakeven.",
    ),
    ("Breakeven month", "First month with ΣB ≥ ΣC and ΣC > 0; equality counts."),
    ("Status", "The most urgent open alert, else how far the investment has come."),
    (
        "Portfolio",
        "All that is recorded to the end of the month of the report, as the portfolio view adds it up. Benefit is "
        "before, net and ROI are after what benefit pools leave out: claims of members above what they may together.",
    ),
    (
        "Total of the rows shown",
        "SUBTOTAL formulas: they follow the filter, and know no pools. Different currencies are never added.",
    ),
    ("n/a", "Undefined, never zero; the PDF names the reason."),
)


def write(book: Any, styles: Mapping[str, Any], content: Mapping[str, Any], content_hash: str) -> None:
    """Write the sheet."""
    page = book.add_worksheet("Definitions")
    page.hide_gridlines(2)
    set_paper(page)
    page.set_column(0, 0, 24)
    page.set_column(1, 1, 110)
    page.write_string(0, 0, "Definitions", styles["title"])
    view = content["view"]
    facts = (
        ("Currency", content["currency"]),
        ("Month", f"{view['month']}, compared with {view['before_month']}"),
        ("As known on", f"{view['as_of']}, knowledge time {view['knowledge']}"),
        ("Engine version", str(content["engine"])),
        ("Content hash (SHA-256)", content_hash),
    )
    overlap = ("Left out by pools", content["totals"]["supported"]["overlap"])
    for at, (term, meaning) in enumerate((*facts, overlap, *DEFINITIONS), start=2):
        page.write_string(at, 0, term, styles["wrap"])
        page.write_string(at, 1, meaning, styles["wrap"])
