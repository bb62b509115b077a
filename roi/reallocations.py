"""Reallocations of a portfolio: gather what could go on, select, and keep the proposal for somebody to approve.

A proposal is a scenario. Approving it records that people agreed; no budget is moved by it. See decision 025.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from portfolio import approvals
from portfolio import knowledge as knowing
from portfolio.approvals import ApprovalError, Content, Kind
from portfolio.models import Approval, Head, Investment, InvestmentDependency, Portfolio, User
from portfolio.terms import ENDED_STAGES, Stage, format_month, to_micros
from roi import inputs
from roi.engine import frontier, selection_value
from roi.engine.result import ENGINE_VERSION, REASON_OF_CODE, Reason
from roi.engine.selection import Selection, Status, select
from roi.engine.selection_terms import Candidate, Constraint, Limits, SelectionError
from roi.engine.selection_value import Prospects
from roi.forecasts import preparation
from roi.inputs import Inputs, month_of
from roi.models import Reallocation

KIND = "reallocation"
FRONTIER_STEPS = 10  # budgets looked at, up to twice the one asked for
SECONDS = 5.0  # a search is stopped after, and says its gap
_HUNDREDTHS = 100
_UNFUNDED = frozenset({Stage.PROPOSED.value, Stage.DECOMMISSIONING.value})

Plain = dict[str, Any]


class ReallocationError(ValueError):
    """A question that cannot be answered, or a proposal that cannot be made; the message is for the user."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """An investment and its future; money in micro-units, None with a reason. `sunk` is shown and never summed."""

    code: str
    name: str
    stage: str
    month: str | None
    method: str | None
    sunk: int
    mean: int | None
    p10: int | None
    value: int | None
    cost: int | None
    capacity: int
    is_exploration: bool
    is_must_fund: bool
    needs: tuple[str, ...]
    group: str
    reason: str | None
    left_out: str = ""


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
    prospects = _prospects(members, aversion, question.stated_costs, knowledge)
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


@transaction.atomic
def propose(
    portfolio: Portfolio, question: Question, *, author: User, now: datetime, reason: str = ""
) -> Reallocation:
    """Keep a reallocation with everything it was computed from. Raises ReallocationError."""
    knowing.lock_portfolio(portfolio.pk, shared=True)
    found = answer(portfolio, question)
    return Reallocation.objects.create(
        portfolio=portfolio,
        knowledge=found.knowledge,
        engine_version=ENGINE_VERSION,
        inputs=found.inputs,
        result=found.result,
        content_hash=approvals.hash_of({"inputs": found.inputs, "result": found.result}),
        reason=reason.strip(),
        author=author,
        created_at=now,
    )


def ask(proposal: Reallocation, *, author: User, now: datetime) -> Approval:
    """Ask somebody else to approve a proposal. Raises ReallocationError."""
    if proposal.result["status"] == Status.INFEASIBLE.value:
        raise ReallocationError(proposal.result["sentence"])
    with transaction.atomic():
        return approvals.ask(
            proposal.portfolio,
            KIND,
            subject=proposal.public_id,
            content=_said(proposal),
            summary=f"Reallocation of {proposal.portfolio.code}. {proposal.reason}".strip(),
            author=author,
            now=now,
        )


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
            capacity=None if capacity is None else _hundredths(capacity),
            reserve_share=Decimal(share).normalize(),
        )
        return limits, Decimal(aversion).normalize(), to_micros(amount)
    except ValueError as error:
        raise ReallocationError(str(error)) from error


def _hundredths(person_months: Decimal) -> int:
    return int((person_months * _HUNDREDTHS).to_integral_value())


def _newest(portfolio: Portfolio, members: Sequence[Investment]) -> int:
    """Return the knowledge time of the newest fact that can matter."""
    heads = Head.objects.filter(
        Q(scope="installation")
        | Q(scope="portfolio", scope_id=portfolio.pk)
        | Q(scope="investment", scope_id__in=[one.pk for one in members])
    )
    return max(heads.values_list("knowledge", flat=True), default=0)


def _prospects(
    members: Sequence[Investment],
    aversion: Decimal,
    stated: Mapping[str, Decimal],
    knowledge: int | None,
) -> list[Prospect]:
    if unknown := sorted(set(stated) - {one.code for one in members}):
        raise ReallocationError(f"{', '.join(unknown)} is no investment of the portfolio that could go on.")
    if not members:
        return []
    loaded = inputs.load(members, knowledge=knowledge)
    prepared = preparation.prepare(loaded)
    future = selection_value.prospects(
        prepared.series, prepared.terms, aversion=float(aversion), basis=preparation.BASIS
    )
    row_of = {one.pk: row for row, one in enumerate(prepared.investments)}
    by_id = {one.pk: one for one in members}
    needs = _needs(members)
    found = [
        _prospect(by_id[known.pk], loaded, at, future, row_of.get(known.pk), needs.get(known.pk, ()))
        for at, known in enumerate(loaded.investments)
    ]
    return _without_those_left_out(found, stated)


def _needs(members: Sequence[Investment]) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    rows = InvestmentDependency.objects.filter(investment__in=members).order_by("needs__code")
    for pk, code in rows.values_list("investment_id", "needs__code"):
        found[pk] = (*found.get(pk, ()), code)
    return found


def _prospect(
    investment: Investment,
    loaded: Inputs,
    at: int,
    future: Prospects,
    row: int | None,
    needs: tuple[str, ...],
) -> Prospect:
    series = loaded.series
    month = int(future.month[row]) if row is not None else 0
    reason = _reason(future, row)
    # To where the future begins: what is recorded of later months is forecast there.
    spent = slice(month or None)
    sunk = int(series.run[at, spent].sum()) + int(series.one_time[at, spent].sum())

    def micros(values: Any) -> int | None:
        return None if row is None or reason else int(values[row])

    return Prospect(
        code=investment.code,
        name=investment.name,
        stage=investment.stage,
        month=format_month(month_of(int(loaded.first_month[at]), month - 1)) if month else None,
        method=None if row is None or reason else str(future.method[row].value),
        sunk=sunk,
        mean=micros(future.mean),
        p10=micros(future.p10),
        value=micros(future.value),
        cost=micros(future.cost),
        capacity=_hundredths(investment.capacity_person_months),
        is_exploration=investment.is_exploration,
        is_must_fund=investment.is_must_fund,
        needs=needs,
        group=investment.exclusive_group,
        reason=reason,
    )


def _reason(future: Prospects, row: int | None) -> str | None:
    if row is None:
        return Reason.NO_HISTORY.value
    found = REASON_OF_CODE.get(int(future.reason[row]))
    return None if found is None else found.value


def _without_those_left_out(prospects: Sequence[Prospect], stated: Mapping[str, Decimal]) -> list[Prospect]:
    """Say of each that cannot be chosen why; a duty that cannot be chosen is an error."""
    why = {
        one.code: "There is no forecast of it."
        for one in prospects
        if one.value is None and one.code not in stated
    }
    codes = {one.code for one in prospects}
    is_changing = True
    while is_changing:
        lacking = {
            one.code: [code for code in one.needs if code in why or code not in codes]
            for one in prospects
            if one.code not in why
        }
        new = {
            code: f"It needs {', '.join(some)}, which cannot go on." for code, some in lacking.items() if some
        }
        why |= new
        is_changing = bool(new)
    for one in prospects:
        if one.is_must_fund and one.code in why:
            raise ReallocationError(
                f"{one.code} must be funded. {why[one.code]} State what it costs next year, or lift the duty."
            )
    return [replace(one, left_out=why.get(one.code, "")) for one in prospects]


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
        "regret": {
            "standing_value": still.standing_value,
            "amount": still.amount,
            "broken": _named(still.broken),
        },
    }


def _named(constraints: Sequence[Constraint]) -> list[Plain]:
    return [
        {"kind": one.kind.value, "about": list(one.about), "sentence": one.sentence} for one in constraints
    ]


def _said(proposal: Reallocation) -> Plain:
    return {
        "portfolio": proposal.portfolio.code,
        "reallocation": str(proposal.public_id),
        "content_hash": proposal.content_hash,
        "chosen": proposal.result["chosen"],
        "dropped": sorted(set(proposal.result["standing"]) - set(proposal.result["chosen"])),
        "added": sorted(set(proposal.result["chosen"]) - set(proposal.result["standing"])),
        "reason": proposal.reason,
    }


def _content(approval: Approval) -> Content:
    found = Reallocation.objects.select_related("portfolio").filter(public_id=approval.subject).first()
    if found is None:
        raise ApprovalError("The reallocation this request is about is not there any more.")
    return _said(found)


def _rows(approval: Approval) -> list[tuple[str, str]]:
    said = approval.content
    return [
        ("Goes on", ", ".join(said["chosen"]) or "nothing"),
        ("Is added", ", ".join(said["added"]) or "nothing"),
        ("Is dropped", ", ".join(said["dropped"]) or "nothing"),
        ("Why", said["reason"] or "–"),
        ("What it does", "It is recorded; budgets are moved by decisions."),
    ]


approvals.register(Kind(name=KIND, title="Reallocation", content=_content, rows=_rows))
