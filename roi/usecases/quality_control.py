"""Visual quality control: fewer defects escape, each of which would have cost more downstream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roi.engine import detection
from roi.engine.result import Figure, Reason, undefined
from roi.usecases import rollout
from roi.usecases.base import Case, Line, Template
from roi.usecases.drivers import DriverError, Group, Unit, driver
from roi.usecases.rollout import Rollout
from roi.usecases.values import Value, maximum

if TYPE_CHECKING:
    from roi.usecases.figures import CaseFigures

_TEXT = "text on inference systems"


@dataclass(frozen=True, slots=True)
class Drivers(Rollout):
    """Escape-rate reduction x units x downstream cost, against the system and the good parts it rejects."""

    units_per_day: Value = driver(
        50_000.0, label="Units inspected", unit=Unit.COUNT_PER_DAY, group=Group.VOLUME,
        source=f"{_TEXT}: 50,000 units a day", help="On a working day.",
    )  # fmt: skip
    working_days: Value = driver(
        250.0, label="Working days", unit=Unit.DAYS_PER_YEAR, group=Group.VOLUME, high=366,
        help="250 for one shift on weekdays, 365 for a line that never stops.",
    )  # fmt: skip
    escape_rate_before: Value = driver(
        0.032, label="Escape rate before", unit=Unit.FRACTION, group=Group.VALUE,
        source=f"{_TEXT}: 3.2%", help="Share of units that leave with a defect today: the baseline.",
    )  # fmt: skip
    escape_rate_after: Value = driver(
        0.004, label="Escape rate after", unit=Unit.FRACTION, group=Group.VALUE,
        source=f"{_TEXT}: 0.4%", help="Share that still leaves with a defect.",
    )  # fmt: skip
    cost_per_escape: Value = driver(
        2.50, label="Downstream cost of a defect", unit=Unit.CURRENCY_PER_UNIT, group=Group.VALUE,
        help="Rework, returns, warranty, penalties for one unit that left with a defect. An assumption: state yours.",
    )  # fmt: skip
    inspection_hours_saved: Value = driver(
        0.0, label="Inspection hours saved", unit=Unit.HOURS, group=Group.VALUE,
        help="Hours a month of people who inspect, no longer needed.",
    )  # fmt: skip
    inspection_hourly_cost: Value = driver(
        35.0, label="Cost of an inspector's hour", unit=Unit.CURRENCY_PER_UNIT, group=Group.VALUE,
        help="Loaded.",
    )  # fmt: skip
    hardware_cost: Value = driver(
        180_000.0, label="Cameras and computers", unit=Unit.CURRENCY, group=Group.ONE_TIME,
        help="Cameras, lights, accelerators at the line; capital expenditure.",
    )  # fmt: skip
    dev_cost: Value = driver(
        120_000.0, label="Development", unit=Unit.CURRENCY, group=Group.ONE_TIME,
        help="Labeled images, training, integration with the line.",
    )  # fmt: skip
    false_reject_rate: Value = driver(
        0.005, label="False rejects", unit=Unit.FRACTION, group=Group.RUN,
        help="Share of good units that are rejected. Rises as accuracy is lost.",
    )  # fmt: skip
    cost_per_false_reject: Value = driver(
        0.30, label="Cost of a false reject", unit=Unit.CURRENCY_PER_UNIT, group=Group.RUN,
        help="Second inspection or scrap of one good unit.",
    )  # fmt: skip
    infra_monthly: Value = driver(
        3_000.0, label="Infrastructure", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Storage of images, servers, network.",
    )  # fmt: skip
    maintenance_monthly: Value = driver(
        6_000.0, label="Maintenance", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Calibration, cleaning, new products and defects.",
    )  # fmt: skip


def plan(d: Drivers, month: Value) -> list[Line]:
    """Return the plan: escapes avoided follow the success rate, false rejects the error rate."""
    live, use = rollout.live(d, month), rollout.use(d, month)
    inspected = d.units_per_day * d.working_days / 12 * use
    avoided = inspected * (d.escape_rate_before - d.escape_rate_after) * rollout.effect(d, month)
    rejected = rollout.error_rate(d, month, d.false_reject_rate)
    false_rejects = inspected * (1 - d.escape_rate_before) * rejected
    return [
        Line("hardware", d.hardware_cost, "Cameras and computers", is_once=True),
        Line("development", d.dev_cost, "Development", is_once=True),
        Line("infrastructure", d.infra_monthly * live, "Infrastructure"),
        Line("maintenance", d.maintenance_monthly * live, "Maintenance"),
        Line("retraining", rollout.retraining(d, month), "Retraining"),
        Line("error_remediation", false_rejects * d.cost_per_false_reject, "False rejects"),
        Line("loss_avoided", avoided * d.cost_per_escape, "Downstream cost of defects avoided"),
        Line("labor_savings", d.inspection_hours_saved * d.inspection_hourly_cost * use, "Inspection saved"),
        Line("queries", inspected, "Units inspected"),
        Line("successful_outcomes", maximum(avoided, 0), "Defects kept from leaving"),
    ]


def problems(d: Drivers) -> list[DriverError]:
    """Return what is wrong between the drivers: more defects escape than before."""
    if d.escape_rate_after <= d.escape_rate_before:
        return []
    sentence = (
        f"The escape rate after ({d.escape_rate_after:g}) is above the one before ({d.escape_rate_before:g})."
    )
    return [DriverError("escape_rate_after", sentence)]


def report(case: Case, figures: "CaseFigures") -> Mapping[str, Figure]:
    """Return the defects kept from leaving at full effect, a day and a year."""
    d: Drivers = case.drivers
    rates = {"rate_before": d.escape_rate_before, "rate_after": d.escape_rate_after}
    day = detection.escapes(d.units_per_day, **rates)
    year = detection.escapes(d.units_per_day, days=d.working_days, **rates)
    change = day.change
    return {
        "escapes_avoided_per_day": Figure(day.avoided),
        "escapes_avoided_annual": Figure(year.avoided),
        "escape_change_percent": change if change.value is None else Figure(100 * change.value),
        "downstream_cost_avoided_annual": Figure(year.value(d.cost_per_escape)),
        "breakeven_cost_per_escape": _breakeven_cost(case, figures),
    }


def _breakeven_cost(case: Case, figures: "CaseFigures") -> Figure:
    """Return what a defect must cost for the case to break even over its horizon, all else as stated."""
    avoided = sum(line.amounts.sum() for line in figures.plan if line.account == "successful_outcomes")
    if avoided <= 0:
        return undefined(Reason.NO_VOLUME)
    needed = float(-figures.view.net_benefit) + float(avoided) * case.drivers.cost_per_escape
    return Figure(needed / float(avoided))


def notes(case: Case) -> Sequence[str]:
    """Return the remark on the driver that nobody published."""
    d: Drivers = case.drivers
    return [
        f"Everything scales with the downstream cost of a defect ({d.cost_per_escape:g}): measure it first."
    ]


TEMPLATE = Template(
    name="visual_quality_control",
    title="Visual quality control",
    description="Escape-rate reduction times units times downstream cost, less the system and its false rejects.",
    drivers=Drivers,
    plan=plan,
    unit_of_use="queries",
    problems=problems,
    report=report,
    notes=notes,
)
