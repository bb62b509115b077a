"""Every undisputed case of the shared finance data, by its pass rule: a real root, or a reason."""

import csv
import json
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roi.engine import breakeven, time_value
from roi.engine.result import Figure, Reason

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
Case = dict[str, Any]


@lru_cache(maxsize=1)
def cases() -> list[Case]:
    path = DATA / "finance.json"
    found: list[Case] = json.loads(path.read_text())["cases"] if path.exists() else []
    return [case for case in found if not case.get("disputed") and case["fn"] in FUNCTIONS and is_ours(case)]


def is_ours(case: Case) -> bool:
    """Return whether the case counts days as we do: actual days over 365."""
    return bool(case["inputs"].get("day_count", "act/365F") == "act/365F")


def flows(case: Case) -> list[float]:
    if "csv" in case["inputs"]:
        return [float(row["amount"]) for row in rows(case)]
    return [float(flow) for flow in case["inputs"]["flows"]]


def dates(case: Case) -> list[date]:
    texts = [row["date"] for row in rows(case)] if "csv" in case["inputs"] else case["inputs"]["dates"]
    return [date.fromisoformat(text) for text in texts]


def rows(case: Case) -> list[dict[str, str]]:
    with (DATA / case["inputs"]["csv"]).open() as file:
        return list(csv.DictReader(file))[: case["inputs"]["n"]]


FUNCTIONS: dict[str, Callable[[Case], Figure]] = {
    "npv": lambda case: time_value.npv(case["inputs"]["rate"], flows(case)),
    "npv_excel": lambda case: time_value.npv_excel(case["inputs"]["rate"], flows(case)),
    "irr": lambda case: time_value.irr(flows(case)),
    "mirr": lambda case: time_value.mirr(
        flows(case),
        finance_rate=case["inputs"]["finance_rate"],
        reinvest_rate=case["inputs"]["reinvest_rate"],
    ),
    "xnpv": lambda case: time_value.xnpv(case["inputs"]["rate"], flows(case), dates=dates(case)),
    "xirr": lambda case: time_value.xirr(flows(case), dates=dates(case)),
    "payback": lambda case: breakeven.payback(flows(case)),
    "discounted_payback": lambda case: breakeven.discounted_payback(flows(case), rate=case["inputs"]["rate"]),
}


def is_accepted(case: Case, found: Figure) -> bool:
    expected, tolerance = case["expected"], case["abs_tol"]
    if expected is None:
        return found.reason is not None
    if found.value is None:
        has_several = case.get("multiple_roots") or ("csv" in case["inputs"] and crosses_twice(case))
        return found.reason is Reason.IRR_MULTIPLE and bool(has_several)
    allowed = 1e-9 * abs(expected) if tolerance is None else tolerance
    return any(abs(found.value - root) <= allowed for root in [expected, *(case.get("all_roots") or [])])


def crosses_twice(case: Case) -> bool:
    """Return whether NPV really changes sign more than once, by brute force (no root count is given)."""
    rates = np.expm1(np.linspace(-8, 12, 4001))
    when = [float(period) for period in range(len(flows(case)))]
    if case["fn"] == "xirr":
        when = [(day - min(dates(case))).days / 365 for day in dates(case)]
    span = max(when)
    # Below 0 % values are stated at the last date, so that no power overflows; the sign is the same.
    values = [
        sum(f * (1 + r) ** (span - t if r < 0 else -t) for f, t in zip(flows(case), when, strict=True))
        for r in rates[:: 1 if len(when) < 200 else 8]
    ]
    return int((np.diff(np.sign(values)) != 0).sum()) > 1


@pytest.mark.skipif(not cases(), reason="the shared finance data are not beside this checkout")
@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case['id']}-{case['fn']}")
def test_finance_case(case: Case) -> None:
    found = FUNCTIONS[case["fn"]](case)
    assert is_accepted(case, found), (case["expected"], found, case.get("all_roots"))


@pytest.mark.skipif(not cases(), reason="the shared finance data are not beside this checkout")
def test_nearly_no_case_takes_the_way_out_of_several_roots() -> None:
    """Answering `irr_multiple` everywhere would pass its rule; most rows have one root and must state it."""
    asked = [case for case in cases() if case["fn"] in ("irr", "xirr") and case["expected"] is not None]
    stated = [case for case in asked if FUNCTIONS[case["fn"]](case).value is not None]
    assert len(stated) > 0.8 * len(asked)
