"""Other services through the optional package: what is let through to it, and how its word is taken."""

from __future__ import annotations

import importlib.util
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from alerts.channels import apprise
from alerts.channels.apprise import MISSING, AppriseChannel, Options
from alerts.channels.base import Accepted, Outcome, Permanent, Uncertain
from tests.alerts.messages.cases import ID, rendered

URL = "pagerduty://" + "a" * 20 + "@" + "b" * 32


class Service:
    """Stands in for a service of apprise: answers as told and keeps what it was handed."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.handed: list[dict[str, Any]] = []

    def notify(self, **given: Any) -> bool:
        self.handed.append(given)
        return self.answer


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that puts a stand-in for the package in place and answers its service."""

    def become(answer: bool | None) -> Service:
        made = Service(bool(answer))
        package = SimpleNamespace(
            Apprise=SimpleNamespace(instantiate=lambda url: None if answer is None else made),
            NotifyFormat=SimpleNamespace(TEXT="text"),
        )
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
        monkeypatch.setitem(sys.modules, "apprise", package)
        return made

    return become


def send(url: str = URL, **changes: Any) -> Outcome:
    return AppriseChannel(Options(url=url)).send(rendered(**changes), "x", deadline=time.monotonic() + 5)


def test_a_yes_is_a_yes_and_a_no_is_uncertain(service: Any) -> None:
    handed = service(True).handed
    assert send() == Accepted()
    assert handed[0]["title"] == "AI-003 crossed Under the hurdle"
    assert handed[0]["notify_type"] == "warning"
    assert "USD (4,644)" in handed[0]["body"]
    service(False)
    assert isinstance(send(), Uncertain)
    service(None)
    assert isinstance(send(), Permanent)


def test_without_the_package_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert send() == Permanent(MISSING)
    assert Options(url=URL).problems() == {"url": MISSING}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "json://169.254.169.254/",
        "jsons://internal.example/",
        "mailto://user:pass@internal.example",
        "mattermost://internal.example/token",
        "syslog://",
        "dbus://",
        "file:///etc/passwd",
        "https://hooks.example.com/x",
        f"{URL}, json://internal.example",
        f"{URL} json://internal.example",
        f"{URL}?verify=no",
        f"{URL}?Verify=false",
        f"{URL}?redirect=yes",
        f"{URL}?retry=9",
        "pagerduty://[::1",
    ],
)
def test_what_would_pass_the_guard_by_is_refused(url: str, service: Any) -> None:
    handed = service(True).handed
    assert Options(url=url).problems()["url"].endswith(".")
    assert isinstance(send(url), Permanent)
    assert handed == []


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
def test_services_bring_their_own_hosts() -> None:
    package = pytest.importorskip("apprise", reason="the optional package apprise is not installed")
    details = package.Apprise().details()["schemas"]
    templates = {
        schema: each["details"]["templates"]
        for each in details
        for schema in {*(each["protocols"] or ()), *(each["secure_protocols"] or ())}
    }
    assert set(templates) >= apprise.SERVICES
    for name in apprise.SERVICES:
        for template in templates[name]:
            assert "{host}" not in template, f"{name} would call a host of the user's choice"


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
def test_a_real_service_is_made_of_its_address() -> None:
    package = pytest.importorskip("apprise", reason="the optional package apprise is not installed")
    assert package.Apprise.instantiate(URL) is not None
    assert Options(url=URL).problems() == {}


@pytest.mark.parametrize("name", ["@everyone", "[x](https://evil.example)", "<@123>", "<!channel>"])
def test_a_hostile_name_stays_text(name: str, service: Any) -> None:
    handed = service(True).handed
    send(investment={"code": "AI-003", "name": name, "public_id": str(ID)})
    assert name not in handed[0]["body"]


def test_its_address_is_a_secret() -> None:
    channel = AppriseChannel(Options(url="pagerduty://canary@x"))
    assert "canary" not in repr(channel) + channel.host + repr(channel.describe(rendered(), "x"))
