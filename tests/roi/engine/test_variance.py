"""Variance to plan: better is positive for every kind of account."""

from decimal import Decimal

import pytest

from portfolio.terms import AccountKind
from roi.engine import variance
from roi.engine.result import Reason

HUNDRED = Decimal(100)


@pytest.mark.parametrize(
    ("kind", "actual", "expected"),
    [
        (AccountKind.COST, 90, 10),
        (AccountKind.COST, 110, -10),
        (AccountKind.BENEFIT, 110, 10),
        (AccountKind.BENEFIT, 90, -10),
        (AccountKind.VOLUME, 110, 10),
    ],
)
def test_sign_follows_the_kind(kind: AccountKind, actual: int, expected: int) -> None:
    assert variance.better(Decimal(actual), plan=HUNDRED, kind=kind) == expected


def test_quality_follows_its_own_direction() -> None:
    for higher, expected in ((True, Decimal(5)), (False, Decimal(-5))):
        found = variance.better(Decimal(105), plan=HUNDRED, kind=AccountKind.QUALITY, higher_is_better=higher)
        assert found == expected


def test_direction_of_quality_does_not_touch_money() -> None:
    found = variance.better(Decimal(90), plan=HUNDRED, kind=AccountKind.COST, higher_is_better=True)
    assert found == 10


def test_no_plan_has_no_variance() -> None:
    assert variance.better(HUNDRED, plan=None, kind=AccountKind.COST) is Reason.NO_PLAN


def test_relative_variance_keeps_its_sign_for_a_credit_plan() -> None:
    assert variance.relative(Decimal(-5), plan=Decimal(-50)) == Decimal("-0.1")
    assert variance.relative(Decimal(5), plan=Decimal(0)) is Reason.NON_POSITIVE_BASE


def test_worse_is_written_in_parentheses() -> None:
    assert variance.render(Decimal("1250")) == "1,250.00"
    assert variance.render(Decimal("-1250")) == "(1,250.00)"
