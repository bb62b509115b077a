"""Edge inference in logistics: fuel, routes, data not sent, servers not run; none of it depends on accuracy."""

from collections.abc import Mapping, Sequence
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
    """Savings per vehicle and in the center, against devices and their management."""

    vehicles: Value = driver(
        200.0, label="Vehicles", unit=Unit.COUNT, group=Group.VOLUME,
        help="Vehicles with a device.",
    )  # fmt: skip
    deliveries_per_vehicle: Value = driver(
        400.0, label="Deliveries per vehicle", unit=Unit.COUNT_PER_MONTH, group=Group.VOLUME,
        help="Stops a vehicle makes in a month.",
    )  # fmt: skip
    fuel_cost_per_vehicle: Value = driver(
        1_800.0, label="Fuel of a vehicle", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        help="Before, in a month: the baseline.",
    )  # fmt: skip
    fuel_saving: Value = driver(
        0.06, label="Fuel saved", unit=Unit.FRACTION, group=Group.VALUE,
        help="Share of the fuel saved by driving and idling differently, on the same routes.",
    )  # fmt: skip
    route_cost_per_vehicle: Value = driver(
        4_000.0, label="Route cost of a vehicle", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        help="Drivers' hours, wear and tolls in a month, without fuel: the baseline.",
    )  # fmt: skip
    route_saving: Value = driver(
        0.03, label="Route cost saved", unit=Unit.FRACTION, group=Group.VALUE,
        help="Share saved by better routes. Fuel saved by shorter routes belongs to the fuel saved, once.",
    )  # fmt: skip
    wan_gb_per_vehicle: Value = driver(
        150.0, label="Data sent per vehicle", unit=Unit.COUNT_PER_MONTH, group=Group.VALUE,
        help="Gigabytes a month that went to the center before.",
    )  # fmt: skip
    wan_price_per_gb: Value = driver(
        0.40, label="Price of a gigabyte sent", unit=Unit.CURRENCY_PER_UNIT, group=Group.VALUE,
        help="Mobile or satellite transfer.",
    )  # fmt: skip
    wan_share_kept_local: Value = driver(
        0.90, label="Data kept local", unit=Unit.FRACTION, group=Group.VALUE,
        help="Share that the device makes unnecessary to send.",
    )  # fmt: skip
    central_infra_saved_monthly: Value = driver(
        9_000.0, label="Central infrastructure saved", unit=Unit.CURRENCY_PER_MONTH, group=Group.VALUE,
        help="Servers and storage no longer needed; follows the vehicles in use.",
    )  # fmt: skip
    device_cost: Value = driver(
        600.0, label="Device", unit=Unit.CURRENCY_PER_UNIT, group=Group.ONE_TIME,
        help="Accelerator and housing for one vehicle; capital expenditure.",
    )  # fmt: skip
    installation_cost: Value = driver(
        150.0, label="Installation", unit=Unit.CURRENCY_PER_UNIT, group=Group.ONE_TIME,
        help="For one vehicle.",
    )  # fmt: skip
    dev_cost: Value = driver(
        250_000.0, label="Development", unit=Unit.CURRENCY, group=Group.ONE_TIME,
        help="Models, quantization, deployment over the air.",
    )  # fmt: skip
    device_management: Value = driver(
        12.0, label="Management of a device", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Fleet management, updates, replacements; for one vehicle.",
    )  # fmt: skip
    maintenance_monthly: Value = driver(
        7_000.0, label="Maintenance", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="People who keep models and integrations running.",
    )  # fmt: skip


def plan(d: Drivers, month: Value) -> list[Line]:
    """Return the plan: savings follow the vehicles in use, never the accuracy of the model."""
    live, use = rollout.live(d, month), rollout.use(d, month)
    running, fleet = d.vehicles * use, d.vehicles * rollout.size(d, month)
    sent = d.wan_gb_per_vehicle * d.wan_price_per_gb * d.wan_share_kept_local
    return [
        Line("hardware", d.vehicles * d.device_cost, "Devices", is_once=True),
        Line("integration", d.vehicles * d.installation_cost, "Installation", is_once=True),
        Line("development", d.dev_cost, "Development", is_once=True),
        Line("mlops", fleet * d.device_management, "Management of devices"),
        Line("maintenance", d.maintenance_monthly * live, "Maintenance"),
        Line("retraining", rollout.retraining(d, month), "Retraining"),
        Line("cost_avoided", running * d.fuel_cost_per_vehicle * d.fuel_saving, "Fuel", ref="fuel"),
        Line("cost_avoided", running * d.route_cost_per_vehicle * d.route_saving, "Routes", ref="routes"),
        Line("infrastructure_savings", running * sent, "Data not sent", ref="wan"),
        Line("infrastructure_savings", d.central_infra_saved_monthly * use, "Servers not run", ref="central"),
        Line("outcomes", running * d.deliveries_per_vehicle, "Deliveries"),
    ]


def report(case: Case, figures: "CaseFigures") -> Mapping[str, Figure]:
    """Return what each source of savings brings over the first 12 months, and what a vehicle saves in a month."""
    year, d = totals.over(case, months=12), case.drivers
    deliveries = d.deliveries_per_vehicle
    return {
        "annual_fuel_savings": Figure(year.of("cost_avoided", ref="fuel")),
        "annual_route_savings": Figure(year.of("cost_avoided", ref="routes")),
        "annual_wan_savings": Figure(year.of("infrastructure_savings", ref="wan")),
        "annual_central_infra_savings": Figure(year.of("infrastructure_savings", ref="central")),
        "savings_per_vehicle_month": ratio(year.benefit() * deliveries, year.of("outcomes")),
    }


def notes(case: Case) -> Sequence[str]:
    """Return what does not matter here."""
    if not case.drivers.accuracy_loss:
        return ()
    return [
        "Effect lost per month changes nothing here: these savings do not depend on the model's accuracy."
    ]


TEMPLATE = Template(
    name="edge_logistics",
    title="Edge inference in logistics",
    description="Fuel, routes, data transfer and central servers saved by computing in the vehicle.",
    drivers=Drivers,
    plan=plan,
    unit_of_use="outcomes",
    report=report,
    notes=notes,
)
