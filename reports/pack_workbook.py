"""A pack as a workbook: typed figures under a filter, totals that follow it, and what every figure means."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from alerts import wording
from portfolio.terms import Basis
from reports import pack_numbers, pack_totals_words, pack_workbook_definitions
from reports.console import status
from reports.pack_workbook_cells import HEAD_HEIGHT, plain, set_paper, styles_of, write, write_list

Json = Mapping[str, Any]

# Heading, kind of cell, width, and whether a total of it makes sense.
_COLUMNS: tuple[tuple[str, str, int, bool], ...] = (
    ("Code", "text", 16, False),
    ("Investment", "text", 34, False),
    ("Owner", "text", 18, False),
    ("Unit", "text", 16, False),
    ("Status", "text", 20, False),
    ("Status before", "text", 20, False),
    ("Figures through", "month", 11, False),
    ("Cost to date", "money", 14, True),
    ("Benefit claimed", "money", 14, True),
    ("Benefit supported", "money", 14, True),
    ("Benefit cashable", "money", 14, True),
    ("Net supported", "money", 14, True),
    ("ROI to date", "percent", 10, False),
    ("ROI before", "percent", 10, False),
    ("Incremental ROI", "percent", 12, False),
    ("Operating margin", "money", 14, True),
    ("NPV", "money", 14, True),
    ("NPV at the hurdle", "money", 14, True),
    ("IRR per year", "percent", 10, False),
    ("Payback, months", "number", 10, False),
    ("Breakeven month", "month", 11, False),
    ("Run cost of the window", "money", 14, True),
    ("Open alerts", "text", 34, False),
    ("Next review", "day", 12, False),
)
_PORTFOLIO_ROW, _HEAD_ROW = 2, 4


def render(content: Json, labels: Json, *, title: str, content_hash: str) -> bytes:
    """Return the workbook."""
    file = BytesIO()
    book = xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    # The same report is the same file, whenever it is written.
    book.set_properties(
        {"title": title, "created": datetime.fromisoformat(content["view"]["as_of"]).replace(tzinfo=None)}
    )
    styles = styles_of(book)
    _investments(book, styles, content, labels, title)
    _months(book, styles, content, labels)
    write_list(book, styles, "Reviews", _REVIEWS, _reviews(labels))
    write_list(book, styles, "Decisions", _DECISIONS, _decisions(content, labels))
    pack_workbook_definitions.write(book, styles, content, content_hash)
    book.close()
    return file.getvalue()


def _investments(book: Any, styles: Mapping[str, Any], content: Json, labels: Json, title: str) -> None:
    page = book.add_worksheet("Investments")
    # One page would be too small to read; code and name come again on the second.
    set_paper(page, pages_wide=2)
    page.repeat_rows(_HEAD_ROW)
    page.repeat_columns(0, 1)
    page.set_row(_HEAD_ROW, HEAD_HEIGHT)
    page.hide_gridlines(2)
    page.write_string(0, 0, f"{title}: {plain(labels['portfolio']['name'])}", styles["title"])
    page.write_string(1, 0, _said_of(content), styles["note"])
    _portfolio(page, styles, content)
    rows = [(one, labels["investments"][one["id"]]) for one in content["investments"]]
    rows.sort(key=lambda each: each[1]["code"])
    first, last = _HEAD_ROW + 1, _HEAD_ROW + max(1, len(rows))
    page.write_string(_HEAD_ROW - 1, 1, "Total of the rows shown", styles["total_text"])
    for column, (heading, kind, width, has_total) in enumerate(_COLUMNS):
        page.set_column(column, column, width)
        page.write_string(_HEAD_ROW, column, heading, styles["head" if kind == "text" else "head_right"])
        if has_total:
            letter = xl_col_to_name(column)
            total = sum((_amount(_cells(*row)[column]) for row in rows), Decimal(0))
            page.write_formula(
                _HEAD_ROW - 1,
                column,
                f"=SUBTOTAL(109,{letter}{first + 1}:{letter}{last + 1})",
                styles["total"],
                float(total),
            )
    _total_roi(page, styles, rows)
    for at, row in enumerate(rows, start=first):
        for column, value in enumerate(_cells(*row)):
            write(page, at, column, value, _COLUMNS[column][1], styles)
    page.autofilter(_HEAD_ROW, 0, last, len(_COLUMNS) - 1)
    page.freeze_panes(_HEAD_ROW + 1, 2)


def _portfolio(page: Any, styles: Mapping[str, Any], content: Json) -> None:
    """Write the portfolio's own totals, after benefit pools; they follow no filter."""
    names = [heading for heading, *_ in _COLUMNS]
    found, before = content["totals"], content["totals_before"]
    month = wording.month(content["view"]["month"])
    page.write_string(_PORTFOLIO_ROW, 1, f"Portfolio to {month}, after pools", styles["total_text"])
    supported = found["supported"]
    cells = (
        ("Cost to date", found["cost"]),
        *((f"Benefit {basis.value}", found[basis.value]["benefit"]) for basis in Basis),
        ("Net supported", supported["net"]),
    )
    for heading, amount in cells:
        page.write_number(_PORTFOLIO_ROW, names.index(heading), float(amount), styles["total"])
    for heading, roi in (("ROI to date", supported["roi"]), ("ROI before", before["supported"]["roi"])):
        value = float(roi["value"]) if "value" in roi else pack_numbers.NOT_AVAILABLE
        page.write(_PORTFOLIO_ROW, names.index(heading), value, styles["total_percent"])


def _total_roi(page: Any, styles: Mapping[str, Any], rows: Sequence[tuple[Json, Json]]) -> None:
    """Write the ROI of the sums of the rows that are shown: never a sum or a mean of ratios."""
    names = [heading for heading, *_ in _COLUMNS]
    cost, net, roi = (names.index(name) for name in ("Cost to date", "Net supported", "ROI to date"))
    at, below = (f"{xl_col_to_name(column)}{_HEAD_ROW}" for column in (net, cost))
    spent, earned = (
        sum((_amount(_cells(*row)[column]) for row in rows), Decimal(0)) for column in (cost, net)
    )
    page.write_formula(
        _HEAD_ROW - 1,
        roi,
        f'=IF({below}>0,{at}/{below},"{pack_numbers.NOT_AVAILABLE}")',
        styles["total_percent"],
        float(earned / spent) if spent > 0 else pack_numbers.NOT_AVAILABLE,
    )


def _cells(one: Json, names: Json) -> list[Any]:
    now = one["figures"]
    s, earlier = now.get("supported", {}), one["figures_before"].get("supported", {})
    by_basis = [now[b.value]["benefit"] if b.value in now else None for b in Basis]
    return [
        names["code"],
        names["name"],
        names["owner"],
        names["business_unit"],
        status.STATUSES[one["status"]].text,
        status.STATUSES[one["status_before"]].text if one["status_before"] else "",
        one["through"],
        now.get("tco"),
        *by_basis,
        s.get("net"),
        *(_value(each) for each in (s.get("roi"), earlier.get("roi"), s.get("incremental_roi"))),
        *(_value(s.get(name)) for name in ("operating_margin", "npv", "npv_hurdle", "irr", "payback")),
        s.get("breakeven"),
        now.get("window_run_cost"),
        ", ".join(pack_numbers.rule_title(alert["rule"]) for alert in one["alerts"]),
        names["review_date"],
    ]


def _value(found: Json | None) -> str | None:
    return str(found["value"]) if found and "value" in found else None


def _amount(value: Any) -> Decimal:
    return Decimal(0) if value is None else Decimal(value)


_MONTHS = (
    ("Code", "text", 16),
    ("Month", "month", 11),
    ("Closed", "text", 8),
    ("Complete", "text", 10),
    ("Cost of the month", "money", 14),
    ("Benefit of the month", "money", 14),
    ("Cost to date", "money", 14),
    ("Benefit to date", "money", 14),
)


def _months(book: Any, styles: Mapping[str, Any], content: Json, labels: Json) -> None:
    names = labels["investments"]
    ordered = sorted(content["investments"], key=lambda one: names[one["id"]]["code"])
    rows = [
        [
            names[one["id"]]["code"],
            m["month"],
            "yes" if m["is_closed"] else "no",
            "yes" if m["is_complete"] else "no",
            m["month_cost"],
            m["month_benefit"],
            m["cost"],
            m["benefit"],
        ]
        for one in ordered
        for m in one["months"]
    ]
    write_list(book, styles, "Months", _MONTHS, rows)


_REVIEWS = (
    ("Code", "text", 16),
    ("Investment", "text", 34),
    ("Review", "text", 22),
    ("Due", "day", 12),
    ("Days overdue", "count", 12),
)
_DECISIONS = (
    ("Code", "text", 16),
    ("Decision", "text", 16),
    ("Decided", "day", 12),
    ("By", "text", 20),
    ("Reason", "wrap", 70),
    ("Next review", "day", 12),
)


def _reviews(labels: Json) -> list[list[Any]]:
    names = labels["investments"]
    return [
        [
            names[r["investment"]]["code"],
            names[r["investment"]]["name"],
            r["kind"],
            r["due_on"],
            max(0, r["days_over"]),
        ]
        for r in labels["reviews"]
    ]


def _decisions(content: Json, labels: Json) -> list[list[Any]]:
    names = labels["investments"]
    return [
        [
            names.get(d["investment"], {"code": ""})["code"],
            d["kind"].replace("_", " "),
            d["decided_on"],
            labels["deciders"].get(d["id"], ""),
            d["reason"],
            d["next_review_on"],
        ]
        for d in content["decisions"]
    ]


def _said_of(content: Json) -> str:
    view = content["view"]
    said = (
        f"{view['month']}, amounts in {content['currency']}, as known at knowledge time {view['knowledge']}; "
        "see the sheet Definitions."
    )
    return " ".join([said, *pack_totals_words.notes(content)])
