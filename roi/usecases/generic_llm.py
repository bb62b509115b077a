"""The generic model of a language-model project: eight monthly amounts and a horizon, as in the published framework."""

from dataclasses import dataclass

from roi.usecases.base import Line, Template
from roi.usecases.drivers import Group, Unit, driver
from roi.usecases.values import Value

_OF = "LLMROIModel"


@dataclass(frozen=True, slots=True)
class Drivers:
    """Exactly the fields of the published model; the starting values are its customer-support example."""

    name: str = driver(
        "Customer Support AI", label="Name", unit=Unit.TEXT, group=Group.NAME,
        source=f"{_OF}.name", help="What the case is called.",
    )  # fmt: skip
    horizon_months: Value = driver(
        12, label="Horizon", unit=Unit.MONTHS, group=Group.NAME, low=1, high=120, whole=True,
        source=f"{_OF}.horizon_months", help="How many months the case looks at.",
    )  # fmt: skip
    dev_cost: Value = driver(
        150_000.0, label="Development", unit=Unit.CURRENCY, group=Group.ONE_TIME,
        source=f"{_OF}.dev_cost", help="One-time development: build, fine-tuning, integration.",
    )  # fmt: skip
    infra_monthly: Value = driver(
        4_500.0, label="Infrastructure", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        source=f"{_OF}.infra_monthly", help="Hosting, vector store, inference hardware, monitoring.",
    )  # fmt: skip
    api_monthly: Value = driver(
        6_000.0, label="Model API", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        source=f"{_OF}.api_monthly", help="Calls to a model vendor, or seats of a product built on one.",
    )  # fmt: skip
    maintenance_monthly: Value = driver(
        3_000.0, label="Maintenance", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        source=f"{_OF}.maintenance_monthly", help="Updates, administration, retraining.",
    )  # fmt: skip
    labor_savings_monthly: Value = driver(
        19_250.0, label="Labor savings", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        source=f"{_OF}.labor_savings_monthly",
        help="Paid time no longer needed. Money only when it is redeployed or not hired.",
    )  # fmt: skip
    speed_value_monthly: Value = driver(
        3_000.0, label="Speed", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        source=f"{_OF}.speed_value_monthly", help="What faster work is worth, beyond the labor saved.",
    )  # fmt: skip
    quality_value_monthly: Value = driver(
        2_500.0, label="Quality", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        source=f"{_OF}.quality_value_monthly", help="Fewer errors, fewer repeats.",
    )  # fmt: skip
    revenue_impact_monthly: Value = driver(
        1_500.0, label="Revenue impact", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        source=f"{_OF}.revenue_impact_monthly", help="Revenue won or kept, less what it costs to serve.",
    )  # fmt: skip


def plan(d: Drivers, month: Value) -> list[Line]:
    """Return the plan: the same amounts in every month, development in the first."""
    return [
        Line("development", d.dev_cost, "Development", is_once=True),
        Line("infrastructure", d.infra_monthly, "Infrastructure"),
        Line("model_api", d.api_monthly, "Model API"),
        Line("maintenance", d.maintenance_monthly, "Maintenance"),
        Line("labor_savings", d.labor_savings_monthly, "Labor savings"),
        Line("speed", d.speed_value_monthly, "Speed"),
        Line("quality", d.quality_value_monthly, "Quality"),
        Line("revenue", d.revenue_impact_monthly, "Revenue impact"),
    ]


TEMPLATE = Template(
    name="generic_llm",
    title="Generic language-model project",
    description="Four kinds of cost and four of value, flat from the first month. Start here when nothing else fits.",
    drivers=Drivers,
    plan=plan,
    months=12,
)
