"""What to go on with under a budget: the selection, what binds it, the next amount, the frontier and the regret.

Nothing is kept here; roi/reallocations.py keeps an answer as a proposal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from time import monotonic
from typing import Any

from django.db.models import Q

from portfolio.models import Head, Investment, Portfolio
from portfolio.terms import ENDED_STAGES, Stage, to_micros
from roi import prospects as gathering
from roi.engine import frontier
from roi.engine.selection import Selection, Status, select
from roi.engine.selection_terms import (
    Candidate,
    Constraint,
    Kind,
    Limits,
    SelectionError,
    constraints_of,
    ordered_of,
)
from roi.prospects import Prospect, ReallocationError, hundredths

FRONTIER_STEPS = 10  # budgets looked at, up to twice the one asked for
SECONDS = 5.0  # a search is stopped after, and says its gap
_LIMITS = frozenset({Kind.BUDGET, Kind.CAPACITY, Kind.BUDGET_RESERVE, Kind.CAPACITY_RESERVE})
_UNFUNDED = frozenset({Stage.PROPOSED.value, Stage.DECOMMISSIONING.value})

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a reallocation is asked under; None: as the portfolio says.

    `stated_costs` are next year's costs of investments without a forecast that shall go on all the same.
    """

    budget: Decimal | None = None
    capacity: Decimal | None = None
    reserve_share: Decimal | None = None
    risk_aversion: Decimal | None = None
    next_amount: Decimal | None = None
    stated_costs: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked, what it was answered from, and the answer, as plain JSON; and the facts' knowledge time."""

    knowledge: int
    inputs: Plain
    result: Plain


def answer(portfolio: Portfolio, question: Question, *, knowledge: int | None = None) -> Answer:
    """Return what to go on with, as known now or at a knowledge time. Raises ReallocationError.

    The caller holds one consistent view of the database.
    """
    limits, aversion, amount = _limits(portfolio, question)
    members = list(
        Investment.objects.filter(portfolio=portfolio)
        .exclude(stage__in=ENDED_STAGES)
        .select_related("portfolio")
        .order_by("code")
    )
    known = knowledge if knowledge is not None else _newest(portfolio, members)
    prospects = gathering.gather(members, aversion, question.stated_costs, knowledge)
    candidates = [_candidate(one, question.stated_costs) for one in prospects if not one.left_out]
    standing = {one.code for one in prospects if not one.left_out and one.stage not in _UNFUNDED}
    try:
        best = select(candidates, limits, seconds=SECONDS)
        if best.status is Status.STOPPED and best.gap is None:
            raise ReallocationError(f"The search found no selection within {SECONDS:g} seconds.")
        result = _result(candidates, limits, best, amount=amount, standing=standing)
    except SelectionError as error:
        raise ReallocationError(str(error)) from error
    asked = {
        "budget": limits.budget,
        "capacity": limits.capacity,
        "reserve_share": str(limits.reserve_share),
        "risk_aversion": str(aversion),
        "next_amount": amount,
        "currency": portfolio.reporting_currency,
        "stated_costs": {code: to_micros(cost) for code, cost in sorted(question.stated_costs.items())},
        "candidates": [asdict(one) | {"needs": list(one.needs)} for one in prospects],
    }
    return Answer(known, asked, result)


def _limits(portfolio: Portfolio, question: Question) -> tuple[Limits, Decimal, int]:
    budget = portfolio.yearly_budget if question.budget is None else question.budget
    if budget is None:
        raise ReallocationError("Neither you nor the portfolio states a yearly budget.")
    capacity = portfolio.capacity_person_months if question.capacity is None else question.capacity
    share = portfolio.exploration_share if question.reserve_share is None else question.reserve_share
    aversion = portfolio.risk_aversion if question.risk_aversion is None else question.risk_aversion
    if not 0 <= aversion <= 5:
        raise ReallocationError("Risk aversion is a number from 0 to 5.")
    amount = question.next_amount
    if amount is None:
        amount = (budget / 10).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    try:
        limits = Limits(
            budget=to_micros(budget),
            capacity=None if capacity is None else hundredths(capacity),
            reserve_share=Decimal(share).normalize(),
        )
        return limits, Decimal(aversion).normalize(), to_micros(amount)
    except ValueError as error:
        raise ReallocationError(str(error)) from error


def _newest(portfolio: Portfolio, members: Sequence[Investment]) -> int:
    """Return the knowledge time of the newest fact that can matter."""
    heads = Head.objects.filter(
        Q(scope="installation")
        | Q(scope="portfolio", scope_id=portfolio.pk)
        | Q(scope="investment", scope_id__in=[one.pk for one in members])
    )
    return max(heads.values_list("knowledge", flat=True), default=0)


def _candidate(prospect: Prospect, stated: Mapping[str, Decimal]) -> Candidate:
    """Return it as it is selected; one whose cost is stated goes on, and adds nothing that is known."""
    is_stated = prospect.value is None
    return Candidate(
        code=prospect.code,
        cost=to_micros(stated[prospect.code]) if is_stated else prospect.cost or 0,
        value=prospect.value or 0,
        capacity=prospect.capacity,
        is_exploration=prospect.is_exploration,
        is_must_fund=prospect.is_must_fund or is_stated,
        needs=prospect.needs,
        group=prospect.group,
    )


def _result(
    candidates: Sequence[Candidate], limits: Limits, best: Selection, *, amount: int, standing: set[str]
) -> Plain:
    budgets = sorted({limits.budget * step // (FRONTIER_STEPS // 2) for step in range(FRONTIER_STEPS + 1)})
    found: Plain = {
        "status": best.status.value,
        "sentence": best.sentence,
        "conflict": _named(best.conflict),
        "chosen": list(best.chosen),
        "standing": sorted(standing),
        "value": None,
        "cost": None,
        "capacity": None,
        "gap": best.gap,
        "next": None,
        "regret": None,
        "limits": None,
        "frontier": [
            {"budget": budget, "value": None if one.gap is None else one.value}
            for budget, one in frontier.frontier(candidates, limits, budgets=budgets, seconds=SECONDS / 5)
        ],
    }
    if best.status is Status.INFEASIBLE:
        return found
    move = frontier.next_amount(candidates, limits, best, amount=amount, seconds=SECONDS)
    still = frontier.regret(candidates, limits, best, standing=standing)
    return found | {
        "value": best.value,
        "cost": best.cost,
        "capacity": best.capacity,
        "next": {
            "amount": amount,
            "added": list(move.added),
            "dropped": list(move.dropped),
            "gain": move.gain,
            "sentence": move.selection.sentence,
        },
        "limits": _kept_to(candidates, limits, best),
        "regret": {
            "standing_value": still.standing_value,
            "amount": still.amount,
            "broken": _named(still.broken),
        },
    }


def _kept_to(candidates: Sequence[Candidate], limits: Limits, best: Selection) -> Plain | None:
    """Return what the best selection keeps to, and what each thing holds back; None where it is not proven best.

    Budget, capacity and their reserves stand there with their slack, binding or not; duties, needs and groups only
    where they bind. Those not tried within the time are counted.
    """
    if best.gap != 0:
        return None
    ordered, constraints = ordered_of(candidates, limits), constraints_of(candidates, limits)
    rows: list[Plain] = []
    untried, end = 0, monotonic() + SECONDS
    for one in constraints:
        is_late = monotonic() > end
        gain = (
            None
            if is_late
            else frontier.held_back(ordered, constraints, one, best, seconds=SECONDS / FRONTIER_STEPS)
        )
        untried += gain is None
        if gain or one.kind in _LIMITS:
            slack = one.slack(best.chosen) if one.kind in _LIMITS else None
            rows.append(_named([one])[0] | {"slack": slack, "gain": gain})
    return {"rows": rows, "untried": untried}


def _named(constraints: Sequence[Constraint]) -> list[Plain]:
    return [
        {"kind": one.kind.value, "about": list(one.about), "sentence": one.sentence} for one in constraints
    ]
