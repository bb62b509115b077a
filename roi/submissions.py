"""A business case accepted as a plan: its lines become the next version of the investment's plan book, once."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max

from portfolio import knowledge, ledger
from portfolio.facts import BUSINESS_CASE, Fact, Writing
from portfolio.models import Account, Cell, Investment, PlanApproval, User
from portfolio.terms import Book, add_months, format_month, from_micros, round_micro
from roi import cases, questions
from roi.cases import CaseRefused
from roi.models import BusinessCase, CaseSubmission
from roi.questions import QuestionRejected
from roi.usecases import as_json
from roi.usecases.base import Case, CaseError, HiddenCosts, PlannedLine
from roi.usecases.drivers import drivers_of
from roi.usecases.figures import CaseFigures, figures_of

Plain = dict[str, Any]

_LEAST_QUANTITY = 0.5e-6  # less rounds to nothing


@transaction.atomic
def submit(
    case: BusinessCase,
    *,
    revision: int,
    now: datetime,
    actor: User,
    investment: Investment | None = None,
    reason: str = "",
) -> CaseSubmission:
    """Write a case to the plan book of its investment, as a version after every one there is, and return the record.

    The same revision with the same figures again is the same submission: nothing is written. Raises StaleCase,
    CaseRefused, QuestionRejected, FactsRejected.
    """
    # In the order all writers take them: the portfolio's lock, then rows.
    knowledge.lock_portfolio(case.portfolio_id)
    locked = cases.lock(case, revision=revision)
    target = _target(locked, investment)
    stated, computed = _computed(locked)
    content = _content(locked, target, stated, computed)
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    again = CaseSubmission.objects.filter(
        case=locked, investment=target, revision=revision, content_hash=digest
    )
    if found := again.first():
        return found
    version = next_version(target)
    writing = Writing(
        source=BUSINESS_CASE,
        now=now,
        actor=actor,
        reason=reason,
        book=Book.PLAN,
        book_version=version,
    )
    facts = list(_facts(target, computed.plan, currency=stated.currency))
    recorded = ledger.record(locked.portfolio, facts, writing=writing, kind="plan")
    if recorded.batch is None:
        raise CaseRefused("The case plans nothing: every amount and volume is 0.")
    if locked.investment_id is None:
        locked.investment = target
        locked.save(update_fields=["investment"])
    return CaseSubmission.objects.create(
        case=locked,
        investment=target,
        version=version,
        batch=recorded.batch,
        revision=revision,
        content=content,
        content_hash=digest,
        submitted_by=actor,
        submitted_at=now,
    )


def next_version(investment: Investment) -> int:
    """Return the version after every one that has entries or was ever approved."""
    written = Cell.objects.filter(investment=investment, book=Book.PLAN.value).aggregate(
        m=Max("book_version")
    )
    approved = PlanApproval.objects.filter(investment=investment).aggregate(m=Max("version"))
    return max(written["m"] or 0, approved["m"] or 0) + 1


def unanswered(case: BusinessCase) -> list[str]:
    """Return the labels of the hidden costs that nobody answered, with an amount or with why there is none."""
    return [one.label for one in drivers_of(HiddenCosts) if one.name not in case.hidden_costs]


def _target(case: BusinessCase, investment: Investment | None) -> Investment:
    target = investment or case.investment
    if target is None:
        raise CaseRefused("Name the investment whose plan this case becomes.")
    if case.investment_id not in (None, target.pk):
        raise CaseRefused(f"This case belongs to {case.investment}; copy it to plan another investment.")
    if target.portfolio_id != case.portfolio_id:
        raise CaseRefused(f"{target.code} is not in the portfolio {case.portfolio.code}.")
    missing = unanswered(case)
    if missing:
        raise CaseRefused(
            f"Hidden costs without an answer: {', '.join(missing)}. State an amount, or why there is none."
        )
    return target


def _computed(case: BusinessCase) -> tuple[Case, CaseFigures]:
    stated = questions.read_case(cases.question(case, scenarios=[]), terms=cases.terms(case))
    try:
        return stated, figures_of(stated)
    except CaseError as error:
        raise QuestionRejected({"drivers": [str(error)]}) from error


def _content(case: BusinessCase, investment: Investment, stated: Case, computed: CaseFigures) -> Plain:
    return {
        "title": case.title,
        "start_month": format_month(investment.start_month),
        "hidden_costs": case.hidden_costs,
        "drivers": as_json.drivers(stated, stated={*case.drivers, *case.hidden_costs}),
        "figures": as_json.figures(stated, computed),
    }


def _facts(investment: Investment, plan: tuple[PlannedLine, ...], *, currency: str) -> Iterator[Fact]:
    """Yield a fact for every month in which a line is not 0."""
    keys = dict(Account.objects.values_list("code", "pk"))
    for line in plan:
        for position, value in enumerate(line.amounts.tolist()):
            if abs(value) < (1 if line.is_money else _LEAST_QUANTITY):
                continue
            month, account = add_months(investment.start_month, position), keys[line.account]
            yield Fact(
                investment_id=investment.pk,
                month=month,
                account_id=account,
                currency=currency if line.is_money else "",
                amount=from_micros(value) if line.is_money else None,
                quantity=None if line.is_money else round_micro(Decimal(repr(value))),
                source_ref=line.ref,
                note=line.label,
            )
