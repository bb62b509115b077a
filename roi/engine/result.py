"""What a figure is: a value, or the reason why there is none. Shared by the scalar functions and the arrays.

Undefined is never 0: scalars carry `None`, float arrays NaN, amount arrays the smallest int64, each with a
reason.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENGINE_VERSION = 1

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.uint8]


class Reason(StrEnum):
    """Why a figure is undefined. The values are shown by every surface and stored; never rename one."""

    NO_COST_YET = "no_cost_yet"
    NO_VALUE_YET = "no_value_yet"
    NON_POSITIVE_BASE = "non_positive_base"
    NEVER_PAYS_BACK = "never_pays_back"
    NOT_REACHED = "not_reached"
    IRR_NO_SIGN_CHANGE = "irr_no_sign_change"
    IRR_NO_ROOT = "irr_no_root"
    IRR_MULTIPLE = "irr_multiple"
    MISSING_ACTUALS = "missing_actuals"
    MISSING_FX_RATE = "missing_fx_rate"
    UNPRICED_USAGE = "unpriced_usage"
    WINDOW_INCOMPLETE = "window_incomplete"
    NOT_LIVE = "not_live"
    OVERFLOW = "overflow"
    NO_PLAN = "no_plan"
    NO_HISTORY = "no_history"
    NOT_COMPUTED = "not_computed"
    NO_VOLUME = "no_volume"
    NO_HORIZON = "no_horizon"
    TOO_FEW_MONTHS = "too_few_months"
    NO_SPREAD = "no_spread"
    NON_POSITIVE_THROUGHPUT = "non_positive_throughput"
    INVALID_RATE = "invalid_rate"
    LATENCY_SENSITIVE = "latency_sensitive"
    NOT_STATED = "not_stated"
    ALREADY_CROSSED = "already_crossed"
    NO_BREAKEVEN_VALUE = "no_breakeven_value"


REASON_CODES: dict[Reason, int] = {
    # Stored with snapshots: numbers are only ever added, never changed or reused. 0 means "defined".
    Reason.NO_COST_YET: 1,
    Reason.NO_VALUE_YET: 2,
    Reason.NON_POSITIVE_BASE: 3,
    Reason.NEVER_PAYS_BACK: 4,
    Reason.NOT_REACHED: 5,
    Reason.IRR_NO_SIGN_CHANGE: 6,
    Reason.IRR_NO_ROOT: 7,
    Reason.IRR_MULTIPLE: 8,
    Reason.MISSING_ACTUALS: 9,
    Reason.MISSING_FX_RATE: 10,
    Reason.UNPRICED_USAGE: 11,
    Reason.WINDOW_INCOMPLETE: 12,
    Reason.NOT_LIVE: 13,
    Reason.OVERFLOW: 14,
    Reason.NO_PLAN: 15,
    Reason.NO_HISTORY: 16,
    Reason.NOT_COMPUTED: 17,
    Reason.NO_VOLUME: 18,
    Reason.NO_HORIZON: 19,
    Reason.TOO_FEW_MONTHS: 20,
    Reason.NO_SPREAD: 21,
    Reason.NON_POSITIVE_THROUGHPUT: 22,
    Reason.INVALID_RATE: 23,
    Reason.LATENCY_SENSITIVE: 24,
    Reason.NOT_STATED: 25,
    Reason.ALREADY_CROSSED: 26,
    Reason.NO_BREAKEVEN_VALUE: 27,
}
REASON_OF_CODE: dict[int, Reason] = {code: reason for reason, code in REASON_CODES.items()}

NO_AMOUNT = int(np.iinfo(np.int64).min)  # an undefined amount that nobody can mistake for 0


@dataclass(frozen=True, slots=True)
class Figure:
    """A scalar figure: exactly one of `value` and `reason` is None."""

    value: float | None
    reason: Reason | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("A figure has either a value or a reason why there is none.")
        if self.value is not None and not isfinite(self.value):
            raise ValueError(f"{self.value} is not a figure; say why there is none.")


def undefined(reason: Reason) -> Figure:
    """Return the figure that has no value for this reason."""
    return Figure(None, reason)


@dataclass(frozen=True, slots=True)
class Column:
    """An array of figures: `value` (float64 ratios or int64 amounts), `reason` codes (0 = defined)."""

    value: NDArray[Any]
    reason: Codes

    def at(self, index: tuple[int, int]) -> Figure:
        """Return one figure of a (n, T) column as a scalar; an int64 column keeps exact integers."""
        code = int(self.reason[index])
        return Figure(self.value[index].item()) if code == 0 else undefined(REASON_OF_CODE[code])


def ratio_column(value: Floats, reason: Codes) -> Column:
    """Return a float column with NaN wherever a reason is given; one that is not finite is `overflow`."""
    codes = np.where((reason == 0) & ~np.isfinite(value), REASON_CODES[Reason.OVERFLOW], reason).astype(
        np.uint8
    )
    return Column(np.where(codes == 0, value, np.nan), codes)


def amount_column(value: Ints, reason: Codes) -> Column:
    """Return an int64 column with `NO_AMOUNT` wherever a reason is given."""
    return Column(np.where(reason == 0, value, NO_AMOUNT), reason)


def first_reason(base: Codes, *rules: tuple[Bools, Reason]) -> Codes:
    """Return `base`, and where it is 0 the first rule whose condition holds."""
    codes = base.copy()
    for condition, reason in rules:
        codes[(codes == 0) & condition] = REASON_CODES[reason]
    return codes
