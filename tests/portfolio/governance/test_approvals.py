"""What happens to a request: shown, allowed and carried out at once, or refused with a reason."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from portfolio import approvals
from portfolio.approvals import ApprovalError, Kind
from portfolio.models import Approval, Membership, Portfolio, User
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)


class Broken(ValueError):
    """What carrying out may refuse with."""


class Doings:
    """What stands there now, and what was carried out."""

    def __init__(self) -> None:
        self.now: dict[str, object] | None = None
        self.done: list[str] = []
        self.error: Exception | None = None

    def content(self, approval: Approval) -> approvals.Content:
        return approvals.stored(approval) if self.now is None else self.now

    def apply(self, approval: Approval, now: datetime) -> None:
        if self.error:
            raise self.error
        self.done.append(approval.decision)


@pytest.fixture
def doings(monkeypatch: pytest.MonkeyPatch) -> Doings:
    """A kind of request registered for one test."""
    doings = Doings()
    monkeypatch.setattr(approvals, "_KINDS", dict(approvals._KINDS))
    approvals.register(
        Kind(
            name="test",
            title="Test",
            content=doings.content,
            rows=approvals.rows_of_content,
            apply=doings.apply,
            refusals=(Broken,),
        )
    )
    return doings


@pytest.fixture
def portfolio() -> Portfolio:
    return factories.make_portfolio()


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("olivia"), portfolio, "owner")


@pytest.fixture
def finn(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("finn"), portfolio, "finance")


@pytest.fixture
def asked(portfolio: Portfolio, olivia: User) -> Approval:
    content = {"rate_of_return": "0.2", "note": ""}
    return approvals.ask(
        portfolio, "test", subject=uuid4(), content=content, summary="A test", author=olivia, now=NOW
    )


def _settle(asked: Approval, by: User, *, is_allowed: bool = True) -> Approval:
    return approvals.settle(asked, approver=by, is_allowed=is_allowed, now=NOW, reason="Seen.")


def test_what_is_allowed_is_carried_out_at_once(doings: Doings, asked: Approval, finn: User) -> None:
    settled = _settle(asked, finn)
    assert (settled.decision, settled.approver, settled.reason) == ("approved", finn, "Seen.")
    assert doings.done == ["approved"]


def test_what_is_refused_is_not_carried_out(doings: Doings, asked: Approval, finn: User) -> None:
    assert _settle(asked, finn, is_allowed=False).decision == "refused"
    assert doings.done == []


def test_the_author_does_not_decide(doings: Doings, asked: Approval, olivia: User) -> None:
    Membership.objects.filter(user=olivia).update(role="admin")
    with pytest.raises(ApprovalError, match="else than the author"):
        _settle(asked, olivia)
    assert doings.done == []


def test_who_does_not_close_months_does_not_decide(
    doings: Doings, asked: Approval, portfolio: Portfolio
) -> None:
    other = factories.join(factories.make_user("oscar"), portfolio, "owner")
    with pytest.raises(ApprovalError, match="Only finance"):
        _settle(asked, other)
    assert doings.done == []


def test_what_changed_after_the_request_is_void(doings: Doings, asked: Approval, finn: User) -> None:
    doings.now = {"rate_of_return": "0.3", "note": ""}
    with pytest.raises(ApprovalError, match="changed after the request"):
        _settle(asked, finn)
    asked.refresh_from_db()
    assert (asked.decision, doings.done) == ("void", [])


def test_what_cannot_be_carried_out_stays_undecided(doings: Doings, asked: Approval, finn: User) -> None:
    doings.error = Broken("The month was closed meanwhile.")
    with pytest.raises(ApprovalError, match="closed meanwhile"):
        _settle(asked, finn)
    asked.refresh_from_db()
    assert asked.decision == ""


def test_a_right_lost_since_takes_the_request_with_it(
    doings: Doings, asked: Approval, olivia: User, finn: User
) -> None:
    Membership.objects.filter(user=olivia).update(role="viewer")
    with pytest.raises(ApprovalError, match="may no longer ask"):
        _settle(asked, finn)
    assert doings.done == []


def test_a_decision_is_made_once(doings: Doings, asked: Approval, finn: User) -> None:
    _settle(asked, finn, is_allowed=False)
    with pytest.raises(ApprovalError, match="refused already"):
        _settle(asked, finn)


def test_a_kind_nobody_registered_cannot_be_decided(asked: Approval, finn: User) -> None:
    with pytest.raises(ApprovalError, match="cannot be decided here"):
        _settle(asked, finn)


def test_a_newer_request_takes_the_place_of_an_open_one(
    doings: Doings, asked: Approval, olivia: User, finn: User
) -> None:
    approvals.ask(
        asked.portfolio,
        "test",
        subject=asked.subject,
        content={},
        summary="Another",
        author=olivia,
        now=NOW,
    )
    with pytest.raises(ApprovalError, match="void already"):
        _settle(asked, finn)


def test_content_reads_as_labels_and_texts(asked: Approval) -> None:
    assert approvals.rows_of_content(asked) == [("Note", "–"), ("Rate of return", "0.2")]
