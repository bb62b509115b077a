"""The operators' page: who sees it, what it shows when all is well and when not, and its three buttons."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from alerts import attempts, auditor
from alerts.models import AuditFinding, AuditRun, EvaluationHead, Heartbeat, Notification, Timer
from portfolio.models import Investment
from roi.models import SnapshotHead
from tests import factories
from tests.alerts.histories import LOSING, live
from tests.factories import now

PAGE = "admin:reports_operations"


@pytest.fixture
def support(db: None) -> Investment:
    portfolio = factories.make_portfolio(rate="0.10")
    made = factories.make_investment(portfolio, "SUP-1", owner=factories.make_user("olivia"))
    live(made, LOSING, first=1, last=4)
    return made


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(factories.make_user("root", is_staff=True, is_superuser=True))
    return client


def text(client: Client) -> str:
    answer = client.get(reverse(PAGE))
    assert answer.status_code == 200
    return answer.content.decode()


def test_nobody_but_operators_sees_it(support: Investment) -> None:
    client = Client()
    admin = factories.join(factories.make_user("ada", is_staff=True), support.portfolio, "admin")
    client.force_login(admin)
    assert client.get(reverse(PAGE)).status_code == 404
    EvaluationHead.objects.update(attempts=5)
    address = reverse(f"{PAGE}_release", args=["thresholds", support.pk])
    assert client.post(address).status_code == 404
    found = AuditFinding.objects.create(key="x", kind="lost", detail="d", found_at=now(), seen_at=now())
    settle = reverse(f"{PAGE}_settle", args=[found.pk])
    assert client.post(settle, {"reason": "No."}).status_code == 404
    assert EvaluationHead.objects.get().attempts == 5
    found.refresh_from_db()
    assert found.settled_at is None
    assert "Operations" not in client.get(reverse("admin:index")).content.decode()


def test_all_is_well(support: Investment, operator: Client) -> None:
    assert "No round has run yet" in text(operator)
    auditor.audit(now=now())
    shown = text(operator)
    for words in ("Nothing open", "✓ Clean", "Every message was delivered", "computed and judged", "✓ Alive"):
        assert words in shown
    assert "Operations" in operator.get(reverse("admin:index")).content.decode()


def test_what_is_wrong_is_shown_as_text(support: Investment, operator: Client) -> None:
    hostile = "<script>alert(1)</script>"
    AuditFinding.objects.create(
        key="x", kind="missing_point", detail=hostile, investment=support, found_at=now(), seen_at=now()
    )
    AuditRun.objects.create(started_at=now(), finished_at=now(), missing_points=1)
    Notification.objects.filter(channel="email", state="pending").update(state="dead", state_reason=hostile)
    EvaluationHead.objects.update(attempts=5, failure=attempts.KILLED)
    SnapshotHead.objects.update(attempts=5, failure=hostile)
    Heartbeat.objects.create(name="relay", beat_at=now() - timedelta(minutes=2))
    Timer.objects.filter(kind="reminder").update(due_at=now() - timedelta(hours=1))
    shown = text(operator)
    assert hostile not in shown
    assert shown.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3
    for words in (
        "1 open",
        "Missing point",
        "Try again",
        attempts.KILLED,
        "Recompute",
        "✕ Silent",
        "Reminder 1",
    ):
        assert words in shown


def test_a_release_and_one_that_came_too_late(support: Investment, operator: Client) -> None:
    EvaluationHead.objects.update(attempts=5, failure="ValueError()")
    SnapshotHead.objects.update(attempts=5)
    for stage, held in (("thresholds", EvaluationHead), ("figures", SnapshotHead)):
        address = reverse(f"{PAGE}_release", args=[stage, support.pk])
        assert operator.get(address).status_code == 405
        assert "tried again by the next sweep" in operator.post(address, follow=True).content.decode()
        assert held._default_manager.get(pk=support.pk).attempts == 0
        assert "not in quarantine any more" in operator.post(address, follow=True).content.decode()


def test_a_finding_is_closed_with_a_reason(support: Investment, operator: Client) -> None:
    found = AuditFinding.objects.create(key="x", kind="lost", detail="Gone.", found_at=now(), seen_at=now())
    address = reverse(f"{PAGE}_settle", args=[found.pk])
    assert "Say why" in operator.post(address, {"reason": " "}, follow=True).content.decode()
    assert "is closed" in operator.post(address, {"reason": "A drill."}, follow=True).content.decode()
    found.refresh_from_db()
    assert found.settled_at is not None
    assert found.detail == "Gone.\nSettled by root: A drill."
    assert "settled already" in operator.post(address, {"reason": "Again."}, follow=True).content.decode()


def test_a_dead_letter_is_tried_again_from_here(support: Investment, operator: Client) -> None:
    Notification.objects.filter(channel="email", state="pending").update(state="dead")
    letter = Notification.objects.filter(state="dead").first()
    assert letter is not None
    address = reverse("admin:reports_outbox_retry", args=[letter.pk])
    assert address in text(operator)
    operator.post(address)
    letter.refresh_from_db()
    assert letter.state == "pending"


def test_queries_do_not_grow_with_what_is_wrong(
    support: Investment, operator: Client, django_assert_max_num_queries: object
) -> None:
    for number in range(30):
        AuditFinding.objects.create(
            key=str(number), kind="lost", detail="d", investment=support, found_at=now(), seen_at=now()
        )
    with django_assert_max_num_queries(22):  # type: ignore[operator]
        text(operator)
