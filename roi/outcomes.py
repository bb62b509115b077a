"""What came of decisions: the expected figure against the realized one, and how well sponsors foresee outcomes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet

from portfolio.models import Decision
from roi.models import Snapshot

# More is worse only here; everywhere else a higher figure than expected is better.
_LESS_IS_BETTER = frozenset({"run_cost"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """The realized figure of a decision's month; inside is None where no interval was given."""

    realized: Decimal
    is_inside: bool | None
    is_met: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often a sponsor's expectations came true, over the decisions whose outcome is known."""

    sponsor: str
    known: int
    with_interval: int
    inside: int
    met: int


def of(decisions: Sequence[Decision]) -> dict[int, Outcome]:
    """Return the outcome of each decision whose month is closed and complete: one query for all of them."""
    waiting = [
        d for d in decisions if d.expected_metric and d.expected_month and d.expected_value is not None
    ]
    if not waiting:
        return {}
    wanted = Q()
    for decision in waiting:
        wanted |= Q(investment=decision.investment_id, month=decision.expected_month)
    rows: dict[tuple[int, date | None], Snapshot] = {
        (s.investment_id, s.month): s for s in Snapshot.objects.filter(wanted, is_complete=True)
    }
    found = {}
    for decision in waiting:
        snapshot = rows.get((decision.investment_id, decision.expected_month))
        realized = _realized(decision.expected_metric, snapshot) if snapshot else None
        if realized is not None:
            found[decision.pk] = _outcome(decision, realized)
    return found


def _realized(metric: str, s: Snapshot) -> Decimal | None:
    """Return a figure on the supported basis; None where it is undefined."""
    amounts: dict[str, Decimal] = {
        "cumulative_net": s.cumulative_benefit_supported - s.tco,
        "operating_margin": s.window_benefit_supported - s.window_avoidable_run_cost,
        "run_cost": s.run_cost,
    }
    if metric in amounts:
        return amounts[metric]
    value: float | None = getattr(s, f"{metric}_supported")
    return None if value is None else Decimal(repr(value))


def _outcome(decision: Decision, realized: Decimal) -> Outcome:
    low, high, expected = decision.expected_low, decision.expected_high, decision.expected_value
    is_inside = None if low is None or high is None else low <= realized <= high
    is_less = decision.expected_metric in _LESS_IS_BETTER
    is_met = expected is not None and (realized <= expected if is_less else realized >= expected)
    return Outcome(realized, is_inside, is_met)


def calibration(decisions: QuerySet[Decision]) -> list[Calibration]:
    """Return each sponsor's record over decisions with a known outcome, by name."""
    rows = list(decisions.exclude(expected_metric="").select_related("investment__sponsor"))
    outcomes, by_sponsor = of(rows), defaultdict[str, list[Outcome]](list)
    for decision in rows:
        if decision.pk in outcomes:
            sponsor = decision.investment.sponsor
            by_sponsor[str(sponsor) if sponsor else "No sponsor"].append(outcomes[decision.pk])
    return [_record(name, known) for name, known in sorted(by_sponsor.items())]


def _record(sponsor: str, known: Iterable[Outcome]) -> Calibration:
    every = list(known)
    intervals = [one.is_inside for one in every if one.is_inside is not None]
    return Calibration(
        sponsor=sponsor,
        known=len(every),
        with_interval=len(intervals),
        inside=sum(intervals),
        met=sum(one.is_met for one in every),
    )
