"""Monte Carlo of a case as plain values: probabilities, percentiles and the band of its cash curve."""

from dataclasses import asdict
from typing import Any

from roi.engine import monte_carlo
from roi.engine.monte_carlo import Simulation, SimulationError, Spread
from roi.engine.result import Reason
from roi.questions import Draws, QuestionRejected
from roi.usecases import base
from roi.usecases.base import Case

Plain = dict[str, Any]


def bands(case: Case, draws: Draws) -> Plain:
    """Return the case over its draws; raises QuestionRejected where the draws cannot be made."""
    try:
        found = monte_carlo.run(
            base.model(case),
            drivers=draws.distributions,
            seed=draws.seed,
            correlations=draws.correlations,
            log2_draws=draws.log2_draws,
            discount_rate=case.discount_rate,
            hurdle_rate=case.hurdle_rate,
        )
    except SimulationError as error:
        raise QuestionRejected({"monte_carlo": [str(error)]}) from error
    return as_plain(found)


def as_plain(found: Simulation) -> Plain:
    """Return a simulation as plain values: amounts in currency units, ROI in percent, probabilities as fractions."""
    roi = None if isinstance(found.roi, Reason) else {k: v * 100 for k, v in asdict(found.roi).items()}
    reasons = {"roi_percent": found.roi.value} if isinstance(found.roi, Reason) else {}
    return {
        "draws": found.draws,
        "seed": found.seed,
        "p_roi_positive": found.p_roi_positive,
        "p_npv_covered": found.p_npv_covered,
        "p_npv_at_hurdle_covered": found.p_npv_at_hurdle_covered,
        "p_breakeven": found.p_breakeven,
        "undefined_roi_share": found.undefined_roi_share,
        "roi_percent": roi,
        "net_benefit": _spread(found.net_benefit),
        "npv": _spread(found.npv),
        "npv_at_hurdle": _spread(found.npv_at_hurdle),
        "risk_adjusted_npv": found.risk_adjusted_npv(),
        "cumulative_net": _by_month(found),
        "reasons": reasons,
    }


def _spread(spread: Spread) -> Plain:
    return asdict(spread)


def _by_month(found: Simulation) -> list[Plain]:
    band = found.cumulative_net
    columns = zip(
        band.p10.tolist(), band.p50.tolist(), band.p90.tolist(), found.p_breakeven_by.tolist(), strict=True
    )
    return [
        {"month": month, "p10": p10, "p50": p50, "p90": p90, "p_breakeven": reached}
        for month, (p10, p50, p90, reached) in enumerate(columns, start=1)
    ]
