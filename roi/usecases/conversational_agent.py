"""A conversational agent: cost per conversation from turns, tokens and prices; value from conversations deflected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roi.engine import unit_economics
from roi.engine.result import Figure
from roi.engine.unit_economics import CostBasis
from roi.usecases import rollout, totals
from roi.usecases.base import Case, Line, Template
from roi.usecases.drivers import Group, Unit, driver
from roi.usecases.rollout import Rollout
from roi.usecases.totals import Totals
from roi.usecases.values import Value

if TYPE_CHECKING:
    from roi.usecases.figures import CaseFigures

_OF = "ConversationalAgentROI"


@dataclass(frozen=True, slots=True)
class Drivers(Rollout):
    """The fields of the published model, with its values to start from."""

    monthly_conversations: Value = driver(
        25_000.0, label="Conversations", unit=Unit.COUNT_PER_MONTH, group=Group.VOLUME,
        source=f"{_OF}.monthly_conversations", help="Conversations a month that start with the agent.",
    )  # fmt: skip
    avg_turns_per_conversation: Value = driver(
        4.0, label="Turns per conversation", unit=Unit.COUNT, group=Group.VOLUME,
        source=f"{_OF}.avg_turns_per_conversation", help="Calls of the model in one conversation, on average.",
    )  # fmt: skip
    avg_input_tokens: Value = driver(
        800.0, label="Input tokens per turn", unit=Unit.TOKENS, group=Group.VOLUME,
        source=f"{_OF}.avg_input_tokens",
        help="Prompt, retrieved text and history. History sent again makes it grow with every turn.",
    )  # fmt: skip
    avg_output_tokens: Value = driver(
        300.0, label="Output tokens per turn", unit=Unit.TOKENS, group=Group.VOLUME,
        source=f"{_OF}.avg_output_tokens", help="Tokens of an answer, hidden reasoning included.",
    )  # fmt: skip
    deflection_rate: Value = driver(
        0.45, label="Deflection", unit=Unit.FRACTION, group=Group.VALUE,
        source=f"{_OF}.deflection_rate",
        help="Share of conversations that need no person. 0.45 to 0.55 is 10 points, to 0.495 is 10% relative.",
    )  # fmt: skip
    cost_per_human_conversation: Value = driver(
        8.50, label="Cost of a human conversation", unit=Unit.CURRENCY_PER_UNIT, group=Group.VALUE,
        source=f"{_OF}.cost_per_human_conversation",
        help="Fully loaded cost of a conversation led by a person, from this investment's own baseline.",
    )  # fmt: skip
    csat_revenue_impact_monthly: Value = driver(
        3_000.0, label="Revenue by satisfaction", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        source=f"{_OF}.csat_revenue_impact_monthly", help="Revenue kept because fewer customers leave.",
    )  # fmt: skip
    development_cost: Value = driver(
        120_000.0, label="Development", unit=Unit.CURRENCY, group=Group.ONE_TIME,
        source=f"{_OF}.development_cost", help="Design, integration and launch of the agent, once.",
    )  # fmt: skip
    input_price_per_million: Value = driver(
        3.0, label="Price of input tokens", unit=Unit.CURRENCY_PER_MILLION_TOKENS, group=Group.RUN,
        source=f"{_OF}.input_price_per_million",
        help="Take it from the vendor's list on the day of use; 3 is the published case's, not a current list price.",
    )  # fmt: skip
    output_price_per_million: Value = driver(
        12.0, label="Price of output tokens", unit=Unit.CURRENCY_PER_MILLION_TOKENS, group=Group.RUN,
        source=f"{_OF}.output_price_per_million", help="As for input tokens; 12 is the published case's.",
    )  # fmt: skip
    infra_monthly: Value = driver(
        2_500.0, label="Infrastructure", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        source=f"{_OF}.infra_monthly", help="Hosting, vector store, monitoring.",
    )  # fmt: skip
    maintenance_monthly: Value = driver(
        2_000.0, label="Maintenance", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        source=f"{_OF}.maintenance_monthly", help="Prompts, knowledge base, care of the integrations.",
    )  # fmt: skip


def plan(d: Drivers, month: Value) -> list[Line]:
    """Return the plan: tokens follow the conversations, savings follow those deflected."""
    live, use, effect = rollout.live(d, month), rollout.use(d, month), rollout.effect(d, month)
    conversations = d.monthly_conversations * use
    deflected = conversations * d.deflection_rate * effect
    turns = conversations * d.avg_turns_per_conversation
    input_tokens, output_tokens = turns * d.avg_input_tokens, turns * d.avg_output_tokens
    tokens = input_tokens * d.input_price_per_million + output_tokens * d.output_price_per_million
    return [
        Line("development", d.development_cost, "Development", is_once=True),
        Line("model_api", tokens / 1e6 * rollout.price(d, month), "Model API"),
        Line("infrastructure", d.infra_monthly * live, "Infrastructure"),
        Line("maintenance", d.maintenance_monthly * live, "Maintenance"),
        Line("retraining", rollout.retraining(d, month), "Retraining"),
        Line("labor_savings", deflected * d.cost_per_human_conversation, "Conversations deflected"),
        Line("revenue", d.csat_revenue_impact_monthly * use * effect, "Revenue by satisfaction"),
        Line("conversations", conversations, "Conversations"),
        Line("successful_outcomes", deflected, "Conversations deflected"),
        Line("input_tokens", input_tokens, "Input tokens"),
        Line("output_tokens", output_tokens, "Output tokens"),
    ]


def report(case: Case, figures: "CaseFigures") -> Mapping[str, Figure]:
    """Return the fields of the published report over the first 12 months, then the cost of a conversation.

    Unrounded, in currency units. `roi_percent`, the eleventh field, is the case's own. All fields but the share of
    cost that is named by its kind include hidden costs and retraining.
    """
    year = totals.over(case, months=12)
    return {
        "annual_api_cost": Figure(year.of("model_api")),
        "annual_infra_cost": Figure(year.of("infrastructure")),
        "annual_maintenance": Figure(year.of("maintenance")),
        "development_cost": Figure(year.of("development")),
        "total_annual_cost": Figure(year.cost()),
        "annual_labor_savings": Figure(year.of("labor_savings")),
        "annual_revenue_impact": Figure(year.of("revenue")),
        "total_annual_value": Figure(year.benefit()),
        **_unit_costs(year, human=case.drivers.cost_per_human_conversation),
    }


def _unit_costs(year: Totals, *, human: float) -> dict[str, Figure]:
    """Return the cost of a conversation on each basis, and how many times dearer a person's is.

    The year bears all one-time cost; `marginal` is tokens alone.
    """
    cost, once = year.cost(), year.one_time_cost()
    period = unit_economics.Period(
        usage_cost=year.of("model_api"),
        run_cost=cost - once,
        one_time_share=once,
        units=year.of("conversations"),
        deflected=year.of("successful_outcomes"),
    )
    bases = unit_economics.compare_with_people(human, period=period)
    costs = {f"cost_per_ai_conversation_{basis}": one.unit_cost for basis, one in bases.items()}
    ratios = {f"human_to_ai_ratio_{basis}": one.ratio for basis, one in bases.items()}
    return {
        "cost_per_ai_conversation": bases[CostBasis.RUN].unit_cost,
        "cost_per_human_conversation": Figure(human),
        **costs,
        **ratios,
    }


TEMPLATE = Template(
    name="conversational_agent",
    title="Conversational agent",
    description="An agent that answers customers first: tokens per conversation against the cost of a person's.",
    drivers=Drivers,
    plan=plan,
    months=12,
    unit_of_use="conversations",
    report=report,
)
