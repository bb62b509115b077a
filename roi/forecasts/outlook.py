"""An investment's outlook: plan, actual and newest forecast on one axis of months, with what the forecasts are worth.

Recorded and planned money is Decimal, estimates are floats; both in the reporting currency.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from portfolio.models import Investment
from portfolio.terms import AccountKind, add_months, format_month, from_micros
from roi import inputs
from roi.engine import metrics, variance
from roi.engine.figures import Figures
from roi.engine.result import Reason
from roi.forecasts.calibrations import calibration
from roi.forecasts.content import NAMES
from roi.forecasts.preparation import BASIS
from roi.inputs import Inputs
from roi.models import Forecast

Plain = dict[str, Any]
Sums = Mapping[str, tuple[Decimal, Decimal]]  # month -> cumulative cost and benefit

YEARS = (12, 24, 36, 60)  # months from the start
# One-time cost of at least this share of the first year's cost makes a single year misleading.
SIGNIFICANT_SHARE = Decimal("0.10")
FIRST_YEAR = 12
_SIDES: tuple[tuple[str, AccountKind, Callable[[tuple[Decimal, Decimal]], Decimal]], ...] = (
    ("cost", AccountKind.COST, lambda sums: sums[0]),
    ("benefit", AccountKind.BENEFIT, lambda sums: sums[1]),
    ("net", AccountKind.BENEFIT, lambda sums: sums[1] - sums[0]),
)


def newest(investment: Investment, *, knowledge: int | None = None) -> Forecast | None:
    """Return the forecast that was made last, of facts known at a knowledge time (None: now); None without any."""
    made = Forecast.objects.filter(investment=investment)
    if knowledge is not None:
        made = made.filter(knowledge__lte=knowledge)
    return made.order_by("-id").first()


def of(investment: Investment, *, knowledge: int | None = None) -> Plain:
    """Return the outlook of one investment as known at a knowledge time (None: now).

    The caller holds one consistent view of the database.

    `months` have cumulative net: `actual` and `plan` where known, `p10`, `p50`, `p90` where forecast; else None.
    `variance` is of the newest month with actuals: better positive, worse negative. Scores follow the newest actuals,
    so a look back has no calibration.
    """
    loaded = inputs.load([investment], knowledge=knowledge)
    if not loaded.investments:
        return _nothing(investment)
    forecast = newest(investment, knowledge=knowledge)
    series = loaded.series
    figures = metrics.compute(series)
    known = figures.cumulative_reason[0] == 0
    actual = _sums(figures, loaded, (known & series.complete[0]).tolist())
    plan = _planned(loaded)
    ahead = _ahead(forecast)
    return {
        "investment": investment.code,
        "currency": investment.portfolio.reporting_currency,
        "months": _months(actual, plan, ahead),
        "variance": _variance(actual, plan),
        "forecast": _stored(forecast),
        "is_one_time_significant": _is_significant(figures, loaded),
        "multi_year": _multi_year(loaded.investments[0], actual, plan, ahead),
        "calibration": []
        if knowledge is not None
        else [asdict(one) for one in calibration([investment.portfolio_id])],
    }


def _nothing(investment: Investment) -> Plain:
    """Return the outlook of an investment that was not registered at the time looked at."""
    return {
        "investment": investment.code,
        "currency": investment.portfolio.reporting_currency,
        "months": [],
        "variance": None,
        "forecast": None,
        "is_one_time_significant": False,
        "multi_year": [],
        "calibration": [],
    }


def _sums(figures: Figures, loaded: Inputs, shown: list[bool]) -> Sums:
    first = loaded.investments[0].start_month
    benefit = figures.by_basis[BASIS].cumulative_benefit
    return {
        format_month(add_months(first, column)): (
            from_micros(int(figures.tco[0, column])),
            from_micros(int(benefit[0, column])),
        )
        for column, is_shown in enumerate(shown)
        if is_shown
    }


def _planned(loaded: Inputs) -> Sums:
    if loaded.plan is None or not loaded.has_plan[0]:
        return {}
    figures = metrics.compute(loaded.plan)
    return _sums(figures, loaded, (figures.cumulative_reason[0] == 0).tolist())


def _ahead(forecast: Forecast | None) -> dict[str, Plain]:
    """Return the forecast of cumulative net by month; a percentile that has a reason is None."""
    if forecast is None:
        return {}
    found = forecast.content["measures"]["cumulative_net"]
    return {
        month: {name: found[name][at] if found[name] is not None else None for name in NAMES}
        for at, month in enumerate(forecast.content["months"])
    }


def _months(actual: Sums, plan: Sums, ahead: Mapping[str, Plain]) -> list[Plain]:
    return [
        {
            "month": month,
            "actual": _net(actual.get(month)),
            "plan": _net(plan.get(month)),
            **ahead.get(month, dict.fromkeys(NAMES)),
        }
        for month in sorted({*actual, *plan, *ahead})
    ]


def _net(sums: tuple[Decimal, Decimal] | None) -> Decimal | None:
    return None if sums is None else sums[1] - sums[0]


def _variance(actual: Sums, plan: Sums) -> Plain | None:
    """Return plan, actual and how much better the actual is, of cost, benefit and net; None without actuals."""
    month = max(actual, default=None)
    if month is None:
        return None
    rows = []
    for name, kind, pick in _SIDES:
        stated = pick(actual[month])
        planned = pick(plan[month]) if month in plan else None
        found = variance.better(stated, plan=planned, kind=kind)
        is_known = isinstance(found, Decimal)
        rows.append(
            {
                "measure": name,
                "plan": planned,
                "actual": stated,
                "better": found if is_known else None,
                "reason": None if is_known else Reason.NO_PLAN.value,
            }
        )
    return {"month": month, "rows": rows}


def _stored(forecast: Forecast | None) -> Plain | None:
    if forecast is None:
        return None
    return {
        "made_at": forecast.created_at,
        "knowledge": forecast.knowledge,
        "engine_version": forecast.engine_version,
        "last_month": format_month(forecast.last_month),
        **forecast.content,
    }


def _is_significant(figures: Figures, loaded: Inputs) -> bool:
    """Return whether one-time cost is a tenth of the first year's cost or more; of the plan before any actual."""
    if not int(figures.tco[0, -1]) and loaded.plan is not None and loaded.has_plan[0]:
        figures = metrics.compute(loaded.plan)
    end = min(FIRST_YEAR, figures.tco.shape[1]) - 1
    cost, once = int(figures.tco[0, end]), int(figures.cumulative_one_time[0, end])
    return cost > 0 and Decimal(once) >= SIGNIFICANT_SHARE * cost


def _multi_year(investment: Investment, actual: Sums, plan: Sums, ahead: Mapping[str, Plain]) -> list[Plain]:
    """Return cumulative net after one, two, three and five years, as far as anything is known of it."""
    rows = []
    for number in YEARS:
        month = format_month(add_months(investment.start_month, number - 1))
        if month in actual or month in plan or month in ahead:
            rows.append(
                {
                    "months": number,
                    "month": month,
                    "actual": _net(actual.get(month)),
                    "plan": _net(plan.get(month)),
                    **ahead.get(month, dict.fromkeys(NAMES)),
                }
            )
    return rows
