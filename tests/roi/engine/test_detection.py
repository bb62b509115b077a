"""Fraud and quality control: the published rates in money, and the prevalence without which they say nothing."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi.engine import detection
from roi.engine.detection import Detector, Stakes
from roi.engine.result import Reason

PUBLISHED = Detector(recall=0.94, false_positive_rate=0.02)
STAKES = Stakes(loss=200, false_alarm_cost=5)
rates = st.floats(0.01, 1)
money = st.floats(0.01, 1e4)


@pytest.mark.parametrize(
    ("prevalence", "caught", "false_alarms", "precision_pct"),
    [(0.001, 940, 19_980, 4.49), (0.01, 9_400, 19_800, 32.19)],
)
def test_published_rates_on_a_million_transactions(
    prevalence: float, caught: float, false_alarms: float, precision_pct: float
) -> None:
    found = detection.screen(10**6, prevalence=prevalence, detector=PUBLISHED, stakes=STAKES)
    assert (found.caught, found.false_alarms) == pytest.approx((caught, false_alarms))
    assert found.caught + found.missed == pytest.approx(prevalence * 10**6)
    assert found.precision.value is not None
    assert round(found.precision.value * 100, 2) == precision_pct
    assert found.net == pytest.approx(caught * 200 - false_alarms * 5)


def test_published_breakeven_prevalence() -> None:
    found = detection.breakeven_prevalence(PUBLISHED, stakes=STAKES).value
    assert found is not None
    assert Fraction(found).limit_denominator(10_000) == Fraction(1, 1881)


def test_fraud_must_be_worth_21_3_reviews_at_the_published_prevalence() -> None:
    found = detection.breakeven_loss(PUBLISHED, prevalence=0.001).value
    assert found == pytest.approx(21.255, abs=5e-4)


@given(rates, rates, money, money)
def test_net_is_zero_at_the_breakeven_and_rises_with_prevalence(
    recall: float, false_rate: float, loss: float, cost: float
) -> None:
    detector, stakes = Detector(recall, false_rate), Stakes(loss, cost)
    even = detection.breakeven_prevalence(detector, stakes=stakes).value
    assert even is not None
    nets = [
        detection.screen(1_000, prevalence=p, detector=detector, stakes=stakes).net
        for p in (even / 2, even, (1 + even) / 2)
    ]
    assert nets[0] < 0 < nets[2]
    assert nets[1] == pytest.approx(0, abs=1e-6 * (loss + cost) * 1_000)
    worth = detection.breakeven_loss(detector, prevalence=even, false_alarm_cost=cost).value
    assert worth == pytest.approx(loss, rel=1e-6)


@given(st.floats(1, 1e6), st.floats(0, 1), st.floats(0.1, 100))
def test_money_scales_with_volume_and_currency(volume: float, prevalence: float, scale: float) -> None:
    one = detection.screen(volume, prevalence=prevalence, detector=PUBLISHED, stakes=STAKES)
    many = detection.screen(
        volume * scale, prevalence=prevalence, detector=PUBLISHED, stakes=Stakes(200 * scale, 5 * scale)
    )
    assert many.net == pytest.approx(one.net * scale**2, rel=1e-9, abs=1e-6)


def test_prevalence_is_required() -> None:
    with pytest.raises(ValueError, match="State the prevalence"):
        detection.screen(10**6, prevalence=None, detector=PUBLISHED, stakes=STAKES)
    with pytest.raises(ValueError, match="State the prevalence"):
        detection.breakeven_loss(PUBLISHED, prevalence=None)


def test_detector_that_finds_nothing_never_pays() -> None:
    blind = Detector(recall=0, false_positive_rate=0.02)
    assert detection.breakeven_prevalence(blind, stakes=STAKES).reason is Reason.NEVER_PAYS_BACK
    assert detection.breakeven_loss(blind, prevalence=0.5).reason is Reason.NEVER_PAYS_BACK
    silent = detection.screen(10, prevalence=0.5, detector=Detector(0, 0), stakes=STAKES)
    assert silent.precision.reason is Reason.NO_VOLUME


def test_published_quality_control() -> None:
    day = detection.escapes(50_000, rate_before=0.032, rate_after=0.004)
    assert day.avoided == pytest.approx(1_400)
    assert day.change.value == pytest.approx(-0.875)
    year = detection.escapes(50_000, rate_before=0.032, rate_after=0.004, days=detection.WORKING_DAYS)
    assert year.avoided == pytest.approx(350_000)
    assert year.value(3) == pytest.approx(1_050_000)
    assert detection.escapes(50_000, rate_before=0.032, rate_after=0.004, days=365).avoided == pytest.approx(
        511_000
    )


def test_line_without_escapes_has_no_relative_change() -> None:
    assert detection.escapes(10, rate_before=0, rate_after=0.1).change.reason is Reason.NON_POSITIVE_BASE


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_shares_outside_0_and_1_are_refused(share: float) -> None:
    with pytest.raises(ValueError, match="Recall is a fraction"):
        Detector(share, 0.1)
    with pytest.raises(ValueError, match="false positive rate is a fraction"):
        Detector(0.1, share)
    with pytest.raises(ValueError, match="prevalence is a fraction"):
        detection.screen(1, prevalence=share, detector=PUBLISHED, stakes=STAKES)
    with pytest.raises(ValueError, match="before is a fraction"):
        detection.escapes(1, rate_before=share, rate_after=0)
    with pytest.raises(ValueError, match="after is a fraction"):
        detection.escapes(1, rate_before=0, rate_after=share)


@pytest.mark.parametrize("count", [-1.0, math.nan, math.inf])
def test_counts_and_amounts_that_are_none_are_refused(count: float) -> None:
    with pytest.raises(ValueError, match="volume screened"):
        detection.screen(count, prevalence=0.1, detector=PUBLISHED, stakes=STAKES)
    with pytest.raises(ValueError, match="units inspected"):
        detection.escapes(count, rate_before=0, rate_after=0)
    with pytest.raises(ValueError, match="days"):
        detection.escapes(1, rate_before=0, rate_after=0, days=count)
    with pytest.raises(ValueError, match="not negative"):
        Stakes(count, 1)
    with pytest.raises(ValueError, match="not negative"):
        Stakes(1, count)
