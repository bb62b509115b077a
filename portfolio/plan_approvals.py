"""Which version of the plan book is the approved one: said by somebody else than its author, replaced by two people."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max, QuerySet

from portfolio import approvals, knowledge, nudge
from portfolio.access import Action
from portfolio.approvals import ApprovalError, Content, Kind
from portfolio.assumptions import AssumptionError
from portfolio.knowledge import KnowledgeError
from portfolio.models import Approval, Entry, Investment, PlanApproval, User
from portfolio.terms import Book

KIND = "plan"


@transaction.atomic
def approve(
    investment: Investment,
    version: int,
    *,
    now: datetime,
    actor: User,
    reason: str = "",
    approval: Approval | None = None,
) -> PlanApproval:
    """Make a version the approved plan, as somebody else than its author. Raises AssumptionError.

    Once a plan is approved, another one takes its place only by a request that somebody else allows.
    """
    knowledge.lock_portfolio(investment.portfolio_id)
    decider = approval.approver if approval else actor
    _check(investment, version, decider=decider)
    if approval is None and needs_request(investment):
        raise AssumptionError(
            "An approved plan is replaced by two people: one asks for it, another allows it."
        )
    batch = knowledge.open_batch(
        portfolio=investment.portfolio,
        kind="terms",
        now=now,
        actor=actor,
        approver=approval.approver if approval else None,
        reason=reason,
        content=[f"{investment.pk}|plan|{version}"],
    )
    approved = PlanApproval.objects.create(
        batch=batch, investment=investment, version=version, approval=approval
    )
    Investment.objects.filter(pk=investment.pk).update(approved_plan_version=version)
    investment.approved_plan_version = version
    knowledge.advance_heads("investment", [investment.pk], batch.pk)
    nudge.ring([investment.pk])
    return approved


def needs_request(investment: Investment) -> bool:
    """Return whether a plan was approved before, so that two people replace it."""
    return PlanApproval.objects.filter(investment=investment).exists()


def newest_change(investment: Investment, version: int) -> int:
    """Return the batch that last changed a version; 0 where it has no entries."""
    found: int | None = _entries(investment, version).aggregate(newest=Max("batch_id"))["newest"]
    return found or 0


@transaction.atomic
def propose(investment: Investment, version: int, *, now: datetime, author: User, reason: str) -> Approval:
    """Ask that a version takes the place of the approved plan. Raises AssumptionError."""
    knowledge.lock_portfolio(investment.portfolio_id)
    if not reason.strip():
        raise AssumptionError("Replacing the approved plan needs a reason.")
    _check(investment, version, decider=None)
    return approvals.ask(
        investment.portfolio,
        KIND,
        subject=investment.public_id,
        content=_said(investment, version, reason=reason.strip()),
        summary=f"Plan of {investment.code}: version {version} becomes the approved one. {reason.strip()}",
        author=author,
        now=now,
    )


def _said(investment: Investment, version: int, *, reason: str) -> dict[str, object]:
    approved = PlanApproval.objects.filter(investment=investment).order_by("-batch_id").first()
    return {
        "portfolio": investment.portfolio.code,
        "investment": investment.code,
        "version": version,
        "last_entry": newest_change(investment, version),
        "replaces": approved.version if approved else None,
        "reason": reason,
    }


def _check(investment: Investment, version: int, *, decider: User | None) -> None:
    authors = set(_entries(investment, version).values_list("batch__actor", flat=True).distinct())
    if not authors:
        raise AssumptionError(f"Version {version} of the plan of {investment.code} has no entries.")
    if decider is not None and decider.pk in authors:
        raise AssumptionError(
            f"You wrote entries of version {version}; a plan is approved by somebody else than its author."
        )


def _entries(investment: Investment, version: int) -> QuerySet[Entry]:
    return Entry.objects.filter(investment=investment, book=Book.PLAN.value, book_version=version)


def _investment(approval: Approval) -> Investment:
    found = Investment.objects.select_related("portfolio").filter(public_id=approval.subject).first()
    if found is None:
        raise ApprovalError("The investment this request is about is not there any more.")
    return found


def _content(approval: Approval) -> Content:
    said = approval.content
    return _said(_investment(approval), said["version"], reason=said["reason"])


def _rows(approval: Approval) -> list[tuple[str, str]]:
    said = approval.content
    replaced = said["replaces"]
    return [
        ("Investment", said["investment"]),
        ("Approved plan", f"version {replaced}" if replaced else "none so far"),
        ("Becomes", f"version {said['version']}"),
        ("Why", said["reason"]),
    ]


def _about(approval: Approval) -> str:
    return f"{approval.content['investment']}, version {approval.content['version']}"


def _apply(approval: Approval, now: datetime) -> PlanApproval:
    said = approval.content
    return approve(
        _investment(approval),
        said["version"],
        now=now,
        actor=approval.author,
        reason=said["reason"],
        approval=approval,
    )


approvals.register(
    Kind(
        name=KIND,
        title="Approved plan",
        content=_content,
        rows=_rows,
        about=_about,
        apply=_apply,
        author_needs=Action.MANAGE,
        refusals=(AssumptionError, KnowledgeError),
    )
)
