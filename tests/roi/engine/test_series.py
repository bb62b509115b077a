"""What a Series and a Figure refuse, and the stability of what is stored."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from portfolio.terms import Basis
from roi.engine.result import REASON_CODES, Figure, Reason
from roi.engine.series import Series, SeriesError
from tests.roi.engine.build import flags, flat


def given() -> Series:
    return flat(dev=1, run=1, benefit=1, months=3)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"length": np.array([4])}, "between 1 and the 3 months"),
        ({"length": np.array([0])}, "between 1 and the 3 months"),
        ({"window": 0}, "at least one month"),
        ({"closed": flags(1, 0, 1)}, "only be complete once it is closed"),
        ({"hurdle_rate": np.array([-1.0])}, "above -100"),
        ({"discount_rate": np.array([-2.0])}, "above -100"),
        ({"one_time": np.zeros((1, 2), dtype=np.int64)}, "one_time matrix has shape"),
        ({"benefit": {Basis.CLAIMED: np.zeros((2, 3), dtype=np.int64)}}, "benefit claimed matrix has shape"),
        ({"volume": {"query": np.zeros((1, 9))}}, "volume query matrix has shape"),
        ({"run": np.zeros((1, 3))}, "run matrix must hold int64"),
        ({"horizon_months": np.array([1, 2])}, "horizon_months needs one value"),
        ({"run": np.zeros(3, dtype=np.int64)}, "investments x months"),
    ],
)
def test_series_refuses_what_does_not_fit(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SeriesError, match=sentence):
        replace(given(), **changes)


@pytest.mark.parametrize("arguments", [(None, None), (1.0, Reason.OVERFLOW), (float("nan"), None)])
def test_figure_is_a_value_or_a_reason(arguments: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError, match="figure"):
        Figure(*arguments)


def test_reason_codes_are_complete_and_never_change() -> None:
    assert set(REASON_CODES) == set(Reason)
    assert len(set(REASON_CODES.values())) == len(REASON_CODES)
    stored = {
        "no_cost_yet": 1,
        "non_positive_base": 3,
        "not_reached": 5,
        "irr_multiple": 8,
        "missing_actuals": 9,
    }
    later = {
        "missing_fx_rate": 10,
        "window_incomplete": 12,
        "overflow": 14,
        "not_computed": 17,
        "invalid_rate": 23,
        "latency_sensitive": 24,
        "not_stated": 25,
        "already_crossed": 26,
        "no_breakeven_value": 27,
    }
    for value, code in {**stored, **later}.items():
        assert REASON_CODES[Reason(value)] == code
    assert min(REASON_CODES.values()) == 1
