"""Decision receipts: the evidence a decision is recorded with, and its re-derivation on demand.

Three answers stand side by side: what was shown, what today's engine makes of what was known then, and what is known
now. A difference between the first two comes from the engine; one between the last two from restated facts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import isclose
from typing import Any

from django.db.models import Max, Q

from alerts import policies
from alerts.models import Episode
from portfolio import assumptions, decisions, knowledge
from portfolio.decisions import Evidence
from portfolio.models import Batch, Decision, Hypothesis, Investment
from portfolio.terms import format_month
from roi import as_known
from roi.as_known import Known
from roi.engine.result import ENGINE_VERSION

Plain = dict[str, Any]
# What a receipt derives anew; the rest of the evidence is what people saw beside it, and stays a copy.
DERIVED = ("figures", "months", "rates")
_MONTHS = 24
_MONTHLY = (
    "is_complete",
    "run_cost",
    "one_time_cost",
    "benefit_claimed",
    "benefit_supported",
    "benefit_cashable",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that is not what it was, by its path: what stood there, and what stands there instead."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A decision's evidence derived again.

    `engine`: shown against re-derived as known then. `restated`: as known then against as known now. `news`: figures
    of later months are no restatement, so the newest month of now stands here.
    """

    decision: Decision
    is_intact: bool
    then: Mapping[str, Any]
    now: Mapping[str, Any]
    engine: Sequence[Difference]
    restated: Sequence[Difference]
    engine_version: str
    newest_month: str | None

    @property
    def is_reproduced(self) -> bool:
        """Whether what was shown comes out again from what was known."""
        return self.is_intact and not self.engine

    @property
    def is_engine_named(self) -> bool:
        """Whether a difference from what was shown is explained by another version of the engine."""
        return self.decision.engine_version != self.engine_version


def newest_knowledge(investment: Investment) -> int:
    """Return the knowledge time of everything that is known about an investment by now."""
    batches = Batch.objects.filter(Q(portfolio=investment.portfolio_id) | Q(portfolio__isnull=True))
    return batches.aggregate(newest=Max("id"))["newest"] or 0


def evidence(investment: Investment) -> Evidence:
    """Return what is known and shown about an investment now, to be copied into a decision."""
    return knowledge.with_one_view(lambda: _evidence(investment, newest_knowledge(investment)))


def _evidence(investment: Investment, known_at: int) -> Evidence:
    known = as_known.figures([investment], knowledge=known_at).get(investment.pk)
    newest = known.newest_complete if known else None
    content = {
        "investment": {
            "code": investment.code,
            "name": investment.name,
            "stage": investment.stage,
            "owner": str(investment.owner) if investment.owner else None,
            "sponsor": str(investment.sponsor) if investment.sponsor else None,
            "currency": investment.portfolio.reporting_currency,
        },
        **_derived(investment, known, known_at, through=None),
        "policies": _policies(investment),
        "alerts": _alerts(investment),
        "hypothesis": _hypothesis(investment),
    }
    return Evidence(
        content=content,
        knowledge=known_at,
        engine_version=str(ENGINE_VERSION),
        month=newest.month if newest else None,
    )


def _derived(
    investment: Investment, known: Known | None, known_at: int | None, *, through: date | None
) -> Plain:
    """Return figures of the newest complete month (or of `through`), the last months, and the rates in force.

    The rates are those the figures were computed with: of the portfolio the investment belonged to at the knowledge
    time, of today's without one.
    """
    of = known.investment if known else investment
    rates = assumptions.rates_of([of], knowledge_time=known_at)[investment.pk]
    chosen = None
    if known:
        chosen = known.newest_complete if through is None else known.at(through)
    months = [s for s in known.snapshots if chosen and s.month <= chosen.month] if known else []
    return {
        "figures": dict(as_known.plain(chosen)) if chosen else None,
        "months": {
            format_month(s.month): {
                name: value for name, value in as_known.plain(s).items() if name in _MONTHLY
            }
            for s in months[-_MONTHS:]
        },
        "rates": {
            "hurdle_rate": f"{rates.hurdle_rate:f}",
            "discount_rate": f"{rates.discount_rate:f}",
            "asserted_share": f"{rates.asserted_share:f}",
            "realization_rates": {code: str(rate) for code, rate in sorted(rates.realization_rates.items())},
        },
    }


def _policies(investment: Investment) -> list[Plain]:
    versions = policies.versions_of([investment])[investment.pk]
    return [
        {
            "rule": rule,
            "version": newest[-1].version,
            "basis": newest[-1].basis,
            "measure": newest[-1].measure,
            "hurdle": None if newest[-1].hurdle is None else f"{newest[-1].hurdle:f}",
        }
        for rule, newest in sorted(versions.items())
        if newest and newest[-1].is_enabled
    ]


def _alerts(investment: Investment) -> list[Plain]:
    rows = Episode.objects.filter(investment=investment, closed_at__isnull=True).order_by("id")
    return [
        {
            "id": str(episode.public_id),
            "rule": episode.rule,
            "number": episode.number,
            "severity": episode.severity,
            "fired_month": format_month(episode.fired_month),
        }
        for episode in rows
    ]


def _hypothesis(investment: Investment) -> Plain | None:
    newest = Hypothesis.objects.filter(investment=investment).order_by("-version").first()
    if newest is None:
        return None
    said: Plain = {
        "version": newest.version,
        "claim": newest.claim,
        "metric": newest.metric,
        "unit": newest.unit,
    }
    for name in ("baseline", "target"):
        value = getattr(newest, name)
        said[name] = None if value is None else f"{value:f}"
    return said | {"kill_line": newest.kill_line}


def receipt(decision: Decision) -> Receipt:
    """Derive the evidence of a decision again, as known then and as restated now, and name every difference.

    Which portfolio an investment belongs to is a fact with a knowledge time like any other. As known then it has the
    closed months, rates and currency of the portfolio it was in; as restated now those of the one it is in today,
    because these are the figures that its pages show for that month. So a move alone never fails a receipt, and where
    the portfolios differ it shows as a restatement.
    """
    return knowledge.with_one_view(lambda: _receipt(decision))


def _receipt(decision: Decision) -> Receipt:
    investment = decision.investment
    known_then = as_known.figures([investment], knowledge=decision.knowledge).get(investment.pk)
    # The month of the evidence may be an old one by now; all of its figures are compared.
    known_now = as_known.figures([investment], knowledge=None, all_months_irr=True).get(investment.pk)
    then = _derived(investment, known_then, decision.knowledge, through=None)
    now = _derived(investment, known_now, None, through=decision.month)
    shown = {name: decision.evidence.get(name) for name in DERIVED}
    newest = known_now.newest_complete if known_now else None
    return Receipt(
        decision=decision,
        is_intact=decisions.is_intact(decision),
        then=then,
        now=now,
        engine=differences(shown, then),
        restated=differences(then, now),
        engine_version=str(ENGINE_VERSION),
        newest_month=format_month(newest.month) if newest else None,
    )


def differences(before: Any, after: Any, *, path: str = "") -> list[Difference]:
    """Return where two JSON values differ, by path; a fingerprint differs with what it is of and is left out."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return [
            found
            for key in sorted({*before, *after})
            if key != "fingerprint"
            for found in differences(before.get(key), after.get(key), path=f"{path}.{key}".lstrip("."))
        ]
    return [] if _is_same(before, after) else [Difference(path, before, after)]


def _is_same(before: Any, after: Any) -> bool:
    """Return whether two figures are the same: money to the last digit, rates to nine digits.

    Money is text here. A rate of return comes from a search whose last bits depend on which months are searched
    together, so they say nothing about the facts.
    """
    if isinstance(before, float) and isinstance(after, float):
        return isclose(before, after, rel_tol=1e-9, abs_tol=1e-12)
    return bool(before == after)


def knowledge_of(decision: Decision) -> datetime:
    """Return the moment at which the newest of what a decision was based on had become known."""
    found = Batch.objects.filter(pk=decision.knowledge).values_list("recorded_at", flat=True).first()
    return found or decision.recorded_at
