"""What becomes of a post to an address a user gave, for every channel that posts."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from pytest_django import Settings

from alerts import channels
from alerts.channels import posting, slack_webhook, teams, webhook
from alerts.channels.base import Accepted, Channel, Outcome, Permanent, Retry, Uncertain
from alerts.channels.posting import Answer
from tests.alerts.channels.mail_servers import free_port
from tests.alerts.channels.web_servers import RawServer, certificate, web_server
from tests.alerts.messages.cases import rendered

NAMES = ["slack_webhook", "teams", "webhook"]
SECRET = webhook.new_secret()


def channel_to(name: str, url: str) -> Channel:
    more = {"secret": SECRET} if name == "webhook" else {}
    return channels.resolve(name, channels.CHANNELS[name].options(url=url, **more))


def send(name: str, url: str, *, seconds: float = 5.0) -> Outcome:
    return channel_to(name, url).send(rendered(), "x", deadline=time.monotonic() + seconds)


def at(settings: Settings, server: RawServer) -> str:
    settings.OUTGOING_ALLOWED = f"http://127.0.0.1:{server.port}"
    return f"http://127.0.0.1:{server.port}/canary"


def answering(status: str, *lines: str, body: str = "") -> bytes:
    head = "".join(f"{line}\r\n" for line in lines)
    return f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("status", "kind", "is_gone"),
    [
        ("200 OK", Accepted, None),
        ("202 Accepted", Accepted, None),
        ("204 No Content", Accepted, None),
        ("301 Moved", Permanent, False),
        ("307 Temporary", Permanent, False),
        ("400 Bad", Permanent, False),
        ("401 Who", Permanent, False),
        ("404 Not Found", Permanent, False),
        ("408 Timeout", Retry, None),
        ("410 Gone", Permanent, True),
        ("413 Large", Permanent, False),
        ("425 Early", Retry, None),
        ("429 Slow down", Retry, None),
        ("500 Oh", Retry, None),
        ("503 Later", Retry, None),
    ],
)
def test_an_answer_is_sorted_by_its_code(
    name: str, status: str, kind: type, is_gone: bool | None, settings: Settings
) -> None:
    with web_server(answering(status)) as server:
        outcome = send(name, at(settings, server))
    assert type(outcome) is kind
    assert getattr(outcome, "is_gone", None) is is_gone
    assert server.met == 1, "trying again is the outbox's business"


@pytest.mark.parametrize("name", NAMES)
def test_a_request_that_was_never_complete_is_tried_again(name: str, settings: Settings) -> None:
    port = free_port()
    settings.OUTGOING_ALLOWED = f"http://127.0.0.1:{port}"
    outcome = send(name, f"http://127.0.0.1:{port}/")
    assert isinstance(outcome, Retry)
    assert outcome.is_host_down


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_after_the_body_is_uncertain(name: str, settings: Settings) -> None:
    with web_server(b"") as server:
        assert isinstance(send(name, at(settings, server)), Uncertain)
        assert len(server.requests) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_host_that_hangs_after_the_body_is_uncertain(name: str, settings: Settings) -> None:
    with web_server(lambda sock, asked: server.released.wait(10)) as server:  # type: ignore[arg-type,return-value]
        assert isinstance(send(name, at(settings, server), seconds=0.4), Uncertain)


@pytest.mark.parametrize("name", NAMES)
def test_an_address_that_leads_inside_is_never_called(name: str) -> None:
    with web_server() as server:
        outcome = send(name, f"https://localhost:{server.port}/")
    assert isinstance(outcome, Permanent)
    assert server.met == 0


def test_a_certificate_that_has_expired_is_a_failure_people_hear_of(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, trusted = certificate(tmp_path, "127.0.0.1", days=-1)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with web_server(tls=tls) as server:
        settings.OUTGOING_ALLOWED = f"127.0.0.1:{server.port}"
        outcome = send("webhook", f"https://127.0.0.1:{server.port}/")
    assert outcome == Permanent("The host's certificate is not trusted or has expired.")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_secret_is_kept_or_shown(name: str, settings: Settings) -> None:
    with web_server(answering("400 Bad", body="canary https://hooks/canary")) as server:
        channel = channel_to(name, at(settings, server))
        outcome = channel.send(rendered(), "x", deadline=time.monotonic() + 5)
    kept = repr(channel.describe(rendered(), "x"))
    assert "canary" not in kept + repr(outcome) + repr(channel) + channel.host
    assert SECRET not in kept + repr(channel)


@pytest.mark.parametrize(
    ("body", "detail", "is_gone"),
    [
        ("channel_is_archived", "Slack answered 403: channel_is_archived.", True),
        ("invalid_payload", "Slack answered 403: invalid_payload.", False),
        ("<b>who knows</b>", "The host answered 403.", False),
    ],
)
def test_slack_says_in_a_word_what_is_wrong(
    body: str, detail: str, is_gone: bool, settings: Settings
) -> None:
    with web_server(answering("403 Forbidden", body=body)) as server:
        assert send("slack_webhook", at(settings, server)) == Permanent(detail, is_gone=is_gone)


def test_a_page_that_answers_for_slack_is_no_yes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(url: str, *args: object, **kwargs: object) -> Answer:
        return Answer(200, {}, b"<html>please sign in</html>")

    monkeypatch.setattr(posting.guard, "post", answer)
    assert isinstance(send("slack_webhook", "https://hooks.slack.com/services/T/B/x"), Uncertain)


@pytest.mark.parametrize(
    ("text", "seconds"), [("60", 60.0), ("0", 0.0), ("-1", None), ("nan", None), ("soon", None)]
)
def test_retry_after_is_read_as_seconds(text: str, seconds: float | None) -> None:
    assert posting.retry_after({"Retry-After": text}) == seconds


def test_retry_after_is_read_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 95 < (posting.retry_after({"retry-after": later}) or 0) <= 100
    assert posting.retry_after({"retry-after": "Thu, 01 Jan 2015 00:00:00 GMT"}) == 0.0


@pytest.mark.parametrize("kind", [slack_webhook.KIND, teams.KIND, webhook.KIND])
def test_an_address_is_checked_when_it_is_written(kind: channels.Kind) -> None:
    assert kind.options(url="https://hooks.example.com/x").problems() == {}
    assert "https://" in kind.options(url="http://hooks.example.com/x").problems()["url"]


def test_only_what_a_person_may_read_is_in_the_host(settings: Settings) -> None:
    assert posting.host_of("https://hooks.example.com/canary?sig=canary") == "hooks.example.com"


def test_a_body_that_was_cut_off_on_its_way_is_tried_again(settings: Settings) -> None:
    def slam(sock: socket.socket, asked: bytes) -> None:
        raise OSError("never reached: the request is too long to be read")

    with web_server(slam) as server:
        url = at(settings, server)
        # Nobody takes the connection up, and it is refused before the whole request was written.
        server.shutdown()
        server.server_close()
        assert isinstance(send("webhook", url, seconds=2), Retry)
