"""Changing a policy with four eyes: terms are asked for, and judge months once somebody else allows them."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from alerts import policies
from alerts.models import Policy
from alerts.policies import PolicyError
from alerts.rules import RULES
from alerts.rules.base import RuleError
from portfolio import approvals
from portfolio.access import Action
from portfolio.approvals import ApprovalError, Content, Kind
from portfolio.knowledge import KnowledgeError
from portfolio.models import Approval, Investment, User
from portfolio.terms import format_month

KIND = "policy"
_NUMBERS = ("hurdle", "margin")


@transaction.atomic
def propose(
    investment: Investment,
    rule: str,
    *,
    effective_month: date,
    now: datetime,
    author: User,
    reason: str,
    terms: Mapping[str, object],
) -> Approval:
    """Ask for other terms, as `policies.change` takes them. Raises PolicyError or RuleError with a sentence."""
    policy = policies.next_version(
        investment, rule, effective_month=effective_month, now=now, reason=reason, terms=terms
    )
    month = format_month(effective_month)
    return approvals.ask(
        investment.portfolio,
        KIND,
        subject=investment.public_id,
        content=_said(policy) | _place(investment, rule),
        summary=f"Policy {RULES[rule].title} of {investment.code} from {month} on. {reason.strip()}",
        author=author,
        now=now,
        within={"rule": rule},
    )


def _said(policy: Policy) -> dict[str, Any]:
    """Return every term as plain JSON, resolved: what is allowed is what will judge."""
    said = {name: getattr(policy, name) for name in policies.TERMS}
    for name in _NUMBERS:
        said[name] = None if said[name] is None else f"{Decimal(said[name]):f}"
    return said | {"effective_month": policy.effective_month.isoformat(), "reason": policy.reason.strip()}


def _place(investment: Investment, rule: str) -> dict[str, Any]:
    latest = policies.latest_of(investment, rule)
    return {
        "portfolio": investment.portfolio.code,
        "investment": investment.code,
        "version": latest.version + 1 if latest else 1,
    }


def _investment(approval: Approval) -> Investment:
    found = Investment.objects.select_related("portfolio").filter(public_id=approval.subject).first()
    if found is None:
        raise ApprovalError("The investment this request is about is not there any more.")
    return found


def _content(approval: Approval) -> Content:
    return {**approval.content, **_place(_investment(approval), approval.content["rule"])}


def _rows(approval: Approval) -> list[tuple[str, str]]:
    """Return each term that changes, before and after, and from when on."""
    said = approval.content
    replaced = Policy.objects.filter(
        investment__public_id=approval.subject, rule=said["rule"], version=said["version"] - 1
    ).first()
    before = _said(replaced) if replaced else {}
    changed = [name for name in policies.TERMS if name != "rule" and _text(before, name) != _text(said, name)]
    return [
        ("Investment", said["investment"]),
        ("Rule", RULES[said["rule"]].title),
        ("From", said["effective_month"][:7]),
        *((_spoken(name), f"{_text(before, name)} → {_text(said, name)}") for name in changed),
        ("Why", said["reason"]),
    ]


def _about(approval: Approval) -> str:
    return f"{approval.content['investment']}, {RULES[approval.content['rule']].title}"


def _spoken(name: str) -> str:
    return name.removeprefix("is_").replace("_", " ").capitalize()


def _text(said: Mapping[str, Any], name: str) -> str:
    term = said.get(name)
    if isinstance(term, bool):
        return "yes" if term else "no"
    if term is None:
        return "none"
    return f"{Decimal(term).normalize():f}" if name in _NUMBERS else str(term).replace("_", " ")


def _apply(approval: Approval, now: datetime) -> Policy:
    said = approval.content
    terms: dict[str, object] = {name: said[name] for name in policies.TERMS if name != "rule"}
    for name in _NUMBERS:
        terms[name] = None if said[name] is None else Decimal(said[name])
    return policies.change(
        _investment(approval),
        said["rule"],
        effective_month=date.fromisoformat(said["effective_month"]),
        now=now,
        actor=approval.author,
        reason=said["reason"],
        terms=terms,
        approval=approval,
    )


approvals.register(
    Kind(
        name=KIND,
        title="Threshold policy",
        content=_content,
        rows=_rows,
        about=_about,
        apply=_apply,
        author_needs=Action.MANAGE,
        refusals=(PolicyError, RuleError, KnowledgeError),
    )
)
