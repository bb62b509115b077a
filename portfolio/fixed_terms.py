"""What approval fixes, an investment's portfolio, months and horizon: asked for by one person, allowed by another."""

from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from portfolio import approvals, investments, knowledge
from portfolio.approvals import ApprovalError, Content, Kind
from portfolio.knowledge import KnowledgeError
from portfolio.models import Approval, Investment, Portfolio, User
from portfolio.terms import format_month

KIND = "terms"
_MONTHS = ("start_month", "live_month", "end_month")
_TITLES = {
    "portfolio": "Portfolio",
    "start_month": "First month",
    "live_month": "First month in use",
    "end_month": "Last month",
    "horizon_months": "Horizon, months",
}


@transaction.atomic
def propose(wanted: Investment, *, now: datetime, author: User, reason: str) -> Approval:
    """Ask for the terms of the given copy of an approved investment; nothing of it is saved.

    Raises ValidationError where they cannot be, where nothing differs, or without a reason.
    """
    if not reason.strip():
        raise ValidationError("Changing what approval fixed needs a reason.")
    knowledge.lock_portfolio(wanted.portfolio_id)
    held = Investment.objects.select_related("portfolio").get(pk=wanted.pk)
    if not investments.is_fixed_by_approval(held, wanted):
        raise ValidationError("Nothing that approval fixed differs.")
    wanted.full_clean()
    before, after = _said(held), _said(wanted)
    changed = [
        f"{_TITLES[name].lower()} {before[name] or 'none'} to {after[name] or 'none'}"
        for name in _TITLES
        if before[name] != after[name]
    ]
    return approvals.ask(
        held.portfolio,
        KIND,
        subject=held.public_id,
        content={**after, "before": before, "investment": held.code, "reason": reason.strip()},
        summary=f"Terms of {held.code}: {', '.join(changed)}. {reason.strip()}",
        author=author,
        now=now,
    )


def _said(investment: Investment) -> dict[str, Any]:
    months: dict[str, date | None] = {name: getattr(investment, name) for name in _MONTHS}
    return {
        "portfolio": investment.portfolio.code,
        "portfolio_id": investment.portfolio_id,
        **{name: month.isoformat() if month else None for name, month in months.items()},
        "horizon_months": investment.horizon_months,
    }


def _held(approval: Approval) -> Investment:
    found = Investment.objects.select_related("portfolio").filter(public_id=approval.subject).first()
    if found is None or found.portfolio_id != approval.portfolio_id:
        raise ApprovalError("The investment this request is about is not in the portfolio any more.")
    return found


def _content(approval: Approval) -> Content:
    return {**approval.content, "before": _said(_held(approval))}


def _text(said: dict[str, Any], name: str) -> str:
    value = said[name]
    if name in _MONTHS:
        return format_month(date.fromisoformat(value)) if value else "none"
    return str(value)


def _rows(approval: Approval) -> list[tuple[str, str]]:
    said, before = approval.content, approval.content["before"]
    terms = [
        (title, new if (new := _text(said, name)) == (old := _text(before, name)) else f"{old} becomes {new}")
        for name, title in _TITLES.items()
    ]
    return [("Investment", said["investment"]), *terms, ("Why", said["reason"])]


def _apply(approval: Approval, now: datetime) -> Investment:
    said, investment = approval.content, _held(approval)
    investment.portfolio = Portfolio.objects.get(pk=said["portfolio_id"])
    for name in _MONTHS:
        setattr(investment, name, date.fromisoformat(said[name]) if said[name] else None)
    investment.horizon_months = said["horizon_months"]
    return investments.put(
        investment, now=now, actor=approval.author, reason=said["reason"], approval=approval
    )


approvals.register(
    Kind(
        name=KIND,
        title="Months and horizon",
        content=_content,
        rows=_rows,
        apply=_apply,
        refusals=(ValidationError, KnowledgeError),
    )
)
