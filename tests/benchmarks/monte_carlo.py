"""Monte Carlo of one business case against a NumPy script written for that case alone: same draws, same figures."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import qmc

from roi.engine import distributions, monte_carlo
from roi.engine.result import Floats
from roi.usecases import base, generic_llm
from tests.benchmarks.report import Row

TRIALS, SEED, LOG2_DRAWS, MONTHS = 60, 20_260_101, 14, 12
DISCOUNT, HURDLE = 0.10, 0.15
PERCENTS = [5, 10, 25, 50, 75, 90, 95]
AMOUNTS = {
    "api_monthly": 6_000.0,
    "dev_cost": 150_000.0,
    "infra_monthly": 4_500.0,
    "labor_savings_monthly": 19_250.0,
    "maintenance_monthly": 3_000.0,
    "quality_value_monthly": 2_500.0,
    "revenue_impact_monthly": 1_500.0,
    "speed_value_monthly": 3_000.0,
}


def engine() -> monte_carlo.Simulation:
    """Return the case's figures by the product's own road, template included."""
    case = base.Case(template=generic_llm.TEMPLATE, drivers=generic_llm.Drivers(), months=MONTHS)
    return monte_carlo.run(
        base.model(case),
        {name: distributions.plus_minus(amount, share=0.2) for name, amount in AMOUNTS.items()},
        seed=SEED,
        discount_rate=DISCOUNT,
        hurdle_rate=HURDLE,
        log2_draws=LOG2_DRAWS,
    )


def script() -> dict[str, Any]:
    """Return the same figures as somebody would write them down who needs them for this case only."""
    u = qmc.Sobol(len(AMOUNTS), rng=SEED).random_base2(LOG2_DRAWS)
    center = np.array(list(AMOUNTS.values()))
    api, dev, infra, labor, maintenance, quality, revenue, speed = (center * (0.8 + 0.4 * u)).T
    value, run = labor + speed + quality + revenue, infra + api + maintenance
    month = np.arange(1, MONTHS + 1)
    net = np.repeat((value - run)[:, None], MONTHS, axis=1)
    net[:, 0] -= dev
    cumulative = np.cumsum(net, axis=1)
    cost = dev + MONTHS * run
    total = MONTHS * value - cost
    roi = total / cost
    worths = [(value - run) * ((1 + rate) ** (-month / 12)).sum() - dev for rate in (DISCOUNT, HURDLE)]
    reached = np.logical_or.accumulate(cumulative >= 0, axis=1)
    return {
        "probabilities": [float((roi > 0).mean()), *(float((worth >= 0).mean()) for worth in worths)],
        "breakeven_by": reached.mean(axis=0),
        "percentiles": [np.percentile(each, PERCENTS) for each in (roi, total, *worths)],
        "means": [float(each.mean()) for each in (roi, total, *worths)],
        "band": np.percentile(cumulative, [10, 50, 90], axis=0),
    }


def check() -> None:
    """Make sure that both sides compute the same; raises AssertionError."""
    ours, theirs = engine(), script()
    assert ours.draws == 2**LOG2_DRAWS
    spreads = [ours.roi, ours.net_benefit, ours.npv, ours.npv_at_hurdle]
    for spread, percentiles, mean in zip(spreads, theirs["percentiles"], theirs["means"], strict=True):
        assert isinstance(spread, monte_carlo.Spread)
        _same([getattr(spread, f"p{percent}") for percent in PERCENTS], percentiles)
        _same([spread.mean], [mean])
    probabilities = [ours.p_roi_positive, ours.p_npv_covered, ours.p_npv_at_hurdle_covered]
    _same(probabilities, theirs["probabilities"])
    _same(ours.p_breakeven_by, theirs["breakeven_by"])
    band = ours.cumulative_net
    _same(np.stack([band.p10, band.p50, band.p90]), theirs["band"])


def _same(ours: list[float] | Floats, theirs: list[float] | Floats) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-6)


def rows() -> list[Row]:
    """Measure both in turn, so that whatever else the machine does hits both alike."""
    check()
    pairs = [(_seconds(engine), _seconds(script)) for _ in range(TRIALS)]
    own = statistics.median(ours for ours, _ in pairs)
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    return [
        Row(f"monte_carlo: one case, 2^{LOG2_DRAWS} draws x {MONTHS} months", own * 1000, "ms"),
        Row("monte_carlo: one case / a NumPy script for it alone", ratio, "ratio", "<= 2"),
    ]


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
