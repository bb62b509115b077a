"""The figures of a case as plain values under their published names: one spelling for command, API and pages."""

from decimal import Decimal
from typing import Any

from roi.engine.result import Figure
from roi.usecases.base import Case
from roi.usecases.figures import CaseFigures, View

Plain = dict[str, Any]


def figures(case: Case, found: CaseFigures) -> Plain:
    """Return a case's figures by name: money in currency units, `_percent` in percent, times in months.

    What is undefined is None, and `reasons` has its code under the same name. The template's own fields follow.
    """
    plain: Plain = {
        "template": case.template.name,
        "months": case.months,
        "currency": case.currency,
        **_view(found.view),
        "one_time_cost": _number(found.one_time_cost),
        "is_one_time_significant": found.is_one_time_significant,
    }
    reasons: dict[str, str] = plain.pop("reasons")
    for name, figure, scale in (
        ("payback_months", found.payback_months, 1),
        ("discounted_payback_months", found.discounted_payback_months, 1),
        ("breakeven_month", found.breakeven_month, 1),
        ("irr_percent", found.irr, 100),
        ("mirr_percent", found.mirr, 100),
        ("unit_cost", found.unit_cost, 1),
        ("run_unit_cost", found.run_unit_cost, 1),
    ):
        _put(plain, reasons, name, figure, scale)
    own = case.template.report(case, found)
    plain |= {name: value for name, value in own.items() if name not in plain}
    return plain | {"multi_year": [_view(view) for view in found.multi_year], "reasons": reasons}


def _view(view: View) -> Plain:
    plain: Plain = {
        "months": view.months,
        "total_cost": _number(view.total_cost),
        "total_value": _number(view.total_value),
        "net_benefit": _number(view.net_benefit),
    }
    reasons: dict[str, str] = {}
    for name, figure, scale in (
        ("roi_percent", view.roi, 100),
        ("npv", view.npv, 1),
        ("npv_at_hurdle", view.npv_at_hurdle, 1),
    ):
        _put(plain, reasons, name, figure, scale)
    return plain | {"reasons": reasons}


def _put(plain: Plain, reasons: dict[str, str], name: str, figure: Figure, scale: int) -> None:
    plain[name] = None if figure.value is None else figure.value * scale
    if figure.reason is not None:
        reasons[name] = figure.reason.value


def _number(amount: Decimal) -> float:
    return float(amount)
