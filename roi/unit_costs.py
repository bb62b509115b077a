"""What a unit costs an investment month by month: its trend, how it scales, what moved the cost of an outcome."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import numpy as np

from portfolio.models import Investment
from portfolio.terms import MICRO, format_month, from_micros
from roi import inputs, repricing
from roi.engine import decomposition, metrics, unit_cost, unit_economics
from roi.engine.decomposition import Decomposition, Usage
from roi.engine.figures import UnitCosts
from roi.engine.repricing import Month
from roi.engine.result import REASON_OF_CODE, Column, Reason
from roi.engine.series import Series
from roi.engine.unit_economics import Period
from roi.inputs import month_of

Plain = dict[str, Any]

# A person does what the AI does not finish; of queries and users nobody says what was left over.
_NEEDING_PEOPLE = ("conversation", "outcome")
NOT_AS_KNOWN = "not_as_known"
PERIOD = 3  # complete months that are compared: the first ones with the last ones


def of(investment: Investment, *, knowledge: int | None = None) -> Plain:
    """Return the unit costs of an investment's complete months, in its reporting currency.

    The caller holds one consistent view of the database. A unit cost is the month's cost / its volume; trend and
    elasticity are those of run cost. As known at a `knowledge` time there is no decomposition: it reads deployments as
    they are now.
    """
    loaded = inputs.load([investment], knowledge=knowledge)
    if not loaded.investments:
        return _nothing(investment)
    series = loaded.series
    complete = np.nonzero(series.complete[0])[0].tolist()
    names = [format_month(month_of(int(loaded.first_month[0]), column)) for column in complete]
    # Of each month by itself: a window's average would make every trend look steadier than it is.
    by_month = metrics.compute(replace(series, window=1)).unit_costs
    return {
        "investment": investment.code,
        "currency": investment.portfolio.reporting_currency,
        "months": names,
        "units": [_unit(key, by_month[key], series, complete) for key in _counted(series, complete)],
        "decomposition": {"reason": NOT_AS_KNOWN}
        if knowledge is not None
        else _moved(investment, series, complete, names),
    }


def _nothing(investment: Investment) -> Plain:
    """Return the answer of an investment that was not registered at the time looked at."""
    return {
        "investment": investment.code,
        "currency": investment.portfolio.reporting_currency,
        "months": [],
        "units": [],
        "decomposition": {"reason": NOT_AS_KNOWN},
    }


def compare_with_people(
    investment: Investment, *, unit: str, human_unit_cost: float, knowledge: int | None = None
) -> Plain | None:
    """Return a unit's cost beside people's on every basis, over the last complete months; None where none is counted.

    Units that needed no person are the successful outcomes, of conversations and outcomes. Raises ValueError for a
    human cost that is negative. The caller holds one consistent view of the database.
    """
    loaded = inputs.load([investment], knowledge=knowledge)
    series = loaded.series
    complete = np.nonzero(series.complete[0])[0].tolist()
    columns = complete[-PERIOD:]
    if unit not in _counted(series, complete):
        return None
    found = unit_economics.compare_with_people(human_unit_cost, period=_period(unit, series, columns))
    return {
        "unit": unit,
        "human_unit_cost": human_unit_cost,
        "months": [format_month(month_of(int(loaded.first_month[0]), column)) for column in columns],
        "bases": [
            {
                "basis": basis.value,
                "unit_cost": one.unit_cost.value,
                "ratio": one.ratio.value,
                "change": one.change.value,
                "reason": (one.unit_cost.reason or one.ratio.reason or one.change.reason),
            }
            for basis, one in found.items()
        ],
    }


def _period(unit: str, series: Series, columns: Sequence[int]) -> Period:
    """Return what the months cost, with their straight-line share of one-time cost, and what they did."""
    has_rates = not series.missing_fx[0, columns].any()
    horizon = int(series.horizon_months[0])
    once = int(series.one_time[0, : columns[-1] + 1].sum()) / MICRO
    bearing = sum(column < horizon for column in columns)
    units = _total(unit, series, columns)
    closed = _total("successful_outcome", series, columns) if unit in _NEEDING_PEOPLE else None
    return Period(
        usage_cost=int(series.usage[0, columns].sum()) / MICRO if has_rates else None,
        run_cost=int(series.run[0, columns].sum()) / MICRO if has_rates else None,
        one_time_share=once * bearing / horizon if horizon > 0 else 0.0,
        units=units,
        deflected=closed if closed is not None and units is not None and closed <= units else None,
    )


def _total(key: str, series: Series, columns: Sequence[int]) -> float | None:
    total = float(series.volume[key][0, columns].sum())
    return total if np.isfinite(total) else None


def _counted(series: Series, complete: Sequence[int]) -> list[str]:
    return [key for key in series.volume if np.isfinite(series.volume[key][0, complete]).any()]


def _unit(key: str, by_month: UnitCosts, series: Series, complete: Sequence[int]) -> Plain:
    volumes = series.volume[key][0, complete].tolist()
    shown_costs = {name: _costs(getattr(by_month, name), complete) for name in ("run", "loaded", "marginal")}
    costs = [float("nan") if cost is None else cost for cost in shown_costs["run"]]
    codes = by_month.loaded.reason[0, complete].tolist()
    trend, elasticity = unit_cost.trend(costs), unit_cost.elasticity(volumes, unit_costs=costs)
    told = {"trend": trend, "elasticity": elasticity}
    shown: Plain = {name: None if isinstance(one, Reason) else asdict(one) for name, one in told.items()}
    if not isinstance(trend, Reason):
        shown["trend"]["direction"] = trend.direction.value
    return {
        "unit": key,
        "volumes": [volume if np.isfinite(volume) else None for volume in volumes],
        "unit_costs": shown_costs["run"],
        "loaded_unit_costs": shown_costs["loaded"],
        "marginal_unit_costs": shown_costs["marginal"],
        "month_reasons": [REASON_OF_CODE[code].value if code else None for code in codes],
        **shown,
        "reasons": {name: one.value for name, one in told.items() if isinstance(one, Reason)},
    }


def _costs(column: Column, complete: Sequence[int]) -> list[float | None]:
    values = (column.value[0, complete] / MICRO).tolist()
    return [value if np.isfinite(value) else None for value in values]


def _moved(investment: Investment, series: Series, complete: Sequence[int], names: Sequence[str]) -> Plain:
    """Return what moved the cost of an outcome from the first complete months to the last."""
    if len(complete) < 2 * PERIOD:
        return {"reason": Reason.TOO_FEW_MONTHS.value}
    by_name = {
        format_month(row.month): row for row in repricing.reprice([investment], [])[investment.pk].months
    }
    sides = (slice(None, PERIOD), slice(-PERIOD, None))
    before, after = (
        _usage(series, complete[side], [by_name.get(name) for name in names[side]]) for side in sides
    )
    found = decomposition.decompose(before, after=after)
    if not isinstance(found, Decomposition):
        return {"reason": found.value}
    return {
        "reason": None,
        "before_months": list(names[sides[0]]),
        "after_months": list(names[sides[1]]),
        "before": str(found.before),
        "after": str(found.after),
        "change": str(found.change),
        "parts": {cause.value: str(part) for cause, part in found.parts.items()},
        "main_cause": found.main_cause.value if found.main_cause else None,
        "sentence": decomposition.sentence(found),
    }


def _usage(series: Series, columns: Sequence[int], rows: Sequence[Month | None]) -> Usage:
    """Return a period's token cost and counts; a month that lacks one leaves the whole period without it."""
    tokens = [row.tokens for row in rows if row is not None and row.tokens is not None]
    recorded = [row.recorded.value for row in rows if row is not None]
    costs = [value for value in recorded if value is not None]
    token_cost = sum(costs, Decimal(0)) if len(costs) == len(rows) else None
    run = from_micros(int(series.run[0, columns].sum()))
    return Usage(
        token_cost=token_cost,
        tokens=int(sum(one.input + one.output for one in tokens)) if len(tokens) == len(rows) else None,
        queries=_count(series, "query", columns),
        outcomes=_count(series, "outcome", columns),
        other_cost=run - (token_cost or Decimal(0)),
    )


def _count(series: Series, key: str, columns: Sequence[int]) -> int | None:
    total = float(series.volume[key][0, columns].sum())
    return int(total) if np.isfinite(total) else None
