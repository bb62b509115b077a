"""The forecast as a whole: what it extrapolates, when it follows the plan instead, and what it refuses to say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from roi.engine import forecast
from roi.engine.forecast import MEASURES, SENTENCES, Method
from roi.engine.forecast_history import LONGEST_HISTORY
from roi.engine.result import REASON_CODES, REASON_OF_CODE, Reason
from tests.roi.engine.build import SUPPORTED, flags, flat
from tests.roi.engine.forecast_build import history, made, noisy, stacked, terms

P10, P50, P90 = range(3)


def test_a_constant_history_goes_on_as_it_was() -> None:
    found = made(flat(dev=150_000, run=13_500, benefit=26_250, months=12))
    assert found.method[0] is Method.DAMPED_TREND
    assert found.interval["benefit"][0] == pytest.approx(np.full((6, 3), 26_250), rel=1e-3)
    assert found.interval["run_cost"][0] == pytest.approx(np.full((6, 3), 13_500), rel=1e-3)
    expected = 3_000 + 12_750 * np.arange(1, 7)
    assert found.interval["cumulative_net"][0, :, P50] == pytest.approx(expected, rel=1e-3)


def test_a_trend_is_continued_and_damped() -> None:
    rising = [10_000 + 500 * month for month in range(24)]
    found = made(history(rising, [5_000] * 24), ahead=36)
    middle = found.interval["benefit"][0, :, P50]
    assert middle[0] == pytest.approx(22_000, rel=0.01)
    assert (np.diff(middle) > 0).all()
    assert np.diff(middle)[-1] < 0.6 * np.diff(middle)[0]


def test_an_annual_wave_is_continued_where_there_are_years_of_it() -> None:
    wave = [20_000 + 5_000 * np.sin(2 * np.pi * month / 12) for month in range(36)]
    found = made(history(wave, [5_000] * 36), ahead=12)
    expected = [20_000 + 5_000 * np.sin(2 * np.pi * month / 12) for month in range(36, 48)]
    assert found.interval["benefit"][0, :, P50] == pytest.approx(expected, rel=0.02)


def test_the_interval_widens_with_noise_and_with_distance() -> None:
    quiet = made(history(noisy(20_000, 24, seed=1, spread=0.02), noisy(9_000, 24, seed=2)))
    loud = made(history(noisy(20_000, 24, seed=1, spread=0.2), noisy(9_000, 24, seed=2)))
    width = [f.interval["benefit"][0, :, P90] - f.interval["benefit"][0, :, P10] for f in (quiet, loud)]
    assert (width[1] > 3 * width[0]).all()
    assert width[0][-1] > width[0][0]


def test_benefit_and_cost_that_move_together_leave_a_narrower_net() -> None:
    shock = noisy(1, 36, seed=3, spread=0.1)
    other = noisy(1, 36, seed=4, spread=0.1)
    together = made(history([20_000 * s for s in shock], [15_000 * s for s in shock]))
    apart = made(history([20_000 * s for s in shock], [15_000 * s for s in other]))
    width = [np.ptp(f.interval["net"][0, :, [P10, P90]], axis=0).mean() for f in (together, apart)]
    assert width[0] < 0.6 * width[1]


def test_what_never_was_negative_does_not_become_so() -> None:
    fading = [max(0, 10_000 - 900 * month) for month in range(12)]
    found = made(history(fading, [5_000] * 12), ahead=24)
    assert found.interval["benefit"][0].min() == 0


def test_few_months_follow_the_plan_scaled_and_say_so() -> None:
    plan = flat(dev=0, run=1_000, benefit=2_000, months=12)
    found = made(flat(dev=0, run=1_500, benefit=1_000, months=5), plan=plan, ahead=24)
    assert found.method[0] is Method.PLAN_SCALED
    assert found.standing.ahead[0] == 7
    assert found.interval["benefit"][0, :7, P50] == pytest.approx([1_000] * 7)
    assert found.interval["run_cost"][0, :7, P50] == pytest.approx([1_500] * 7)
    assert np.isnan(found.interval["benefit"][0, :, [P10, P90]]).all()
    few = REASON_CODES[Reason.TOO_FEW_MONTHS]
    assert found.interval_reason["net"][0].tolist() == [few, 0, few]
    assert found.outcome_reason[0] == few
    assert np.isnan(found.outcomes.roi[0])
    assert "scaled by actual over plan" in SENTENCES[Method.PLAN_SCALED]


def test_a_plan_without_a_benefit_to_date_stands_as_planned() -> None:
    plan = history([0] * 8 + [5_000] * 4, [1_000] * 12)
    found = made(history([0] * 8, [2_000] * 8), plan=plan, ahead=4)
    assert found.method[0] is Method.PLAN_SCALED
    assert found.interval["benefit"][0, :, P50] == pytest.approx([5_000] * 4)
    assert found.interval["run_cost"][0, :, P50] == pytest.approx([2_000] * 4)


def test_planned_one_time_cost_is_part_of_the_cumulative_net() -> None:
    plan = flat(dev=0, run=1, benefit=1, months=24)
    once = plan.one_time.copy()
    once[0, 13] = 60_000 * 1_000_000
    found = made(flat(dev=0, run=10_000, benefit=10_000, months=12), plan=replace(plan, one_time=once))
    assert found.interval["cumulative_net"][0, :, P50] == pytest.approx([0] + [-60_000] * 5, abs=50)


def _reason(code: int) -> Reason:
    return REASON_OF_CODE[int(code)]


def test_without_plan_or_months_there_is_a_reason() -> None:
    assert _reason(made(flat(dev=0, run=1, benefit=2, months=5)).reason[0]) is Reason.TOO_FEW_MONTHS
    open_only = flat(dev=0, run=1, benefit=2, months=5, closed=flags(*[0] * 5), complete=flags(*[0] * 5))
    assert _reason(made(open_only).reason[0]) is Reason.NO_HISTORY
    used_up = flat(dev=0, run=1, benefit=2, months=3)
    assert _reason(made(flat(dev=0, run=1, benefit=2, months=5), plan=used_up).reason[0]) is Reason.NO_PLAN
    huge = flat(dev=0, run=4_000_000_000_000, benefit=1_000_000_000_000, months=8)
    found = made(huge)
    assert _reason(found.reason[0]) is Reason.OVERFLOW
    assert np.isnan(found.interval["benefit"]).all()
    assert found.method[0] is None


def test_a_gap_is_passed_over_but_hides_cumulative_figures() -> None:
    closed = flags(*[1] * 12)
    complete = flags(*([1] * 5 + [0] + [1] * 6))
    benefit = [20_000] * 5 + [0] + [20_000] * 6
    found = made(history(benefit, [9_000] * 12, dev=5_000, closed=closed, complete=complete))
    assert found.months[0] == 11
    assert found.interval["benefit"][0, :, P50] == pytest.approx([20_000] * 6, rel=0.01)
    assert _reason(found.interval_reason["cumulative_net"][0, P50]) is Reason.MISSING_ACTUALS
    assert _reason(found.cumulative_reason[0]) is Reason.MISSING_ACTUALS
    assert np.isnan(found.outcomes.roi[0])
    assert _reason(found.outcomes.month_reason["breakeven_reached"][0, P50]) is Reason.MISSING_ACTUALS
    assert found.outcomes.hurdle[0, 0] == 1


def test_a_month_without_a_rate_is_a_gap_of_its_own_kind() -> None:
    without = flags(*([0] * 5 + [1] + [0] * 6))
    benefit = [20_000] * 5 + [1] + [20_000] * 6
    found = made(history(benefit, [9_000] * 12, missing_fx=without))
    assert found.months[0] == 11
    assert found.interval["benefit"][0, :, P50] == pytest.approx([20_000] * 6, rel=0.01)
    assert _reason(found.cumulative_reason[0]) is Reason.MISSING_FX_RATE


def test_months_of_long_ago_do_not_matter() -> None:
    recent = noisy(20_000, LONGEST_HISTORY, seed=13)
    run = [9_000.0] * LONGEST_HISTORY
    one = made(history([1.0] * 9 + recent, [5.0] * 9 + run))
    other = made(history([90_000.0] * 9 + recent, [70_000.0] * 9 + run))
    assert one.months[0] == LONGEST_HISTORY
    assert np.array_equal(one.interval["net"], other.interval["net"])


def test_open_months_and_months_after_the_last_complete_one_are_not_history() -> None:
    closed = flags(*([1] * 9 + [0] * 3))
    found = made(history([20_000] * 9 + [1] * 3, [9_000] * 12, closed=closed, complete=closed))
    assert found.standing.month[0] == 9
    assert found.interval["benefit"][0, 0, P50] == pytest.approx(20_000, rel=0.01)


def test_months_before_use_do_not_count() -> None:
    found = made(history([0] * 10 + [20_000] * 4, [9_000] * 14))
    assert found.months[0] == 4
    assert _reason(found.reason[0]) is Reason.TOO_FEW_MONTHS


def test_an_investment_that_never_earned_is_extrapolated_as_such() -> None:
    found = made(history([0] * 10, [9_000] * 10))
    assert found.method[0] is Method.DAMPED_TREND
    assert found.interval["benefit"][0] == pytest.approx(np.zeros((6, 3)), abs=0.1)


def test_volume_is_extrapolated_where_it_is_counted() -> None:
    counted = history([20_000] * 12, [9_000] * 12, volume={"query": [1_000.0] * 12})
    found = made(counted, volume=["query"])
    assert found.interval["volume"][0, :, P50] == pytest.approx([1_000] * 6, rel=0.01)
    assert _reason(made(counted).interval_reason["volume"][0, P50]) is Reason.NO_VOLUME


def _mixed() -> list[object]:
    return [
        history(noisy(20_000, 14, seed=5), noisy(9_000, 14, seed=6), dev=50_000),
        history([0] * 6 + noisy(30_000, 8, seed=7, slope=0.05), noisy(9_000, 14, seed=8)),
        history(noisy(8_000, 14, seed=9, slope=-0.02), noisy(9_000, 14, seed=10), dev=10_000),
    ]


def test_a_forecast_is_the_same_in_whatever_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    given = stacked(_mixed())  # type: ignore[arg-type]
    together = forecast.compute(given, terms(rows=3, ahead=9))
    monkeypatch.setattr(forecast, "CHUNK", 1)
    for row, part in enumerate(_mixed()):
        seed = np.array([row + 1], dtype=np.uint64)
        alone = forecast.compute(part, terms(ahead=9, seed=seed))  # type: ignore[arg-type]
        for measure in MEASURES:
            assert np.array_equal(together.interval[measure][row], alone.interval[measure][0], equal_nan=True)
        for rule in together.outcomes.crossed:
            assert np.array_equal(together.outcomes.crossed[rule][row], alone.outcomes.crossed[rule][0])


def test_the_seed_decides_and_little_depends_on_it() -> None:
    given = history(noisy(20_000, 14, seed=5), noisy(9_000, 14, seed=6))
    first, again, other = (
        made(given, seed=np.array([seed], dtype=np.uint64)).interval["net"][0] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first[:, P50] == pytest.approx(other[:, P50], rel=0.05)


def test_looking_further_ahead_changes_no_earlier_month() -> None:
    given = history(noisy(20_000, 14, seed=5), noisy(9_000, 14, seed=6))
    near, far = made(given, ahead=3), made(given, ahead=30)
    assert np.array_equal(near.interval["net"][0], far.interval["net"][0, :3])


def test_percentiles_are_in_order_and_the_basis_is_the_one_asked_for() -> None:
    given = stacked(_mixed())  # type: ignore[arg-type]
    found = forecast.compute(given, terms(rows=3), basis=SUPPORTED)
    for measure in ("benefit", "run_cost", "net", "cumulative_net"):
        assert (np.diff(found.interval[measure], axis=2) >= 0).all()
