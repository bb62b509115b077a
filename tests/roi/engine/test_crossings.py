"""When paths cross what rules watch: shares by month, quantiles of the month, and the reasons where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from roi.engine import crossings
from roi.engine.crossings import Outcomes, Standing
from roi.engine.result import REASON_CODES, REASON_OF_CODE, Reason
from tests.roi.engine.build import flat
from tests.roi.engine.forecast_build import history, made, noisy


def standing(**changes: Any) -> Standing:
    """Return one investment after month 10: 1,000 short of breakeven, 100 benefit and 50 cost a month, no hurdle."""
    given: dict[str, Any] = {
        "month": 10,
        "benefit": 1_000.0,
        "cost": 2_000.0,
        "worth": -1_000.0,
        "was_reached": False,
        "reason": 0,
        "tail_count": 3,
        "avoidable_share": 1.0,
        "hurdle_rate": 0.0,
        "live": 1,
        "due": 100,
        "ahead": 4,
    } | changes
    kinds = {
        "was_reached": np.bool_,
        "reason": np.uint8,
        "month": np.int64,
        "live": np.int64,
        "due": np.int64,
    }
    arrays = {
        name: np.array([value], dtype=kinds.get(name))
        for name, value in given.items()
        if "tail_b" not in name
    }
    tails = {
        "tail_benefit": np.full((1, 3), 100.0),
        "tail_run": np.full((1, 3), 50.0),
        "one_time": np.zeros((1, 4)),
    }
    return Standing(**(arrays | tails))


def paths(*months: list[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (1, H, P) from one list a month."""
    return np.array([months], dtype=np.float64)


def outcomes(earned: Any, spent: Any = None, **changes: Any) -> Outcomes:
    """Return what some paths of benefit come to; run cost is 50 a month by default."""
    spent = np.full(earned.shape, 50.0) if spent is None else spent
    return crossings.outcomes(earned, spent, standing(**changes))


def months(found: Outcomes, rule: str) -> list[int | Reason]:
    """Return the three projected months, each a number or its reason."""
    codes = found.month_reason[rule][0]
    return [
        int(m) if c == 0 else REASON_OF_CODE[int(c)] for m, c in zip(found.month[rule][0], codes, strict=True)
    ]


FOUR = paths([550, 0, 0, 0], [550, 550, 0, 0], [0, 550, 1_200, 0], [0, 0, 0, 0])


def test_breakeven_by_month_and_its_quantiles() -> None:
    found = outcomes(FOUR)
    assert found.breakeven[0].tolist() == [0, 0.25, 0.5, 0.5]
    assert months(found, "breakeven_reached") == [12, 13, Reason.NOT_REACHED]
    assert found.crossed["breakeven_reached"][0].tolist() == [0, 0.25, 0.5, 0.5]


def test_equality_counts_as_reached() -> None:
    assert outcomes(paths([1_050], [50], [50], [50])).breakeven[0].tolist() == [1, 1, 1, 1]
    assert outcomes(paths([1_049], [50], [50], [50])).breakeven[0].tolist() == [0, 0, 0, 0]


def test_roi_at_the_end_counts_what_was_lost_again() -> None:
    found = outcomes(FOUR)
    assert found.roi[0] == 0.25  # the first path is 50 under again in month 14
    assert months(found, "breakeven_lost") == [13, Reason.NOT_REACHED, Reason.NOT_REACHED]


def test_breakeven_in_the_past_can_only_be_lost() -> None:
    found = outcomes(paths([0], [0], [0], [0]), benefit=2_100.0, was_reached=True)
    assert found.breakeven[0].tolist() == [1, 1, 1, 1]
    assert months(found, "breakeven_reached") == [Reason.ALREADY_CROSSED] * 3
    assert months(found, "breakeven_lost") == [13, 13, 13]
    assert months(found, "breakeven_overdue") == [Reason.NOT_REACHED] * 3
    lost = outcomes(paths([0], [0], [0], [0]), was_reached=True)
    assert months(lost, "breakeven_lost") == [Reason.ALREADY_CROSSED] * 3


@pytest.mark.parametrize(
    ("due", "expected"), [(12, 12), (13, 13), (14, Reason.NOT_REACHED), (10, Reason.ALREADY_CROSSED)]
)
def test_overdue_is_the_month_breakeven_is_owed_in(due: int, expected: int | Reason) -> None:
    late = paths([50], [50], [50], [1_050])
    assert months(outcomes(late, due=due), "breakeven_overdue") == [expected] * 3


def test_the_window_mixes_what_was_with_what_comes() -> None:
    found = outcomes(paths([0], [0], [0], [0]))
    # windows of benefit 200, 100, 0, 0 on 150
    assert months(found, "negative_roi") == [12, 12, 12]
    assert months(found, "hurdle_rate") == [12, 12, 12]
    assert found.hurdle[0].tolist() == [1, 0, 0, 0]


def test_equal_to_the_hurdle_is_no_breach() -> None:
    even = paths([100], [100], [100], [100])
    assert months(outcomes(even, hurdle_rate=1.0), "hurdle_rate") == [Reason.NOT_REACHED] * 3
    assert months(outcomes(even, hurdle_rate=1.001), "hurdle_rate") == [Reason.ALREADY_CROSSED] * 3
    assert outcomes(even, hurdle_rate=1.0).hurdle[0].tolist() == [1, 1, 1, 1]


def test_only_avoidable_cost_is_judged() -> None:
    dear = np.full((1, 4, 1), 500.0)
    found = outcomes(paths([100], [100], [100], [100]), dear, avoidable_share=0.1)
    assert months(found, "negative_roi") == [Reason.NOT_REACHED] * 3


def test_ratio_rules_wait_until_the_window_is_in_use() -> None:
    nothing = paths([0], [0], [0], [0])
    assert months(outcomes(nothing, live=11), "negative_roi") == [13, 13, 13]
    assert months(outcomes(nothing, live=0), "negative_roi") == [Reason.NOT_LIVE] * 3
    short = outcomes(nothing, tail_count=1)
    assert months(short, "negative_roi") == [12, 12, 12]
    assert REASON_OF_CODE[int(short.hurdle_reason[0, 0])] is Reason.WINDOW_INCOMPLETE
    assert short.hurdle_reason[0, 1] == 0


def test_a_base_that_credits_ate_has_no_ratio() -> None:
    found = outcomes(paths([100], [100], [100], [100]), np.full((1, 4, 1), -500.0))
    assert REASON_OF_CODE[int(found.hurdle_reason[0, 0])] is Reason.NON_POSITIVE_BASE
    assert np.isnan(found.hurdle[0]).all()
    assert months(found, "hurdle_rate") == [Reason.NOT_REACHED] * 3


def test_the_end_of_the_forecast_is_the_row_s_own() -> None:
    found = outcomes(paths([550], [550], [0], [0]), ahead=1)
    assert found.roi[0] == 0
    assert months(found, "breakeven_reached") == [Reason.NOT_REACHED] * 3


def test_unknown_sums_have_no_breakeven() -> None:
    found = outcomes(FOUR, reason=REASON_CODES[Reason.MISSING_ACTUALS])
    assert months(found, "breakeven_reached") == [Reason.MISSING_ACTUALS] * 3
    assert months(found, "negative_roi")[2] is not Reason.MISSING_ACTUALS


def test_npv_at_the_hurdle_discounts_by_month() -> None:
    worth = 1_000 * 1.21 ** (-11 / 12)
    even = paths([1_050], [50], [50], [50])
    assert outcomes(even, hurdle_rate=0.21, worth=-worth + 0.01).npv_hurdle[0] == 1
    assert outcomes(even, hurdle_rate=0.21, worth=-worth - 0.01).npv_hurdle[0] == 0
    once = replace(standing(hurdle_rate=0.21, worth=-0.01), one_time=np.array([[0.0, 1_000, 0, 0]]))
    paid = paths([50], [1_050], [50], [50])  # the outlay at the start of month 12, the return at its end
    assert crossings.outcomes(paid, np.full(paid.shape, 50.0), once).npv_hurdle[0] == 0


def test_the_support_case_after_nine_months_projects_its_published_breakeven() -> None:
    found = made(flat(dev=150_000, run=13_500, benefit=26_250, months=9), ahead=27)
    assert months(found.outcomes, "breakeven_reached") == [12, 12, 12]
    assert found.outcomes.breakeven[0, :4].tolist() == [0, 0, 1, 1]
    assert found.outcomes.roi[0] == 1


def test_a_fading_benefit_crosses_hurdle_before_zero() -> None:
    fading = [b * (1 - 0.03 * m) for m, b in enumerate(noisy(20_000, 18, seed=11, spread=0.04))]
    found = made(history(fading, noisy(8_000, 18, seed=12), dev=1_000), ahead=30).outcomes
    hurdle, negative = found.crossed["hurdle_rate"][0], found.crossed["negative_roi"][0]
    assert (hurdle >= negative).all()
    assert hurdle[-1] > 0.5
    first, middle, _ = months(found, "hurdle_rate")
    assert isinstance(first, int)
    assert isinstance(middle, int)
    assert 18 < first <= middle <= 48
