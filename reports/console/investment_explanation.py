"""How a figure of one month came about: its formula with the numbers, the months it sums, what was known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.safestring import SafeString

from portfolio import assumptions
from portfolio.models import Batch
from portfolio.terms import parse_month
from reports.console import figures
from reports.console.investment_months import state_of
from reports.console.standing import Standing, reason_of
from roi.engine.result import Reason
from roi.models import Snapshot

Context = dict[str, Any]
BASES = ("claimed", "supported", "cashable")


@dataclass(frozen=True, slots=True)
class Formula:
    """A ratio in words and in numbers: (gain − base) / base."""

    title: str
    gain_name: str
    base_name: str
    gain: Decimal
    base: Decimal
    value: float | None
    reason: Reason | str

    @property
    def shown(self) -> Context:
        """The numbers as they are written."""
        return {
            "gain": figures.money(self.gain),
            "base": figures.money(self.base),
            "net": figures.money(self.gain - self.base),
            "result": figures.percent(self.value, reason=self.reason),
        }


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return the explanation of the figure, basis and month in the address, else of the newest ROI."""
    basis = query["basis"] if query.get("basis") in BASES else "supported"
    figure = "incremental_roi" if query.get("figure") == "incremental_roi" else "roi"
    snapshots = stands.history()
    chosen = _chosen(snapshots, query.get("month", ""), stands.as_of)
    answer: Context = {
        "figure": figure,
        "basis": basis,
        "bases": BASES,
        "choices": [s.month for s in reversed(snapshots)],
        "chosen": chosen,
    }
    if chosen is None:
        return answer
    upto = [s for s in snapshots if s.month <= chosen.month]
    return answer | {
        "formula": _formula(chosen, figure, basis),
        "state": state_of(chosen),
        "inputs": [_input(s, basis) for s in reversed(upto)],
        "total": _total(chosen, basis),
        "known": _known(stands, chosen),
    }


def _chosen(snapshots: list[Snapshot], text: str, newest: date | None) -> Snapshot | None:
    """Return the asked month, else the newest complete one, else the newest."""
    by_month = {s.month: s for s in snapshots}
    try:
        asked = by_month.get(parse_month(text))
    except ValueError:
        asked = None
    if asked is None and newest is not None:
        asked = by_month.get(newest)
    return asked or (snapshots[-1] if snapshots else None)


def _formula(s: Snapshot, figure: str, basis: str) -> Formula:
    name = f"{figure}_{basis}"
    is_roi = figure == "roi"
    return Formula(
        title="ROI to date" if is_roi else "Incremental ROI",
        gain_name="benefit to date" if is_roi else "benefit of the window",
        base_name="cost to date" if is_roi else "avoidable run cost of the window",
        gain=getattr(s, f"cumulative_benefit_{basis}" if is_roi else f"window_benefit_{basis}"),
        base=s.tco if is_roi else s.window_avoidable_run_cost,
        value=getattr(s, name),
        reason=reason_of(s, name),
    )


def _input(s: Snapshot, basis: str) -> Context:
    return {
        "month": s.month,
        "state": state_of(s),
        "benefit": figures.money(getattr(s, f"benefit_{basis}")),
        "run_cost": figures.money(s.run_cost),
        "avoidable": figures.money(s.avoidable_run_cost),
        "one_time": figures.money(s.one_time_cost),
        "is_final": s.is_closed and s.is_complete,
    }


def _total(s: Snapshot, basis: str) -> Context:
    return {
        "benefit": figures.money(getattr(s, f"cumulative_benefit_{basis}")),
        "cost": figures.money(s.tco),
    }


def _known(stands: Standing, s: Snapshot) -> list[tuple[str, SafeString | str]]:
    """Return what else the figure depends on: rates, knowledge time, engine, fingerprint."""
    rates = assumptions.rates_of([stands.investment], knowledge_time=s.knowledge)[stands.investment.pk]
    batch = Batch.objects.filter(pk=s.knowledge).first()
    known_at = f"{batch.recorded_at:%Y-%m-%d %H:%M:%S} UTC" if batch else "the beginning"
    realized = ", ".join(
        f"{code} {float(rate):.0%}" for code, rate in sorted(rates.realization_rates.items())
    )
    return [
        ("Asserted share", f"{figures.percent_text(float(rates.asserted_share))} of a claim without a study"),
        ("Realization rates", realized or "every benefit counts in full"),
        ("Hurdle rate", f"{figures.percent_text(float(rates.hurdle_rate))} per year"),
        ("Discount rate", f"{figures.percent_text(float(rates.discount_rate))} per year"),
        ("Knowledge", f"batch {s.knowledge}, everything known at {known_at}"),
        ("Engine version", str(s.engine_version)),
        ("Fingerprint of the inputs", str(s.fingerprint)),
    ]
