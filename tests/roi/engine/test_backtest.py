"""Intervals hold what they say on histories that the forecast's own model did not make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from portfolio.terms import MICRO
from roi.engine import backtest, backtest_histories, forecast_fit
from roi.engine.backtest import Trials
from roi.engine.backtest_histories import LONGEST, SHORTEST, Process
from tests.roi.engine.build import SUPPORTED, flags
from tests.roi.engine.forecast_build import history, noisy, stacked

HISTORIES, AHEAD, PATHS = 2_002, 6, 400


def trials(seed: int, *, count: int = HISTORIES, paths: int = PATHS) -> Trials:
    """Return what came of generated histories."""
    histories = backtest_histories.generate(count, seed=seed, ahead=AHEAD)
    return backtest.run(backtest.generated(histories, seed=seed), paths=paths)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_intervals_hold_eight_of_ten(seed: int) -> None:
    found = trials(seed)
    overall = backtest.score("all", found)
    assert overall.n == HISTORIES * AHEAD * 3
    assert overall.is_accepted, overall
    for part in (*backtest.by_step(found), *backtest.by_measure(found)):
        assert part.is_accepted, part
    assert overall.bias == pytest.approx(0, abs=0.03)


def test_a_level_shift_does_not_break_coverage() -> None:
    histories = backtest_histories.generate(HISTORIES, seed=4, ahead=AHEAD)
    found = backtest.run(backtest.generated(histories, seed=4), paths=PATHS)
    steady, shifted = backtest.by_group(found, histories.is_shifted, ["steady", "shifted"])
    assert shifted.n == pytest.approx(0.1 * (steady.n + shifted.n), rel=0.01)
    assert steady.is_accepted
    assert shifted.coverage is not None
    assert shifted.coverage > 0.7


def test_intervals_without_the_noise_of_the_state_are_found_too_narrow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = forecast_fit.fit

    def certain(values: np.ndarray, observed: np.ndarray) -> forecast_fit.Fit:  # type: ignore[type-arg]
        fit = real(values, observed)
        best = np.zeros_like(fit.weight)
        best[np.arange(len(best)), fit.weight.argmax(axis=1)] = 1
        return replace(fit, weight=best, spread=0 * fit.spread, level=0 * fit.level)

    monkeypatch.setattr(forecast_fit, "fit", certain)
    assert not backtest.score("all", trials(1, count=350)).is_accepted


def test_the_generator_makes_every_process_in_turn() -> None:
    made = backtest_histories.generate(700, seed=5, ahead=AHEAD)
    assert np.bincount(made.process).tolist() == [100] * len(Process)
    assert made.is_shifted.sum() == 70
    assert made.length.min() == SHORTEST
    assert made.length.max() == LONGEST
    assert (made.benefit > 0).all()
    again = backtest_histories.generate(700, seed=5, ahead=AHEAD)
    assert np.array_equal(made.run, again.run)
    assert not np.array_equal(made.run, backtest_histories.generate(700, seed=6, ahead=AHEAD).run)


def test_what_came_after_is_not_part_of_the_history() -> None:
    made = backtest_histories.generate(21, seed=7, ahead=AHEAD)
    spoiled = replace(made, benefit=made.benefit.copy())
    column = np.arange(made.benefit.shape[1])[None, :]
    spoiled.benefit[column >= made.length[:, None]] = 1e12
    given, other = backtest.generated(made, seed=7), backtest.generated(spoiled, seed=7)
    assert np.array_equal(given.history.values, other.history.values)
    assert (other.actual[0] == 1e12).all()


def test_the_ledger_is_tested_from_every_month_with_enough_before_it() -> None:
    closed = flags(*([1] * 10 + [0] * 2))
    parts = [
        history(noisy(20_000, 12, seed=1), noisy(9_000, 12, seed=2), closed=closed, complete=closed),
        history([0] * 8 + [20_000] * 4, [9_000] * 12, closed=closed, complete=closed),
    ]
    cases = backtest.recorded(stacked(parts), horizon=3, seed=1)
    assert len(cases.seed) == 4  # months 6 to 9 of the first; the second is in use too briefly
    known = ~np.isnan(cases.actual[0])
    assert known.sum(axis=1).tolist() == [3, 3, 2, 1]
    assert cases.actual[0, 0, 0] == parts[0].benefit[SUPPORTED][0, 6] / MICRO
    assert cases.history.values[0, 0, -1] == parts[0].benefit[SUPPORTED][0, 5] / MICRO
    found = backtest.run(cases, paths=100)
    assert [s.n for s in backtest.by_step(found)] == [12, 9, 6]


def test_nothing_to_score_is_no_score() -> None:
    closed = flags(*[1] * 4)
    cases = backtest.recorded(history([1] * 4, [1] * 4, closed=closed, complete=closed), horizon=3, seed=1)
    empty = backtest.score("all", backtest.run(cases, paths=10))
    assert (empty.n, empty.coverage, empty.is_accepted) == (0, None, False)
