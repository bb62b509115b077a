"""What other terms of a rule would have done to an investment, as its facts were known at each past judgment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from alerts import judging, outlooks, policies
from alerts.judging import MonthRow
from alerts.models import EvaluationPoint, Policy
from alerts.rules import RULES
from alerts.rules import base as rules
from alerts.rules import policy_backtest as core
from alerts.rules.early_warning import EARLY_WARNING
from alerts.rules.policy_backtest import Overlap, Replay, View
from portfolio import knowledge
from portfolio.models import Batch, Investment, InvestmentVersion, MonthState
from portfolio.terms import Basis
from roi import inputs, rows
from roi.engine import metrics
from roi.engine.result import REASON_CODES, Reason
from roi.inputs import Inputs, month_of
from roi.models import SnapshotHead

MOST_VIEWS = 120
_OVERFLOW = REASON_CODES[Reason.OVERFLOW]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Two replays over the same views: the terms asked for, and those in force. `known_at` is when a view was known.

    `left_out` counts the older views that were too many.
    """

    investment: Investment
    candidate: Policy
    replay: Replay
    present: Replay
    overlap: Overlap
    known_at: Mapping[int, datetime]
    left_out: int

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        rule = RULES[self.candidate.rule].title
        months, times = len(self.replay.judged), self.replay.views
        over = f"{months} closed month{'' if months == 1 else 's'}"
        return (
            f"On {over}, as known at {times} time{'' if times == 1 else 's'}, “{rule}” "
            f"{core.sentence(self.replay)}. The present terms {core.sentence(self.present)}."
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """One view before a policy's facts are drawn from it."""

    knowledge: int
    months: Sequence[MonthRow]
    context: rules.Context
    outlooks: outlooks.ByMonth


def run(investment: Investment, rule: str, *, terms: Mapping[str, object]) -> Backtest:
    """Lay changed terms of a rule over an investment's whole past. Raises PolicyError or RuleError. Writes nothing.

    Each evaluation that was recorded is judged again with the facts as known then; without any, each time a month was
    closed. Terms left out are those in force. Both the changed and the present terms count from the first month on,
    whenever they took effect: the answer is what the difference in terms would have made.
    """
    return knowledge.with_one_view(partial(_run, investment, rule, terms))


def _run(investment: Investment, rule: str, terms: Mapping[str, object]) -> Backtest:
    start = investment.start_month
    candidate = policies.proposed(investment, rule, effective_month=start, terms=terms)
    present = policies.proposed(investment, rule, effective_month=start, terms={})
    times = _times(investment)
    made = outlooks.made_for(investment.pk) if rule == EARLY_WARNING.name else []
    known = _known(investment, times[-MOST_VIEWS:], made)
    tried, stays = (_replay(policy, known) for policy in (candidate, present))
    told = {
        at for firing in (*tried.firings, *stays.firings) for at in (firing.known_at, firing.ended_at) if at
    }
    return Backtest(
        investment=investment,
        candidate=candidate,
        replay=tried,
        present=stays,
        overlap=core.overlap(tried, stays),
        known_at=dict(Batch.objects.filter(pk__in=told).values_list("pk", "recorded_at")),
        left_out=max(len(times) - MOST_VIEWS, 0),
    )


def _times(investment: Investment) -> list[int]:
    """Return the knowledge times to look at, the last being now."""
    first = (
        InvestmentVersion.objects.filter(investment=investment).order_by("batch_id").values_list("batch_id")
    )
    began = first.first()
    points = set(EvaluationPoint.objects.filter(investment=investment).values_list("knowledge", flat=True))
    if not points:
        closings = MonthState.objects.filter(portfolio=investment.portfolio_id)
        points = set(closings.values_list("batch_id", flat=True))
    batches = Batch.objects.filter(portfolio=investment.portfolio_id) | Batch.objects.filter(portfolio=None)
    newest = batches.order_by("-pk").values_list("pk", flat=True).first()
    points |= {newest} if newest else set()
    return sorted(point for point in points if began is None or point >= began[0])


def _known(investment: Investment, times: Sequence[int], made: Sequence[outlooks.Expected]) -> list[_Known]:
    """Return what was known at each time, where it differs from what was known before."""
    known: list[_Known] = []
    for time in times:
        loaded = inputs.load([investment], knowledge=time)
        if not loaded.investments:
            continue
        context = _context(loaded, is_now=time == times[-1])
        view = _Known(time, _months(loaded), context, outlooks.as_known(made, time))
        if not known or replace(view, knowledge=known[-1].knowledge) != known[-1]:
            known.append(view)
    return known


def _months(loaded: Inputs) -> list[MonthRow]:
    """Return the months of the one investment that was loaded, as the stored snapshots would hold them."""
    series, figures, first = loaded.series, metrics.compute(loaded.series), int(loaded.first_month[0])
    roi = figures.by_basis[Basis.CLAIMED].roi
    return [
        MonthRow(
            month=month_of(first, m),
            is_closed=bool(series.closed[0, m]),
            is_complete=bool(series.complete[0, m]),
            run=int(figures.run[0, m]),
            avoidable_run=int(series.avoidable_run[0, m]),
            one_time=int(figures.one_time[0, m]),
            tco=int(figures.tco[0, m]),
            benefit={basis: int(figures.by_basis[basis].benefit[0, m]) for basis in Basis},
            cumulative_benefit={
                basis: int(figures.by_basis[basis].cumulative_benefit[0, m]) for basis in Basis
            },
            missing_fx=bool(series.missing_fx[0, m]),
            overflow=int(roi.reason[0, m]) == _OVERFLOW,
        )
        for m in range(int(series.length[0]))
    ]


def _context(loaded: Inputs, *, is_now: bool) -> rules.Context:
    """Return what was fixed about the one investment that was loaded. Its stage is known of today only."""
    (then,) = loaded.investments
    (planned,) = rows.planned_months(loaded)
    head = SnapshotHead(
        last_month=rows.last_months(loaded, 0)[0],
        planned_breakeven_month=planned.breakeven,
        planned_discounted_payback_month=planned.payback,
        planned_live_month=planned.live,
    )
    if not is_now:
        then.stage = ""
    return judging.context_of(then, head)


def _replay(policy: Policy, known: Sequence[_Known]) -> Replay:
    """Return what a policy would have done; from the first month ever known, so that all of them are in force."""
    start = min((view.context.start_month for view in known), default=policy.effective_month)
    pure = replace(policies.as_rule(policy), effective_month=start)
    views = [
        View(
            knowledge=view.knowledge,
            months=judging.facts_for(pure, view.months, outlooks=view.outlooks),
            context=view.context,
        )
        for view in known
    ]
    return core.replay(pure, views)
