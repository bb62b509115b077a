"""The scorecard: each criterion at its threshold, what is undefined, and what all of them propose."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.terms import DecisionKind
from roi.engine import scorecard
from roi.engine.result import Reason
from roi.engine.scorecard import (
    Adoption,
    Claim,
    Criterion,
    Evidence,
    Finding,
    Growth,
    Rating,
    Readings,
    ThresholdError,
    Thresholds,
    Verdict,
)
from roi.engine.unit_cost import Elasticity

TODAY = date(2026, 7, 1)
GOOD = Evidence(
    unit="conversation",
    elasticity=Elasticity(-0.4, -0.6, -0.2, 0.95, 9),
    growth=Growth(benefit=1200, benefit_before=1000, run=110, run_before=100),
    claim=Claim("Deflection", "share", Decimal("0.1"), Decimal("0.5"), Decimal("0.42"), 1.0),
    adoption=Adoption("user", now=120, before=100),
    quality=[Readings("Accuracy", [0.95, 0.96, 0.94], [0.95, 0.95, 0.95], True)],
    importance=Rating(5, date(2026, 1, 1), date(2027, 1, 1), "Opens a market."),
    differentiation=Rating(4, date(2026, 1, 1), date(2027, 1, 1), "Own data."),
)


def judge(criterion: Criterion, thresholds: Thresholds | None = None, **changes: object) -> Finding:
    found = scorecard.score(
        replace(GOOD, **changes),
        thresholds=thresholds or Thresholds(),
        today=TODAY,  # type: ignore[arg-type]
    )
    return next(one for one in found.findings if one.criterion is criterion)


def test_everything_good_proposes_to_double_down_with_its_three_reasons() -> None:
    found = scorecard.score(GOOD, thresholds=Thresholds(), today=TODAY)
    assert {one.verdict for one in found.findings} == {Verdict.PASSED}
    assert found.proposal is DecisionKind.DOUBLE_DOWN
    assert [reason.split()[0] for reason in found.reasons] == ["The", "Deflection", "Strategic"]


@pytest.mark.parametrize(
    ("criterion", "name", "value"),
    [
        (Criterion.SCALE, "elasticity", Elasticity(-0.4, -0.8, 0.0, 0.95, 9)),
        (Criterion.VALUE_GROWTH, "growth", Growth(1099, 1000, 110, 100)),
        (Criterion.USER_VALUE, "claim", replace(GOOD.claim, reading=Decimal("0.419"))),  # type: ignore[type-var]
        (Criterion.USER_VALUE, "adoption", Adoption("user", now=99, before=100)),
        (Criterion.QUALITY, "quality", [Readings("Accuracy", [0.95, 0.90, 0.94], [0.95] * 3, True)]),
        (Criterion.QUALITY, "quality", [Readings("Accuracy", [0.9, 2, 0.9], [0.9] * 3, True)]),
        (Criterion.QUALITY, "quality", [Readings("Errors", [0.05, 0.0526, 0.05], [0.05] * 3, False)]),
        (Criterion.STRATEGY, "importance", Rating(3, date(2026, 1, 1), date(2027, 1, 1), "")),
        (Criterion.DIFFERENTIATION, "differentiation", Rating(2, date(2026, 1, 1), date(2027, 1, 1), "")),
        (
            Criterion.DIFFERENTIATION,
            "differentiation",
            Rating(5, date(2020, 1, 1), date(2021, 1, 1), "", is_superseded=True),
        ),
    ],
)
def test_just_beyond_its_threshold_a_criterion_fails(criterion: Criterion, name: str, value: object) -> None:
    assert judge(criterion, **{name: value}).verdict is Verdict.FAILED  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("criterion", "name", "value"),
    [
        (Criterion.VALUE_GROWTH, "growth", Growth(1100, 1000, 110, 100)),
        (Criterion.USER_VALUE, "claim", Claim("X", "", Decimal(10), Decimal(0), Decimal(2), 1.0)),
        (Criterion.USER_VALUE, "claim", Claim("X", "", Decimal(0), Decimal(10), Decimal(4), 0.5)),
        (Criterion.USER_VALUE, "adoption", Adoption("user", now=100, before=100)),
        (Criterion.QUALITY, "quality", [Readings("Errors", [0.0525, 0.05], [0.05] * 2, False)]),
        (Criterion.STRATEGY, "importance", Rating(4, date(2026, 1, 1), date(2026, 7, 2), "")),
    ],
)
def test_at_its_threshold_a_criterion_passes(criterion: Criterion, name: str, value: object) -> None:
    assert judge(criterion, **{name: value}).verdict is Verdict.PASSED  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("criterion", "name", "value", "reason"),
    [
        (Criterion.SCALE, "elasticity", Reason.TOO_FEW_MONTHS, Reason.TOO_FEW_MONTHS),
        (Criterion.VALUE_GROWTH, "growth", Reason.WINDOW_INCOMPLETE, Reason.WINDOW_INCOMPLETE),
        (Criterion.VALUE_GROWTH, "growth", Growth(5, 0, 5, 5), Reason.NON_POSITIVE_BASE),
        (Criterion.VALUE_GROWTH, "growth", Growth(5, 5, 5, -5), Reason.NON_POSITIVE_BASE),
        (Criterion.USER_VALUE, "claim", Reason.NOT_STATED, Reason.NOT_STATED),
        (
            Criterion.USER_VALUE,
            "claim",
            Claim("X", "", Decimal(1), Decimal(1), Decimal(1), 1.0),
            Reason.NOT_STATED,
        ),
        (Criterion.USER_VALUE, "adoption", Reason.NO_VOLUME, Reason.NO_VOLUME),
        (Criterion.QUALITY, "quality", Reason.MISSING_ACTUALS, Reason.MISSING_ACTUALS),
        (Criterion.QUALITY, "quality", [Readings("Accuracy", [0.9], [None], True)], Reason.NO_PLAN),
        (Criterion.STRATEGY, "importance", Reason.NOT_STATED, Reason.NOT_STATED),
        (Criterion.STRATEGY, "importance", Rating(5, date(2026, 1, 1), TODAY, ""), Reason.NOT_STATED),
        (
            Criterion.DIFFERENTIATION,
            "differentiation",
            Rating(5, date(2025, 1, 1), TODAY, ""),
            Reason.NOT_STATED,
        ),
    ],
)
def test_what_cannot_be_judged_is_undefined_with_its_reason(
    criterion: Criterion, name: str, value: object, reason: Reason
) -> None:
    found = judge(criterion, **{name: value})  # type: ignore[arg-type]
    assert (found.verdict, found.reason) == (Verdict.UNDEFINED, reason)


def findings(**verdicts: Verdict) -> list[Finding]:
    return [
        Finding(one, verdicts.get(one.value, Verdict.PASSED), f"{one.value}.", {}, ()) for one in Criterion
    ]


@pytest.mark.parametrize(
    ("verdicts", "proposal"),
    [
        ({}, DecisionKind.DOUBLE_DOWN),
        ({"quality": Verdict.UNDEFINED}, DecisionKind.DOUBLE_DOWN),
        ({"strategy": Verdict.UNDEFINED}, DecisionKind.CONTINUE),
        ({"strategy": Verdict.FAILED}, DecisionKind.OPTIMIZE),
        ({"strategy": Verdict.FAILED, "quality": Verdict.FAILED}, DecisionKind.PULL_BACK),
        ({"scale": Verdict.UNDEFINED, "value_growth": Verdict.FAILED}, DecisionKind.PULL_BACK),
        ({"scale": Verdict.UNDEFINED, "differentiation": Verdict.FAILED}, DecisionKind.PULL_BACK),
        ({"quality": Verdict.FAILED}, DecisionKind.OPTIMIZE),
        ({one.value: Verdict.UNDEFINED for one in Criterion}, None),
    ],
)
def test_what_is_proposed(verdicts: dict[str, Verdict], proposal: DecisionKind | None) -> None:
    found = scorecard.propose(findings(**verdicts))
    assert found.proposal is proposal
    assert found.reasons
    assert set(found.undefined) == {one for one in Criterion if verdicts.get(one.value) is Verdict.UNDEFINED}


verdicts = st.fixed_dictionaries({one.value: st.sampled_from(Verdict) for one in Criterion})


@given(verdicts)
def test_nothing_undefined_speaks_for_or_against(given_verdicts: dict[str, Verdict]) -> None:
    found = scorecard.propose(findings(**given_verdicts))
    named = {reason.rstrip(".") for reason in found.reasons}
    undefined = {name for name, verdict in given_verdicts.items() if verdict is Verdict.UNDEFINED}
    assert not named & undefined


def test_thresholds_of_a_portfolio_take_the_place_of_the_defaults() -> None:
    own = scorecard.thresholds_of({"importance": 5, "quality_tolerance": 0.1})
    assert (own.importance, own.quality_tolerance, own.way_to_target) == (5, 0.1, 0.8)
    assert (
        judge(Criterion.QUALITY, own, quality=[Readings("A", [0.9], [1.0], True)]).verdict is Verdict.PASSED
    )


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"luck": 1}, "no threshold named luck"),
        ({"importance": 6}, "from 1 to 5"),
        ({"importance": 3.5}, "whole number"),
        ({"way_to_target": "0.8"}, "a number from 0 to 10"),
        ({"adoption_fall": True}, "a number"),
        ({"adoption_fall": float("nan")}, "a number"),
    ],
)
def test_thresholds_that_mean_nothing_are_refused(stated: dict[str, object], words: str) -> None:
    with pytest.raises(ThresholdError, match=words):
        scorecard.thresholds_of(stated)


def test_sentences_say_which_way_it_moved() -> None:
    """No parentheses and no hyphen for a minus within a sentence."""
    found = scorecard.score(
        replace(
            GOOD,
            growth=Growth(benefit=856, benefit_before=1000, run=100, run_before=100),
            elasticity=Elasticity(0.1, -1.37, 1.56, 0.95, 20),
        ),
        thresholds=Thresholds(),
        today=TODAY,
    )
    said = {one.criterion: one.sentence for one in found.findings}
    assert said[Criterion.VALUE_GROWTH] == (
        "Value fell by 14.4% and run cost did not change from the window before to the last."
    )
    assert said[Criterion.SCALE].endswith(
        "does not provably fall with volume: elasticity +0.10, −1.37 to +1.56 (95%)."
    )
