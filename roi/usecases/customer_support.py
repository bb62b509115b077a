"""Customer support: full automation and the agents' copilot as two channels with economics of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roi.engine.result import Figure
from roi.usecases import rollout, totals
from roi.usecases.base import Case, Line, Template
from roi.usecases.drivers import Group, Unit, driver
from roi.usecases.rollout import Rollout
from roi.usecases.totals import ratio
from roi.usecases.values import Value

if TYPE_CHECKING:
    from roi.usecases.figures import CaseFigures


@dataclass(frozen=True, slots=True)
class Drivers(Rollout):
    """Baseline cost of support, the share automated, and what the copilot saves on the rest.

    The starting values are the published support case, which automates 55 % of 420,000 a year and has no copilot.
    """

    annual_tickets: Value = driver(
        200_000.0, label="Tickets", unit=Unit.COUNT, group=Group.VOLUME,
        source="support case: 200K tickets a year", help="Contacts a year before any automation.",
    )  # fmt: skip
    annual_support_cost: Value = driver(
        420_000.0, label="Support cost before", unit=Unit.CURRENCY_PER_YEAR, group=Group.VALUE, low=0,
        source="support case: $420K annual support",
        help="Loaded cost a year of the people who answer these tickets; the baseline.",
    )  # fmt: skip
    deflection_rate: Value = driver(
        0.55, label="Deflection", unit=Unit.FRACTION, group=Group.VALUE,
        source="support case: 55% cost reduction",
        help="Channel 1, automation: share of tickets that never reach a person.",
    )  # fmt: skip
    copilot_adoption: Value = driver(
        0.0, label="Copilot adoption", unit=Unit.FRACTION, group=Group.VALUE,
        help="Channel 2, augmentation: share of the remaining tickets handled with the copilot after ramp-up.",
    )  # fmt: skip
    copilot_gain: Value = driver(
        0.0, label="Copilot time saved", unit=Unit.FRACTION, group=Group.VALUE,
        help="Share of handling time the copilot saves on a ticket it is used for.",
    )  # fmt: skip
    speed_value_monthly: Value = driver(
        3_000.0, label="Speed", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        source="LLMROIModel.speed_value_monthly", help="Faster resolution, fewer escalations.",
    )  # fmt: skip
    quality_value_monthly: Value = driver(
        2_500.0, label="Quality", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        source="LLMROIModel.quality_value_monthly", help="Higher satisfaction, fewer repeat contacts.",
    )  # fmt: skip
    revenue_impact_monthly: Value = driver(
        1_500.0, label="Revenue impact", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        source="LLMROIModel.revenue_impact_monthly", help="Customers kept by better support.",
    )  # fmt: skip
    dev_cost: Value = driver(
        150_000.0, label="Development", unit=Unit.CURRENCY, group=Group.ONE_TIME,
        source="LLMROIModel.dev_cost", help="Retrieval pipeline, fine-tuning, integration.",
    )  # fmt: skip
    infra_monthly: Value = driver(
        4_500.0, label="Infrastructure", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        source="LLMROIModel.infra_monthly", help="Vector store, inference hardware, monitoring.",
    )  # fmt: skip
    api_monthly: Value = driver(
        6_000.0, label="Model API at full volume", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        source="LLMROIModel.api_monthly", help="Model calls of a month at the stated volume; follows volume and price.",
    )  # fmt: skip
    copilot_seats: Value = driver(
        0.0, label="Copilot seats", unit=Unit.COUNT, group=Group.RUN,
        help="Agents with a copilot, whether they use it or not.",
    )  # fmt: skip
    copilot_seat_price: Value = driver(
        0.0, label="Price of a copilot seat", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Per agent and month.",
    )  # fmt: skip
    maintenance_monthly: Value = driver(
        3_000.0, label="Maintenance", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        source="LLMROIModel.maintenance_monthly", help="Knowledge-base updates and care of the models.",
    )  # fmt: skip


def plan(d: Drivers, month: Value) -> list[Line]:
    """Return the plan. The copilot can only save on what automation leaves; tickets come whether it is live or not."""
    live, size, use = rollout.live(d, month), rollout.size(d, month), rollout.use(d, month)
    effect, level = rollout.effect(d, month), rollout.price(d, month)
    automated = d.deflection_rate * use * effect
    assisted = (size - automated) * rollout.ramp(d, month) * d.copilot_adoption * d.copilot_gain * effect
    monthly_cost, tickets = d.annual_support_cost / 12, d.annual_tickets / 12
    seats = d.copilot_seats * d.copilot_seat_price
    return [
        Line("development", d.dev_cost, "Development", is_once=True),
        Line("infrastructure", d.infra_monthly * live, "Infrastructure"),
        Line("model_api", d.api_monthly * use * level, "Model API"),
        Line("licenses", seats * size * level, "Copilot seats", ref="copilot"),
        Line("maintenance", d.maintenance_monthly * live, "Maintenance"),
        Line("retraining", rollout.retraining(d, month), "Retraining"),
        Line("labor_savings", monthly_cost * automated, "Labor saved by automation", ref="automation"),
        Line("labor_savings", monthly_cost * assisted, "Labor saved by the copilot", ref="copilot"),
        Line("speed", d.speed_value_monthly * use * effect, "Speed"),
        Line("quality", d.quality_value_monthly * use * effect, "Quality"),
        Line("revenue", d.revenue_impact_monthly * use * effect, "Revenue impact"),
        Line("conversations", tickets * use, "Tickets"),
        Line("successful_outcomes", tickets * automated, "Tickets deflected"),
    ]


def report(case: Case, figures: "CaseFigures") -> Mapping[str, Figure]:
    """Return what each channel saves over the first 12 months, and the cost of a ticket before and now."""
    year, d = totals.over(case, months=12), case.drivers
    return {
        "annual_automation_savings": Figure(year.of("labor_savings", ref="automation")),
        "annual_copilot_savings": Figure(year.of("labor_savings", ref="copilot")),
        "cost_per_ticket_before": ratio(d.annual_support_cost, d.annual_tickets),
        "api_cost_per_ticket": ratio(year.of("model_api"), year.of("conversations")),
        "cost_per_deflected_ticket": ratio(
            year.cost() - year.one_time_cost(), year.of("successful_outcomes")
        ),
    }


TEMPLATE = Template(
    name="customer_support",
    title="Customer support",
    description="Tickets answered without a person, and a copilot for the people who answer the rest.",
    drivers=Drivers,
    plan=plan,
    months=12,
    unit_of_use="conversations",
    report=report,
)
