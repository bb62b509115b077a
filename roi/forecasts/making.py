"""Makes the forecasts that are missing: load a view, compare fingerprints, one vectorized call, bulk insert.

A forecast is written once. Two workers may make the same one; the second insert finds it there and does nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from django.db import connection
from django.db.models import Q

from portfolio import knowledge
from portfolio.models import Head, Investment
from portfolio.terms import ENDED_STAGES
from roi import inputs
from roi.engine import forecast
from roi.engine.result import ENGINE_VERSION
from roi.forecasts import content, preparation
from roi.forecasts.preparation import BASIS, Prepared
from roi.inputs import month_of
from roi.models import Forecast

CHUNK = 1_250

_STALE = """
    SELECT i.id FROM portfolio_investment i
    JOIN roi_snapshothead h ON h.investment_id = i.id
    WHERE h.last_complete_month IS NOT NULL AND i.stage <> ALL(%(ended)s)
      AND (i.end_month IS NULL OR i.end_month > h.last_complete_month)
      AND NOT EXISTS (
          SELECT 1 FROM roi_forecast f
          WHERE f.investment_id = i.id AND f.engine_version = %(engine)s
            AND f.knowledge >= GREATEST(h.investment_knowledge, h.portfolio_knowledge, h.installation_knowledge))
    ORDER BY i.id
"""


def find_stale() -> list[int]:
    """Return the investments whose facts may be newer than their newest forecast, ended ones left out.

    Newer facts need not matter to a forecast; `refresh` compares the fingerprints.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STALE, {"ended": sorted(ENDED_STAGES), "engine": ENGINE_VERSION})
        return [row[0] for row in cursor.fetchall()]


def refresh(investment_ids: Sequence[int], *, now: datetime, knowledge_time: int | None = None) -> int:
    """Make the forecasts of those investments whose facts have none yet; returns how many were made.

    With a knowledge time they are made from the facts as known then, as if they had been made at that time.
    Nothing is forecast without a closed, complete month, after an investment's end, or where neither six such months
    nor an approved plan say anything.
    """
    ids = sorted(set(investment_ids))
    chunks = [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
    return sum(_refresh_chunk(chunk, now=now, knowledge_time=knowledge_time) for chunk in chunks)


def _refresh_chunk(ids: Sequence[int], *, now: datetime, knowledge_time: int | None) -> int:
    prepared, known = knowledge.with_one_view(partial(_load, ids, knowledge_time))
    missing = _missing(prepared)
    made = list(_forecasts(prepared.only(missing), known, now=now)) if missing else []
    Forecast.objects.bulk_create(made, ignore_conflicts=True, batch_size=500)
    return len(made)


def _load(ids: Sequence[int], knowledge_time: int | None) -> tuple[Prepared, dict[int, int]]:
    chosen = Investment.objects.filter(pk__in=ids).exclude(stage__in=ENDED_STAGES)
    investments = list(chosen.select_related("portfolio").order_by("pk"))
    loaded = inputs.load(investments, knowledge=knowledge_time)
    if knowledge_time is not None:
        return preparation.prepare(loaded), {i.pk: knowledge_time for i in investments}
    return preparation.prepare(loaded), _knowledge_of(investments)


def _knowledge_of(investments: Sequence[Investment]) -> dict[int, int]:
    """Return the knowledge time of each investment's facts: its own, its portfolio's or the installation's."""
    heads = Head.objects.filter(
        Q(scope="installation")
        | Q(scope="investment", scope_id__in=[i.pk for i in investments])
        | Q(scope="portfolio", scope_id__in={i.portfolio_id for i in investments})
    )
    known = {(scope, key): at for scope, key, at in heads.values_list("scope", "scope_id", "knowledge")}
    return {
        i.pk: max(
            known.get(("investment", i.pk), 0),
            known.get(("portfolio", i.portfolio_id), 0),
            known.get(("installation", 0), 0),
        )
        for i in investments
    }


def _missing(prepared: Prepared) -> list[int]:
    """Return the rows whose fingerprint has no forecast."""
    ids = [i.pk for i in prepared.investments]
    stored = set(
        Forecast.objects.filter(investment__in=ids, fingerprint__in=list(prepared.fingerprints)).values_list(
            "investment_id", "fingerprint"
        )
    )
    return [row for row, key in enumerate(zip(ids, prepared.fingerprints, strict=True)) if key not in stored]


def _forecasts(prepared: Prepared, known: dict[int, int], *, now: datetime) -> Iterator[Forecast]:
    computed = forecast.compute(prepared.series, prepared.terms, basis=BASIS)
    for row, investment in enumerate(prepared.investments):
        if computed.method[row] is None:
            continue
        yield Forecast(
            investment=investment,
            knowledge=known[investment.pk],
            engine_version=ENGINE_VERSION,
            fingerprint=prepared.fingerprints[row],
            last_month=month_of(int(prepared.first_month[row]), int(computed.standing.month[row]) - 1),
            method=computed.method[row].value,
            months=int(computed.standing.ahead[row]),
            paths=forecast.PATHS if computed.method[row] is forecast.Method.DAMPED_TREND else 1,
            content=content.of(prepared, computed, row),
            created_at=now,
        )
