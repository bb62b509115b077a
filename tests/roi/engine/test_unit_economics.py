"""AI beside people on every basis, the trend of a unit cost, and the exact decomposition of its change."""

import math
from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roi.engine import decomposition, unit_cost, unit_economics
from roi.engine.decomposition import Cause, Decomposition, Usage
from roi.engine.result import Reason
from roi.engine.unit_cost import Direction, Trend
from roi.engine.unit_economics import CostBasis, Period

YEAR = Period(usage_cost=7_200, run_cost=61_200, one_time_share=120_000, units=300_000, deflected=135_000)
HUMAN = 8.50


@pytest.mark.parametrize(
    ("basis", "unit_cost", "ratio"),
    [
        (CostBasis.MARGINAL, 0.024, 354.2),
        (CostBasis.RUN, 0.204, 41.7),
        (CostBasis.LOADED, 0.604, 14.1),
        (CostBasis.PER_DEFLECTED, 0.453, 18.8),
        (CostBasis.PER_DEFLECTED_LOADED, 1.342, 6.3),
        (CostBasis.BLENDED, 4.879, 1.7),
        (CostBasis.BLENDED_LOADED, 5.279, 1.6),
    ],
)
def test_published_agent_on_every_basis(basis: CostBasis, unit_cost: float, ratio: float) -> None:
    found = unit_economics.compare_with_people(HUMAN, period=YEAR)[basis]
    assert found.unit_cost.value is not None
    assert found.ratio.value is not None
    assert (round(found.unit_cost.value, 3), round(found.ratio.value, 1)) == (unit_cost, ratio)


def test_blended_cost_falls_by_the_published_share() -> None:
    change = unit_economics.compare_with_people(HUMAN, period=YEAR)[CostBasis.BLENDED].change.value
    assert change is not None
    assert round(change, 3) == -0.426


def test_deflection_at_which_the_agent_pays_its_own_way() -> None:
    found = unit_economics.breakeven_deflection(HUMAN, run_unit_cost=0.204).value
    assert found == pytest.approx(0.024)
    even = replace(YEAR, deflected=300_000 * 0.024)
    blended = unit_economics.compare_with_people(HUMAN, period=even)[CostBasis.BLENDED]
    assert blended.change.value == pytest.approx(0, abs=1e-12)
    assert unit_economics.breakeven_deflection(0, run_unit_cost=1).reason is Reason.NON_POSITIVE_BASE


@pytest.mark.parametrize(
    ("changes", "undefined"),
    [
        ({"units": None, "deflected": None}, dict.fromkeys(CostBasis, Reason.NO_VOLUME)),
        ({"units": 0, "deflected": 0}, dict.fromkeys(CostBasis, Reason.NO_VOLUME)),
        (
            {"deflected": None},
            dict.fromkeys(
                (
                    CostBasis.PER_DEFLECTED,
                    CostBasis.PER_DEFLECTED_LOADED,
                    CostBasis.BLENDED,
                    CostBasis.BLENDED_LOADED,
                ),
                Reason.NO_VOLUME,
            ),
        ),
        (
            {"deflected": 0},
            dict.fromkeys((CostBasis.PER_DEFLECTED, CostBasis.PER_DEFLECTED_LOADED), Reason.NO_VOLUME),
        ),
        ({"usage_cost": None}, {CostBasis.MARGINAL: Reason.UNPRICED_USAGE}),
        (
            {"run_cost": None},
            dict.fromkeys(set(CostBasis) - {CostBasis.MARGINAL}, Reason.UNPRICED_USAGE),
        ),
    ],
)
def test_what_is_missing_has_a_reason(
    changes: dict[str, float | None], undefined: dict[CostBasis, Reason]
) -> None:
    found = unit_economics.compare_with_people(HUMAN, period=replace(YEAR, **changes))  # type: ignore[arg-type]
    assert {b: c.unit_cost.reason for b, c in found.items() if c.unit_cost.reason} == undefined
    assert {b: c.ratio.reason for b, c in found.items() if c.ratio.reason} == undefined
    assert {b: c.change.reason for b, c in found.items() if c.change.reason} == undefined


def test_ratios_to_nothing_are_undefined() -> None:
    free = replace(YEAR, usage_cost=0)
    marginal = unit_economics.compare_with_people(HUMAN, period=free)[CostBasis.MARGINAL]
    assert (marginal.unit_cost.value, marginal.ratio.reason) == (0, Reason.NON_POSITIVE_BASE)
    run = unit_economics.compare_with_people(0, period=YEAR)[CostBasis.RUN]
    assert (run.ratio.value, run.change.reason) == (0, Reason.NON_POSITIVE_BASE)
    tiny = unit_economics.compare_with_people(1e-300, period=replace(YEAR, run_cost=1e300))[CostBasis.RUN]
    assert tiny.change.reason is Reason.OVERFLOW


def test_impossible_periods_are_refused() -> None:
    with pytest.raises(ValueError, match="between none and all"):
        replace(YEAR, deflected=300_001)
    with pytest.raises(ValueError, match="between none and all"):
        replace(YEAR, deflected=-1)
    with pytest.raises(ValueError, match="must be finite"):
        replace(YEAR, run_cost=math.nan)
    with pytest.raises(ValueError, match="not negative"):
        unit_economics.compare_with_people(-1, period=YEAR)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1, 1e6), st.floats(0.01, 1), st.floats(0.1, 100))
def test_bases_are_ordered_and_do_not_depend_on_the_currency(
    run: float, share: float, units: float, deflection: float, rate: float
) -> None:
    period = Period(run / 2, run, share, units, units * deflection)
    found = unit_economics.compare_with_people(1.0, period=period)
    costs = {basis: each.unit_cost.value or 0.0 for basis, each in found.items()}
    assert costs[CostBasis.MARGINAL] <= costs[CostBasis.RUN] <= costs[CostBasis.LOADED]
    assert costs[CostBasis.RUN] <= costs[CostBasis.PER_DEFLECTED] * (1 + 1e-12)
    other = Period(run * rate / 2, run * rate, share * rate, units, units * deflection)
    again = unit_economics.compare_with_people(rate, period=other)
    for basis in CostBasis:
        assert again[basis].change.value == pytest.approx(found[basis].change.value, rel=1e-9, abs=1e-9)


def test_trend_of_a_straight_line_is_its_slope() -> None:
    found = unit_cost.trend([0.30 - 0.01 * month for month in range(8)])
    assert isinstance(found, Trend)
    assert (found.slope, found.low, found.high) == pytest.approx((-0.01, -0.01, -0.01))
    assert (found.direction, found.months, found.mean) == (Direction.IMPROVING, 8, pytest.approx(0.265))


def test_trend_interval_matches_the_textbook_formula() -> None:
    y = 0.3 + 0.004 * np.arange(1, 13) + np.random.default_rng(5).normal(0, 0.02, 12)
    found = unit_cost.trend(y.tolist())
    assert isinstance(found, Trend)
    x = np.arange(1, 13)
    slope, intercept = np.polyfit(x, y, 1)
    residual = y - intercept - slope * x
    error = math.sqrt(residual @ residual / 10 / ((x - x.mean()) ** 2).sum())
    assert (found.slope, found.low) == pytest.approx((slope, slope - 2.228139 * error))


def test_trend_says_flat_unless_the_interval_leaves_out_zero() -> None:
    rising = [0.20, 0.22, 0.25, 0.26, 0.29, 0.31]
    assert isinstance(found := unit_cost.trend(rising), Trend)
    assert found.direction is Direction.WORSENING
    assert isinstance(found := unit_cost.trend([0.20, 0.31, 0.22, 0.29, 0.25, 0.27]), Trend)
    assert found.direction is Direction.FLAT


@pytest.mark.parametrize("cost", [0.1, 0.3, 1 / 3, 1e9 + 0.1])
def test_trend_of_a_constant_is_flat_to_the_last_bit(cost: float) -> None:
    found = unit_cost.trend([cost] * 11)
    assert isinstance(found, Trend)
    assert (found.slope, found.direction) == (0, Direction.FLAT)


def test_months_without_unit_cost_keep_their_place_in_the_trend() -> None:
    found = unit_cost.trend([1, 2, math.nan, 4, 5, 6, 7])
    assert isinstance(found, Trend)
    assert (found.slope, found.months) == (pytest.approx(1), 6)
    assert unit_cost.trend([1, 2, math.nan, 4, 5, 6]) is Reason.TOO_FEW_MONTHS


MARCH = Usage(token_cost=Decimal(600), tokens=110_000_000, queries=100_000, outcomes=11_250)
counts = st.integers(1, 10**12)
money = st.decimals(0, 10**9, places=6)
usages = st.builds(Usage, money, counts, counts, counts, st.decimals(-(10**6), 10**6, places=6))


@given(usages, usages)
@example(
    Usage(Decimal("0.007204"), tokens=1, queries=2885949804, outcomes=1),
    Usage(Decimal("0.006538"), tokens=2885949804, queries=1, outcomes=3),
)
def test_parts_add_up_to_the_change_exactly(before: Usage, after: Usage) -> None:
    found = decomposition.decompose(before, after=after)
    assert isinstance(found, Decomposition)
    with localcontext(prec=60):
        assert sum(found.parts.values()) == found.change == found.after - found.before
    exact = (Decimal(before.token_cost or 0) + before.other_cost) / (before.outcomes or 1)
    assert abs(found.before - exact) <= Decimal("1e-12")


@given(usages, usages)
def test_going_back_undoes_every_part(before: Usage, after: Usage) -> None:
    there = decomposition.decompose(before, after=after)
    back = decomposition.decompose(after, after=before)
    assert isinstance(there, Decomposition)
    assert isinstance(back, Decomposition)
    for cause in Cause:
        assert abs(there.parts[cause] + back.parts[cause]) <= Decimal("2e-12")


@given(usages, st.integers(2, 50))
def test_a_factor_that_alone_moves_is_the_only_cause(before: Usage, times: int) -> None:
    assert before.tokens is not None
    assert before.token_cost is not None
    longer = replace(before, tokens=before.tokens * times, token_cost=before.token_cost * times)
    dearer = replace(before, token_cost=before.token_cost * times)
    for after, cause in ((longer, Cause.TOKENS_PER_QUERY), (dearer, Cause.PRICE_PER_TOKEN)):
        found = decomposition.decompose(before, after=after)
        assert isinstance(found, Decomposition)
        assert {each for each, part in found.parts.items() if part} <= {cause}


def moved(**changes: object) -> Decomposition:
    found = decomposition.decompose(MARCH, after=replace(MARCH, **changes))  # type: ignore[arg-type]
    assert isinstance(found, Decomposition)
    return found


@pytest.mark.parametrize(
    ("changes", "cause", "words"),
    [
        ({"tokens": 220_000_000, "token_cost": Decimal(1_200)}, Cause.TOKENS_PER_QUERY, "prompt growth"),
        ({"token_cost": Decimal(1_200)}, Cause.PRICE_PER_TOKEN, "model choice or price"),
        (
            {"tokens": 220_000_000, "token_cost": Decimal(1_200), "queries": 200_000},
            Cause.QUERIES_PER_OUTCOME,
            "inefficient usage",
        ),
        ({"other_cost": Decimal(600)}, Cause.OTHER_COST, "other than tokens"),
    ],
)
def test_the_cause_is_named(changes: dict[str, object], cause: Cause, words: str) -> None:
    found = moved(**changes)
    assert found.main_cause is cause
    assert not found.has_improved
    text = decomposition.sentence(found)
    assert text.startswith("The cost per outcome rose by 0.05333, from 0.05333 to 0.1067. Main cause: ")
    assert words in text
    assert "+0.05333" in text
    assert "Against" not in text


def test_cheaper_token_eaten_by_longer_prompts_is_told() -> None:
    """Half the price and three times the tokens: the price fell, the unit cost did not."""
    found = moved(tokens=330_000_000, token_cost=Decimal(900))
    assert found.parts == {
        Cause.TOKENS_PER_QUERY: Decimal("0.08"),
        Cause.PRICE_PER_TOKEN: Decimal("-0.053333333333"),
        Cause.QUERIES_PER_OUTCOME: 0,
        Cause.OTHER_COST: 0,
    }
    assert decomposition.sentence(found) == (
        "The cost per outcome rose by 0.02667, from 0.05333 to 0.08000. Main cause: prompt growth (more tokens per "
        "query), +0.08000. Against it worked model choice or price (a cheaper token), −0.05333."
    )


def test_improvement_names_what_made_it_cheaper() -> None:
    found = moved(token_cost=Decimal(300))
    assert found.has_improved
    assert decomposition.sentence(found).endswith("model choice or price (a cheaper token), −0.02667.")


def test_no_change_says_so() -> None:
    assert moved().main_cause is None
    assert decomposition.sentence(moved()) == "The cost per outcome stayed at 0.05333: nothing in it moved."
    offset = moved(tokens=220_000_000)
    assert offset.change == 0
    assert offset.main_cause is Cause.TOKENS_PER_QUERY
    assert decomposition.sentence(offset).startswith(
        "The cost per outcome stayed at 0.05333. Main cause: prompt"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"token_cost": None}, Reason.UNPRICED_USAGE),
        ({"token_cost": Decimal(-1)}, Reason.NON_POSITIVE_BASE),
        ({"tokens": None}, Reason.NO_VOLUME),
        ({"tokens": 0}, Reason.NO_VOLUME),
        ({"queries": None}, Reason.NO_VOLUME),
        ({"outcomes": 0}, Reason.NO_VOLUME),
    ],
)
def test_usage_that_is_not_counted_or_priced_is_not_decomposed(
    changes: dict[str, object], reason: Reason
) -> None:
    other = replace(MARCH, **changes)  # type: ignore[arg-type]
    assert decomposition.decompose(MARCH, after=other) is reason
    assert decomposition.decompose(other, after=MARCH) is reason
