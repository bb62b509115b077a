"""The stage of an investment: it changes through a gate that answers with reasons, and to approved by two people."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q

from portfolio import approvals, gate_facts, gates, knowledge, nudge
from portfolio.approvals import ApprovalError, Content, Kind
from portfolio.gates import Answer
from portfolio.knowledge import KnowledgeError
from portfolio.models import (
    Approval,
    Baseline,
    Decision,
    Entry,
    Hypothesis,
    Investment,
    StageChange,
    StrategicTerms,
    User,
)
from portfolio.terms import Book, Stage

KIND = "stage"
# Money is granted on the way to these: one asks, another allows.
_TWO_PEOPLE = frozenset({Stage.APPROVED})


class StageError(ValueError):
    """A stage that cannot be entered; the message is for the user, `answers` is what the gate said."""

    def __init__(self, sentence: str, answers: tuple[Answer, ...] = ()) -> None:
        self.answers = answers
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Gate:
    """One stage an investment may go to, with what its gate asks and how that is answered."""

    stage: Stage
    answers: tuple[Answer, ...]
    needs_request: bool

    @property
    def is_open(self) -> bool:
        """Whether all is met."""
        return gates.passes(self.answers)


def gates_of(investment: Investment, *, now: datetime) -> list[Gate]:
    """Return the gates of the stages an investment may go to, by the newest decision about it."""
    facts = gate_facts.read(investment, now=now, decision=gate_facts.latest_decision(investment))
    return [
        Gate(stage, gates.answers(facts, stage), needs_request(stage)) for stage in gates.moves(facts.stage)
    ]


def needs_request(to_stage: Stage) -> bool:
    """Return whether two people enter a stage: one asks, another allows."""
    return to_stage in _TWO_PEOPLE


@transaction.atomic
def move(
    investment: Investment,
    to_stage: Stage,
    *,
    now: datetime,
    actor: User,
    reason: str,
    decision: Decision | None = None,
    approval: Approval | None = None,
) -> StageChange:
    """Enter a stage and keep what the gate answered. Raises StageError with the first answer that is not met."""
    current, given = _checked(investment, to_stage, now=now, reason=reason, decision=decision)
    if approval is None and needs_request(to_stage):
        raise StageError(
            f"{to_stage.value.capitalize()} is entered by two people: one asks, another allows it."
        )
    batch = knowledge.open_batch(
        portfolio=current.portfolio,
        kind="governance",
        now=now,
        actor=actor,
        approver=approval.approver if approval else None,
        reason=reason.strip(),
        content=[
            f"stage|{current.pk}|{current.stage}|{to_stage.value}|{decision.public_id if decision else ''}|"
            f"{approval.public_id if approval else ''}"
        ],
    )
    change = StageChange.objects.create(
        investment=current,
        from_stage=current.stage,
        to_stage=to_stage.value,
        gate=[{"code": a.code, "is_met": a.is_met, "sentence": a.sentence} for a in given],
        reason=reason.strip(),
        actor=actor,
        approval=approval,
        decision=decision,
        batch=batch,
        recorded_at=batch.recorded_at,
    )
    Investment.objects.filter(pk=current.pk).update(stage=to_stage.value)
    investment.stage = to_stage.value
    # Figures end with an investment, and alerts are judged by its stage.
    knowledge.advance_heads("investment", [current.pk], batch.pk)
    nudge.ring([current.pk])
    return change


@transaction.atomic
def propose(investment: Investment, to_stage: Stage, *, now: datetime, author: User, reason: str) -> Approval:
    """Ask a second person to let an investment enter a stage. Raises StageError where its gate is not open."""
    current, _ = _checked(investment, to_stage, now=now, reason=reason, decision=None)
    if not needs_request(to_stage):
        raise StageError(f"{to_stage.value.capitalize()} needs nobody's approval; enter it.")
    return approvals.ask(
        current.portfolio,
        KIND,
        subject=current.public_id,
        content=_said(current, to_stage, reason=reason.strip()),
        summary=f"Stage of {current.code}: {current.stage} becomes {to_stage.value}. {reason.strip()}",
        author=author,
        now=now,
    )


def _checked(
    investment: Investment, to_stage: Stage, *, now: datetime, reason: str, decision: Decision | None
) -> tuple[Investment, tuple[Answer, ...]]:
    """Lock the portfolio; return the investment as it stands and the gate's answers, all of them met."""
    knowledge.lock_portfolio(investment.portfolio_id)
    current = Investment.objects.select_related("portfolio").get(pk=investment.pk)
    if not reason.strip():
        raise StageError("Say why it changes its stage.")
    if decision is not None and decision != gate_facts.latest_decision(current):
        raise StageError(f"This is not the newest decision about {current.code}.")
    given = gates.answers(gate_facts.read(current, now=now, decision=decision), to_stage)
    if not gates.passes(given):
        raise StageError(next(answer.sentence for answer in given if not answer.is_met), given)
    return current, given


def _said(investment: Investment, to_stage: Stage, *, reason: str) -> dict[str, object]:
    return {
        "portfolio": investment.portfolio.code,
        "investment": investment.code,
        "from_stage": investment.stage,
        "to_stage": to_stage.value,
        "reason": reason,
        "stands_on": _stands_on(investment),
    }


def _stands_on(investment: Investment) -> dict[str, object]:
    """Return what is approved with the stage: the newest of each statement, the plan, and what approval fixes."""
    of_it = Q(investment=investment)
    newest = {
        "hypothesis": Hypothesis.objects.filter(of_it),
        "baseline": Baseline.objects.filter(of_it),
        "strategic_terms": StrategicTerms.objects.filter(of_it),
        "plan": Entry.objects.filter(of_it, book=Book.PLAN.value),
    }
    months = (investment.start_month, investment.live_month, investment.end_month)
    return {
        **{name: rows.aggregate(newest=Max("batch"))["newest"] for name, rows in newest.items()},
        "approved_plan": investment.approved_plan_version,
        "months": [month.isoformat() if month else None for month in months],
        "horizon_months": investment.horizon_months,
        "value_category": investment.value_category,
    }


def _investment(approval: Approval) -> Investment:
    found = Investment.objects.select_related("portfolio").filter(public_id=approval.subject).first()
    if found is None:
        raise ApprovalError("The investment this request is about is not there any more.")
    return found


def _content(approval: Approval) -> Content:
    said = approval.content
    return _said(_investment(approval), Stage(said["to_stage"]), reason=said["reason"])


def _rows(approval: Approval) -> list[tuple[str, str]]:
    """Return what would change, and what the gate says of it now."""
    said, investment = approval.content, _investment(approval)
    facts = gate_facts.read(investment, now=approval.decided_at or approval.asked_at)
    given = gates.answers(facts, Stage(said["to_stage"])) if not approval.decision else ()
    return [
        ("Investment", said["investment"]),
        ("Stage", f"{said['from_stage']} → {said['to_stage']}"),
        *(("Gate" if answer.is_met else "Gate, not met", answer.sentence) for answer in given),
        ("Why", said["reason"]),
    ]


def _apply(approval: Approval, now: datetime) -> StageChange:
    said = approval.content
    return move(
        _investment(approval),
        Stage(said["to_stage"]),
        now=now,
        actor=approval.author,
        reason=said["reason"],
        approval=approval,
    )


approvals.register(
    Kind(
        name=KIND,
        title="Stage",
        content=_content,
        rows=_rows,
        apply=_apply,
        refusals=(StageError, KnowledgeError),
    )
)
