"""Thresholds are compared exactly: equal is no breach, one unit in the last place is. Cases 1–5 and 15."""

from decimal import Decimal
from fractions import Fraction
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rules import comparison
from alerts.rules.base import Measure, NoData, RuleError, Unit, VerdictKind
from tests.alerts.rules.cases import policy

BREACH, BAND, CLEAR = VerdictKind.BREACH, VerdictKind.BAND, VerdictKind.CLEAR


def ratio(numerator: int, denominator: int, *, fire: str = "0.1", margin: str = "0.01") -> VerdictKind:
    return comparison.of_ratio(
        numerator, denominator=denominator, fire=Decimal(fire), margin=Decimal(margin)
    ).kind


def test_case_01_equal_to_the_threshold_is_no_breach() -> None:
    assert ratio(10, 100) is BAND
    assert ratio(10, 100, margin="0") is CLEAR


def test_case_02_one_micro_unit_below_is_a_breach() -> None:
    large = 3 * 10**18
    assert ratio(large // 10 - 1, large) is BREACH
    assert ratio(large // 10, large) is BAND
    assert ratio(large * 11 // 100 - 1, large) is BAND
    assert ratio(large * 11 // 100, large) is CLEAR


def test_case_03_a_figure_that_rounds_to_the_hurdle_fires_and_shows_enough_digits() -> None:
    verdict = comparison.of_ratio(99_999_999, denominator=10**9, fire=Decimal("0.1"), margin=Decimal("0.01"))
    assert verdict.kind is BREACH
    assert verdict.value == Decimal("0.099999999")
    assert f"{verdict.value:.3f}" == "0.100"
    assert comparison.decimals_apart(verdict.value, threshold=Decimal("0.1"), at_least=3) == 9
    assert comparison.decimals_apart(Decimal("0.1"), threshold=Decimal("0.1"), at_least=3) == 3
    assert comparison.decimals_apart(Decimal("0.05"), threshold=Decimal("0.1"), at_least=3) == 3


def test_case_04_no_margin_behaves_as_no_hysteresis() -> None:
    assert {ratio(n, 100, margin="0") for n in range(21)} == {BREACH, CLEAR}


def test_case_05_a_level_to_clear_below_the_level_to_fire_is_refused() -> None:
    with pytest.raises(RuleError, match="cannot clear below the level it fires at"):
        policy(margin=Decimal("-0.01"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hurdle": Decimal("NaN")}, "must be finite"),
        ({"margin": Decimal("Infinity")}, "must be finite"),
        ({"hurdle": Decimal(-1), "measure": Measure.NPV}, "not above -100%"),
        ({"for_months": 0}, "For months must be 1 or more"),
        ({"keep_months": 0}, "Keep months must be 1 or more"),
        ({"window": 0}, "Window must be 1 or more"),
        ({"armed_from_month": 0}, "must be 1 or later"),
        ({"effective_month": policy().effective_month.replace(day=2)}, "first day of a month"),
    ],
)
def test_a_policy_that_cannot_be_judged_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(RuleError, match=sentence):
        policy(**changes)


@given(
    st.integers(-(2**62), 2**62),
    st.integers(1, 2**62),
    st.decimals(-5, 5, places=8),
    st.decimals(0, 1, places=8),
)
def test_ratios_agree_with_exact_fractions(n: int, d: int, fire: Decimal, margin: Decimal) -> None:
    verdict = comparison.of_ratio(n, denominator=d, fire=fire, margin=margin)
    value = Fraction(n, d)
    if value < Fraction(fire):
        assert verdict.kind is BREACH
    elif value >= Fraction(fire) + Fraction(margin):
        assert verdict.kind is CLEAR
    else:
        assert verdict.kind is BAND


def test_money_fires_below_zero_and_clears_at_a_share_of_its_base() -> None:
    tenth = Decimal("0.1")
    assert comparison.of_micros(-1).kind is BREACH
    assert comparison.of_micros(0).kind is CLEAR
    assert comparison.of_micros(9, base=100, margin=tenth).kind is BAND
    assert comparison.of_micros(10, base=100, margin=tenth).kind is CLEAR
    assert comparison.of_micros(0, base=-100, margin=tenth).kind is CLEAR
    assert comparison.of_micros(-1_500_000).value == Decimal("-1.5")


def test_noise_of_a_solver_is_no_breach() -> None:
    assert Decimal.from_float(0.3) < Decimal("0.3")
    rate = comparison.of_figure(0.3, fire=Decimal("0.3"), margin=Decimal(0), unit=Unit.RATE)
    money = comparison.of_figure(-1e-9, fire=Decimal(0), margin=Decimal(0), unit=Unit.MONEY)
    assert (rate.kind, money.kind) == (CLEAR, CLEAR)
    below = comparison.of_figure(-0.000001, fire=Decimal(0), margin=Decimal(0), unit=Unit.MONEY)
    assert below.kind is BREACH


@pytest.mark.parametrize("figure", [nan, inf, -inf, Decimal("NaN")])
def test_case_15_a_figure_that_is_not_finite_is_an_error_and_no_breach(figure: float | Decimal) -> None:
    verdict = comparison.of_figure(figure, fire=Decimal(0), margin=Decimal(0), unit=Unit.MONEY)
    assert (verdict.kind, verdict.reason) == (VerdictKind.ERROR, NoData.NOT_FINITE)


@given(st.integers(-(2**62), 2**62), st.integers(1, 2**62), st.floats(-1e9, 1e9))
def test_a_value_written_as_text_reads_back_the_same(n: int, d: int, figure: float) -> None:
    zero = Decimal(0)
    for verdict in (
        comparison.of_ratio(n, denominator=d, fire=zero, margin=zero),
        comparison.of_micros(n),
        comparison.of_figure(figure, fire=zero, margin=zero, unit=Unit.RATE),
    ):
        assert verdict.value is not None
        assert Decimal(f"{verdict.value.normalize():f}") == verdict.value
