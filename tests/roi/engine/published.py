"""The three published cases as functions of draws, written apart from the templates that they check."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from roi.engine.flows import Flows, Model
from roi.engine.result import Floats

VALUES = ("labor_savings_monthly", "speed_value_monthly", "quality_value_monthly", "revenue_impact_monthly")
COSTS = ("infra_monthly", "api_monthly", "maintenance_monthly")


@dataclass(frozen=True, slots=True)
class Published:
    """A case's model over a number of months, and the values of its drivers."""

    model: Model
    base: dict[str, float]


def support(months: int = 12) -> Published:
    """Return the customer-support case."""
    return _generic((150_000, 4_500, 6_000, 3_000), (19_250, 3_000, 2_500, 1_500), months)


def coding(months: int = 12) -> Published:
    """Return the coding-assistant case."""
    return _generic((15_000, 0, 3_900, 500), (8_333, 4_167, 2_000, 0), months)


def agent(months: int = 12) -> Published:
    """Return the conversational-agent case; a price factor of 1 stands for both token prices at once."""
    base = {
        "monthly_conversations": 25_000.0,
        "avg_turns_per_conversation": 4.0,
        "deflection_rate": 0.45,
        "token_price": 1.0,
        "infra_monthly": 2_500.0,
        "maintenance_monthly": 2_000.0,
        "development_cost": 120_000.0,
        "cost_per_human_conversation": 8.5,
        "csat_revenue_impact_monthly": 3_000.0,
    }

    def model(d: Mapping[str, Floats]) -> Flows:
        tokens = d["monthly_conversations"] * d["avg_turns_per_conversation"]
        api = tokens * (800 * 3.0 + 300 * 12.0) / 1e6 * d["token_price"]
        deflected = d["monthly_conversations"] * d["deflection_rate"]
        benefit = deflected * d["cost_per_human_conversation"] + d["csat_revenue_impact_monthly"]
        run = api + d["infra_monthly"] + d["maintenance_monthly"]
        return Flows(benefit, run, d["development_cost"] * _first(months), months)

    return Published(model, base)


def _generic(cost: tuple[float, ...], value: tuple[float, ...], months: int) -> Published:
    base = dict(zip(("dev_cost", *COSTS, *VALUES), map(float, (*cost, *value)), strict=True))

    def model(d: Mapping[str, Floats]) -> Flows:
        benefit = np.sum([d[name] for name in VALUES], axis=0)
        run = np.sum([d[name] for name in COSTS], axis=0)
        return Flows(benefit, run, d["dev_cost"] * _first(months), months)

    return Published(model, base)


def _first(months: int) -> Floats:
    return (np.arange(months) == 0)[None, :].astype(np.float64)
