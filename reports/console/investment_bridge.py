"""Why ROI moved: the bridge of a month against the month before it, in money and in points, as a table with bars."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from portfolio.knowledge import with_one_view
from portfolio.terms import Basis, format_month, from_micros, parse_month
from reports.console import figures
from reports.console.standing import Standing
from roi import bridges
from roi.bridges import Explanation
from roi.engine import bridge, wording
from roi.engine.bridge import Bridge, Cause
from roi.engine.result import Reason

Context = dict[str, Any]

_PLACES = 2
CAUSES: Mapping[Cause, tuple[str, str]] = {
    Cause.ANOTHER_MONTH: ("Another month", "one more month like the earlier one"),
    Cause.VOLUME: ("Volume", "more or less of what is counted"),
    Cause.PRICE: ("Price", "cost or worth of one unit"),
    Cause.MIX: ("Mix", "a different mix of lines within an account"),
    Cause.QUALITY: ("Quality", "the share that succeeds, or fails"),
    Cause.OTHER: ("No quantity", "lines that follow no recorded quantity"),
    Cause.ATTRIBUTION: ("Attribution", "the share of the benefit that counts"),
    Cause.ONE_TIME: ("One-time cost", "spent once, in one month or the other"),
    Cause.FX: ("Exchange rates", "the month's rates"),
    Cause.RESTATEMENT: ("Restatement", "earlier months, changed since they were first closed"),
    Cause.ALLOCATION: ("Allocation", "shared cost that is assigned"),
}
_WHY: Mapping[Reason, str] = {
    Reason.NO_HISTORY: "A bridge leads from one closed, complete month to the next. There are no two of them yet.",
    Reason.MISSING_ACTUALS: "This month, or the one before it, is not closed and complete.",
}


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return the bridge of the month and basis in the address, else of the newest month."""
    basis = Basis(query["basis"]) if query.get("basis") in list(Basis) else Basis.SUPPORTED
    try:
        month = parse_month(query.get("month", ""))
    except ValueError:
        month = None
    investment = stands.investment
    found = with_one_view(
        lambda: bridges.explain(investment, month=month, basis=basis, knowledge=stands.knowledge)
    )
    shown: Context = {
        "basis": basis.value,
        "bases": [one.value for one in Basis],
        "months": found.months[::-1],
        "chosen": found.month,
    }
    if isinstance(found.of_month, Reason):
        return shown | {"why": _WHY.get(found.of_month, figures.why(found.of_month))}
    return shown | _explained(found, found.of_month)


def _explained(found: Explanation, of_month: Bridge) -> Context:
    to_date = found.to_date if isinstance(found.to_date, Bridge) else None
    months = [format_month(month) for month in (found.before, found.month) if month]
    return {
        "before": months[0],
        "after": months[1],
        "was_shown": found.shown_at is not None,
        "headline": _headline(of_month, to_date, months),
        "why_not_to_date": figures.why(found.to_date) if isinstance(found.to_date, Reason) else "",
        "ends": [
            _end(f"{months[0]}{', as first shown' if found.shown_at else ''}", of_month, to_date, at=0),
            _end(months[1], of_month, to_date, at=1),
        ],
        "rows": _rows(of_month, to_date),
        "accounts": _accounts(found, of_month),
        "used": [CAUSES[step.cause][0] for step in of_month.steps if step.accounts],
    }


def _headline(of_month: Bridge, to_date: Bridge | None, months: Sequence[str]) -> str:
    """Return what happened in one or two sentences."""
    change = from_micros(of_month.end.net - of_month.start.net)
    cause = CAUSES[of_month.main_cause][0].lower() if of_month.main_cause else ""
    verb = "rose" if change > 0 else "fell" if change < 0 else "did not change"
    text = f"Net benefit of the month {verb}"
    if change:
        text += f" by {figures.money_text(abs(change))} from {months[0]} to {months[1]}; main cause: {cause}"
    if to_date is None or to_date.start.roi is None or to_date.end.roi is None:
        return f"{text}."
    ends = [figures.percent_text(float(roi)) for roi in (to_date.start.roi, to_date.end.roi)]
    return f"{text}. ROI to date went from {ends[0]} to {ends[1]}."


def _end(title: str, of_month: Bridge, to_date: Bridge | None, *, at: int) -> Context:
    state = (of_month.start, of_month.end)[at]
    whole = (to_date.start, to_date.end)[at] if to_date else None
    roi = whole.roi if whole else None
    return {
        "title": title,
        "net": figures.money(from_micros(state.net)),
        "to_date": figures.money(from_micros(whole.net) if whole else None, reason=Reason.MISSING_ACTUALS),
        "roi": figures.percent(None if roi is None else float(roi), reason=_roi_reason(to_date)),
    }


def _roi_reason(to_date: Bridge | None) -> Reason:
    return (to_date.roi_reason or Reason.NON_POSITIVE_BASE) if to_date else Reason.MISSING_ACTUALS


def _rows(of_month: Bridge, to_date: Bridge | None) -> list[Context]:
    """Return a row a cause: its effect on the month, to date, in points, and its bar in the waterfall of the month."""
    by_cause = {step.cause: step for step in of_month.steps}
    whole = {step.cause: step for step in to_date.steps} if to_date else {}
    points = bridge.points(to_date, places=_PLACES) if to_date else None
    of_step = dict(zip(whole, points, strict=True)) if points else {}
    bars = _bars(of_month)
    rows = []
    for cause, (title, note) in CAUSES.items():
        step, sum_step = by_cause.get(cause), whole.get(cause)
        rows.append(
            {
                "title": title,
                "note": note,
                "net": figures.money(from_micros(step.net)) if step else "",
                "to_date": figures.money(
                    from_micros(sum_step.net) if sum_step else None, reason=Reason.MISSING_ACTUALS
                ),
                "points": _points(of_step.get(cause), _roi_reason(to_date)),
                "bar": bars.get(cause),
            }
        )
    return rows


def _points(value: Decimal | None, reason: Reason) -> SafeString:
    if value is None:
        return figures.missing(reason)
    text = f"{wording.signed(value, f',.{_PLACES}f')} pp" if value else "–"
    return format_html('<span class="h-num{}">{}</span>', " h-neg" if value < 0 else "", text)


def _bars(found: Bridge) -> dict[Cause, Context]:
    """Return each step's place between the lowest and the highest running total, in percent of the width."""
    running = [found.start.net]
    for step in found.steps:
        running.append(running[-1] + step.net)
    low, high = min(running), max(running)
    scale = 100 / (high - low) if high > low else 0.0
    return {
        step.cause: {
            "left": f"{(min(ends) - low) * scale:.2f}",
            "width": f"{abs(step.net) * scale:.2f}",
            "tone": "good" if step.net > 0 else "critical",
        }
        for step, ends in zip(found.steps, pairwise(running), strict=True)
        if step.net
    }


def _accounts(found: Explanation, of_month: Bridge) -> list[Context]:
    """Return a row an account, with its effect by each cause that did anything, and in total."""
    codes = sorted({code for step in of_month.steps for code in step.accounts})
    steps = [step for step in of_month.steps if step.accounts]
    return [
        {
            "name": found.accounts.get(code, code),
            "cells": [figures.money(from_micros(step.accounts.get(code, 0))) for step in steps],
            "total": figures.money(from_micros(sum(step.accounts.get(code, 0) for step in steps))),
        }
        for code in codes
    ]
