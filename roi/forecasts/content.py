"""A forecast as it is stored and shown: plain JSON, every figure a number or the reason why there is none."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portfolio.terms import format_month, month_at
from roi.engine.crossings import QUANTILES, RULES
from roi.engine.forecast import MEASURES, SENTENCES, Forecasts
from roi.engine.result import REASON_OF_CODE
from roi.forecasts.preparation import BASIS, Prepared

Json = dict[str, Any]
NAMES = tuple(f"p{round(100 * quantile)}" for quantile in QUANTILES)
_DECIMALS = 6  # of money, as it is stored; shares need no more


def of(prepared: Prepared, forecasts: Forecasts, row: int) -> Json:
    """Return the content of one investment's forecast.

    `months` are the months ahead; every list runs over them. Money is in units of `currency`. Under `measures` each
    percentile is a list, or null with a reason in `reasons`. Under `probabilities` a value is a share of the paths.
    Under `crossings` each percentile is a month, and `by_month` the share of paths that crossed by then.
    """
    standing = forecasts.standing
    investment = prepared.investments[row]
    after = int(prepared.first_month[row]) + int(standing.month[row])
    months = [format_month(month_at(after + step)) for step in range(int(standing.ahead[row]))]
    return {
        "basis": BASIS.value,
        "currency": investment.portfolio.reporting_currency,
        "method": forecasts.method[row].value,
        "sentence": SENTENCES[forecasts.method[row]],
        "extrapolated_months": int(forecasts.months[row]),
        "window": int(standing.tail_run.shape[1]),
        "hurdle_rate": float(standing.hurdle_rate[row]),
        "volume": prepared.terms.volume[row],
        "months": months,
        "measures": {measure: _measure(forecasts, measure, row, len(months)) for measure in MEASURES},
        "probabilities": _probabilities(forecasts, row, months),
        "crossings": {rule: _crossing(prepared, forecasts, rule, row, len(months)) for rule in RULES},
    }


def _measure(forecasts: Forecasts, measure: str, row: int, count: int) -> Json:
    codes = forecasts.interval_reason[measure][row]
    values = forecasts.interval[measure][row, :count]
    found: Json = {name: _numbers(values[:, at]) if codes[at] == 0 else None for at, name in enumerate(NAMES)}
    return found | {"reasons": _reasons(codes)}


def _probabilities(forecasts: Forecasts, row: int, months: Sequence[str]) -> Json:
    outcomes, count = forecasts.outcomes, len(months)
    cumulative = int(forecasts.cumulative_reason[row])
    return {
        "at": months[-1],
        "roi": _share(outcomes.roi[row], cumulative),
        "npv_hurdle": _share(outcomes.npv_hurdle[row], cumulative),
        "breakeven_by_month": [_share(value, cumulative) for value in outcomes.breakeven[row, :count]],
        "hurdle_by_month": [
            _share(value, int(code))
            for value, code in zip(
                outcomes.hurdle[row, :count], outcomes.hurdle_reason[row, :count], strict=True
            )
        ],
    }


def _crossing(prepared: Prepared, forecasts: Forecasts, rule: str, row: int, count: int) -> Json:
    """Return the projected months; shares by month are null where none of the quantiles could be told either."""
    codes = forecasts.outcomes.month_reason[rule][row]
    numbers = forecasts.outcomes.month[rule][row]
    first = int(prepared.first_month[row]) - 1
    found: Json = {
        name: format_month(month_at(first + int(numbers[at]))) if codes[at] == 0 else None
        for at, name in enumerate(NAMES)
    }
    crossed = forecasts.outcomes.crossed[rule][row, :count]
    return found | {"reasons": _reasons(codes), "by_month": _numbers(crossed) if _is_known(crossed) else None}


def _is_known(values: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(values).all())


def _share(value: float, code: int) -> Json:
    known = code == 0
    return {
        "value": round(float(value), _DECIMALS) if known else None,
        "reason": None if known else REASON_OF_CODE[code].value,
    }


def _reasons(codes: NDArray[np.uint8]) -> dict[str, str]:
    return {name: REASON_OF_CODE[int(code)].value for name, code in zip(NAMES, codes, strict=True) if code}


def _numbers(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), _DECIMALS) for value in values]
