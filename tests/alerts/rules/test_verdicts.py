"""What a verdict says in full: an alert shows all of it. And what is refused, word for word as the user reads it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from alerts.rules import RULES, comparison, lifecycle
from alerts.rules.base import Measure, NoData, Outlook, RuleError, Unit, Verdict, VerdictKind, check_months
from alerts.rules.breakeven import due_month
from tests.alerts.rules.cases import CONTEXT, facts, month, policy

BREACH, BAND, CLEAR, NODATA = VerdictKind.BREACH, VerdictKind.BAND, VerdictKind.CLEAR, VerdictKind.NODATA
TENTH = Decimal("0.1")
ZERO = Decimal(0)


def judged(rule: str, benefits: list[int], *, changes: Any = None, **terms: Any) -> Verdict:
    months = facts(benefits, one_time=50, changes=changes)
    return RULES[rule].judge(policy(rule, **terms), months, len(months) - 1, CONTEXT)


def test_incremental_roi_in_full() -> None:
    assert judged("hurdle_rate", [110, 95], window=2, hurdle=Decimal("0.02"), margin=TENTH) == Verdict(
        kind=BAND,
        value=Decimal("0.025"),
        threshold=Decimal("0.02"),
        clear_at=Decimal("0.12"),
        unit=Unit.RATE,
        numerator=5_000_000,
        denominator=200_000_000,
    )


def test_npv_and_irr_in_full() -> None:
    figures = {1: {"npv_hurdle": Decimal("2.5"), "irr": Decimal("0.25")}}
    terms = {"armed_from_month": 1, "hurdle": Decimal("0.2"), "margin": TENTH}
    npv = judged("hurdle_rate", [1], changes=figures, measure=Measure.NPV, **terms)
    assert npv == Verdict(kind=CLEAR, value=Decimal("2.5"), threshold=ZERO, clear_at=TENTH, unit=Unit.MONEY)
    irr = judged("hurdle_rate", [1], changes=figures, measure=Measure.IRR, **terms)
    assert irr == Verdict(
        kind=BAND, value=Decimal("0.25"), threshold=Decimal("0.2"), clear_at=Decimal("0.3"), unit=Unit.RATE
    )


def test_negative_roi_in_full() -> None:
    assert judged("negative_roi", [110, 95], window=2, margin=TENTH) == Verdict(
        kind=BAND,
        value=Decimal(5),
        threshold=ZERO,
        clear_at=Decimal(20),
        unit=Unit.MONEY,
        numerator=5_000_000,
        denominator=200_000_000,
    )


@pytest.mark.parametrize(
    ("rule", "kind", "months"),
    [
        ("breakeven_reached", CLEAR, ()),
        ("breakeven_lost", BREACH, ()),
        ("breakeven_overdue", CLEAR, (month(1),)),
    ],
)
def test_breakeven_rules_in_full(rule: str, kind: VerdictKind, months: tuple[object, ...]) -> None:
    assert judged(rule, [150, 60], armed_from_month=1) == Verdict(
        kind=kind,
        value=Decimal(-40),
        threshold=ZERO,
        clear_at=ZERO,
        unit=Unit.MONEY,
        numerator=-40_000_000,
        denominator=250_000_000,
        months=months,  # type: ignore[arg-type]
    )


def test_breakeven_is_owed_by_plan_policy_or_norm() -> None:
    planned = replace(CONTEXT, planned_breakeven_month=month(5))
    assert due_month(policy(), planned) == month(5)
    assert due_month(policy(armed_from_month=3), planned) == month(3)
    assert due_month(policy(), replace(CONTEXT, norm_band_end_months=18)) == month(18)
    assert due_month(policy(), CONTEXT) == month(24)


def test_missing_actuals_in_full() -> None:
    said = {"threshold": ZERO, "clear_at": ZERO, "unit": Unit.MONTHS}
    missing = judged("missing_actuals", [1, 1], changes={2: {"complete": False}})
    assert missing == Verdict(kind=BREACH, value=Decimal(1), months=(month(2),), **said)
    assert judged("missing_actuals", [1, 1]) == Verdict(kind=CLEAR, value=ZERO, **said)


def test_an_early_warning_in_full() -> None:
    outlook = Outlook(forecast=7, shares=(("negative_roi", (TENTH, Decimal("0.45"))),))
    terms = {"hurdle": Decimal("0.5"), "margin": TENTH, "window": 2}
    assert judged("early_warning", [1], changes={1: {"outlook": outlook}}, **terms) == Verdict(
        kind=BAND,
        value=Decimal("0.45"),
        threshold=Decimal("0.5"),
        clear_at=Decimal("0.4"),
        unit=Unit.RATE,
        months=(month(3),),
        about="negative_roi",
        forecast=7,
    )


def test_a_month_without_a_figure_says_only_why() -> None:
    assert judged("hurdle_rate", [1], changes={1: {"complete": False}}) == Verdict(
        kind=NODATA, reason=NoData.MISSING_ACTUALS
    )
    assert judged("hurdle_rate", [1], changes={1: {"overflow": True}}) == Verdict(
        kind=VerdictKind.ERROR, reason=NoData.OVERFLOW
    )


def test_a_negative_base_asks_for_no_room_and_a_base_of_one_for_its_share() -> None:
    assert comparison.of_micros(0, base=-100, margin=TENTH).clear_at == 0
    small = comparison.of_micros(0, base=1, margin=Decimal(1))
    assert (small.kind, small.clear_at) == (BAND, Decimal("0.000001"))


def test_an_endless_quotient_is_kept_to_twenty_eight_digits() -> None:
    third = comparison.of_ratio(1, denominator=3, fire=ZERO, margin=ZERO)
    assert str(third.value) == "0." + "3" * 28


def test_a_solver_is_trusted_to_its_last_digit_but_no_further() -> None:
    def kind(figure: str, unit: Unit) -> VerdictKind:
        return comparison.of_figure(Decimal(figure), fire=ZERO, margin=ZERO, unit=unit).kind

    assert [kind(figure, Unit.MONEY) for figure in ("-0.0000004", "-0.0000006")] == [CLEAR, BREACH]
    assert [kind(figure, Unit.RATE) for figure in ("-0.0000000004", "-0.0000000006")] == [CLEAR, BREACH]


def test_digits_are_added_until_a_difference_shows_and_no_further_than_twelve() -> None:
    assert comparison.decimals_apart(Decimal("0.06"), threshold=TENTH) == 2
    assert comparison.decimals_apart(Decimal(2), threshold=TENTH) == 1
    assert comparison.decimals_apart(Decimal("0.1") + Decimal("1e-11"), threshold=TENTH) == 11
    assert comparison.decimals_apart(Decimal("0.1") + Decimal("1e-20"), threshold=TENTH) == 12


POSITIVE = "must be 1 or more."


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hurdle": Decimal("NaN")}, "The hurdle and the margin must be finite numbers."),
        (
            {"margin": Decimal("-0.01")},
            "The margin -0.01 is negative: an alert cannot clear below the level it fires at.",
        ),
        (
            {"rule": "early_warning"},
            "The hurdle of an early warning is a probability: above 0% and at most 100%.",
        ),
        (
            {"hurdle": Decimal(-1), "measure": Measure.IRR},
            "An annual hurdle rate of -1 is not above -100%.",
        ),
        ({"for_months": 0}, f"For months {POSITIVE}"),
        ({"keep_months": 0}, f"Keep months {POSITIVE}"),
        ({"window": 0}, f"Window {POSITIVE}"),
        ({"armed_from_month": 0}, "The month a policy is armed from must be 1 or later."),
        (
            {"effective_month": month(1).replace(day=2)},
            "A policy takes effect on the first day of a month.",
        ),
    ],
)
def test_a_policy_is_refused_in_these_words(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RuleError) as refused:
        policy(**changes)
    assert str(refused.value) == sentence


def test_a_policy_at_its_limits_is_accepted() -> None:
    assert policy(armed_from_month=1).armed_from_month == 1
    assert policy(hurdle=Decimal("-0.999"), measure=Measure.NPV).hurdle == Decimal("-0.999")
    assert policy(hurdle=Decimal(-1)).hurdle == -1
    assert policy("early_warning", hurdle=Decimal(1)).hurdle == 1


def refusal(*args: Any) -> str:
    with pytest.raises(RuleError) as refused:
        lifecycle.fold(*args)
    return str(refused.value)


def test_a_fold_is_refused_in_these_words() -> None:
    assert refusal([], [], CONTEXT) == "A fold needs the policy versions of exactly one rule."
    backwards = [policy(effective_month=month(2)), policy(version=2)]
    assert refusal(backwards, [], CONTEXT) == (
        "Policy versions must be given in the order in which they take effect."
    )
    assert refusal([policy("weather")], [], CONTEXT) == (
        "There is no rule named 'weather'. The rules are breakeven_reached, breakeven_lost, breakeven_overdue, "
        "hurdle_rate, negative_roi, missing_actuals, early_warning."
    )


def test_months_out_of_order_are_refused_by_their_number() -> None:
    check_months(facts([1, 2, 3]), CONTEXT)
    with pytest.raises(RuleError) as refused:
        check_months([facts([1])[0], facts([1, 2, 3])[2]], CONTEXT)
    assert str(refused.value) == (
        "Month 2 of this investment is 2024-02-01, not 2024-03-01; "
        "the facts must hold every month from the first on, in order."
    )
    with pytest.raises(RuleError, match="not 2024-01-02"):
        check_months([replace(facts([1])[0], month=month(1).replace(day=2))], CONTEXT)
