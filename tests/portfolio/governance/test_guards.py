"""What governance writes stays as it was written, also for direct SQL as the application's role."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction

from portfolio import approvals
from portfolio.models import Hypothesis
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
REFUSED = (ProgrammingError, InternalError)


def _sql(statement: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def asked() -> approvals.Approval:
    """A request of Olivia's in a portfolio of Finn's."""
    portfolio = factories.make_portfolio()
    olivia = factories.join(factories.make_user("olivia"), portfolio, "owner")
    return approvals.ask(
        portfolio, "test", subject=uuid4(), content={"a": 1}, summary="A test", author=olivia, now=NOW
    )


def test_nobody_inserts_a_request_that_is_decided_already(asked: approvals.Approval) -> None:
    """The second person's word cannot be written together with the first one's."""
    finn = factories.join(factories.make_user("finn"), asked.portfolio, "finance")
    with pytest.raises(REFUSED, match="asked before it is decided"):
        _sql(
            "INSERT INTO portfolio_approval (public_id, portfolio_id, kind, subject, content_hash, content, summary, "
            "author_id, asked_at, approver_id, decision, reason, decided_at) SELECT gen_random_uuid(), portfolio_id, "
            "kind, gen_random_uuid(), content_hash, content, summary, author_id, asked_at, %s, 'approved', '', now() "
            "FROM portfolio_approval WHERE id = %s",
            finn.pk,
            asked.pk,
        )


@pytest.mark.parametrize(
    "change", ["content_hash = 'x'", "author_id = NULL", "content = '{}'", "subject = gen_random_uuid()"]
)
def test_what_was_asked_for_stays_as_it_was(asked: approvals.Approval, change: str) -> None:
    """A request is decided as it was asked, or not at all."""
    approval = approvals.ask(
        asked.portfolio,
        "test",
        subject=uuid4(),
        content={"a": 1},
        summary="With content",
        author=asked.author,
        now=NOW,
    )
    type(approval).objects.filter(pk=approval.pk).update(reason="a note")
    if change.startswith("content ="):
        change = "content = '{\"b\": 1}'"
    with pytest.raises(REFUSED, match="cannot be changed"):
        _sql(f"UPDATE portfolio_approval SET {change} WHERE id = %s", approval.pk)


def test_a_decision_on_a_request_is_final(asked: approvals.Approval) -> None:
    """Refused stays refused."""
    finn = factories.join(factories.make_user("finn"), asked.portfolio, "finance")
    approvals.decide(asked, content={"a": 1}, approver=finn, is_allowed=False, now=NOW)
    with pytest.raises(REFUSED, match="stays as it is"):
        _sql("UPDATE portfolio_approval SET decision = 'approved' WHERE id = %s", asked.pk)
    with pytest.raises(REFUSED, match="kept"):
        _sql("DELETE FROM portfolio_approval WHERE id = %s", asked.pk)


def test_a_version_of_a_hypothesis_is_written_once() -> None:
    """A claim that turned out wrong is followed by another; it is not reworded."""
    investment = factories.make_investment(factories.make_portfolio())
    stated = Hypothesis.objects.create(investment=investment, claim="Faster", metric="hours")
    with pytest.raises(REFUSED):
        _sql("UPDATE portfolio_hypothesis SET claim = 'Cheaper' WHERE id = %s", stated.pk)
    with pytest.raises(REFUSED):
        _sql("DELETE FROM portfolio_hypothesis WHERE id = %s", stated.pk)
