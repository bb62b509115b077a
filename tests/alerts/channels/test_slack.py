"""Slack against a real HTTP server: what is posted, how each answer is sorted, and no secret in any log."""

import json
import logging
import socketserver
import threading
import time
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerts.channels import block_kit
from alerts.channels.base import Accepted, Outcome, Permanent, Retry, Uncertain
from alerts.channels.slack import SlackChannel
from tests.alerts.channels.mail_servers import free_port
from tests.alerts.messages.cases import rendered
from tests.waiting import until

TOKEN = "xoxb-canary-token"
HOOK = "/services/T000/B000/canary-hook-secret"
API = "/api/chat.postMessage"


def bot(server: HTTPServer) -> SlackChannel:
    return SlackChannel(token=TOKEN, default_channel="C1", api_url=server.url_for("/api/"))


def hook(server: HTTPServer) -> SlackChannel:
    return SlackChannel(webhook=server.url_for(HOOK))


def send(channel: SlackChannel, address: str = "", *, seconds: float = 5.0, **changes: Any) -> Outcome:
    return channel.send(rendered(**changes), address, deadline=time.monotonic() + seconds)


def posted(server: HTTPServer) -> dict[str, Any]:
    request, _ = server.log[-1]
    body = json.loads(request.get_data())
    assert isinstance(body, dict)
    return body


def test_the_bot_posts_blocks_with_a_fallback(httpserver: HTTPServer) -> None:
    httpserver.expect_request(
        API, method="POST", headers={"Authorization": f"Bearer {TOKEN}"}
    ).respond_with_json({"ok": True, "channel": "C1", "ts": "1503435956.000247"})
    assert send(bot(httpserver)) == Accepted("C1:1503435956.000247")
    body = posted(httpserver)
    assert body["channel"] == "C1"
    assert body["text"].startswith("AI-003 crossed Under the hurdle")
    assert [block["type"] for block in body["blocks"]] == [
        "header",
        "section",
        "section",
        "actions",
        "context",
    ]
    assert body["unfurl_links"] is False
    assert "thread_ts" not in body


def test_the_bot_answers_in_the_thread_and_to_a_person(httpserver: HTTPServer) -> None:
    httpserver.expect_request(API).respond_with_json({"ok": True, "ts": "2.0"})
    send(bot(httpserver), "U9", kind="resolved", reply_to="1.0")
    body = posted(httpserver)
    assert (body["channel"], body["thread_ts"], body["reply_broadcast"]) == ("U9", "1.0", True)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("ratelimited", Retry),
        ("internal_error", Retry),
        ("channel_not_found", Permanent),
        ("invalid_auth", Permanent),
        ("account_inactive", Permanent),
        ("msg_blocks_too_long", Permanent),
    ],
)
def test_an_answer_that_is_not_ok_is_sorted_by_its_name(
    error: str, kind: type, httpserver: HTTPServer
) -> None:
    httpserver.expect_request(API).respond_with_json({"ok": False, "error": error})
    outcome = send(bot(httpserver))
    assert type(outcome) is kind
    assert error in getattr(outcome, "detail", "")


@pytest.mark.parametrize("path", [API, HOOK])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (500, Retry),
        (503, Retry),
        (429, Retry),
        (408, Retry),
        (400, Permanent),
        (403, Permanent),
        (410, Permanent),
    ],
)
def test_an_http_error_is_sorted_by_its_code(
    path: str, status: int, kind: type, httpserver: HTTPServer
) -> None:
    httpserver.expect_request(path).respond_with_data("channel_is_archived", status=status)
    outcome = send(bot(httpserver) if path == API else hook(httpserver))
    assert type(outcome) is kind
    assert str(status) in getattr(outcome, "detail", "")
    assert len(httpserver.log) == 1, "trying again is the outbox's business"


@pytest.mark.parametrize("path", [API, HOOK])
@pytest.mark.parametrize(("given", "read"), [("60", 60.0), ("soon", None), ("-1", None), ("inf", None)])
def test_retry_after_is_read(path: str, given: str, read: float | None, httpserver: HTTPServer) -> None:
    answer = json.dumps({"ok": False, "error": "ratelimited"})
    httpserver.expect_request(path).respond_with_data(answer, status=429, headers={"Retry-After": given})
    outcome = send(bot(httpserver) if path == API else hook(httpserver))
    assert isinstance(outcome, Retry)
    assert outcome.after == read
    assert outcome.is_host_down


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("ok", Accepted),
        ('{"ok": true}', Accepted),
        ('{"success": true}', Accepted),
        ("<html>please sign in</html>", Uncertain),
        ('"ok"', Uncertain),
        ("", Uncertain),
    ],
)
def test_a_webhook_must_say_ok(body: str, kind: type, httpserver: HTTPServer) -> None:
    httpserver.expect_request(HOOK).respond_with_data(body)
    assert type(send(hook(httpserver))) is kind


def test_a_bot_answer_that_is_not_json_is_uncertain(httpserver: HTTPServer) -> None:
    httpserver.expect_request(API).respond_with_data("<html>please sign in</html>")
    assert type(send(bot(httpserver))) is Uncertain


@pytest.mark.parametrize("path", [API, HOOK])
def test_a_slow_answer_is_uncertain(path: str, httpserver: HTTPServer) -> None:
    release = threading.Event()

    def wait(request: Request) -> Response:
        release.wait(10)
        return Response("ok")

    httpserver.expect_request(path).respond_with_handler(wait)
    try:
        outcome = send(bot(httpserver) if path == API else hook(httpserver), seconds=0.3)
    finally:
        release.set()
        # The server is shared: its late note of this request would count against the next test.
        until(lambda: httpserver.log)
    assert type(outcome) is Uncertain


@pytest.mark.parametrize("is_bot", [True, False])
def test_a_connection_dropped_before_the_answer_is_uncertain_and_not_tried_again_here(is_bot: bool) -> None:
    asked: list[bytes] = []

    class Drop(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked.append(self.request.recv(65536))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drop) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        outcome = send(
            SlackChannel(token=TOKEN, api_url=address) if is_bot else SlackChannel(webhook=address)
        )
        server.shutdown()
        thread.join()
    assert type(outcome) is Uncertain
    assert len(asked) == 1


def test_a_refused_connection_is_tried_again() -> None:
    channel = SlackChannel(token=TOKEN, api_url=f"http://127.0.0.1:{free_port()}/api/")
    outcome = send(channel)
    assert isinstance(outcome, Retry)
    assert outcome.is_host_down


def test_a_webhook_cannot_choose_where_it_posts() -> None:
    outcome = send(SlackChannel(webhook="http://127.0.0.1:9/x"), "C2")
    assert type(outcome) is Permanent


@pytest.mark.parametrize("status", [200, 403, 500])
def test_no_secret_reaches_a_log_or_a_detail(
    status: int, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    address = httpserver.url_for(HOOK)
    httpserver.expect_request(HOOK).respond_with_data(f"no_service {address} {TOKEN} {HOOK}", status=status)
    httpserver.expect_request(API).respond_with_data(f"{TOKEN} {address}", status=status)
    with caplog.at_level(logging.DEBUG):
        outcomes = [send(hook(httpserver)), send(bot(httpserver)), send(SlackChannel(webhook=address[:-40]))]
    ours = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    said = repr(ours) + repr(outcomes) + repr(hook(httpserver)) + repr(bot(httpserver))
    assert "canary" not in said
    assert "canary" not in json.dumps(hook(httpserver).describe(rendered(), ""))


def test_a_detail_is_one_line(httpserver: HTTPServer) -> None:
    httpserver.expect_request(HOOK).respond_with_data("a\r\nb\x1b[31m", status=400)
    outcome = send(hook(httpserver))
    assert isinstance(outcome, Permanent)
    assert outcome.detail.isprintable()


def test_blocks_stay_within_the_limits() -> None:
    facts = {f"name {n}": "&" * 3000 for n in range(30)}
    message = rendered()
    long = type(message)(
        id=message.id,
        kind="fired",
        subject="s",
        headline="<" * 500,
        lead=">" * 9000,
        facts=tuple(facts.items()),
        notes=tuple("n" * 3000 for _ in range(40)),
        link="https://example.com/" + "x" * 4000,
        text="",
        html="",
        thread_id="t",
    )
    blocks = block_kit.blocks(long)
    assert len(json.dumps(blocks)) <= 12_000
    assert len(blocks[0]["text"]["text"]) <= 150
    assert len(blocks[1]["text"]["text"]) <= 3000
    assert len(block_kit.fallback(long)) <= 3000


def test_fields_are_ten_at_most_and_a_long_link_is_left_out() -> None:
    message = rendered()
    facts = tuple((f"name {n}", "v") for n in range(30))
    values = {name: getattr(message, name) for name in message.__slots__} | {
        "facts": facts,
        "link": "x" * 3001,
    }
    blocks = block_kit.blocks(type(message)(**values))
    assert len(blocks[2]["fields"]) == 10
    assert "actions" not in [block["type"] for block in blocks]


def test_escaping_never_splits_an_entity() -> None:
    cut = block_kit.escape("a&" * 50, limit=20)
    assert len(cut) <= 20
    assert cut.endswith(("&amp;…", "a…"))
