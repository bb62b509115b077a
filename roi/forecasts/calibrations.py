"""How well stored forecasts did: coverage and bias by months ahead, over the portfolios somebody may see."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class Calibration:
    """Forecasts of one measure, one number of months ahead, that have come true or not.

    `coverage` is the share of actuals inside the interval from the 10th to the 90th percentile, meant to be 0.8;
    `bias` the sum of median less actual over the sum of absolute actuals (positive: too high), weighted by n across
    currencies, None where nothing but zeros came.
    """

    measure: str
    step: int
    n: int
    coverage: float
    bias: float | None


# Of several forecasts from the same month, the newest counts.
_CALIBRATION = """
    WITH newest AS (
        SELECT DISTINCT ON (f.investment_id, f.last_month) f.id, f.content->>'currency' AS currency
        FROM roi_forecast f JOIN portfolio_investment i ON i.id = f.investment_id
        WHERE i.portfolio_id = ANY(%(portfolios)s)
        ORDER BY f.investment_id, f.last_month, f.id DESC
    )
    SELECT s.measure, s.step, n.currency, count(*), count(*) FILTER (WHERE s.is_inside),
           sum(s.p50 - s.actual), sum(abs(s.actual))
    FROM roi_forecastscore s JOIN newest n ON n.id = s.forecast_id
    GROUP BY s.measure, s.step, n.currency ORDER BY s.measure, s.step, n.currency
"""


def calibration(portfolio_ids: Collection[int]) -> list[Calibration]:
    """Return the calibration of the forecasts of some portfolios, a row per measure and months ahead."""
    with connection.cursor() as cursor:
        cursor.execute(_CALIBRATION, {"portfolios": sorted(portfolio_ids)})
        groups = cursor.fetchall()
    found: dict[tuple[str, int], list[tuple[int, int, float | None]]] = defaultdict(list)
    for measure, step, _, n, inside, miss, size in groups:
        found[measure, step].append((n, inside, float(miss / size) if size else None))
    return [_combined(measure, step, parts) for (measure, step), parts in found.items()]


def _combined(measure: str, step: int, parts: list[tuple[int, int, float | None]]) -> Calibration:
    n = sum(count for count, _, _ in parts)
    known = [(count, bias) for count, _, bias in parts if bias is not None]
    weight = sum(count for count, _ in known)
    return Calibration(
        measure=measure,
        step=step,
        n=n,
        coverage=sum(inside for _, inside, _ in parts) / n,
        bias=sum(count * bias for count, bias in known) / weight if weight else None,
    )
