"""The check figures of source B and of its degradation scenarios, through the vectorized engine."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portfolio.terms import MICRO
from roi.engine.result import Reason
from tests.roi.engine.build import computed, flat, series

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "engine" / "source_b.json"
CASES: dict[str, dict[str, Any]] = json.loads(GOLDEN.read_text())
STATED = [(name, int(months)) for name, case in CASES.items() for months in case["months"]]


def half_digit(stated: float) -> float:
    """Return half a unit of the last digit a golden number is stated with."""
    digits = str(stated).partition(".")[2]
    return float(0.5000001 * 10.0 ** -(len(digits) if digits.strip("0") else 0))


@pytest.mark.parametrize(("name", "months"), STATED)
def test_source_case_gives_every_stated_figure(name: str, months: int) -> None:
    case = CASES[name]
    stated = case["months"][str(months)]
    volumes = {"conversation": [case["conversations"]] * months} if "conversations" in case else {}
    usage = np.full((1, months), case.get("usage", 0) * MICRO)
    given = flat(
        dev=case["dev"],
        run=case["run"],
        benefit=case["benefit"],
        months=months,
        volume=volumes,
        horizon=case.get("horizon", 36),
        usage=usage,
    )
    figures, basis = computed(given)
    last = (0, months - 1)
    found = {
        "roi_pct": basis.roi.value[last] * 100,
        "npv": basis.npv.value[last] / MICRO,
        "irr_pct": basis.irr.value[last] * 100,
        "discounted_payback": basis.discounted_payback.value[last],
        "tco": figures.tco[last] / MICRO,
        "benefit": basis.cumulative_benefit[last] / MICRO,
    }
    for key, costs in figures.unit_costs.items():
        for kind in ("run", "loaded", "marginal"):
            found[f"{kind}_cost_per_{key}"] = getattr(costs, kind).value[last] / MICRO
    for key, value in stated.items():
        assert found[key] == pytest.approx(value, abs=half_digit(value)), key
    assert basis.payback.value[last] == pytest.approx(case["payback"], abs=half_digit(case["payback"]))
    assert basis.breakeven_index.value[last] == case["breakeven"]
    margin = half_digit(case["incremental_roi"])
    assert basis.incremental_roi.value[last] == pytest.approx(case["incremental_roi"], abs=margin)


def test_support_case_reaches_breakeven_in_month_12_and_not_before() -> None:
    _, basis = computed(flat(dev=150_000, run=13_500, benefit=26_250, months=12))
    assert basis.breakeven_index.at((0, 10)).reason is Reason.NOT_REACHED
    assert basis.breakeven_index.at((0, 11)).value == 12
    assert basis.discounted_payback.at((0, 11)).reason is Reason.NOT_REACHED


def degraded(months: int, worthless: float) -> list[int]:
    """Return the support case's benefit while accuracy falls from 96 % to 88 % over 18 months, then holds."""
    accuracies = [0.96 - 0.08 * min(month, 18) / 18 for month in range(1, months + 1)]
    return [round(26_250 * (accuracy - worthless) / (0.96 - worthless)) for accuracy in accuracies]


@pytest.mark.parametrize(
    ("worthless", "months", "roi_pct"),
    [
        (0.0, 12, -2.08),
        (0.0, 24, 25.76),
        (0.0, 36, 39.13),
        (0.8, 12, -17.27),
        (0.8, 24, -10.01),
        (0.8, 36, -8.17),
    ],
)
def test_degradation_lowers_roi_as_published(worthless: float, months: int, roi_pct: float) -> None:
    benefit = degraded(months, worthless)
    given = series(benefit=benefit, run=[13_500] * months, one_time=[150_000] + [0] * (months - 1))
    _, basis = computed(given)
    assert basis.roi.value[0, -1] * 100 == pytest.approx(roi_pct, abs=0.006)  # whole units a month
    if worthless == 0.0 and months > 12:
        assert basis.breakeven_index.value[0, -1] == 13
    if worthless == 0.8:
        assert basis.breakeven_index.at((0, months - 1)).reason is Reason.NOT_REACHED


def test_degradation_turns_the_window_negative_in_month_19_and_irr_ambiguous() -> None:
    benefit = degraded(24, 0.8)
    given = series(benefit=benefit, run=[13_500] * 24, one_time=[150_000] + [0] * 23)
    _, basis = computed(given, all_months_irr=True)
    negative = [
        month for month in range(1, 25) if basis.operating_margin.value[0, month - 1] < 0 and month > 2
    ]
    assert negative[0] == 19
    assert basis.irr.at((0, 17)).reason is Reason.IRR_MULTIPLE
    assert basis.irr.at((0, 23)).reason is Reason.IRR_MULTIPLE
    assert basis.mirr.at((0, 23)).value is not None
