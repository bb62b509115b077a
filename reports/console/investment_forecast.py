"""The forecast tab of an investment: plan, actual and forecast, how likely what is, and how good forecasts were."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from portfolio.access import Action
from portfolio.knowledge import with_one_view
from reports.console import assets, figures, investment_door, pages
from reports.console.plans_variance import signed
from reports.console.standing import Standing
from roi import charts, forecasts, what_if_charts
from roi.engine.result import Reason
from roi.forecasts import content, outlook

Context = dict[str, Any]
Plain = Mapping[str, Any]

RULES = {
    "breakeven_reached": "Breakeven is reached",
    "breakeven_lost": "Breakeven is lost again",
    "breakeven_overdue": "Breakeven is overdue",
    "hurdle_rate": "Incremental ROI falls below the hurdle",
    "negative_roi": "Incremental ROI turns negative",
}
MEASURES = {
    "benefit": "Benefit",
    "run_cost": "Run cost",
    "net": "Net",
    "cumulative_net": "Net to date",
    "volume": "Volume",
}
SIDES = {"cost": "Cost", "benefit": "Benefit", "net": "Net"}
NOTHING_SCORED = "No scores yet: a forecast is scored when one of its months is closed and complete."
NOT_SCORED_THEN = "Scores follow the newest actuals; they are shown of today alone."
NOT_REACHED = "The line does not reach this month."
MADE = "The forecast is made; it stands on {} closed, complete months."
NOTHING_MADE = (
    "Nothing was made: the facts have not changed since the last forecast, or there is not enough to go by: "
    "six closed, complete months in use, or an approved plan and one such month."
)


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return what the tab shows; without a stored forecast, plan and actual alone and when one will be made."""
    investment = stands.investment
    told = with_one_view(lambda: outlook.of(investment, knowledge=stands.knowledge))
    shown: Context = {
        "fan": _fan(told, stands),
        "chart_scripts": assets.chart_scripts() if told["months"] else [],
        "month_rows": [_month(row) for row in reversed(told["months"])],
        "variance": told["variance"]
        and {
            "month": told["variance"]["month"],
            "rows": [_variance(row) for row in told["variance"]["rows"]],
        },
        "years": [_year(row) for row in told["multi_year"]] if told["is_one_time_significant"] else [],
        "calibration": [_calibration(row) for row in told["calibration"]],
        "nothing_scored": NOTHING_SCORED if stands.knowledge is None else NOT_SCORED_THEN,
        "forecast": None,
    }
    return shown | ({"forecast": _forecast(told["forecast"])} if told["forecast"] else {})


def _fan(told: Plain, stands: Standing) -> Context | None:
    rows = told["months"]
    if not rows:
        return None
    forecast = told["forecast"]
    origin = forecast["last_month"] if forecast else None
    # The fan opens at the last actual, so that the lines meet.
    joined = [
        row | dict.fromkeys(("p10", "p50", "p90"), row["actual"]) if row["month"] == origin else row
        for row in rows
    ]
    reached = stands.breakeven()
    projected = forecast["crossings"]["breakeven_reached"]["p50"] if forecast else None
    spec = what_if_charts.forecast_fan(
        [{name: _plain(value) for name, value in row.items()} for row in joined],
        currency=told["currency"],
        title="Cumulative net",
        breakeven=f"{reached:%Y-%m}" if reached else projected,
    )
    payload = {"spec": spec, "themes": {name: charts.theme(name) for name in ("light", "dark")}}
    return {"payload": payload, "text": spec["description"]}


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _month(row: Plain) -> Context:
    names = ("plan", "actual", "p10", "p50", "p90")
    return {"month": row["month"], "cells": [_amount(row[name]) for name in names]}


def _amount(value: Decimal | float | None) -> SafeString | str:
    """Return an amount, or nothing in a month the line does not reach."""
    return "" if value is None else figures.money(Decimal(str(value)))


def _variance(row: Plain) -> Context:
    reason = Reason(row["reason"]) if row["reason"] else ""
    return {
        "title": SIDES[row["measure"]],
        "cells": [
            figures.money(row["plan"], reason=reason),
            figures.money(row["actual"]),
            figures.missing(reason) if row["better"] is None else signed(row["better"]),
        ],
    }


def _year(row: Plain) -> Context:
    shown = _month(row)
    return shown | {
        "years": row["months"] // 12,
        "cells": [cell or figures.missing(NOT_REACHED) for cell in shown["cells"]],
    }


def _calibration(row: Plain) -> Context:
    return {
        "measure": MEASURES[row["measure"]],
        "step": row["step"],
        "n": row["n"],
        "coverage": figures.percent(row["coverage"]),
        "bias": figures.percent(
            row["bias"], reason="Nothing but zeros came, so there is no size to compare with."
        ),
    }


def _forecast(stored: Plain) -> Context:
    probabilities = stored["probabilities"]
    return {
        "made_at": stored["made_at"],
        "knowledge": stored["knowledge"],
        "last_month": stored["last_month"],
        "sentence": stored["sentence"],
        "is_plan": stored["method"] == "plan_scaled",
        "count": stored["extrapolated_months"],
        "at": probabilities["at"],
        "chances": _chances(stored),
        "by_month": _by_month(stored),
        "crossings": [_crossing(title, stored["crossings"][rule]) for rule, title in RULES.items()],
    }


def _chances(stored: Plain) -> list[Context]:
    """Return what is likely at the end of the forecast, each in figures and in words."""
    found = stored["probabilities"]
    hurdle = figures.percent_text(stored["hurdle_rate"])
    asked = (
        (f"ROI is at least 0 by {found['at']}", found["roi"]),
        (f"NPV at the hurdle rate ({hurdle}) is at least 0 by {found['at']}", found["npv_hurdle"]),
        (f"Incremental ROI is at least {hurdle} in {found['at']}", found["hurdle_by_month"][-1]),
        (f"Breakeven is reached by {found['at']}", found["breakeven_by_month"][-1]),
    )
    return [{"title": title, "value": _share(one), "words": in_words(one["value"])} for title, one in asked]


def _share(one: Plain) -> SafeString:
    return figures.percent(one["value"], reason=Reason(one["reason"]) if one["reason"] else "")


def in_words(share: float | None) -> str:
    """Return how likely a share of the paths is, in words; nothing where there is none."""
    if share is None:
        return ""
    scale = (
        (0.01, "as good as excluded"),
        (0.1, "very unlikely"),
        (1 / 3, "unlikely"),
        (2 / 3, "about as likely as not"),
        (0.9, "likely"),
        (0.99, "very likely"),
    )
    return next((words for limit, words in scale if share < limit), "as good as certain")


def _by_month(stored: Plain) -> list[Context]:
    found = stored["probabilities"]
    by_month = zip(stored["months"], found["breakeven_by_month"], found["hurdle_by_month"], strict=True)
    return [{"month": month, "cells": [_share(one) for one in shares]} for month, *shares in by_month]


def _crossing(title: str, found: Plain) -> Context:
    reasons = found["reasons"]
    cells = [
        figures.missing(Reason(reasons[name])) if found[name] is None else found[name]
        for name in ("p10", "p50", "p90")
    ]
    return {"title": title, "cells": cells, "why": _why(reasons)}


def _why(reasons: Mapping[str, str]) -> str:
    """Return in words why percentiles have no month."""
    if not reasons:
        return ""
    codes = set(reasons.values())
    if codes != {Reason.NOT_REACHED.value}:
        return " ".join(figures.why(Reason(code)) for code in sorted(codes - {Reason.NOT_REACHED.value}))
    if len(reasons) == len(content.NAMES):
        return "In nine of ten paths it does not happen before the end of the forecast."
    return "In part of the paths it does not happen before the end of the forecast."


@require_POST
def make(request: HttpRequest, code: str) -> HttpResponseBase:
    """Make the investment's forecast now; for those who may record its facts."""
    investment = investment_door.found(request, code, Action.RECORD)
    if forecasts.refresh([investment.pk], now=timezone.now()):
        found = outlook.newest(investment)
        count = found.content["extrapolated_months"] if found else 0
        messages.success(request, MADE.format(count))
    else:
        messages.info(request, NOTHING_MADE)
    return redirect(investment_door.tab(investment, "forecast"))


pages.add("investments/<str:code>/forecast/", make, "reports_forecast_now")
