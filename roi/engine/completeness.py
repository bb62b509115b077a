"""Which closed months are complete: every account expected to report has reported, or said that there is nothing."""

import numpy as np

from roi.engine.result import Bools, Ints


def complete_months(
    *, stated: Ints, recurring: Ints, planned: Ints, has_plan: Bools, closed: Bools, expected_to_report: Bools
) -> tuple[Bools, Ints]:
    """Return the (n, T) mask of complete months and the (n, T, 2) bits of the accounts that are missing.

    Account sets are two 63-bit words, (n, T, 2). `stated`: accounts with a value or an explicit nil. `recurring`:
    accounts with a value that recur (all but one-time cost). `planned`: accounts of the approved plan; `has_plan`
    says where it has a line that month. Expected is the month's plan, else what recurred in the last complete month.
    Before the first statement nothing is expected yet; an investment that never stated anything is not complete.
    """
    rows, months = closed.shape
    complete = np.zeros((rows, months), dtype=np.bool_)
    missing = np.zeros((rows, months, 2), dtype=np.int64)
    last = np.zeros((rows, 2), dtype=np.int64)
    ever_states = (stated != 0).any(axis=(1, 2)) | has_plan.any(axis=1)
    for month in range(months):
        expected = np.where(has_plan[:, month, None], planned[:, month], last)
        expected = np.where(expected_to_report[:, month, None], expected, 0)
        absent = expected & ~stated[:, month]
        missing[:, month] = absent
        whole = closed[:, month] & (absent == 0).all(axis=1) & ever_states
        complete[:, month] = whole
        says_something = (stated[:, month] != 0).any(axis=1)
        last = np.where((whole & says_something)[:, None], recurring[:, month], last)
    return complete, missing
