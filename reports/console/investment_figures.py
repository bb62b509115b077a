"""The first tab of an investment: figures on all three bases, the chart, the claim, the rates in force."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.safestring import SafeString

from portfolio import assumptions
from portfolio.models import Investment
from portfolio.terms import Basis
from reports.console import assets, figures
from reports.console.standing import Standing
from roi import charts
from roi.engine.result import Reason
from roi.engine.series import VOLUME_KEYS
from roi.models import Snapshot

Context = dict[str, Any]
Show = Callable[..., SafeString]


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure on the three bases."""

    title: str
    help_text: str
    cells: list[SafeString]
    explain: str = ""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A figure stored per basis: how it is titled, explained and shown."""

    name: str
    title: str
    help_text: str
    show: Show
    explain: str = ""


_STORED = (
    _Stored("roi", "ROI to date", "(benefit − cost) / cost, over all months", figures.percent, "roi"),
    _Stored("npv", "NPV", "at the discount rate", figures.money),
    _Stored("npv_hurdle", "NPV at the hurdle", "at the hurdle rate", figures.money),
    _Stored("irr", "IRR", "per year", figures.percent),
    _Stored("mirr", "MIRR", "per year, both rates the discount rate", figures.percent),
    _Stored("payback", "Payback", "months until cumulative benefit covers cost", figures.months),
    _Stored("discounted_payback", "Discounted payback", "months, at the discount rate", figures.months),
    _Stored(
        "incremental_roi",
        "Incremental ROI",
        "over the window, on run cost that could be stopped",
        figures.percent,
        "incremental_roi",
    ),
)


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return what the tab shows."""
    investment = stands.investment
    snapshots = stands.history()
    breakeven = stands.breakeven()
    points = [charts.Point(s.month, s.tco, s.cumulative_benefit_supported, s.is_closed) for s in snapshots]
    if not any(p.cost or p.benefit for p in points):
        points = []
    currency = investment.portfolio.reporting_currency
    rates = assumptions.rates_of([investment], knowledge_time=stands.knowledge)[investment.pk]
    return {
        "bases": ["Claimed", "Supported", "Cashable"],
        "rows": _rows(stands),
        "unit_costs": _unit_costs(stands),
        "chart": _chart(points, currency=currency, breakeven=breakeven) if points else None,
        "chart_scripts": assets.chart_scripts() if points else [],
        "chart_text": charts.describe(points, currency=currency, breakeven=breakeven),
        "chart_rows": [_chart_row(p) for p in reversed(points)],
        **_claim(stands),
        "deployments": list(investment.deployments.order_by("-effective_month")),
        "rates": [
            ("Hurdle rate", figures.percent(float(rates.hurdle_rate)), "per year"),
            ("Discount rate", figures.percent(float(rates.discount_rate)), "per year"),
            ("Asserted share", figures.percent(float(rates.asserted_share)), "of a claim without a study"),
        ],
        "term": _term(investment),
    }


def _claim(stands: Standing) -> Context:
    hypothesis = stands.hypothesis()
    numbers = (hypothesis.baseline, hypothesis.target) if hypothesis else (None, None)
    unit = hypothesis.unit if hypothesis else ""
    baseline, target = ("" if n is None else figures.measured_text(n, unit) for n in numbers)
    return {"hypothesis": hypothesis, "baseline": baseline, "target": target}


def _rows(stands: Standing) -> list[FigureRow]:
    rows = [
        FigureRow("Cost to date (TCO)", "all cost, one-time and run", _each(stands, lambda s, b: s.tco)),
        FigureRow(
            "Benefit to date", "", _each(stands, lambda s, b: getattr(s, f"cumulative_benefit_{b.value}"))
        ),
        FigureRow(
            "Net to date",
            "benefit − cost",
            _each(stands, lambda s, b: getattr(s, f"cumulative_benefit_{b.value}") - s.tco),
        ),
    ]
    rows += [FigureRow(f.title, f.help_text, _stored(stands, f), f.explain) for f in _STORED]
    rows.append(
        FigureRow("Operating margin", "benefit − avoidable run cost, over the window", _margins(stands))
    )
    rows.append(
        FigureRow(
            "Breakeven month",
            "first month with cumulative benefit ≥ cost",
            [figures.month(stands.breakeven(b.value), reason=_not_reached(stands)) for b in Basis],
        )
    )
    return rows


def _each(stands: Standing, value: Callable[[Snapshot, Basis], Decimal]) -> list[SafeString]:
    s = stands.snapshot
    return [figures.money(value(s, b) if s else None, reason=figures.NO_CLOSED_MONTH) for b in Basis]


def _stored(stands: Standing, figure: _Stored) -> list[SafeString]:
    names = [f"{figure.name}_{b.value}" for b in Basis]
    return [figure.show(stands.figure(name), reason=stands.reason(name)) for name in names]


def _margins(stands: Standing) -> list[SafeString]:
    cells = []
    for basis in Basis:
        reason, s = stands.reason(f"operating_margin_{basis.value}"), stands.snapshot
        value = (
            getattr(s, f"window_benefit_{basis.value}") - s.window_avoidable_run_cost
            if s and not reason
            else None
        )
        cells.append(figures.money(value, reason=reason))
    return cells


def _not_reached(stands: Standing) -> Reason | str:
    return Reason.NOT_REACHED if stands.snapshot else figures.NO_CLOSED_MONTH


def _unit_costs(stands: Standing) -> list[Context]:
    rows = []
    for key in VOLUME_KEYS:
        loaded, marginal = f"loaded_cost_per_{key}", f"marginal_cost_per_{key}"
        if stands.figure(loaded) is None and stands.figure(marginal) is None:
            continue
        rows.append(
            {
                "unit": key.replace("_", " "),
                "loaded": figures.unit_cost(stands.figure(loaded), reason=stands.reason(loaded)),
                "marginal": figures.unit_cost(stands.figure(marginal), reason=stands.reason(marginal)),
            }
        )
    return rows


def _chart(points: list[charts.Point], *, currency: str, breakeven: date | None) -> Context:
    spec = charts.cumulative(points, currency=currency, breakeven=breakeven)
    return {"spec": spec, "themes": {name: charts.theme(name) for name in ("light", "dark")}}


def _chart_row(point: charts.Point) -> Context:
    return {
        "month": point.month,
        "cost": figures.money(point.cost),
        "benefit": figures.money(point.benefit),
        "net": figures.money(point.benefit - point.cost),
        "is_final": point.is_final,
    }


def _term(investment: Investment) -> list[str]:
    live = [f"in use from {investment.live_month:%Y-%m}"] if investment.live_month else []
    return [f"{investment.start_month:%Y-%m}", *live, f"horizon {investment.horizon_months} months"]
