"""The unit-cost tab of an investment: what a unit costs by month, beside people's cost, and what moved it."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from math import floor, log10
from typing import Any

from portfolio.knowledge import with_one_view
from reports.console import assets, figures
from reports.console.standing import Standing
from roi import charts, unit_costs, what_if_charts
from roi.engine.result import Reason
from roi.engine.wording import signed

Context = dict[str, Any]
Plain = Mapping[str, Any]

BASES = {
    "marginal": ("Marginal", "usage-driven cost / units"),
    "run": ("Run", "run cost / units"),
    "loaded": ("Fully loaded", "run cost and the share of one-time cost / units"),
    "per_deflected": ("Run, per unit without a person", "run cost / successful outcomes"),
    "per_deflected_loaded": ("Fully loaded, per unit without a person", "the same with one-time cost"),
    "blended": ("Blended", "run cost and the people who do the rest / units"),
    "blended_loaded": ("Blended, fully loaded", "the same with one-time cost"),
}
CAUSES = {
    "tokens_per_query": "Tokens per query",
    "price_per_token": "Price per token",
    "queries_per_outcome": "Queries per outcome",
    "other_cost": "Run cost other than tokens",
}
DECOMPOSED = {
    Reason.TOO_FEW_MONTHS: f"The first {unit_costs.PERIOD} closed, complete months are compared with the last"
    f" {unit_costs.PERIOD}; there are fewer than {2 * unit_costs.PERIOD}.",
    Reason.NO_VOLUME: "It takes tokens, queries and outcomes of every month compared; some are not recorded.",
    Reason.UNPRICED_USAGE: "It takes the recorded cost of tokens (model API) of every month compared;"
    " a month has none.",
}
_PER = "cost per "
_LARGEST = Decimal(10) ** 12


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return what the tab shows; the address may state what a unit costs when people do it, and which unit."""
    investment = stands.investment
    told = with_one_view(lambda: unit_costs.of(investment, knowledge=stands.knowledge))
    units = [unit["unit"] for unit in told["units"]]
    return {
        "units": [_unit(unit, told) for unit in told["units"]],
        "chart_scripts": assets.chart_scripts() if units else [],
        "decomposition": _decomposition(told["decomposition"]),
        **(_people(stands, units, query) if units else {}),
    }


def named(key: str) -> str:
    """Return a volume key as people say it."""
    return key.replace("_", " ")


def _unit(unit: Plain, told: Plain) -> Context:
    costs = (unit["unit_costs"], unit["loaded_unit_costs"], unit["marginal_unit_costs"])
    months = list(zip(told["months"], *costs, unit["month_reasons"], unit["volumes"], strict=True))
    rows = [
        {"month": month, "run": run, "loaded": loaded, "marginal": marginal}
        for month, run, loaded, marginal, _, _ in months
    ]
    spec = what_if_charts.unit_costs(rows, currency=told["currency"], unit=named(unit["unit"]))
    return {
        "key": unit["unit"],
        "title": f"Cost per {named(unit['unit'])}",
        "chart_id": f"unit-{unit['unit']}",
        "payload": {"spec": spec, "themes": {name: charts.theme(name) for name in ("light", "dark")}},
        "text": spec["description"],
        "has_costs": bool(spec["data"]["values"]),
        "trend": _trend(unit, told["currency"]),
        "elasticity": _elasticity(unit),
        "rows": [
            {"month": month, "volume": _count(volume), "cells": [_cost(cost, why) for cost in found]}
            for month, *found, why, volume in reversed(months)
        ],
    }


def _cost(cost: float | None, why: str | None) -> Any:
    return figures.unit_cost(cost, reason=Reason(why or Reason.NO_VOLUME))


def _count(volume: float | None) -> Any:
    return figures.missing(Reason.NO_VOLUME) if volume is None else figures.quantity(Decimal(str(volume)))


def _trend(unit: Plain, currency: str) -> str:
    """Return in a sentence how the run cost of a unit moves by month, or why nobody can say."""
    found = unit["trend"]
    if found is None:
        return _why(unit["reasons"]["trend"])
    slope, low, high = slopes_text(found["slope"], found["low"], found["high"])
    around = (
        f"{slope} {currency} a month (between {low} and {high}"
        f" with {found['confidence']:.0%} confidence, {found['months']} months)."
    )
    words = {
        "improving": "It gets cheaper: ",
        "worsening": "It gets dearer: ",
        "flat": "Neither cheaper nor dearer as far as the months tell: ",
    }
    return words[found["direction"]] + around


def slopes_text(*slopes: float) -> list[str]:
    """Return slopes with their signs, all to as many decimals as give the steepest three digits."""
    steepest = max(map(abs, slopes))
    places = max(2, 2 - floor(log10(steepest))) if steepest else 2
    return [signed(slope, f",.{places}f") for slope in slopes]


def _elasticity(unit: Plain) -> str:
    """Return in a sentence what more volume does to the run cost of a unit, or why nobody can say."""
    found = unit["elasticity"]
    if found is None:
        return _why(unit["reasons"]["elasticity"])
    change = 1.1 ** found["slope"] - 1
    interval = (
        f"elasticity {signed(found['slope'], '.2f')},"
        f" between {signed(found['low'], '.2f')} and {signed(found['high'], '.2f')}"
        f" with {found['confidence']:.0%} confidence, {found['months']} months"
    )
    if found["low"] <= 0 <= found["high"]:
        return f"No effect of volume on the unit cost can be told ({interval})."
    word = "less" if change < 0 else "more"
    return f"With 10% more volume a unit costs {abs(change):.1%} {word} ({interval})."


def _why(code: str) -> str:
    return figures.why(Reason(code))


def _people(stands: Standing, units: list[str], query: Mapping[str, str]) -> Context:
    """Return the comparison with people: their cost of a unit from the address, else from the hypothesis."""
    stated, unit = query.get("human", "").strip(), query.get("unit", "")
    baseline, baseline_unit = _baseline(stands, units)
    chosen = unit if unit in units else baseline_unit
    form: Context = {
        "human_units": [{"key": key, "name": named(key), "is_chosen": key == chosen} for key in units],
        "human": stated or (f"{baseline.normalize():f}" if baseline is not None else ""),
        "human_from": "" if stated or baseline is None else "the baseline of the hypothesis",
    }
    try:
        cost = Decimal(stated) if stated else baseline
    except InvalidOperation:
        cost = Decimal("NaN")
    if cost is None:
        return form
    if not (cost.is_finite() and 0 <= cost <= _LARGEST):
        return form | {
            "human_error": "Write an amount like 5.60: not negative, with a point before its decimals."
        }
    told = with_one_view(
        lambda: unit_costs.compare_with_people(
            stands.investment, unit=chosen, human_unit_cost=float(cost), knowledge=stands.knowledge
        )
    )
    return form | {"people": told and _compared(told)}


def _baseline(stands: Standing, units: list[str]) -> tuple[Decimal | None, str]:
    """Return the unit cost before the AI, where the hypothesis is about a cost per something; and the unit."""
    preferred = [key for key in ("conversation", "outcome", "query") if key in units] or units
    newest = stands.hypothesis()
    metric = newest.metric.lower() if newest else ""
    currency = stands.investment.portfolio.reporting_currency
    if newest is None or newest.unit.upper() != currency or not metric.startswith(_PER):
        return None, preferred[0]
    word = metric.removeprefix(_PER).strip()
    known = newest.baseline if newest.baseline is not None and newest.baseline >= 0 else None
    return known, next((key for key in units if named(key) == word), preferred[0])


def _compared(told: Plain) -> Context:
    return {
        "unit": named(told["unit"]),
        "months": f"{told['months'][0]} to {told['months'][-1]}",
        "rows": [_basis(row) for row in told["bases"]],
    }


def _basis(row: Plain) -> Context:
    title, note = BASES[row["basis"]]
    reason = Reason(row["reason"]) if row["reason"] else ""
    ratio = row["ratio"]
    return {
        "title": title,
        "note": note,
        "cost": figures.unit_cost(row["unit_cost"], reason=reason),
        "ratio": figures.missing(reason) if ratio is None else f"{ratio:,.2f}×",
        "change": figures.percent(row["change"], reason=reason),
    }


def _decomposition(told: Plain) -> Context:
    if told["reason"] == unit_costs.NOT_AS_KNOWN:
        return {"why": "It reads deployments and prices as they are now, so there is none of an earlier day."}
    if told["reason"] is not None:
        reason = Reason(told["reason"])
        return {"why": DECOMPOSED.get(reason, figures.why(reason))}
    change = Decimal(told["change"])
    return {
        "sentence": told["sentence"],
        "before": f"{told['before_months'][0]} to {told['before_months'][-1]}",
        "after": f"{told['after_months'][0]} to {told['after_months'][-1]}",
        "ends": [figures.unit_cost(float(told[name])) for name in ("before", "after", "change")],
        "rows": [_part(cause, Decimal(part), change) for cause, part in told["parts"].items()],
    }


def _part(cause: str, part: Decimal, change: Decimal) -> Context:
    share = float(part / change) if change else None
    return {
        "title": CAUSES[cause],
        "amount": figures.unit_cost(float(part)),
        "share": figures.percent(share, reason="The cost did not change."),
    }
