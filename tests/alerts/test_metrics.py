"""What a monitor sees: the metrics page and who may open it, the dead man's switch, the auditor's doors."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from alerts import deadman, tasks
from alerts.models import (
    AuditFinding,
    AuditHead,
    AuditRun,
    EvaluationHead,
    EvaluationPoint,
    Heartbeat,
    Notification,
    Timer,
)
from config import env
from portfolio.models import Investment
from roi.models import SnapshotHead
from tests import factories
from tests.alerts.histories import LOSING, live
from tests.config.test_env import GOOD
from tests.factories import now

Samples = dict[tuple[str, str], float]
TOKEN = "a-token-of-thirty-two-characters"


@pytest.fixture
def support(db: None) -> Investment:
    portfolio = factories.make_portfolio(rate="0.10")
    made = factories.make_investment(portfolio, "SUP-1", owner=factories.make_user("olivia"))
    live(made, LOSING, first=1, last=4)
    return made


def scrape(client: Client) -> Samples:
    """Return every sample by its name and the value of its label."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_a_healthy_installation(support: Investment, client: Client) -> None:
    tasks.audit()
    found = scrape(client)
    kinds = {label: value for (name, label), value in found.items() if name == "hurdle_audit_findings"}
    assert kinds == dict.fromkeys(("lost", "phantom", "doubled", "missing_point", "stuck"), 0)
    assert 0 <= found["hurdle_audit_clean_age_seconds", ""] < 60
    assert found["hurdle_audit_age_seconds", ""] == found["hurdle_audit_clean_age_seconds", ""]
    assert (
        found["hurdle_notifications", "pending"] == Notification.objects.filter(state="pending").count() > 0
    )
    assert found["hurdle_notifications", "dead"] == 0
    assert found["hurdle_quarantined", "thresholds"] == found["hurdle_quarantined", "figures"] == 0
    assert found["hurdle_evaluations_total", ""] >= EvaluationPoint.objects.count() == 1
    assert found["hurdle_heartbeat_age_seconds", "audit"] < 60
    assert found["hurdle_leases_lost", ""] == found["hurdle_timers_overdue", ""] == 0


def test_what_is_wrong_shows(support: Investment, client: Client) -> None:
    EvaluationHead.objects.update(attempts=5)
    SnapshotHead.objects.update(attempts=5)
    late = now() - timedelta(minutes=10)
    Notification.objects.update(next_at=late)
    Notification.objects.filter(channel="email", state="pending").update(state="dead")
    Timer.objects.filter(kind="reminder", episode__rule="negative_roi").update(due_at=late)
    AuditFinding.objects.create(key="x", kind="doubled", detail="d", found_at=now(), seen_at=now())
    Heartbeat.objects.create(name="relay", beat_at=late, detail={"leases_lost": 3})
    AuditRun.objects.create(started_at=late, finished_at=late, is_clean=False)
    found = scrape(client)
    assert found["hurdle_quarantined", "thresholds"] == found["hurdle_quarantined", "figures"] == 1
    assert found["hurdle_audit_findings", "doubled"] == 1
    assert found["hurdle_notifications", "dead"] >= 1
    assert found["hurdle_outbox_age_seconds", ""] == pytest.approx(600, abs=60)
    assert found["hurdle_heartbeat_age_seconds", "relay"] == pytest.approx(600, abs=60)
    assert found["hurdle_timers_overdue", ""] == 1
    assert found["hurdle_leases_lost", ""] == 3
    assert ("hurdle_audit_clean_age_seconds", "") not in found
    assert found["hurdle_audit_age_seconds", ""] == pytest.approx(600, abs=60)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"])
def test_without_a_token_only_this_machine_and_no_proxy(
    db: None, client: Client, settings: Settings, header: str
) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 403
    assert client.get("/metrics", headers={header: "203.0.113.9"}).status_code == 403
    assert client.post("/metrics").status_code == 405


def test_with_a_token_nothing_else_counts(db: None, client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    right = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "203.0.113.9"}
    assert client.get("/metrics", headers=right, REMOTE_ADDR="203.0.113.9").status_code == 200


def test_the_environment_is_read() -> None:
    given = {"HURDLE_METRICS_TOKEN": TOKEN, "HURDLE_DEADMAN_URL": "https://hc.example.org/ping/1"}
    found = env.read(GOOD | given)
    assert (found.metrics_token, found.deadman_url) == tuple(given.values())
    assert TOKEN not in repr(found)
    for bad in ({"HURDLE_METRICS_TOKEN": "short"}, {"HURDLE_DEADMAN_URL": "ftp://hc.example.org"}):
        with pytest.raises(env.ConfigurationError) as refused:
            env.read(GOOD | bad)
        assert next(iter(bad)) in str(refused.value)


# The dead man's switch


class _Monitor(BaseHTTPRequestHandler):
    asked: list[str]
    answer = 200

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(self.answer)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def monitor() -> Iterator[tuple[str, type[_Monitor]]]:
    handler = type("Monitor", (_Monitor,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


def test_only_a_clean_round_is_told_to_the_monitor(
    support: Investment, monitor: tuple[str, Any], settings: Settings
) -> None:
    url, heard = monitor
    settings.DEADMAN_URL = f"{url}/ping/1?a=b"
    tasks.audit()
    assert heard.asked == ["/ping/1?a=b"]
    tasks.audit()
    assert heard.asked == ["/ping/1?a=b"], "a second beat is no second round"
    AuditRun.objects.all().delete()
    Notification.objects.filter(state="pending").update(next_at=now() - timedelta(days=1))
    tasks.audit()
    assert AuditRun.objects.get().is_clean is False
    assert heard.asked == ["/ping/1?a=b"]


def test_a_monitor_that_fails_is_no_failure_of_ours(
    monitor: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    # Not by what reaches the root: another test may have set up logging meanwhile.
    monkeypatch.setattr(deadman.logger, "warning", lambda words, *given: said.append(words % given))
    url, heard = monitor
    heard.answer = 302
    assert deadman.ping(url) is False
    assert heard.asked == ["/"]
    assert deadman.ping("http://127.0.0.1:1/secret-path") is False
    assert said[0] == "The dead-man monitor answered 302."
    assert said[1].startswith("The dead-man monitor did not answer (")
    assert not any("secret-path" in words for words in said)


# By hand


def test_the_command_says_what_is_open_and_ends_with_it(support: Investment) -> None:
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("audit", stdout=out)
    assert ended.value.code == 0
    assert "points=1 lost=0 phantom=0 doubled=0 missing_point=0 stuck=0" in out.getvalue()
    Notification.objects.filter(state="pending").update(next_at=now() - timedelta(days=1))
    with pytest.raises(SystemExit) as ended:
        call_command("audit", stdout=out)
    assert ended.value.code == 1
    assert "still waits" in out.getvalue()


def test_the_command_goes_through_all_of_history(support: Investment) -> None:
    live(support, LOSING, first=5, last=5)
    for arguments, points in (((), 2), ((), 0), (("--all",), 2)):
        out = io.StringIO()
        with pytest.raises(SystemExit):
            call_command("audit", *arguments, stdout=out)
        assert f"points={points} " in out.getvalue()
    assert AuditHead.objects.get(investment=support).point == EvaluationPoint.objects.latest("pk").pk


def test_the_command_waits_for_nobody(support: Investment) -> None:
    AuditRun.objects.create(started_at=now())
    told = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("audit", stderr=told)
    assert ended.value.code == 1
    assert "Another round is running" in told.getvalue()
