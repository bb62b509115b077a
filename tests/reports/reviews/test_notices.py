"""Who hears of reviews, when, and that nobody hears twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from alerts import envelopes
from alerts.models import Notification
from alerts.outbox import Claim
from portfolio import reviews
from portfolio.models import Investment, Review
from portfolio.reviews import Request
from portfolio.terms import ReviewKind
from reports import review_notices
from tests import factories

pytestmark = pytest.mark.django_db
# A Monday.
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def support() -> Investment:
    """Olivia's investment, sponsored by Sam, with a board and an administrator above."""
    portfolio = factories.make_portfolio()
    olivia = factories.join(factories.make_user("olivia"), portfolio, "owner")
    sam = factories.join(factories.make_user("sam"), portfolio, "viewer")
    factories.join(factories.make_user("bo"), portfolio, "board")
    factories.join(factories.make_user("ada"), portfolio, "admin")
    return factories.make_investment(portfolio, "SUPPORT", owner=olivia, sponsor=sam, stage="scaled")


def _open(support: Investment, *, origin: str = "calendar") -> Review:
    asked = Request(
        investment=support,
        kind=ReviewKind.SCHEDULED,
        origin=origin,
        origin_ref=uuid4() if origin == "alert" else None,
        due_on=NOW.date(),
    )
    reviews.request([asked], now=NOW)
    return Review.objects.get(investment=support)


def _told(*, but: set[UUID] | None = None) -> set[str]:
    return set(Notification.objects.exclude(pk__in=but or ()).values_list("user__username", flat=True))


def test_owner_and_sponsor_hear_of_a_new_review_once(support: Investment) -> None:
    """However often the clock rings."""
    _open(support)
    assert review_notices.run(now=NOW) == 2
    review_notices.run(now=NOW + timedelta(hours=1))
    assert (_told(), Notification.objects.count()) == ({"olivia", "sam"}, 2)


def test_what_an_alert_opened_is_not_told_again(support: Investment) -> None:
    """The alert's own notice says so already."""
    _open(support, origin="alert")
    assert review_notices.run(now=NOW) == 0


def test_a_late_review_goes_to_the_sponsor_and_then_to_the_board(support: Investment) -> None:
    """After three and after ten business days; each step once."""
    _open(support)
    for day, names in ((5, {"sam"}), (16, {"bo"})):
        before = set(Notification.objects.values_list("pk", flat=True))
        moment = NOW.replace(day=day)
        review_notices.run(now=moment)
        review_notices.run(now=moment + timedelta(hours=1))
        assert _told(but=before) == names


def test_without_a_board_the_administrators_hear(support: Investment) -> None:
    """A review that is late for ten days is nobody's no more."""
    support.portfolio.memberships.filter(role="board").delete()
    _open(support)
    review_notices.run(now=NOW.replace(day=16))
    assert _told() == {"ada"}


def test_the_words_name_investment_question_and_delay(support: Investment) -> None:
    """Hostile names stay text."""
    Investment.objects.filter(pk=support.pk).update(name="<script>alert(1)</script>\r\nBcc: x")
    _open(support)
    review_notices.run(now=NOW.replace(day=5))
    row = Notification.objects.get()
    claim = Claim(
        id=row.id,
        portfolio_id=row.portfolio_id,
        user_id=row.user_id,
        event_id=None,
        channel=row.channel,
        address=row.address,
        thread_key=row.thread_key,
        seq=1,
        message=row.message,
        attempt=1,
        token=uuid4(),
        claimed_at=NOW,
        is_repeat=False,
        was_uncertain=False,
        created_at=row.created_at,
    )
    message = envelopes.message_of(claim)
    assert message.subject == "[Hurdle] SUPPORT: Scheduled overdue by 3 days"
    assert "<script>" not in message.html
    assert "\r" not in message.text
    assert f"/reviews/{row.message['review']}/" in message.text
