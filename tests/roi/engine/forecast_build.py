"""Builds series and terms for the tests of the forecast from plain numbers of whole currency units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from portfolio.terms import MICRO
from roi.engine import forecast
from roi.engine.forecast import Forecasts
from roi.engine.forecast_standing import Terms
from roi.engine.series import Series
from tests.roi.engine.build import SUPPORTED, series

PLENTY = 100  # months: never due within a test


def history(benefit: Sequence[float], run: Sequence[float], *, dev: int = 0, **changes: Any) -> Series:
    """Return one investment with development cost in month 1."""
    once = [dev] + [0] * (len(run) - 1)
    return series(benefit=[int(b) for b in benefit], run=[int(r) for r in run], one_time=once, **changes)


def terms(
    *,
    rows: int = 1,
    ahead: int = 6,
    live: int = 0,
    due: int = PLENTY,
    plan: Series | None = None,
    **changes: Any,
) -> Terms:
    """Return the terms of some investments, seeds 1, 2 …"""
    given: dict[str, Any] = {
        "ahead": np.full(rows, ahead),
        "live": np.full(rows, live),
        "due": np.full(rows, due),
        "volume": [None] * rows,
        "seed": np.arange(1, rows + 1, dtype=np.uint64),
        "plan": plan,
        "has_plan": np.full(rows, plan is not None),
    }
    return Terms(**(given | changes))


def stacked(parts: Sequence[Series]) -> Series:
    """Return investments of one length as one series."""
    names = ("run", "avoidable_run", "one_time", "usage", "closed", "complete", "missing_fx")
    rows = ("length", "horizon_months", "hurdle_rate", "discount_rate")
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in (*names, *rows)}
    benefit = {SUPPORTED: np.concatenate([part.benefit[SUPPORTED] for part in parts])}
    volume = {key: np.concatenate([part.volume[key] for part in parts]) for key in parts[0].volume}
    return Series(benefit=benefit, volume=volume, **arrays)


def noisy(level: float, months: int, *, seed: int, spread: float = 0.05, slope: float = 0.0) -> list[float]:
    """Return months around a line."""
    random = np.random.default_rng(seed)
    return [float(level * (1 + slope * m) * (1 + spread * random.standard_normal())) for m in range(months)]


def made(given: Series, **changes: Any) -> Forecasts:
    """Return the forecast of a series."""
    return forecast.compute(given, terms(rows=len(given.length), **changes))


def micros(amount: float) -> int:
    """Return whole currency units as micro-units."""
    return int(amount * MICRO)
