"""A formula says what a spreadsheet is told to compute, and what it comes to."""

from collections.abc import Callable
from math import isnan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi.usecases.values import (
    Formula,
    Month,
    Value,
    ceiling,
    formula,
    is_zero,
    maximum,
    minimum,
    remainder,
    step,
    where,
)

FORMS: dict[str, Callable[[Value, Value], Value]] = {
    "A1-(B1-2)": lambda a, b: a - (b - 2),
    "A1/(B1*2)": lambda a, b: a / (b * 2),
    "(A1+B1)*3": lambda a, b: (a + b) * 3,
    "(1+A1)^(B1/12)": lambda a, b: (1 + a) ** (b / 12),
    "2^(A1^B1)": lambda a, b: 2 ** (a**b),
    "0-(A1+B1)": lambda a, b: -(a + b),
    "A1*(-5)": lambda a, b: a * -5,
    "MIN(A1,MAX(B1,0))": lambda a, b: minimum(a, maximum(b, 0)),
    "IF(A1-B1>0,A1,7)": lambda a, b: where(a - b > 0, a, 7),
    "MOD(A1,B1)": lambda a, b: remainder(a, b),
    "ROUNDUP(A1/B1,0)": lambda a, b: ceiling(a / b),
    "1.5E-07*A1": lambda a, b: 1.5e-7 * a,
    "2*A1": lambda a, b: np.float64(2) * a,
}


@pytest.mark.parametrize("text", FORMS)
@given(a=st.floats(0.01, 4), b=st.floats(0.01, 4))
def test_a_formula_comes_to_what_arrays_come_to(text: str, a: float, b: float) -> None:
    written = FORMS[text](Formula("A1", value=a), Formula("B1", value=b))
    assert written.text == text
    assert written.value == pytest.approx(float(FORMS[text](np.array(a), np.array(b))), rel=1e-12)


@pytest.mark.parametrize("undefined", [lambda a: a / 0, lambda a: (0 - a) ** 0.5, lambda a: a**999])
def test_what_cannot_be_computed_is_left_to_the_branch_that_is_not_taken(
    undefined: Callable[[Value], Value],
) -> None:
    a = Formula("A1", value=10.0)
    assert isnan(undefined(a).value)
    assert where(a > 0, 5, undefined(a)).value == 5


def test_only_numbers_are_known_to_be_zero() -> None:
    assert is_zero(0.0)
    assert is_zero(np.zeros((3, 1)))
    assert not is_zero(formula(0))


def test_a_step_has_a_row_only_on_paper() -> None:
    class Rows(Month):
        def step(self, label: str, value: Formula) -> Formula:
            return Formula(f"[{label}]", value=value.value)

    month: Any = Rows("F5", value=3.0)
    assert step(month, "twice", month * 2).text == "[twice]"
    assert step(month, "one", 1.0) == 1.0
    assert step(np.ones((1, 3)), "twice", 2.0) == 2.0
