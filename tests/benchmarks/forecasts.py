"""Forecasts of 10,000 investments in one vectorized pass against a loop over statsmodels, which fits one at a time.

The loop does less: it fits benefit, run cost and volume, simulates as many paths from resampled residuals and takes the
percentiles, but computes no probabilities and no crossings. It runs on a sample; its time is scaled.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
import warnings

import numpy as np

from portfolio.terms import MICRO, Basis
from roi.engine import backtest_histories, forecast
from roi.engine.forecast_standing import Terms
from roi.engine.result import Floats
from roi.engine.series import Series
from tests.benchmarks.report import Row

INVESTMENTS, MONTHS, AHEAD, SAMPLE, ROUNDS, SEED = 10_000, 36, 12, 100, 3, 20_260_101


def investments() -> tuple[Series, Terms]:
    """Return investments of 36 closed months, of the back-test's processes, with a volume that follows the benefit."""
    made = backtest_histories.generate(INVESTMENTS, seed=SEED, ahead=0)
    benefit, run = ((part[:, :MONTHS] * MICRO).astype(np.int64) for part in (made.benefit, made.run))
    nothing, closed = np.zeros_like(run), np.ones(run.shape, dtype=np.bool_)
    once = nothing.copy()
    once[:, 0] = 6 * benefit[:, 0]
    random = np.random.default_rng(SEED)
    rate = np.full(INVESTMENTS, 0.10)
    series = Series(
        benefit={Basis.SUPPORTED: benefit},
        run=run,
        avoidable_run=run,
        one_time=once,
        usage=nothing,
        volume={"query": benefit / MICRO * np.exp(0.05 * random.standard_normal(run.shape))},
        length=np.full(INVESTMENTS, MONTHS),
        closed=closed,
        complete=closed,
        missing_fx=~closed,
        horizon_months=np.full(INVESTMENTS, MONTHS + AHEAD),
        hurdle_rate=rate,
        discount_rate=rate,
    )
    terms = Terms(
        ahead=np.full(INVESTMENTS, AHEAD),
        live=np.ones(INVESTMENTS, dtype=np.int64),
        due=np.full(INVESTMENTS, 24),
        volume=["query"] * INVESTMENTS,
        seed=np.arange(INVESTMENTS, dtype=np.uint64),
        plan=None,
        has_plan=np.zeros(INVESTMENTS, dtype=np.bool_),
    )
    return series, terms


def vectorized(series: Series, terms: Terms) -> float:
    """Return the seconds of one pass over all."""
    started = time.perf_counter()
    made = forecast.compute(series, terms)
    seconds = time.perf_counter() - started
    assert (made.method == forecast.Method.DAMPED_TREND).all()
    assert all(np.isfinite(made.interval[measure]).all() for measure in forecast.MEASURES)
    return seconds


def loop(series: Series) -> float:
    """Return the seconds that statsmodels needs for the sample, scaled to all."""
    warnings.simplefilter("ignore")  # some fits do not converge; their time counts
    started = time.perf_counter()
    for row in range(0, INVESTMENTS, INVESTMENTS // SAMPLE):
        paths = [
            _simulated(values[row])
            for values in (
                series.benefit[Basis.SUPPORTED] / MICRO,
                series.run / MICRO,
                series.volume["query"],
            )
        ]
        net = paths[0] - paths[1]
        for values in (*paths, net, np.cumsum(net, axis=0)):
            np.percentile(values, [10, 50, 90], axis=1)
    return (time.perf_counter() - started) * INVESTMENTS / SAMPLE


def _simulated(values: Floats) -> Floats:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    fitted = ExponentialSmoothing(values, trend="add", damped_trend=True).fit()
    rng = np.random.default_rng(SEED)
    return np.asarray(fitted.simulate(AHEAD, repetitions=forecast.PATHS, random_errors="bootstrap", rng=rng))


def rows() -> list[Row]:
    """Measure in a process of its own, whose peak memory is the pass's."""
    command = [sys.executable, "-m", "tests.benchmarks.forecasts"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    name = f"forecast: {INVESTMENTS:,} x {MONTHS} months, {AHEAD} ahead, {forecast.PATHS} paths"
    return [
        Row(name, found["seconds"], "s"),
        Row("forecast: peak memory of the process", found["peak_mb"], "MB", "<= 600"),
        Row(f"forecast: statsmodels loop (from {SAMPLE} investments) / pass", found["ratio"], "ratio"),
    ]


def main() -> None:
    """Print what one process measured as a line of JSON."""
    series, terms = investments()
    seconds = statistics.median(vectorized(series, terms) for _ in range(ROUNDS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "ratio": loop(series) / seconds}))


if __name__ == "__main__":
    main()
