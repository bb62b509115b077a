"""A coding assistant: seats against the time it saves developers, by task type where that is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roi.engine.result import Figure
from roi.usecases import rollout
from roi.usecases.base import Case, Line, Template
from roi.usecases.drivers import DriverError, Group, Unit, driver
from roi.usecases.rollout import Rollout
from roi.usecases.values import Value, maximum

if TYPE_CHECKING:
    from roi.usecases.figures import CaseFigures

_OF = "LLMROIModel"
LOW_LOADED_COST = 40_000.0


@dataclass(frozen=True, slots=True)
class Drivers(Rollout):
    """Headcount x loaded cost x gain x adoption, against seats x price.

    The starting values are the published case of 100 developers, with its lump of 1,000,000 a year taken apart.
    """

    developers: Value = driver(
        100.0, label="Developers", unit=Unit.COUNT, group=Group.VOLUME,
        source="coding case: 100 developers", help="People with a seat, whether they use it or not.",
    )  # fmt: skip
    adoption_rate: Value = driver(
        1.0, label="Adoption", unit=Unit.FRACTION, group=Group.VOLUME,
        help="Share of the seats in regular use after ramp-up; a seat costs the same unused.",
    )  # fmt: skip
    loaded_cost_per_developer: Value = driver(
        10_000.0, label="Loaded cost of a developer", unit=Unit.CURRENCY_PER_YEAR, group=Group.VALUE,
        source='coding case: "$1M annual salary" / 100 developers',
        help="Salary, taxes, equipment. The published 1,000,000 for 100 people is 10,000 each, far below any loaded"
        " cost; at 150,000 each its ROI is 2,222%.",
    )  # fmt: skip
    productivity_gain: Value = driver(
        0.10, label="Time saved", unit=Unit.FRACTION, group=Group.VALUE,
        source='coding case: "~10% productivity gain"',
        help="Share of working time saved on all tasks not split out below. An assumption until it is measured.",
    )  # fmt: skip
    routine_share: Value = driver(
        0.0, label="Routine coding, share of time", unit=Unit.FRACTION, group=Group.VALUE,
        help="Boilerplate, tests, conversions. 0: not split out.",
    )  # fmt: skip
    routine_gain: Value = driver(
        0.20, label="Routine coding, time saved", unit=Unit.FRACTION, group=Group.VALUE,
        source='coding case: "20 to 55% faster", the low end; it cites no study',
        help="Of the time spent on routine coding.",
    )  # fmt: skip
    context_switch_share: Value = driver(
        0.0, label="Context switches, share of time", unit=Unit.FRACTION, group=Group.VALUE,
        help="Looking things up and finding the way back. 0: not split out.",
    )  # fmt: skip
    context_switch_gain: Value = driver(
        0.10, label="Context switches, time saved", unit=Unit.FRACTION, group=Group.VALUE,
        help="Of the time lost to context switches.",
    )  # fmt: skip
    onboarding_share: Value = driver(
        0.0, label="Onboarding, share of time", unit=Unit.FRACTION, group=Group.VALUE,
        help="Time of people new to the code, over all developers. 0: not split out.",
    )  # fmt: skip
    onboarding_gain: Value = driver(
        0.10, label="Onboarding, time saved", unit=Unit.FRACTION, group=Group.VALUE,
        help="Of the time spent on onboarding.",
    )  # fmt: skip
    complex_share: Value = driver(
        0.0, label="Design and architecture, share of time", unit=Unit.FRACTION, group=Group.VALUE,
        help="Complex decisions, where little is gained. 0: not split out.",
    )  # fmt: skip
    complex_gain: Value = driver(
        0.0, label="Design and architecture, time saved", unit=Unit.FRACTION, group=Group.VALUE,
        source='coding case: "minimal benefit"', help="Of the time spent on complex decisions.",
    )  # fmt: skip
    speed_value_monthly: Value = driver(
        4_166.666667, label="Speed", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        source=f"{_OF}.speed_value_monthly (4,167)",
        help="Earlier delivery. The published amount is 5% of the same payroll, so it may count saved time twice.",
    )  # fmt: skip
    quality_value_monthly: Value = driver(
        2_000.0, label="Quality", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        source=f"{_OF}.quality_value_monthly", help="Fewer bugs in production.",
    )  # fmt: skip
    revenue_impact_monthly: Value = driver(
        0.0, label="Revenue impact", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        source=f"{_OF}.revenue_impact_monthly", help="Indirect and hard to measure.",
    )  # fmt: skip
    dev_cost: Value = driver(
        15_000.0, label="Set-up", unit=Unit.CURRENCY, group=Group.ONE_TIME,
        source=f"{_OF}.dev_cost", help="Single sign-on, policies, roll-out.",
    )  # fmt: skip
    seat_price: Value = driver(
        39.0, label="Price of a seat", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        source=f"{_OF}.api_monthly (3,900 = 100 x 39)", help="Per developer and month.",
    )  # fmt: skip
    usage_per_developer: Value = driver(
        0.0, label="Usage beyond the seat", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Metered requests or tokens per active developer and month; follows use and price.",
    )  # fmt: skip
    infra_monthly: Value = driver(
        0.0, label="Infrastructure", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        source=f"{_OF}.infra_monthly", help="0 for a hosted product.",
    )  # fmt: skip
    maintenance_monthly: Value = driver(
        500.0, label="Administration", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        source=f"{_OF}.maintenance_monthly", help="Admin time, policy updates.",
    )  # fmt: skip


def gain(d: Drivers) -> Value:
    """Return the share of all working time saved by an active developer: share x gain over the task types."""
    split = d.routine_share + d.context_switch_share + d.onboarding_share + d.complex_share
    return (
        maximum(1 - split, 0) * d.productivity_gain
        + d.routine_share * d.routine_gain
        + d.context_switch_share * d.context_switch_gain
        + d.onboarding_share * d.onboarding_gain
        + d.complex_share * d.complex_gain
    )


def plan(d: Drivers, month: Value) -> list[Line]:
    """Return the plan: seats are paid for everybody, time is saved by those who use theirs."""
    live, use = rollout.live(d, month), rollout.use(d, month)
    seats = d.developers * rollout.size(d, month)
    active = d.developers * use * d.adoption_rate
    level, effect = rollout.price(d, month), rollout.effect(d, month)
    saved = active * d.loaded_cost_per_developer / 12 * gain(d) * effect
    return [
        Line("sso_setup", d.dev_cost, "Set-up", is_once=True),
        Line("licenses", seats * d.seat_price * level, "Seats"),
        Line("model_api", active * d.usage_per_developer * level, "Usage beyond the seats"),
        Line("infrastructure", d.infra_monthly * live, "Infrastructure"),
        Line("administration", d.maintenance_monthly * live, "Administration"),
        Line("retraining", rollout.retraining(d, month), "Retraining"),
        Line("labor_savings", saved, "Developer time saved"),
        Line("speed", d.speed_value_monthly * use * effect, "Speed"),
        Line("quality", d.quality_value_monthly * use * effect, "Quality"),
        Line("revenue", d.revenue_impact_monthly * use * effect, "Revenue impact"),
        Line("headcount", seats, "Developers with a seat"),
        Line("users", active, "Active developers"),
    ]


def problems(d: Drivers) -> list[DriverError]:
    """Return what is wrong between the drivers: task types that add up to more than all time."""
    split = d.routine_share + d.context_switch_share + d.onboarding_share + d.complex_share
    if split <= 1 + 1e-9:
        return []
    return [DriverError("routine_share", f"The shares of time add up to {split:.0%}; all of it is 100%.")]


def report(case: Case, figures: "CaseFigures") -> Mapping[str, Figure]:
    """Return the payroll behind the gain, and the gain over all tasks."""
    d: Drivers = case.drivers
    return {
        "annual_payroll": Figure(d.developers * d.loaded_cost_per_developer),
        "average_gain_percent": Figure(100 * float(gain(d))),
        "seat_cost_monthly": Figure(d.developers * d.seat_price),
    }


def notes(case: Case) -> Sequence[str]:
    """Return the remark on a loaded cost that nobody is paid."""
    cost = case.drivers.loaded_cost_per_developer
    if not 0 < cost < LOW_LOADED_COST:
        return ()
    return [
        f"A developer at {cost:,.0f} a year is far below a loaded cost: the published case spreads 1,000,000 over"
        " 100 people. State your own."
    ]


TEMPLATE = Template(
    name="coding_assistant",
    title="Coding assistant",
    description="Seats for developers against the working time they save.",
    drivers=Drivers,
    plan=plan,
    months=12,
    unit_of_use="users",
    problems=problems,
    report=report,
    notes=notes,
)
