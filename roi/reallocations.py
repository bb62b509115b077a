"""Reallocations of a portfolio: an answer kept as a proposal for somebody to approve.

A proposal is a scenario. Approving it records that people agreed; no budget is moved by it. See decision 025.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from portfolio import approvals
from portfolio import knowledge as knowing
from portfolio.approvals import ApprovalError, Content, Kind
from portfolio.models import Approval, Portfolio, User
from roi.engine.result import ENGINE_VERSION
from roi.engine.selection import Status
from roi.models import Reallocation
from roi.prospects import ReallocationError
from roi.reallocation_answers import Question, answer, asked, remembered

KIND = "reallocation"
# What the newest request about a proposal says while it waits, and once it was allowed.
_SETTLED = ("", "approved")

Plain = dict[str, Any]


def propose(
    portfolio: Portfolio, question: Question, *, author: User, now: datetime, reason: str, seen: str = ""
) -> Reallocation:
    """Keep a reallocation with everything it was computed from, and why. Raises ReallocationError.

    `seen` is the hash of the inputs somebody looked at: if they changed since, nothing is kept.
    """
    if not reason.strip():
        raise ReallocationError("Nothing was kept: say why you keep it.")
    answer(portfolio, question)  # Solved before anybody waits for the lock, and remembered.
    with transaction.atomic():
        knowing.lock_portfolio(portfolio.pk, shared=True)
        known, inputs = asked(portfolio, question)
        if seen and seen != approvals.hash_of(inputs):
            raise ReallocationError(
                "What this rests on changed after you looked. Nothing was kept; look again."
            )
        result = remembered(inputs)
        return Reallocation.objects.create(
            portfolio=portfolio,
            knowledge=known,
            engine_version=ENGINE_VERSION,
            inputs=inputs,
            result=result,
            content_hash=approvals.hash_of({"inputs": inputs, "result": result}),
            reason=reason.strip(),
            author=author,
            created_at=now,
        )


def with_approval(rows: QuerySet[Reallocation]) -> QuerySet[Any]:
    """Return proposals with the newest request about each: `decision` (None: nobody asked) and `approval_id`."""
    newest = Approval.objects.filter(kind=KIND, subject=OuterRef("public_id")).order_by("-id")
    return rows.annotate(
        decision=Subquery(newest.values("decision")[:1]), approval_id=Subquery(newest.values("public_id")[:1])
    )


def may_be_asked(proposal: Any) -> bool:
    """Return whether a row of `with_approval` can be sent for approval: it can be kept to, and no request stands."""
    return proposal.result["status"] != Status.INFEASIBLE.value and proposal.decision not in _SETTLED


def ask(proposal: Reallocation, *, author: User, now: datetime) -> Approval:
    """Ask somebody else to approve a proposal, once unless it was refused or void. Raises ReallocationError."""
    if proposal.result["status"] == Status.INFEASIBLE.value:
        raise ReallocationError(proposal.result["sentence"])
    with transaction.atomic():
        # Of two that ask at the same time the second sees the request of the first.
        knowing.lock_portfolio(proposal.portfolio_id)
        asked = with_approval(Reallocation.objects.filter(pk=proposal.pk)).get()
        if asked.decision in _SETTLED:
            raise ReallocationError("Approval was asked for already.")
        return approvals.ask(
            proposal.portfolio,
            KIND,
            subject=proposal.public_id,
            content=_said(proposal),
            summary=f"Reallocation of {proposal.portfolio.code}. {proposal.reason}".strip(),
            author=author,
            now=now,
        )


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
