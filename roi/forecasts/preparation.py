"""What the engine's forecast needs of stored investments: their series, terms, fingerprints and seeds."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from portfolio.models import Investment
from portfolio.terms import Basis, month_index
from roi import rows
from roi.engine import forecast_history, forecast_standing
from roi.engine.forecast import PATHS
from roi.engine.forecast_standing import Terms
from roi.engine.result import ENGINE_VERSION
from roi.engine.series import VOLUME_KEYS, Series
from roi.inputs import Inputs

METHOD_VERSION = 1  # raised when the same inputs would be forecast differently
BASIS = Basis.SUPPORTED
SHORTEST_AHEAD, LONGEST_AHEAD = (
    6,
    120,
)  # months; past its horizon an investment is still looked at half a year ahead
_NEVER = 2**31


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Investments that can be forecast; row i of series and terms is `investments[i]`."""

    investments: Sequence[Investment]
    first_month: NDArray[np.int64]
    series: Series
    terms: Terms
    fingerprints: Sequence[uuid.UUID]

    def only(self, members: Sequence[int]) -> "Prepared":
        """Return some of the investments."""
        chosen = np.asarray(members, dtype=np.int64)
        return Prepared(
            [self.investments[row] for row in members],
            self.first_month[chosen],
            _rows_of_series(self.series, chosen),
            _rows_of_terms(self.terms, chosen),
            [self.fingerprints[row] for row in members],
        )


def prepare(loaded: Inputs) -> Prepared:
    """Return the investments with a closed, complete month and one still to come, and what their forecasts need.

    A fingerprint covers what a forecast depends on and nothing else: entries of open months do not change it.
    """
    observed = forecast_standing.observed_months(loaded.series)
    origin = forecast_history.origin(observed)
    ahead = _months_ahead(loaded, origin)
    terms = Terms(
        ahead=np.maximum(ahead, 1),
        live=_numbers(loaded, [i.live_month for i in loaded.investments], missing=0),
        due=_due(loaded),
        volume=_volumes(loaded.series, observed),
        seed=np.zeros(len(origin), dtype=np.uint64),
        plan=loaded.plan,
        has_plan=loaded.has_plan,
    )
    prints = [_fingerprint(loaded, terms, row, last=int(origin[row])) for row in range(len(origin))]
    seed = np.array([int.from_bytes(found.bytes[:8], "big") for found in prints], dtype=np.uint64)
    everything = Prepared(
        loaded.investments, loaded.first_month, loaded.series, replace(terms, seed=seed), prints
    )
    return everything.only(np.flatnonzero((origin > 0) & (ahead > 0)).tolist())


def _months_ahead(loaded: Inputs, origin: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the months to the horizon, at least half a year, and none after an investment's end."""
    ahead = np.clip(loaded.series.horizon_months - origin, SHORTEST_AHEAD, LONGEST_AHEAD)
    end = _numbers(loaded, [i.end_month for i in loaded.investments], missing=_NEVER)
    return np.asarray(np.minimum(ahead, end - origin), dtype=np.int64)


def _numbers(loaded: Inputs, months: Sequence[date | None], *, missing: int) -> NDArray[np.int64]:
    """Return calendar months as numbers of each investment, its start month being 1."""
    return np.array(
        [
            missing if month is None else month_index(month) - int(first) + 1
            for month, first in zip(months, loaded.first_month, strict=True)
        ],
        dtype=np.int64,
    )


def _due(loaded: Inputs) -> NDArray[np.int64]:
    """Return the month each breakeven is owed in: planned, else the end of the portfolio's norm band."""
    planned = _numbers(loaded, [months[0] for months in rows.planned_months(loaded)], missing=0)
    band = np.array([i.portfolio.norm_band_end_months for i in loaded.investments], dtype=np.int64)
    return np.where(planned > 0, planned, band)


def _volumes(series: Series, observed: NDArray[np.bool_]) -> list[str | None]:
    """Return the volume of each investment that was counted in most months, the first of equals."""
    counts = np.stack([(~np.isnan(series.volume[key]) & observed).sum(axis=1) for key in VOLUME_KEYS])
    return [
        VOLUME_KEYS[int(key)] if counts[key, row] else None for row, key in enumerate(counts.argmax(axis=0))
    ]


def _fingerprint(loaded: Inputs, terms: Terms, row: int, *, last: int) -> uuid.UUID:
    """Return the hash of the method's settings and of every input up to month `last`, in canonical order."""
    series, investment = loaded.series, loaded.investments[row]
    volume = terms.volume[row]
    settings = (
        METHOD_VERSION,
        ENGINE_VERSION,
        PATHS,
        BASIS.value,
        investment.code,
        investment.portfolio.reporting_currency,
        int(loaded.first_month[row]),
        int(terms.ahead[row]),
        int(terms.live[row]),
        int(terms.due[row]),
        float(series.hurdle_rate[row]),
        series.window,
        volume,
    )
    digest = hashlib.blake2b(repr(settings).encode(), digest_size=16)
    money = (series.benefit[BASIS], series.run, series.avoidable_run, series.one_time)
    flags = series.closed.astype(np.int64) + 2 * series.complete + 4 * series.missing_fx
    for matrix in (*money, flags):
        digest.update(matrix[row, :last].astype(">i8").tobytes())
    if volume is not None:
        digest.update(series.volume[volume][row, :last].astype(">f8").tobytes())
    if loaded.plan is not None and loaded.has_plan[row]:
        plan, length = loaded.plan, int(loaded.plan.length[row])
        for matrix in (plan.benefit[BASIS], plan.run, plan.one_time):
            digest.update(matrix[row, :length].astype(">i8").tobytes())
    return uuid.UUID(bytes=digest.digest())


def _rows_of_series(series: Series, chosen: NDArray[np.int64]) -> Series:
    names = ("run", "avoidable_run", "one_time", "usage", "length", "closed", "complete", "missing_fx")
    rates = ("horizon_months", "hurdle_rate", "discount_rate")
    return replace(
        series,
        benefit={basis: amounts[chosen] for basis, amounts in series.benefit.items()},
        volume={key: counts[chosen] for key, counts in series.volume.items()},
        **{name: getattr(series, name)[chosen] for name in (*names, *rates)},
    )


def _rows_of_terms(terms: Terms, chosen: NDArray[np.int64]) -> Terms:
    return Terms(
        ahead=terms.ahead[chosen],
        live=terms.live[chosen],
        due=terms.due[chosen],
        volume=[terms.volume[row] for row in chosen],
        seed=terms.seed[chosen],
        plan=_rows_of_series(terms.plan, chosen) if terms.plan is not None else None,
        has_plan=terms.has_plan[chosen],
    )
