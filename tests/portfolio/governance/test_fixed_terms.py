"""What approval fixes, portfolio, months and horizon, is changed by two people, whoever writes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, ProgrammingError, connection, transaction

from portfolio import approvals, fixed_terms, investments, knowledge
from portfolio.approvals import ApprovalError
from portfolio.models import Approval, Batch, Investment, InvestmentVersion, User
from portfolio.terms import add_months
from tests import factories
from tests.factories import START, now

pytestmark = pytest.mark.django_db
LATER = add_months(START, 60)


@pytest.fixture
def support() -> Investment:
    return factories.make_investment(factories.make_portfolio(), "SUPPORT", stage="scaled")


@pytest.fixture
def olivia(support: Investment) -> User:
    return factories.join(factories.make_user("olivia"), support.portfolio, "owner")


@pytest.fixture
def finn(support: Investment) -> User:
    return factories.join(factories.make_user("finn"), support.portfolio, "finance")


def _changed(investment: Investment, **terms: Any) -> Investment:
    wanted = Investment.objects.select_related("portfolio").get(pk=investment.pk)
    for name, value in terms.items():
        setattr(wanted, name, value)
    return wanted


def _ask(investment: Investment, author: User, **terms: Any) -> Approval:
    return fixed_terms.propose(_changed(investment, **terms), now=now(), author=author, reason="It slipped.")


TERMS = [
    {"live_month": LATER},
    {"live_month": None},
    {"start_month": add_months(START, -1)},
    {"end_month": add_months(START, 3)},
    {"horizon_months": 1},
]


@pytest.mark.parametrize("terms", TERMS)
def test_one_person_changes_none_of_it(support: Investment, olivia: User, terms: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="fixed at approval"):
        investments.put(_changed(support, **terms), now=now(), actor=olivia)
    assert support.versions.count() == 1


@pytest.mark.parametrize("terms", TERMS)
def test_two_people_change_it(support: Investment, olivia: User, finn: User, terms: dict[str, Any]) -> None:
    asked = _ask(support, olivia, **terms)
    held = Investment.objects.get(pk=support.pk)
    assert (held.live_month, held.horizon_months) == (support.live_month, support.horizon_months)
    approvals.settle(asked, approver=finn, is_allowed=True, now=now())
    version = support.versions.select_related("batch").latest("batch_id")
    held.refresh_from_db()
    for name, value in terms.items():
        assert getattr(version, name) == getattr(held, name) == value
    assert (version.approval, version.batch.actor, version.batch.approver) == (asked, olivia, finn)


def test_what_is_proposed_has_no_fixed_terms(olivia: User, support: Investment) -> None:
    draft = factories.make_investment(support.portfolio, "DRAFT")
    investments.put(_changed(draft, live_month=LATER), now=now(), actor=olivia)
    assert draft.versions.count() == 2
    with pytest.raises(ValidationError, match="Nothing that approval fixed"):
        _ask(draft, olivia, live_month=START)


def test_a_request_needs_a_reason_and_fitting_terms(support: Investment, olivia: User) -> None:
    with pytest.raises(ValidationError, match="needs a reason"):
        fixed_terms.propose(_changed(support, live_month=LATER), now=now(), author=olivia, reason=" ")
    with pytest.raises(ValidationError):
        _ask(support, olivia, horizon_months=0)


def test_a_request_shows_before_and_after_and_is_void_once_they_changed(
    support: Investment, olivia: User, finn: User
) -> None:
    stale = _ask(support, olivia, horizon_months=12)
    rows = dict(approvals.kind_of(stale).rows(stale))
    assert rows["Horizon, months"] == f"{support.horizon_months} becomes 12"
    assert rows["First month in use"] == f"{START:%Y-%m}"
    with pytest.raises(ApprovalError, match="Somebody else"):
        approvals.settle(stale, approver=olivia, is_allowed=True, now=now())
    fresh = _ask(support, olivia, live_month=LATER)
    stale.refresh_from_db()
    assert stale.decision == "void"
    approvals.settle(fresh, approver=finn, is_allowed=True, now=now())
    support.refresh_from_db()
    assert (support.live_month, support.horizon_months) == (LATER, 36)


def _version(support: Investment, approval: Approval | None, **terms: Any) -> InvestmentVersion:
    knowledge.lock_portfolio(support.portfolio_id)
    batch = knowledge.open_batch(portfolio=support.portfolio, kind="terms", now=now(), content=["x"])
    held = {name: getattr(support, name) for name in investments.FIXED}
    return InvestmentVersion(investment=support, batch=batch, approval=approval, **held | terms)


def test_no_version_without_a_second_person_or_with_other_terms(
    support: Investment, olivia: User, finn: User
) -> None:
    with pytest.raises(ProgrammingError, match="second person"), transaction.atomic():
        _version(support, None, live_month=LATER).save(force_insert=True)
    asked = _ask(support, olivia, live_month=LATER)
    with pytest.raises(ProgrammingError, match="second person"), transaction.atomic():
        _version(support, asked, live_month=LATER).save(force_insert=True)
    Approval.objects.filter(pk=asked.pk).update(decision="approved", approver=finn, decided_at=now())
    with pytest.raises(ProgrammingError, match="something else"), transaction.atomic():
        _version(support, asked, live_month=add_months(LATER, 1)).save(force_insert=True)
    InvestmentVersion.objects.bulk_create([_version(support, asked, live_month=LATER)])
    with pytest.raises(DatabaseError, match="approval_once"), transaction.atomic():
        _version(support, asked, live_month=LATER).save(force_insert=True)


def test_no_investment_has_terms_that_no_version_has(support: Investment) -> None:
    for change in ("live_month = '2031-01-01'", "horizon_months = 1", "end_month = start_month"):
        with pytest.raises(DatabaseError, match="newest version"):
            _sql(f"UPDATE portfolio_investment SET {change} WHERE id = %s", support.pk)


def _sql(statement: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_batch_says_when_and_by_whom(support: Investment, olivia: User, finn: User) -> None:
    asked = _ask(support, olivia, live_month=date(2031, 1, 1))
    approvals.settle(asked, approver=finn, is_allowed=True, now=now())
    assert Batch.objects.latest("id").reason == "It slipped."
