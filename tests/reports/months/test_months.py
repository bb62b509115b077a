"""The months page: completeness, closing, locking, and reopening a locked month with four eyes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import signing
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from portfolio import facts, months
from portfolio.models import Membership, MonthState, Portfolio
from reports.console import months_completeness, months_reopening
from tests.reports.cast import START, Cast, assemble, money

pytestmark = pytest.mark.django_db
FEBRUARY = date(2026, 2, 1)


@pytest.fixture
def cast() -> Cast:
    """Return the cast in this test's database."""
    return assemble()


def change(client: Client, act: str, *chosen: str, reason: str = "") -> HttpResponse:
    """Post one of the page's buttons."""
    answers = {"portfolio": "CX", "act": act, "month": list(chosen), "reason": reason}
    return client.post(reverse("admin:reports_months_change"), answers, follow=True)


def notices(response: HttpResponse) -> str:
    """Return the notices a page shows."""
    context: Any = response.context
    return " ".join(str(each) for each in context["messages"])


def lock(cast: Cast) -> None:
    """Close and lock January."""
    cast.close(START)
    months.lock(cast.portfolio, [START], now=datetime.now(UTC), actor=cast.people["finn"])


def state(cast: Cast) -> str:
    """Return the state of January."""
    return facts.month_states(cast.portfolio).get(START, "open")


def test_the_page_names_what_each_investment_lacks(cast: Cast) -> None:
    """A recurring account of the last complete month is expected again; a silent investment is named too."""
    cast.record(
        money(cast.support, START, "model_api", "5"),
        money(cast.support, START, "maintenance", "5"),
        money(cast.coding, START, "model_api", "5"),
    )
    cast.close(START)
    cast.record(money(cast.support, FEBRUARY, "model_api", "5"))
    rows = months_completeness.rows(
        cast.portfolio, now=datetime(2026, 3, 5, tzinfo=UTC), newest=None, count=12
    )
    assert [(row.month, row.status, row.complete, row.expected) for row in rows] == [
        (FEBRUARY, "open", 0, 2),
        (START, "closed", 2, 2),
    ]
    assert {lack.code: lack.accounts for lack in rows[0].lacks} == {"AI-001": ("Maintenance",), "AI-002": ()}


def test_an_investment_that_never_stated_anything_is_never_complete(cast: Cast) -> None:
    """Silence is not completeness, in a closed month neither."""
    cast.record(money(cast.support, START, "model_api", "5"))
    cast.close(START)
    row = months_completeness.rows(
        cast.portfolio, now=datetime(2026, 2, 5, tzinfo=UTC), newest=None, count=9
    )[0]
    assert [lack.code for lack in row.lacks] == ["AI-002"]


def test_finance_closes_locks_and_reopens(cast: Cast) -> None:
    """Each act says what it did; a reopening needs its reason."""
    client = cast.client("finn")
    assert "2026-01, 2026-02" in notices(change(client, "close", "2026-01", "2026-02"))
    assert "Locked: 2026-02" in notices(change(client, "lock", "2026-02"))
    assert "needs a reason" in notices(change(client, "reopen", "2026-01"))
    assert "Reopened: 2026-01" in notices(change(client, "reopen", "2026-01", reason="Late bill."))
    assert MonthState.objects.latest("id").reason == "Late bill."


@pytest.mark.parametrize(("act", "chosen"), [("close", "2199-01"), ("lock", "2026-01")])
def test_what_cannot_be_done_gets_a_sentence(cast: Cast, act: str, chosen: str) -> None:
    """A month that has not ended is not closed, an open one not locked."""
    change(cast.client("finn"), act, chosen)
    assert not MonthState.objects.exists()


def test_nothing_chosen_and_unknown_acts_change_nothing(cast: Cast) -> None:
    """No month: a sentence. No such act: no such page."""
    assert "Choose at least one" in notices(change(cast.client("finn"), "close"))
    assert change(cast.client("finn"), "erase", "2026-01").status_code == 404
    assert change(cast.client("finn"), "close", "2026-99").status_code == 200
    assert not MonthState.objects.exists()


@pytest.mark.parametrize(("name", "sees"), [("olivia", 200), ("vera", 200), ("mallory", 404)])
def test_only_finance_and_administrators_change_months(cast: Cast, name: str, sees: int) -> None:
    """Members see the page without its buttons; strangers find nothing."""
    client = cast.client(name)
    page = client.get(reverse("admin:reports_months"), {"portfolio": "CX"})
    assert page.status_code == sees
    assert b'name="act"' not in page.content
    assert change(client, "close", "2026-01").status_code == 404
    assert not MonthState.objects.exists()


def test_a_locked_month_is_reopened_by_two_people(cast: Cast) -> None:
    """Finn asks and gets an address; Fiona opens it and confirms; both names are recorded."""
    lock(cast)
    asked = change(cast.client("finn"), "reopen", "2026-01", reason="Audit finding.")
    address = asked.redirect_chain[-1][0]
    assert state(cast) == "locked"
    assert "Send this address" in asked.content.decode()
    shown = cast.client("fiona").get(address).content.decode()
    assert "Audit finding." in shown
    assert "Approve and reopen" in shown
    assert "Reopened: 2026-01" in notices(cast.client("fiona").post(address, follow=True))
    last = MonthState.objects.latest("id")
    assert (last.status, last.actor, last.approver) == ("open", cast.people["finn"], cast.people["fiona"])


def test_nobody_confirms_their_own_request(cast: Cast) -> None:
    """Finn's own confirmation is refused by the ledger's rule."""
    lock(cast)
    address = change(cast.client("finn"), "reopen", "2026-01", reason="Me.").redirect_chain[-1][0]
    assert "second person" in notices(cast.client("finn").post(address, follow=True))
    assert state(cast) == "locked"


@pytest.mark.parametrize("name", ["olivia", "vera", "mallory"])
def test_a_request_is_nothing_to_people_who_do_not_close_months(cast: Cast, name: str) -> None:
    """Owner, viewer and stranger find no such page."""
    lock(cast)
    address = change(cast.client("finn"), "reopen", "2026-01", reason="Bill.").redirect_chain[-1][0]
    assert cast.client(name).get(address).status_code == 404
    assert cast.client(name).post(address).status_code == 404
    assert state(cast) == "locked"


def test_a_request_is_void_when_altered_too_old_or_its_author_left(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seal, the three days and the right of the author are each checked when it is confirmed."""
    lock(cast)
    fiona = cast.client("fiona")
    forged = signing.dumps({"portfolio": cast.portfolio.pk}, salt="something else")
    assert fiona.post(reverse("admin:reports_months_reopening", args=[forged])).status_code == 404
    address = change(cast.client("finn"), "reopen", "2026-01", reason="Bill.").redirect_chain[-1][0]
    with monkeypatch.context() as patched:
        patched.setattr(months_reopening, "VALID_FOR", timedelta(seconds=-1))
        assert fiona.post(address).status_code == 404
    cast.people["finn"].memberships.all().delete()
    assert fiona.post(address).status_code == 404
    assert state(cast) == "locked"


def test_a_portfolio_without_investments_says_what_to_do(cast: Cast) -> None:
    """The empty state is a sentence."""
    empty = Portfolio.objects.create(code="NEW", name="New")
    Membership.objects.create(user=cast.people["mallory"], portfolio=empty, role="finance")
    page = cast.client("mallory").get(reverse("admin:reports_months"), {"portfolio": "NEW"})
    assert "No month has ended yet" in page.content.decode()
