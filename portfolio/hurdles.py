"""Changing a hurdle rate with four eyes: rates are asked for, and put in force by whoever allows them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from portfolio import approvals, assumptions, knowledge
from portfolio.access import Action
from portfolio.approvals import ApprovalError, Content, Kind
from portfolio.assumptions import AssumptionError
from portfolio.knowledge import KnowledgeError
from portfolio.models import Approval, Assumptions, Investment, Portfolio, User

KIND = "hurdle_rate"
_RATES = ("hurdle_rate", "discount_rate", "asserted_share")
_TITLES = {
    "hurdle_rate": "Hurdle rate, per year",
    "discount_rate": "Discount rate, per year",
    "asserted_share": "Asserted share",
}


@transaction.atomic
def propose(
    portfolio: Portfolio,
    *,
    now: datetime,
    author: User,
    reason: str,
    investment: Investment | None = None,
    hurdle_rate: Decimal | None = None,
    discount_rate: Decimal | None = None,
    asserted_share: Decimal | None = None,
    realization_rates: Mapping[str, str] | None = None,
) -> Approval:
    """Ask for rates, as `assumptions.set_rates` takes them. Raises AssumptionError or ValidationError."""
    if not reason.strip():
        raise AssumptionError("Changing a hurdle rate needs a reason.")
    row = assumptions.stated_rates(
        portfolio,
        investment,
        hurdle_rate=hurdle_rate,
        discount_rate=discount_rate,
        asserted_share=asserted_share,
        realization_rates=realization_rates,
    )
    knowledge.lock_portfolio(portfolio.pk)
    said = {name: None if (rate := getattr(row, name)) is None else f"{rate:f}" for name in _RATES}
    wanted = said | {"realization_rates": row.realization_rates, "reason": reason.strip()}
    told = "the portfolio's" if hurdle_rate is None else _percent(said["hurdle_rate"])
    return approvals.ask(
        portfolio,
        KIND,
        subject=(investment or portfolio).public_id,
        content=wanted | _place(portfolio, investment),
        summary=f"Hurdle rate of {(investment or portfolio).code}: {told}. {reason.strip()}",
        author=author,
        now=now,
    )


def _place(portfolio: Portfolio, investment: Investment | None) -> dict[str, Any]:
    """Return whose rates are asked for, and which setting they take the place of."""
    last = assumptions.latest(portfolio, investment)
    return {
        "portfolio": portfolio.code,
        "investment": investment.code if investment else None,
        "replaces": last.batch_id if last else None,
        "hurdle_rate_before": f"{last.hurdle_rate:f}" if last and last.hurdle_rate is not None else None,
    }


def _subject(approval: Approval) -> Investment | None:
    if approval.content["investment"] is None:
        return None
    found = Investment.objects.select_related("portfolio").filter(public_id=approval.subject).first()
    if found is None or found.portfolio_id != approval.portfolio_id:
        raise ApprovalError("The investment this request is about is not in the portfolio any more.")
    return found


def _content(approval: Approval) -> Content:
    return {**approval.content, **_place(approval.portfolio, _subject(approval))}


def _percent(rate: str | None) -> str:
    return "inherited" if rate is None else f"{(Decimal(rate) * 100).normalize():f}%"


def _rows(approval: Approval) -> list[tuple[str, str]]:
    said = approval.content
    rates = [(_TITLES[name], _percent(said[name])) for name in _RATES]
    realized = ", ".join(
        f"{code} {_percent(rate)}" for code, rate in sorted(said["realization_rates"].items())
    )
    return [
        ("Rates of", said["investment"] or said["portfolio"]),
        ("Hurdle rate before", _percent(said["hurdle_rate_before"])),
        *rates,
        ("Realization rates", realized or "all count in full"),
        ("Why", said["reason"]),
    ]


def _apply(approval: Approval, now: datetime) -> Assumptions:
    said = approval.content
    return assumptions.set_rates(
        approval.portfolio,
        investment=_subject(approval),
        now=now,
        actor=approval.author,
        realization_rates=said["realization_rates"],
        reason=said["reason"],
        approval=approval,
        **{name: None if said[name] is None else Decimal(said[name]) for name in _RATES},
    )


approvals.register(
    Kind(
        name=KIND,
        title="Hurdle rate",
        content=_content,
        rows=_rows,
        apply=_apply,
        author_needs=Action.CLOSE,
        refusals=(AssumptionError, KnowledgeError, ValidationError),
    )
)
