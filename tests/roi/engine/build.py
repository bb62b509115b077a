"""Builds small series for the engine's tests from plain lists of whole currency units."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from portfolio.terms import MICRO, Basis
from roi.engine import metrics
from roi.engine.figures import BasisFigures, Figures
from roi.engine.series import Series

SUPPORTED = Basis.SUPPORTED


def series(
    *,
    benefit: Sequence[int],
    run: Sequence[int],
    one_time: Sequence[int],
    volume: Mapping[str, Sequence[float]] | None = None,
    rate: float = 0.10,
    horizon: int = 36,
    **changes: Any,
) -> Series:
    """Return one investment, all months closed and complete, all run cost avoidable, none usage-driven."""
    months = len(run)
    closed = np.ones((1, months), dtype=np.bool_)
    built = Series(
        benefit={SUPPORTED: micros(benefit)},
        run=micros(run),
        avoidable_run=micros(run),
        one_time=micros(one_time),
        usage=np.zeros((1, months), dtype=np.int64),
        volume={key: np.array([values], dtype=np.float64) for key, values in (volume or {}).items()},
        length=np.array([months]),
        closed=closed,
        complete=closed,
        missing_fx=~closed,
        horizon_months=np.array([horizon]),
        hurdle_rate=np.array([rate]),
        discount_rate=np.array([rate]),
    )
    return replace(built, **changes)


def flat(*, dev: int, run: int, benefit: int, months: int, **changes: Any) -> Series:
    """Return a case of source B: development cost in month 1, the same run cost and benefit every month."""
    return series(
        benefit=[benefit] * months,
        run=[run] * months,
        one_time=[dev] + [0] * (months - 1),
        **changes,
    )


def micros(amounts: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return one row of whole currency units as micro-units."""
    return np.array([amounts], dtype=np.int64) * MICRO


def flags(*values: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return one row of booleans."""
    return np.array([values], dtype=np.bool_)


def computed(given: Series, *, all_months_irr: bool = False) -> tuple[Figures, BasisFigures]:
    """Return all figures, and those of the supported basis."""
    figures = metrics.compute(given, all_months_irr=all_months_irr)
    return figures, figures.by_basis[SUPPORTED]
