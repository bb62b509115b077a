"""A case's figures under the names that clients see: numbers at the top level, undefined as null beside its reason."""

from collections.abc import Collection, Mapping
from typing import Any

from roi.engine.result import Figure
from roi.usecases.base import Case, HiddenCosts
from roi.usecases.drivers import Driver, drivers_of
from roi.usecases.figures import CaseFigures, View


def figures(case: Case, computed: CaseFigures) -> dict[str, Any]:
    """Return the figures: money in currency units, `_percent` in percent, `_months` in months, `reasons` by name.

    After the common names follow the template's own report fields; `multi_year` has the totals of several horizons.
    """
    common = {**_settings(case), **_totals(computed)}
    shown = {**_common(computed), **case.template.report(case, computed)}
    return {
        **common,
        **{name: figure.value for name, figure in shown.items()},
        "is_one_time_significant": computed.is_one_time_significant,
        "multi_year": [view(one) for one in computed.multi_year],
        "reasons": _reasons(shown),
    }


def view(one: View) -> dict[str, Any]:
    """Return the totals at the end of a month; what is undefined is null, with its reason."""
    shown = {"roi_percent": _percent(one.roi), "npv": one.npv, "npv_at_hurdle": one.npv_at_hurdle}
    return {
        "months": one.months,
        "total_cost": float(one.total_cost),
        "total_value": float(one.total_value),
        "net_benefit": float(one.net_benefit),
        **{name: figure.value for name, figure in shown.items()},
        "reasons": _reasons(shown),
    }


def drivers(case: Case, *, stated: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Return the value of every driver and hidden cost, its unit, and whether it was stated or is the template's."""
    own: tuple[Driver, ...] = drivers_of(type(case.drivers))  # type: ignore[arg-type]  # a class hashes
    values = ((case.drivers, own), (case.hidden_costs, drivers_of(HiddenCosts)))
    return {
        one.name: {
            "value": getattr(owner, one.name),
            "unit": one.unit.value,
            "is_set": one.name in stated,
        }
        for owner, known in values
        for one in known
    }


def monthly(computed: CaseFigures) -> dict[str, Any]:
    """Return the plan by month in currency units: totals, and one row per planned line."""
    return {
        **{name: [int(value) / 1e6 for value in amounts] for name, amounts in computed.monthly.items()},
        "lines": [
            {
                "account": line.account,
                "ref": line.ref,
                "label": line.label,
                "amounts": [float(value) / (1e6 if line.is_money else 1) for value in line.amounts],
            }
            for line in computed.plan
        ],
    }


def _settings(case: Case) -> dict[str, Any]:
    return {
        "template": case.template.name,
        "name": getattr(case.drivers, "name", case.template.title),
        "months": case.months,
        "currency": case.currency,
        "discount_rate": case.discount_rate,
        "hurdle_rate": case.hurdle_rate,
    }


def _totals(computed: CaseFigures) -> dict[str, Any]:
    return {
        "total_cost": float(computed.view.total_cost),
        "total_value": float(computed.view.total_value),
        "net_benefit": float(computed.view.net_benefit),
        "one_time_cost": float(computed.one_time_cost),
    }


def _common(computed: CaseFigures) -> dict[str, Figure]:
    return {
        "roi_percent": _percent(computed.view.roi),
        "payback_months": computed.payback_months,
        "discounted_payback_months": computed.discounted_payback_months,
        "breakeven_month": computed.breakeven_month,
        "npv": computed.view.npv,
        "npv_at_hurdle": computed.view.npv_at_hurdle,
        "irr_percent": _percent(computed.irr),
        "mirr_percent": _percent(computed.mirr),
        "unit_cost": computed.unit_cost,
        "run_unit_cost": computed.run_unit_cost,
    }


def _percent(figure: Figure) -> Figure:
    return figure if figure.value is None else Figure(100 * figure.value)


def _reasons(shown: Mapping[str, Figure]) -> dict[str, str]:
    return {name: figure.reason.value for name, figure in shown.items() if figure.reason is not None}
