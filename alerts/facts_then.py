"""The months of investments as they were known at earlier evaluations, computed again from the ledger."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from alerts.judging import MonthRow
from alerts.models import EvaluationPoint
from portfolio.models import Investment
from portfolio.terms import Basis
from roi import inputs, snapshots
from roi.engine import metrics
from roi.engine.figures import Figures
from roi.engine.result import REASON_CODES, Reason
from roi.inputs import Inputs

_OVERFLOW = REASON_CODES[Reason.OVERFLOW]


@dataclass(frozen=True, slots=True)
class Then:
    """The months of one investment as known at a knowledge time, with the fingerprint of their inputs."""

    months: Sequence[MonthRow]
    fingerprint: UUID


def of(
    points: Iterable[EvaluationPoint], investments: Mapping[int, Investment]
) -> dict[tuple[int, int], Then]:
    """Return what each point's investment amounted to at the point's knowledge time: one load for each such time."""
    by_knowledge: dict[int, dict[int, EvaluationPoint]] = defaultdict(dict)
    for point in points:
        by_knowledge[point.knowledge].setdefault(point.investment_id, point)
    found = {}
    for knowledge, members in by_knowledge.items():
        loaded = inputs.load([investments[pk] for pk in members], knowledge=knowledge)
        if not loaded.investments:
            continue
        for investment in loaded.investments:
            # The one term that is not versioned; whether it has ended is part of the fingerprint.
            investment.stage = str(members[investment.pk].context["stage"])
        prints, figures = snapshots.fingerprints(loaded), metrics.compute(loaded.series)
        for row, investment in enumerate(loaded.investments):
            last = int(loaded.series.length[row]) - 1
            found[investment.pk, knowledge] = Then(
                months=[_month(loaded, figures, row, column) for column in range(last + 1)],
                fingerprint=UUID(bytes=prints[row, last].tobytes()),
            )
    return found


def _month(loaded: Inputs, figures: Figures, row: int, column: int) -> MonthRow:
    at, series = (row, column), loaded.series
    by_basis = figures.by_basis
    return MonthRow(
        month=inputs.month_of(int(loaded.first_month[row]), column),
        is_closed=bool(series.closed[at]),
        is_complete=bool(series.complete[at]),
        run=int(figures.run[at]),
        avoidable_run=int(series.avoidable_run[at]),
        one_time=int(figures.one_time[at]),
        tco=int(figures.tco[at]),
        benefit={basis: int(by_basis[basis].benefit[at]) for basis in Basis},
        cumulative_benefit={basis: int(by_basis[basis].cumulative_benefit[at]) for basis in Basis},
        missing_fx=bool(series.missing_fx[at]),
        overflow=bool(by_basis[Basis.CLAIMED].roi.reason[at] == _OVERFLOW),
    )
