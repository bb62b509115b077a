"""The notifications log: what is listed and shown, test messages, and trying a dead one again."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.urls import reverse

from alerts.models import Notification, Target
from portfolio.models import Portfolio
from tests.reports.cast import Cast, assemble

pytestmark = pytest.mark.django_db
LIST, TEST = "admin:reports_outbox", "admin:reports_outbox_test"


@pytest.fixture
def cast() -> Cast:
    """Return the cast in this test's database."""
    return assemble()


def put(
    portfolio: Portfolio, *, state: str = "sent", channel: str = "email", code: str = "AI-001", **others: Any
) -> Notification:
    """Put a notification into the log."""
    now = datetime.now(UTC)
    message = {
        "kind": "fired",
        "title": "Under the hurdle",
        "investment": {"code": code, "name": "Support assistant", "public_id": str(uuid.uuid4())},
        "path": "/admin/portfolio/investment/1/change/",
        "recipient": {"name": "Olivia", "why": "owner of the investment"},
    }
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "portfolio": portfolio,
        "channel": channel,
        "address": "olivia@example.com",
        "thread_key": "t",
        "message": message,
        "state": state,
        "next_at": now,
        "created_at": now,
        "sent_at": now if state == "sent" else None,
    }
    return Notification.objects.create(**(values | others))


def at(name: str, notification: Notification) -> str:
    """Return the address of a notification's page."""
    return reverse(f"admin:reports_outbox_{name}", args=[notification.pk])


def test_the_list_filters_by_state_channel_portfolio_and_investment(cast: Cast) -> None:
    """Each filter leaves the rows that fit."""
    first = put(cast.portfolio)
    second = put(cast.portfolio, state="dead", channel="slack", code="AI-002")
    client = cast.client("vera")
    for asked, expected in (
        ({}, [second, first]),
        ({"state": "dead"}, [second]),
        ({"channel": "email"}, [first]),
        ({"investment": "AI-002"}, [second]),
        ({"portfolio": "CX"}, [second, first]),
        ({"portfolio": "OT"}, []),
    ):
        rows = client.get(reverse(LIST), asked).context["rows"]
        assert [row.notification for row in rows] == expected


def test_a_message_is_shown_exactly_as_it_was_handed_over_and_cannot_act(cast: Cast) -> None:
    """The mail stands in a frame without any right; its markup is escaped in the page around it."""
    html = '<p onclick="evil()">Hi <script>alert(1)</script></p>'
    kept = {
        "subject": "[Hurdle] <b>AI-001</b>",
        "text": "plain & simple",
        "html": html,
        "headers": {"X-Id": "1"},
    }
    page = cast.client("vera").get(at("message", put(cast.portfolio, rendered=kept))).content.decode()
    assert 'sandbox=""' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page
    assert "&lt;b&gt;AI-001" in page
    assert "plain &amp; simple" in page
    assert "owner of the investment" in page


def test_slack_blocks_are_shown_as_text(cast: Cast) -> None:
    """Header, fields, button and context of the blocks are readable."""
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "AI-001 crossed"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*ROI* 1.0 %"}]},
        {"type": "actions", "elements": [{"type": "button", "text": {"text": "Open it"}}]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "policy 1"}]},
    ]
    page = cast.client("vera").get(
        at("message", put(cast.portfolio, channel="slack", rendered={"text": "t", "blocks": blocks}))
    )
    for text in ("AI-001 crossed", "*ROI* 1.0 %", "Open it", "policy 1"):
        assert text in page.content.decode()


def test_strangers_find_no_message_by_list_or_id(cast: Cast) -> None:
    """Mallory's portfolio is another one."""
    notification = put(cast.portfolio, state="dead")
    client = cast.client("mallory")
    assert not client.get(reverse(LIST), {"portfolio": "CX"}).context["rows"]
    assert client.get(at("message", notification)).status_code == 404
    assert client.post(at("retry", notification)).status_code == 404


def test_a_dead_message_is_tried_again_under_its_id(cast: Cast) -> None:
    """It is pending again; a sent one is left alone."""
    dead, sent = put(cast.portfolio, state="dead", attempts=10), put(cast.portfolio)
    client = cast.client("olivia")
    client.post(at("retry", dead))
    client.post(at("retry", sent))
    dead.refresh_from_db()
    sent.refresh_from_db()
    assert (dead.state, dead.attempts, sent.state) == ("pending", 0, "sent")
    assert "olivia" in dead.state_reason


def test_a_viewer_cannot_try_again_or_send_tests(cast: Cast) -> None:
    """Reading is all a viewer does."""
    dead = put(cast.portfolio, state="dead")
    client = cast.client("vera")
    assert client.post(at("retry", dead)).status_code == 404
    assert client.get(reverse(TEST)).status_code == 404
    dead.refresh_from_db()
    assert dead.state == "dead"


def test_a_test_message_to_oneself_is_in_the_outbox_and_shown_as_it_would_be_sent(cast: Cast) -> None:
    """An empty address is the own one; the page shows a draft until it is handed over."""
    page = cast.client("olivia").post(reverse(TEST), {"portfolio": "CX", "channel": "email"}, follow=True)
    notification = Notification.objects.get()
    assert (notification.address, notification.state) == ("olivia@example.com", "pending")
    assert "As it would be sent now" in page.content.decode()


@pytest.mark.parametrize(
    ("name", "channel", "address", "is_taken"),
    [
        ("olivia", "email", "finn@example.com", True),
        ("olivia", "email", "press@example.org", False),
        ("olivia", "email", "mallory@example.com", False),
        ("olivia", "slack", "#reviews", True),
        ("olivia", "slack", "#everybody", False),
        ("olivia", "slack", "", True),
        ("adam", "email", "press@example.org", True),
        ("adam", "email", "no address", False),
        ("mallory", "email", "finn@example.com", False),
    ],
)
def test_tests_go_to_addresses_of_the_portfolio_only(
    cast: Cast, name: str, channel: str, address: str, is_taken: bool
) -> None:
    """Only its administrators may write to any address: the house does not send mail to strangers."""
    Target.objects.create(portfolio=cast.portfolio, channel="slack", address="#reviews", label="Reviews")
    answers = {"portfolio": "CX", "channel": channel, "address": address}
    response = cast.client(name).post(reverse(TEST), answers)
    assert response.status_code == (302 if is_taken else 400)
    assert Notification.objects.count() == int(is_taken)


def test_an_empty_log_says_what_will_appear(cast: Cast) -> None:
    """With and without a filter."""
    client = cast.client("vera")
    assert "No notifications yet" in client.get(reverse(LIST)).content.decode()
    assert "No notification fits" in client.get(reverse(LIST), {"state": "dead"}).content.decode()
