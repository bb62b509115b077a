"""The container health probe against a small web server."""

from __future__ import annotations

import json

import pytest
from pytest_httpserver import HTTPServer

from config import probe


@pytest.fixture(autouse=True)
def _hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", ".hurdle.acme.test,other")


def test_asks_as_the_proxy_would(httpserver: HTTPServer) -> None:
    headers = {"Host": "hurdle.acme.test", "X-Forwarded-Proto": "https"}
    httpserver.expect_request("/readyz", headers=headers).respond_with_data("ok")
    assert probe.main(["/readyz", "--base", httpserver.url_for("")]) == 0


def test_anything_but_200_is_unhealthy(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/readyz").respond_with_data("Migrations are pending", status=503)
    assert probe.main(["/readyz", "--base", httpserver.url_for("")]) == 1


@pytest.mark.parametrize(("part", "code"), [("relay", 1), ("beat", 0), ("unknown", 1)])
def test_one_part_of_the_health_report(httpserver: HTTPServer, part: str, code: int) -> None:
    report = json.dumps({"ages_seconds": {"relay": 90.0, "beat": 3.0}, "late": ["relay"]})
    httpserver.expect_request("/healthz").respond_with_data(report, status=503)
    assert probe.main(["/healthz", "--base", httpserver.url_for(""), "--part", part]) == code


def test_an_answer_that_is_no_report(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/healthz").respond_with_data("<html>")
    assert probe.main(["/healthz", "--base", httpserver.url_for(""), "--part", "relay"]) == 1


def test_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert probe.main(["/readyz", "--base", "http://127.0.0.1:1"]) == 1
    assert "does not answer" in capsys.readouterr().out
