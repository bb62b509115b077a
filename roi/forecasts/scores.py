"""Holds stored forecasts against what then happened: a row for every month that was forecast and has come."""

from datetime import datetime

from django.db import connection, transaction

from roi.forecasts.preparation import BASIS
from roi.models import FIGURES

STEPS = 6  # months ahead that are scored: those the method is tested for

_SCORE = f"""
    INSERT INTO roi_forecastscore
        (forecast_id, measure, month, step, p10, p50, p90, actual, knowledge, is_inside, scored_at)
    SELECT f.id, a.measure, s.month, n.step, v.p10, v.p50, v.p90, a.actual, s.knowledge,
           a.actual BETWEEN v.p10 AND v.p90, %(now)s
    FROM roi_forecast f
    JOIN portfolio_investment i ON i.id = f.investment_id
    JOIN portfolio_portfolio p ON p.id = i.portfolio_id AND p.reporting_currency = f.content->>'currency'
    JOIN roi_snapshot s ON s.investment_id = f.investment_id AND s.is_closed AND s.is_complete AND NOT s.is_missing_fx
        AND s.month > f.last_month
        AND s.month <= (f.last_month + make_interval(months => LEAST(f.months, {STEPS})))::date
    CROSS JOIN LATERAL (SELECT ((extract(year FROM s.month) - extract(year FROM f.last_month)) * 12
        + extract(month FROM s.month) - extract(month FROM f.last_month))::int AS step) n
    CROSS JOIN LATERAL (VALUES
        ('benefit', s.benefit_{BASIS.value}),
        ('run_cost', s.run_cost),
        ('net', s.benefit_{BASIS.value} - s.run_cost),
        ('cumulative_net', CASE WHEN get_byte(s.reasons, {FIGURES.index(f"npv_{BASIS.value}")}) = 0
                                THEN s.cumulative_benefit_{BASIS.value} - s.tco END)) a(measure, actual)
    CROSS JOIN LATERAL (SELECT (f.content->'measures'->a.measure->'p10'->>(n.step - 1))::numeric AS p10,
                               (f.content->'measures'->a.measure->'p50'->>(n.step - 1))::numeric AS p50,
                               (f.content->'measures'->a.measure->'p90'->>(n.step - 1))::numeric AS p90) v
    LEFT JOIN roi_forecastscore known
        ON known.forecast_id = f.id AND known.measure = a.measure AND known.month = s.month
    WHERE a.actual IS NOT NULL AND v.p10 IS NOT NULL AND v.p90 IS NOT NULL
      AND known.actual IS DISTINCT FROM a.actual
    ON CONFLICT (forecast_id, measure, month) DO UPDATE
        SET actual = EXCLUDED.actual, knowledge = EXCLUDED.knowledge, is_inside = EXCLUDED.is_inside,
            scored_at = EXCLUDED.scored_at
        WHERE roi_forecastscore.actual <> EXCLUDED.actual AND roi_forecastscore.knowledge <= EXCLUDED.knowledge
"""
# What was taken back is no longer known.
_FORGET = """
    DELETE FROM roi_forecastscore o USING roi_forecast f, roi_snapshot s
    WHERE o.forecast_id = f.id AND s.investment_id = f.investment_id AND s.month = o.month
      AND NOT (s.is_closed AND s.is_complete AND NOT s.is_missing_fx)
"""


@transaction.atomic
def score(*, now: datetime) -> int:
    """Score every month that was forecast and is now closed and complete; returns how many scores were written.

    An actual that was restated since is scored again; one that is no longer complete loses its score. Running it again
    writes nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
        cursor.execute(_SCORE, {"now": now})
        return int(cursor.rowcount)
