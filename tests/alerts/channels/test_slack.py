"""Slack against a real HTTP server: what is posted, how each answer is sorted, and no secret in any log."""

import json
import logging
import socketserver
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerts.channels import block_kit
from alerts.channels.base import Accepted, Outcome, Permanent, Retry, Uncertain
from alerts.channels.slack import Reference, SlackChannel
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


def calls(server: HTTPServer) -> list[tuple[str, dict[str, Any]]]:
    """Return the methods that were called with what they were given, in order."""
    return [(r.path.rpartition("/")[2], json.loads(r.get_data())) for r, _ in server.log]


def edit_answers(server: HTTPServer, answer: dict[str, Any], status: int = 200) -> None:
    server.expect_request("/api/chat.update").respond_with_json(answer, status=status)


def posts_answer(server: HTTPServer, ts: str = "9.0") -> None:
    server.expect_request(API).respond_with_json({"ok": True, "channel": "C1", "ts": ts})


def test_the_first_message_has_buttons_and_a_message_of_an_end_has_not(httpserver: HTTPServer) -> None:
    posts_answer(httpserver)
    message = replace(rendered(), answer="signed")
    assert bot(httpserver).send(message, "", deadline=time.monotonic() + 5) == Accepted("C1:9.0")
    (buttons,) = [b["elements"] for b in posted(httpserver)["blocks"] if b["type"] == "actions"]
    assert [b["action_id"] for b in buttons] == ["hurdle_acknowledge", "hurdle_snooze", "hurdle_open"]
    assert [b.get("value") for b in buttons] == ["signed", "signed", None]
    (only,) = [b["elements"] for b in block_kit.blocks(replace(message, ends=True)) if b["type"] == "actions"]
    assert [b["action_id"] for b in only] == ["hurdle_open"]


def test_the_end_is_told_in_the_thread_and_the_first_message_says_so(httpserver: HTTPServer) -> None:
    edit_answers(httpserver, {"ok": True})
    posts_answer(httpserver)
    assert send(bot(httpserver), "#general", kind="resolved", reply_to="C7:1.0:4.0") == Accepted("C1:1.0:9.0")
    (edit, edited), (post, told) = calls(httpserver)
    assert (edit, edited["channel"], edited["ts"]) == ("chat.update", "C7", "1.0")
    assert edited["blocks"][0]["text"]["text"] == "AI-003 resolved: Under the hurdle"
    assert (post, told["channel"], told["thread_ts"]) == ("chat.postMessage", "#general", "1.0")


def test_an_alert_that_is_open_again_says_so_in_its_first_message(httpserver: HTTPServer) -> None:
    edit_answers(httpserver, {"ok": True})
    posts_answer(httpserver)
    assert send(bot(httpserver), kind="reopened", reply_to="C7:1.0:4.0") == Accepted("C1:1.0:9.0")
    (edit, edited), (post, told) = calls(httpserver)
    assert (edit, edited["channel"], edited["ts"]) == ("chat.update", "C7", "1.0")
    assert "reopened" in edited["blocks"][0]["text"]["text"]
    assert (post, told["thread_ts"]) == ("chat.postMessage", "1.0")


@pytest.mark.parametrize("kind", ["reminder", "escalated", "restated", "silence_ended"])
def test_what_does_not_end_an_alert_edits_nothing(kind: str, httpserver: HTTPServer) -> None:
    posts_answer(httpserver)
    send(bot(httpserver), kind=kind, reply_to="C7:1.0")
    assert [method for method, _ in calls(httpserver)] == ["chat.postMessage"]


def test_case_56_a_message_that_was_deleted_is_posted_anew_once(httpserver: HTTPServer) -> None:
    edit_answers(httpserver, {"ok": False, "error": "message_not_found"})
    posts_answer(httpserver, "5.0")
    assert send(bot(httpserver), kind="resolved", reply_to="C7:1.0") == Accepted("C1:5.0")
    (_, (post, told)) = calls(httpserver)
    assert post == "chat.postMessage"
    assert "thread_ts" not in told
    # What follows goes to the new message.
    httpserver.clear_log()
    send(bot(httpserver), kind="reminder", reply_to="C1:5.0")
    assert [(method, given["thread_ts"]) for method, given in calls(httpserver)] == [
        ("chat.postMessage", "5.0")
    ]


def test_case_56_a_thread_that_was_deleted_is_left_once(httpserver: HTTPServer) -> None:
    httpserver.expect_ordered_request(API).respond_with_json({"ok": False, "error": "thread_not_found"})
    httpserver.expect_ordered_request(API).respond_with_json({"ok": True, "channel": "C1", "ts": "5.0"})
    assert send(bot(httpserver), kind="reminder", reply_to="C7:1.0") == Accepted("C1:5.0")
    assert ["thread_ts" in given for _, given in calls(httpserver)] == [True, False]


@pytest.mark.parametrize("error", ["cant_update_message", "edit_window_closed", "channel_not_found"])
def test_a_message_that_may_not_be_edited_keeps_its_thread(error: str, httpserver: HTTPServer) -> None:
    edit_answers(httpserver, {"ok": False, "error": error})
    posts_answer(httpserver)
    assert send(bot(httpserver), kind="closed", reply_to="C7:1.0") == Accepted("C1:1.0:9.0")


@pytest.mark.parametrize(("status", "error"), [(429, "ratelimited"), (200, "internal_error"), (503, "x")])
def test_an_edit_that_may_work_later_waits_with_its_message(
    status: int, error: str, httpserver: HTTPServer
) -> None:
    edit_answers(httpserver, {"ok": False, "error": error}, status)
    assert isinstance(send(bot(httpserver), kind="resolved", reply_to="C7:1.0"), Retry)
    assert [method for method, _ in calls(httpserver)] == ["chat.update"], "nothing was told yet"


@pytest.mark.parametrize("text", ["", "C1:1.0", "C1:1.0:2.0", "1503435956.000247"])
def test_a_reference_is_read_as_it_was_written(text: str) -> None:
    found = Reference.read(text)
    assert (found.write() if found else "") == text


def test_a_reference_of_before_names_its_thread_only() -> None:
    assert Reference.read("1503435956.000247") == Reference("", "1503435956.000247")


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


def test_a_name_is_no_markup_where_labels_are_bold() -> None:
    """Labels stand in mrkdwn; what holds one of its marks stands as plain text."""
    message = replace(rendered(), facts=(("AI-003 *bold* _it_ ~s~", "1"), ("Net", "`x`"), ("ROI", "-3 %")))
    fields = [field for block in block_kit.blocks(message) for field in block.get("fields", ())]
    assert [field["type"] for field in fields] == ["plain_text", "plain_text", "mrkdwn"]
    assert fields[0]["text"] == "AI-003 *bold* _it_ ~s~\n1"
    assert fields[2]["text"] == "*ROI*\n-3 %"
