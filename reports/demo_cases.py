"""The demo's business cases: a second wave of a running investment, a proposal, and one that does not pay."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portfolio.models import Investment, Portfolio, User
from reports.console import cases_brackets
from roi import cases, questions

_OWN = "Covered by the platform team's budget."


@dataclass(frozen=True, slots=True)
class DemoCase:
    """A case as somebody of the demo wrote it; `ranges` are drivers as low and high ends."""

    portfolio: str
    author: str
    investment: str
    content: Mapping[str, Any]
    ranges: Mapping[str, tuple[float, float]]
    scenarios: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


CASES = (
    DemoCase(
        portfolio="CX",
        author="olivia",
        investment="CX-SUPPORT",
        content={
            "template": "customer_support",
            "title": "Customer support AI, second wave",
            "months": 36,
            "drivers": {
                "deflection_rate": 0.60,
                "copilot_adoption": 0.50,
                "copilot_gain": 0.14,
                "dev_cost": 95_000.0,
                "build_months": 3,
                "ramp_months": 6,
                "price_change_rate": -0.20,
                "accuracy_loss": 0.01,
                "retraining_every": 6,
                "retraining_cost": 4_000.0,
            },
            "hidden_costs": {
                "integration_engineering": 18_000.0,
                "integration_maintenance": 900.0,
                "evaluation_pipeline": 1_100.0,
                "safety_pipeline": 700.0,
                "compliance_review": 400.0,
                "legal_review": {"none": "The vendor contract of the first wave covers it."},
            },
        },
        ranges={
            "deflection_rate": (0.38, 0.68),
            "copilot_gain": (0.05, 0.20),
            "dev_cost": (80_000.0, 150_000.0),
            "api_monthly": (4_500.0, 8_000.0),
        },
        scenarios={
            "Without the copilot": {"copilot_adoption": 0.0},
            "Deflection stays at 50%": {"deflection_rate": 0.50},
        },
    ),
    DemoCase(
        portfolio="CX",
        author="olivia",
        investment="",
        content={
            "template": "conversational_agent",
            "title": "Returns desk: an agent that settles returns by itself",
            "months": 24,
            "drivers": {
                "monthly_conversations": 3_600.0,
                "deflection_rate": 0.34,
                "development_cost": 70_000.0,
                "csat_revenue_impact_monthly": 0.0,
                "ramp_months": 4,
            },
            "hidden_costs": {
                "integration_engineering": 22_000.0,
                "integration_maintenance": 600.0,
                "evaluation_pipeline": 800.0,
                "safety_pipeline": {"none": _OWN},
                "compliance_review": 300.0,
                "legal_review": 250.0,
            },
        },
        ranges={
            "monthly_conversations": (2_600.0, 4_400.0),
            "deflection_rate": (0.22, 0.44),
            "development_cost": (60_000.0, 110_000.0),
        },
    ),
    DemoCase(
        portfolio="OPS",
        author="sam",
        investment="OPS-VISION",
        content={
            "template": "visual_quality_control",
            "title": "Visual inspection for the second line",
            "months": 36,
            "drivers": {"units_per_day": 19_000.0, "build_months": 4, "accuracy_loss": 0.005},
            "hidden_costs": {
                "integration_engineering": 30_000.0,
                "integration_maintenance": 1_500.0,
                "evaluation_pipeline": 900.0,
                "safety_pipeline": {"none": "No person acts on it unchecked."},
                "compliance_review": {"none": _OWN},
                "legal_review": {"none": "No personal data is processed."},
            },
        },
        ranges={"escape_rate_after": (0.003, 0.010), "cost_per_escape": (1.5, 4.5)},
    ),
)


def write(*, portfolios: Mapping[str, Portfolio], people: Mapping[str, User], now: datetime) -> None:
    """Write the demo's cases with their scenarios, as their authors would."""
    for one in CASES:
        _write(one, portfolios[one.portfolio], people[one.author], now)


def _write(one: DemoCase, portfolio: Portfolio, author: User, now: datetime) -> None:
    investment = Investment.objects.get(code=one.investment) if one.investment else None
    ranges = {name: {"kind": "uniform", "low": low, "high": high} for name, (low, high) in one.ranges.items()}
    content = {**one.content, "distributions": ranges}
    made = cases.create(portfolio, content, now=now, actor=author, investment=investment)
    asked = questions.read_case(cases.question(made, scenarios=[]), terms=cases.terms(made))
    for kind, drivers in cases_brackets.of(asked, ranges).items():
        cases.put_scenario(made, kind.capitalize(), kind=kind, drivers=drivers, now=now, actor=author)
    for name, changed in one.scenarios.items():
        cases.put_scenario(made, name, kind="own", drivers=changed, now=now, actor=author)
