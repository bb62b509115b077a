"""What a unit costs an investment month by month: its trend, how it scales, what moved the cost of an outcome."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import numpy as np

from portfolio.models import Investment
from portfolio.terms import MICRO, format_month, from_micros
from roi import inputs, repricing
from roi.engine import decomposition, unit_cost
from roi.engine.decomposition import Decomposition, Usage
from roi.engine.repricing import Month
from roi.engine.result import Reason
from roi.engine.series import Series
from roi.inputs import month_of

Plain = dict[str, Any]

PERIOD = 3  # complete months that are compared: the first ones with the last ones


def of(investment: Investment) -> Plain:
    """Return the unit costs of an investment's complete months, in its reporting currency.

    The caller holds one consistent view of the database. A unit cost is run cost / volume of the month.
    """
    loaded = inputs.load([investment])
    series = loaded.series
    complete = np.nonzero(series.complete[0])[0].tolist()
    names = [format_month(month_of(int(loaded.first_month[0]), column)) for column in complete]
    known = [key for key in series.volume if np.isfinite(series.volume[key][0, complete]).any()]
    return {
        "investment": investment.code,
        "currency": investment.portfolio.reporting_currency,
        "months": names,
        "units": [_unit(key, series, complete) for key in known],
        "decomposition": _moved(investment, series, complete, names),
    }


def _unit(key: str, series: Series, complete: Sequence[int]) -> Plain:
    volumes = series.volume[key][0, complete].tolist()
    run = (series.run[0, complete] / MICRO).tolist()
    costs = [cost / volume if volume > 0 else float("nan") for cost, volume in zip(run, volumes, strict=True)]
    trend, elasticity = unit_cost.trend(costs), unit_cost.elasticity(volumes, unit_costs=costs)
    told = {"trend": trend, "elasticity": elasticity}
    shown: Plain = {name: None if isinstance(one, Reason) else asdict(one) for name, one in told.items()}
    if not isinstance(trend, Reason):
        shown["trend"]["direction"] = trend.direction.value
    return {
        "unit": key,
        "unit_costs": [cost if np.isfinite(cost) else None for cost in costs],
        **shown,
        "reasons": {name: one.value for name, one in told.items() if isinstance(one, Reason)},
    }


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
