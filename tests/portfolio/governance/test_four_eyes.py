"""Hurdle, policy and approved plan are changed by two people, whoever writes: verbs, bulk writes or direct SQL."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from alerts import policies, policy_changes
from alerts.models import Policy
from alerts.policies import PolicyError
from portfolio import approvals, assumptions, hurdles, plan_approvals
from portfolio.approvals import ApprovalError
from portfolio.assumptions import AssumptionError
from portfolio.models import Approval, Assumptions, Batch, Investment, PlanApproval, Portfolio, User
from portfolio.terms import Book
from tests import factories
from tests.factories import START, fact, month, now, record

pytestmark = pytest.mark.django_db
REFUSED = "needs the approval of a second person"


@pytest.fixture
def portfolio() -> Portfolio:
    return factories.make_portfolio(rate="0.10")


@pytest.fixture
def support(portfolio: Portfolio) -> Investment:
    return factories.make_investment(portfolio)


@pytest.fixture
def ada(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("ada"), portfolio, "admin")


@pytest.fixture
def finn(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("finn"), portfolio, "finance")


def _rates(hurdle: str) -> dict[str, Any]:
    tenth = Decimal("0.1")
    return {"hurdle_rate": Decimal(hurdle), "discount_rate": tenth, "asserted_share": Decimal(1)}


def _ask_hurdle(portfolio: Portfolio, author: User, hurdle: str = "0.2") -> Approval:
    return hurdles.propose(portfolio, now=now(), author=author, reason="Board.", **_rates(hurdle))


def _ask_policy(support: Investment, author: User, **terms: object) -> Approval:
    wanted = terms or {"hurdle": Decimal("0.3")}
    return policy_changes.propose(
        support,
        "hurdle_rate",
        effective_month=month(2),
        now=now(),
        author=author,
        reason="Board.",
        terms=wanted,
    )


def _settle(asked: Approval, approver: User, *, is_allowed: bool = True) -> Approval:
    return approvals.settle(asked, approver=approver, is_allowed=is_allowed, now=now())


def _plan(support: Investment, version: int, author: User) -> None:
    record(
        support.portfolio,
        fact(support, START, "model_api", 100 * version),
        book=Book.PLAN,
        book_version=version,
        actor=author,
    )


def _hurdle(portfolio: Portfolio) -> Decimal:
    return assumptions.rates_of_portfolio(portfolio).hurdle_rate


# The hurdle


def test_a_hurdle_in_force_is_not_changed_by_one_person(portfolio: Portfolio, ada: User) -> None:
    with pytest.raises(AssumptionError, match="changed by two people"):
        assumptions.set_rates(portfolio, now=now(), actor=ada, **_rates("0.2"))
    assert _hurdle(portfolio) == Decimal("0.1")


def test_a_hurdle_is_changed_when_somebody_else_allows_it(
    portfolio: Portfolio, ada: User, finn: User
) -> None:
    asked = _ask_hurdle(portfolio, ada)
    assert _hurdle(portfolio) == Decimal("0.1")
    _settle(asked, finn)
    row = assumptions.latest(portfolio, None)
    assert row is not None
    assert (row.hurdle_rate, row.approval_id) == (Decimal("0.2"), asked.pk)
    assert (row.batch.actor, row.batch.approver) == (ada, finn)


def test_a_refused_hurdle_changes_nothing(portfolio: Portfolio, ada: User, finn: User) -> None:
    _settle(_ask_hurdle(portfolio, ada), finn, is_allowed=False)
    assert _hurdle(portfolio) == Decimal("0.1")


def test_other_rates_are_set_by_one_person(portfolio: Portfolio, ada: User) -> None:
    rates = _rates("0.10") | {"discount_rate": Decimal("0.05")}
    row = assumptions.set_rates(portfolio, now=now(), actor=ada, **rates)
    assert (row.discount_rate, row.approval) == (Decimal("0.05"), None)


def test_a_request_is_void_once_the_hurdle_was_changed_otherwise(
    portfolio: Portfolio, support: Investment, ada: User, finn: User
) -> None:
    asked = _ask_hurdle(portfolio, ada)
    assumptions.set_rates(portfolio, now=now(), **(_rates("0.10") | {"discount_rate": Decimal("0.05")}))
    with pytest.raises(ApprovalError, match="changed after the request"):
        _settle(asked, finn)
    assert _hurdle(portfolio) == Decimal("0.1")


def test_a_proposal_may_be_given_its_own_hurdle_once(
    support: Investment, portfolio: Portfolio, ada: User
) -> None:
    first = Decimal("0.3")
    assumptions.set_rates(portfolio, investment=support, now=now(), actor=ada, hurdle_rate=first)
    for other in (Decimal("0.05"), None):
        with pytest.raises(AssumptionError, match="changed by two people"):
            assumptions.set_rates(portfolio, investment=support, now=now(), actor=ada, hurdle_rate=other)
    assert assumptions.rates_of([support])[support.pk].hurdle_rate == first


def test_what_is_asked_for_has_its_reason_and_range(portfolio: Portfolio, ada: User) -> None:
    with pytest.raises(AssumptionError, match="needs a reason"):
        hurdles.propose(portfolio, now=now(), author=ada, reason=" ", **_rates("0.2"))
    with pytest.raises(AssumptionError, match="must be"):
        _ask_hurdle(portfolio, ada, "11")


def test_a_request_shows_before_and_after(portfolio: Portfolio, ada: User) -> None:
    asked = _ask_hurdle(portfolio, ada)
    rows = dict(approvals.kind_of(asked).rows(asked))
    assert (rows["Hurdle rate before"], rows["Hurdle rate, per year"]) == ("10%", "20%")


# The policy


def test_a_policy_is_not_changed_by_one_person(support: Investment, ada: User) -> None:
    with pytest.raises(PolicyError, match="changed by two people"):
        policies.change(
            support,
            "hurdle_rate",
            effective_month=month(2),
            now=now(),
            actor=ada,
            reason="Board.",
            terms={"hurdle": Decimal("0.3")},
        )
    assert not Policy.objects.exclude(version=1).exists()


def test_a_policy_is_changed_when_somebody_else_allows_it(support: Investment, ada: User, finn: User) -> None:
    asked = _ask_policy(support, ada)
    assert dict(approvals.kind_of(asked).rows(asked))["Hurdle"] == "0.1 → 0.3"
    _settle(asked, finn)
    latest = policies.latest_of(support, "hurdle_rate")
    assert latest is not None
    assert (latest.version, latest.hurdle, latest.author, latest.approval_id) == (
        2,
        Decimal("0.3"),
        ada,
        asked.pk,
    )


def test_requests_for_two_rules_stand_beside_each_other(support: Investment, ada: User, finn: User) -> None:
    first = _ask_policy(support, ada)
    policy_changes.propose(
        support,
        "negative_roi",
        effective_month=month(2),
        now=now(),
        author=ada,
        reason="Board.",
        terms={"for_months": 3},
    )
    assert Approval.objects.filter(decision="").count() == 2
    newer = _ask_policy(support, ada, hurdle=Decimal("0.4"))
    first.refresh_from_db()
    assert first.decision == "void"
    _settle(newer, finn)


def test_a_month_closed_meanwhile_leaves_the_request_undecided(
    support: Investment, ada: User, finn: User
) -> None:
    asked = _ask_policy(support, ada)
    factories.close(support.portfolio, last=2)
    with pytest.raises(ApprovalError, match="at the earliest"):
        _settle(asked, finn)
    asked.refresh_from_db()
    assert asked.decision == ""


# The plan


def test_who_wrote_a_plan_does_not_approve_it(support: Investment, ada: User, finn: User) -> None:
    _plan(support, 1, ada)
    with pytest.raises(AssumptionError, match="somebody else than its author"):
        plan_approvals.approve(support, 1, now=now(), actor=ada)
    plan_approvals.approve(support, 1, now=now(), actor=finn)
    assert Investment.objects.get(pk=support.pk).approved_plan_version == 1


def test_an_approved_plan_is_replaced_by_two_people(support: Investment, ada: User, finn: User) -> None:
    olivia = factories.join(factories.make_user("olivia"), support.portfolio, "owner")
    for version in (1, 2):
        _plan(support, version, olivia)
    plan_approvals.approve(support, 1, now=now(), actor=finn)
    with pytest.raises(AssumptionError, match="replaced by two people"):
        plan_approvals.approve(support, 2, now=now(), actor=ada)
    asked = plan_approvals.propose(support, 2, now=now(), author=ada, reason="Second wave.")
    assert dict(approvals.kind_of(asked).rows(asked))["Approved plan"] == "version 1"
    _settle(asked, finn)
    row = PlanApproval.objects.latest("batch_id")
    assert (row.version, row.approval_id, row.batch.approver) == (2, asked.pk, finn)
    assert Investment.objects.get(pk=support.pk).approved_plan_version == 2


def test_its_author_does_not_allow_a_plan_somebody_else_asked_for(
    support: Investment, ada: User, finn: User
) -> None:
    _plan(support, 1, ada)
    _plan(support, 2, finn)
    factories.approve_plan(support, 1)
    asked = plan_approvals.propose(support, 2, now=now(), author=ada, reason="Second wave.")
    with pytest.raises(ApprovalError, match="somebody else than its author"):
        _settle(asked, finn)
    assert Investment.objects.get(pk=support.pk).approved_plan_version == 1


def test_entries_after_the_request_need_a_new_one(support: Investment, ada: User, finn: User) -> None:
    olivia = factories.join(factories.make_user("olivia"), support.portfolio, "owner")
    for version in (1, 2):
        _plan(support, version, olivia)
    factories.approve_plan(support, 1)
    asked = plan_approvals.propose(support, 2, now=now(), author=ada, reason="Second wave.")
    line = fact(support, month(2), "model_api", 999_999)
    record(support.portfolio, line, book=Book.PLAN, book_version=2, actor=olivia)
    with pytest.raises(ApprovalError, match="changed after the request"):
        _settle(asked, finn)


# Whoever writes the row


def _as_sql(row: Assumptions | Policy | PlanApproval) -> None:
    fields = [f for f in row._meta.concrete_fields if not f.primary_key]
    columns = ", ".join(f'"{f.column}"' for f in fields)
    values = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields]
    with connection.cursor() as cursor:
        marks = ", ".join(["%s"] * len(fields))
        cursor.execute(f"INSERT INTO {row._meta.db_table} ({columns}) VALUES ({marks})", values)


def _in_bulk(row: Assumptions | Policy | PlanApproval) -> None:
    type(row).objects.bulk_create([row])  # type: ignore[attr-defined]


def _hurdle_row(support: Investment, approval: Approval | None) -> Assumptions:
    batch = Batch.objects.latest("id")
    return Assumptions(portfolio=support.portfolio, batch=batch, approval=approval, **_rates("0.2"))


def _policy_row(support: Investment, approval: Approval | None) -> Policy:
    policies.adopt([support], now=now())
    row = Policy.objects.get(investment=support, rule="hurdle_rate")
    row.pk, row.version, row.approval = None, 2, approval
    row.hurdle, row.effective_month, row.reason = Decimal("0.3"), month(2), "Board."
    row._state.adding = True
    return row


WRITES = pytest.mark.parametrize("write", [_as_sql, _in_bulk])
Write = Callable[[Any], None]


@WRITES
@pytest.mark.parametrize("make", [_hurdle_row, _policy_row])
def test_no_row_without_a_second_person(support: Investment, write: Write, make: Callable[..., Any]) -> None:
    row = make(support, None)
    with pytest.raises(ProgrammingError, match=REFUSED), transaction.atomic():
        write(row)


@WRITES
@pytest.mark.parametrize("decision", ["open", "refused", "other_kind", "other_content"])
def test_no_row_by_an_approval_that_allows_something_else(
    support: Investment, ada: User, finn: User, write: Write, decision: str
) -> None:
    policies.adopt([support], now=now())
    if decision == "other_kind":
        asked = _settle(_ask_policy(support, ada), finn)
    else:
        asked = _ask_hurdle(support.portfolio, ada, "0.4" if decision == "other_content" else "0.2")
    if decision in ("refused", "other_content"):
        approvals.decide(
            asked, content=asked.content, approver=finn, is_allowed=decision != "refused", now=now()
        )
    says = "something else" if decision == "other_content" else REFUSED
    with pytest.raises(ProgrammingError, match=says), transaction.atomic():
        write(_hurdle_row(support, asked))


@WRITES
def test_an_approval_is_used_once(support: Investment, ada: User, finn: User, write: Write) -> None:
    asked = _ask_hurdle(support.portfolio, ada)
    _settle(asked, finn)
    asked.refresh_from_db()
    back = factories.set_rates(support.portfolio, **_rates("0.10"))
    assert back.hurdle_rate == Decimal("0.1")
    with pytest.raises(IntegrityError, match="assumptions_approval_once"), transaction.atomic():
        write(_hurdle_row(support, asked))


@WRITES
def test_a_policy_row_says_exactly_what_was_allowed(
    support: Investment, ada: User, finn: User, write: Write
) -> None:
    asked = _ask_policy(support, ada)
    approvals.decide(asked, content=asked.content, approver=finn, is_allowed=True, now=now())
    asked.refresh_from_db()
    row = _policy_row(support, asked)
    row.margin = Decimal("0.5")
    with pytest.raises(ProgrammingError, match="something else"), transaction.atomic():
        write(row)
    row = _policy_row(support, asked)
    write(row)
    assert policies.latest_of(support, "hurdle_rate") is not None


@WRITES
def test_no_plan_is_approved_by_its_author_or_nobody(
    support: Investment, ada: User, finn: User, write: Write
) -> None:
    _plan(support, 1, ada)
    own = Batch.objects.filter(actor=ada).latest("id")
    nobody = Batch.objects.filter(actor=None).latest("id")
    for batch in (own, nobody):
        with pytest.raises(ProgrammingError, match="else than its author"), transaction.atomic():
            write(PlanApproval(investment=support, version=1, batch=batch))
    plan_approvals.approve(support, 1, now=now(), actor=finn)
    _plan(support, 2, ada)
    with pytest.raises(ProgrammingError, match=REFUSED), transaction.atomic():
        write(
            PlanApproval(investment=support, version=2, batch=Batch.objects.filter(actor=finn).latest("id"))
        )


def test_the_approved_version_is_said_by_its_approval(support: Investment, ada: User) -> None:
    _plan(support, 1, ada)
    with pytest.raises(ProgrammingError, match="said by its approval"), transaction.atomic():
        Investment.objects.filter(pk=support.pk).update(approved_plan_version=1)
    support.pk, support.code, support.approved_plan_version = None, "COPY", 1
    support.public_id = Investment._meta.get_field("public_id").get_default()
    with pytest.raises(ProgrammingError, match="said by its approval"), transaction.atomic():
        Investment.objects.bulk_create([support])
