"""Cases to export: every template with drawn drivers, and the hard ones; and what the engine says of them."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from roi.engine.result import Figure
from roi.usecases import TEMPLATES
from roi.usecases.base import Case, HiddenCosts, read_case
from roi.usecases.drivers import Driver, DriversRejected, Unit, drivers_of
from roi.usecases.figures import CaseFigures, View

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
REQUIRED = {"prevalence": 0.002}
HARD: dict[str, dict[str, Any]] = {
    "nothing is earned": {"annual_support_cost": 0, "speed_value_monthly": 0, "quality_value_monthly": 0,
                          "revenue_impact_monthly": 0},
    "nothing is spent": {"dev_cost": 0, "infra_monthly": 0, "api_monthly": 0, "maintenance_monthly": 0},
    "only running pays": {"dev_cost": 0},
    "retraining swallows it": {"retraining_every": 12, "retraining_cost": 180_000, "months": 49},
    "it wears out": {"accuracy_loss": 0.03, "months": 60},
    "it wears out and is rescued": {"accuracy_loss": 0.05, "retraining_every": 18, "retraining_cost": 90_000,
                                    "months": 72, "dev_cost": 20_000},
    "it is built for two years": {"build_months": 24, "months": 12},
    "one month": {"months": 1},
    "all months": {"months": 120, "discount_rate": 0.0, "hurdle_rate": 0.35},
    "equality counts": {"dev_cost": 153_000, "discount_rate": 0.0, "months": 36},
    "long after the horizon": {"dev_cost": 1_200_000, "months": 36},
    "after all that is planned": {"dev_cost": 2_000_000},
    "growth leaves the ledger": {"growth_rate": 10, "months": 24},
}  # fmt: skip


def hard() -> Iterator[tuple[str, Case]]:
    """Return the cases in which figures are missing, cross twice, or lie far out."""
    for name, stated in HARD.items():
        values = dict(stated)
        settings = {
            key: values.pop(key) for key in ("months", "discount_rate", "hurdle_rate") if key in values
        }
        yield name, read_case(TEMPLATES["customer_support"], values, **settings)


def default(template: str) -> Case:
    """Return a template as it is offered."""
    kind = TEMPLATES[template]
    wanted = {one.name for one in drivers_of(kind.drivers) if one.is_required}
    return read_case(kind, {name: REQUIRED[name] for name in wanted})


def drawn(template: str, seed: int) -> Case:
    """Return a template with drivers and hidden costs drawn at random, within its bounds."""
    chance, kind = random.Random(seed), TEMPLATES[template]
    for _ in range(100):
        stated = {one.name: _value(one, chance) for one in drivers_of(kind.drivers) if not one.is_text}
        hidden = {one.name: _value(one, chance) for one in drivers_of(HiddenCosts)}
        months = chance.choice([6, 12, 13, 24, 36, 60])
        rates = {"discount_rate": chance.choice([0.0, 0.08, 0.1]), "hurdle_rate": chance.choice([0.1, 0.25])}
        try:
            return read_case(kind, stated, hidden_costs=hidden, months=months, **rates)
        except DriversRejected:
            continue
    raise AssertionError(f"No drivers of {template} can be drawn.")


def expected(computed: CaseFigures) -> dict[str, Figure]:
    """Return the engine's figures under the names they have in the workbook."""
    view = computed.view
    return {
        "total_cost": Figure(float(view.total_cost)),
        "one_time_cost": Figure(float(computed.one_time_cost)),
        "payback_months": computed.payback_months,
        "discounted_payback_months": computed.discounted_payback_months,
        "breakeven_month": computed.breakeven_month,
        "last_breakeven_month": computed.last_breakeven_month,
        "irr": computed.irr,
        "mirr": computed.mirr,
        "unit_cost": computed.unit_cost,
        "run_unit_cost": computed.run_unit_cost,
        **of_view(view),
    }


def of_view(view: View) -> dict[str, Figure]:
    """Return the totals at the end of a month."""
    return {
        "total_cost": Figure(float(view.total_cost)),
        "total_value": Figure(float(view.total_value)),
        "net_benefit": Figure(float(view.net_benefit)),
        "roi": view.roi,
        "npv": view.npv,
        "npv_at_hurdle": view.npv_at_hurdle,
    }


def _value(one: Driver, chance: random.Random) -> float:
    usual = REQUIRED.get(one.name, one.default or 0.0)
    assert isinstance(usual, float | int)
    value = usual * chance.uniform(0.6, 1.5) if usual else chance.choice([0, 1]) * _some(one, chance)
    value = min(max(value, one.low), one.high)
    return round(value) if one.is_whole else round(value, 6)


def _some(one: Driver, chance: random.Random) -> float:
    if one.unit is Unit.MONTHS:
        return chance.randint(1, 9)
    if one.unit is Unit.FRACTION_PER_MONTH:
        return chance.uniform(0, 0.04)
    if one.unit in (Unit.FRACTION, Unit.FRACTION_PER_YEAR):
        return chance.uniform(-0.2, 0.4)
    return chance.uniform(1, 3000)
