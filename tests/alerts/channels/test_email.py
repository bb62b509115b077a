"""Email against real servers: what is sent, and how each failure is sorted."""

import time
from dataclasses import replace
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from alerts.channels import pictures
from alerts.channels.base import PICTURE, Accepted, Message, Outcome, Permanent, Retry, Uncertain
from alerts.channels.email import EmailChannel
from tests.alerts.channels.mail_servers import bad_server, free_port, mailbox, use
from tests.alerts.messages.cases import ID, rendered

ADDRESS = "olivia@example.com"


def send(address: str = ADDRESS, *, seconds: float = 5.0, **changes: Any) -> Outcome:
    return EmailChannel().send(rendered(**changes), address, deadline=time.monotonic() + seconds)


def test_a_mail_is_text_first_with_html_beside_it(settings: Settings) -> None:
    with mailbox() as box:
        use(settings, box.port)
        assert send() == Accepted("accepted as 4711")
    (mail,) = box.mails
    assert box.recipients == [ADDRESS]
    assert mail["Subject"] == "[Hurdle] AI-003 crossed Under the hurdle"
    assert mail["From"] == "Hurdle <hurdle@example.com>"
    assert mail["Message-ID"] == f"<{ID}@hurdle.example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text = mail.get_body(("plain",))
    assert text is not None
    assert "USD (4,644)" in text.get_content()


def test_messages_of_one_thread_refer_to_the_same_root(settings: Settings) -> None:
    with mailbox() as box:
        use(settings, box.port)
        send()
        send(kind="resolved")
    first, second = box.mails
    assert first["References"] == second["References"] == second["In-Reply-To"]
    assert first["References"] != first["Message-ID"]


def test_a_hostile_name_adds_no_header(settings: Settings) -> None:
    name = "Budget\r\nBcc: everybody@example.com\r\n\r\nbody"
    with mailbox() as box:
        use(settings, box.port)
        send(investment={"code": name, "name": name}, title=name)
    (mail,) = box.mails
    assert mail["Bcc"] is None
    assert "Budget Bcc:" in mail["Subject"]
    assert box.recipients == [ADDRESS]


def test_a_line_that_starts_with_a_dot_arrives_whole(settings: Settings) -> None:
    with mailbox() as box:
        use(settings, box.port)
        message = rendered()
        text = "\r\n.\r\nSTILL HERE\r\n..two\r\n"
        EmailChannel().send(replace(message, text=text, html=""), ADDRESS, deadline=time.monotonic() + 5)
    assert box.mails[0].get_content().splitlines()[1:] == [".", "STILL HERE", "..two"]


@pytest.mark.parametrize(
    ("answer", "kind", "is_host_down"),
    [
        ("451 greylisted, come back", Retry, False),
        ("452 mailbox full", Retry, False),
        ("421 too busy", Retry, True),
        ("530 authentication required", Retry, True),
        ("550 no such user", Permanent, None),
        ("553 bad address", Permanent, None),
    ],
)
def test_a_refused_recipient_is_sorted_by_its_code(
    answer: str, kind: type, is_host_down: bool | None, settings: Settings
) -> None:
    with mailbox() as box:
        use(settings, box.port)
        box.answers = [answer]
        outcome = send()
        assert type(outcome) is kind
        assert answer[:3] in getattr(outcome, "detail", "")
        assert getattr(outcome, "is_host_down", None) is is_host_down
        assert box.mails == []


@pytest.mark.parametrize(("answer", "kind"), [("451 later", Retry), ("554 spam", Permanent)])
def test_a_refusal_after_the_final_dot_is_an_answer_too(answer: str, kind: type, settings: Settings) -> None:
    with mailbox() as box:
        use(settings, box.port)
        box.after_data = answer
        assert type(send()) is kind


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b@c", "x@example.com\r\nRCPT TO:<y@z>", "mürrisch@example.com"]
)
def test_a_bad_address_never_reaches_the_server(address: str, settings: Settings) -> None:
    use(settings, free_port())
    assert type(send(address)) is Permanent


def test_a_domain_in_another_script_is_written_in_punycode(settings: Settings) -> None:
    with mailbox() as box:
        use(settings, box.port)
        assert isinstance(send("olivia@münchen.example"), Accepted)
    assert box.recipients == ["olivia@xn--mnchen-3ya.example"]


def test_a_refused_connection_is_tried_again(settings: Settings) -> None:
    use(settings, free_port())
    outcome = send()
    assert isinstance(outcome, Retry)
    assert outcome.is_host_down


@pytest.mark.parametrize("fault", ["hang_greeting", "drop_rcpt", "drop_data"])
def test_a_failure_before_the_final_dot_means_nothing_was_sent(fault: str, settings: Settings) -> None:
    with bad_server(fault) as server:
        use(settings, server.port)
        outcome = send(seconds=0.4)
        assert isinstance(outcome, Retry)
        assert outcome.is_host_down
        assert server.bodies == []


@pytest.mark.parametrize("fault", ["drop_final", "hang_final"])
def test_a_failure_after_the_final_dot_is_uncertain(fault: str, settings: Settings) -> None:
    with bad_server(fault) as server:
        use(settings, server.port)
        assert isinstance(send(seconds=0.5), Uncertain)
        assert len(server.bodies) == 1


def test_a_421_after_the_final_dot_is_a_refusal(settings: Settings) -> None:
    with bad_server("close_final_421") as server:
        use(settings, server.port)
        assert isinstance(send(), Retry)


def test_a_server_that_never_says_goodbye_does_not_undo_an_accepted_mail(settings: Settings) -> None:
    with bad_server("hang_quit") as server:
        use(settings, server.port)
        started = time.monotonic()
        assert send(seconds=10) == Accepted("ok")
        assert time.monotonic() - started < 3


def test_a_server_without_tls_is_not_spoken_to_in_the_clear(settings: Settings) -> None:
    with mailbox() as box:
        use(settings, box.port)
        settings.EMAIL_USE_TLS = True
        outcome = send()
        assert isinstance(outcome, Retry)
        assert outcome.is_host_down
        assert box.mails == []


PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
CHART: dict[str, Any] = {"spec": {}, "theme": {}, "words": 'Cost and benefit of "<b>AI</b>"'}


def mailed(settings: Settings, message: Message) -> EmailMessage:
    """Send one message to a real server and return what it read."""
    with mailbox() as box:
        use(settings, box.port)
        assert isinstance(EmailChannel().send(message, ADDRESS, deadline=time.monotonic() + 5), Accepted)
    (mail,) = box.mails
    return mail


def drawing(monkeypatch: pytest.MonkeyPatch, picture: bytes | None) -> None:
    monkeypatch.setattr(pictures.studio, "draw", lambda spec, **kwargs: picture)


def test_a_chart_stands_in_the_mail_itself(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing(monkeypatch, PNG)
    mail = mailed(settings, replace(rendered(), chart=CHART))
    assert mail.get_content_type() == "multipart/related"
    words, image = mail.iter_parts()
    assert [part.get_content_type() for part in words.iter_parts()] == ["text/plain", "text/html"]
    assert (image.get_content_type(), image.get_content_disposition()) == ("image/png", "inline")
    assert image.get_content() == PNG
    html = words.get_body(("html",)).get_content()
    assert f'src="cid:{image["Content-ID"].strip("<>")}"' in html
    assert 'alt="Cost and benefit of &quot;&lt;b&gt;AI&lt;/b&gt;&quot;"' in html
    assert "http" not in html[html.index("<img") : html.index(">", html.index("<img"))]


@pytest.mark.parametrize("chart", [CHART, None])
def test_without_a_picture_the_mail_goes_all_the_same(
    chart: dict[str, Any] | None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing(monkeypatch, None)
    mail = mailed(settings, replace(rendered(), chart=chart))
    assert mail.get_content_type() == "multipart/alternative"
    html = mail.get_body(("html",)).get_content()
    assert "<img" not in html
    assert PICTURE not in html


def test_a_shared_mailbox_can_be_taken_off_by_one_click(settings: Settings) -> None:
    address = "https://hurdle.example.com/alerts/unsubscribe/" + "t" * 200
    mail = mailed(settings, replace(rendered(), unsubscribe=address))
    assert mail["List-Unsubscribe"].strip() == f"<{address}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain = mailed(settings, rendered())
    assert plain["List-Unsubscribe"] is None
    assert plain["List-Unsubscribe-Post"] is None


def test_what_is_kept_of_a_mail_has_no_picture_and_no_trace_of_one() -> None:
    kept = EmailChannel().describe(replace(rendered(), chart=CHART), ADDRESS)
    assert PICTURE not in kept["html"]
    assert "cid:" not in kept["html"]


def test_the_place_for_a_picture_is_in_the_template() -> None:
    assert rendered().html.count(PICTURE) == 1


def test_messages_of_an_alert_stand_in_one_thread(settings: Settings) -> None:
    first = mailed(settings, rendered())
    end = mailed(settings, replace(rendered(kind="resolved"), id=uuid4()))
    assert first["Message-ID"] != end["Message-ID"]
    assert first["References"] == end["References"] == end["In-Reply-To"]
