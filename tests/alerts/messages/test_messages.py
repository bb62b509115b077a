"""What a notice says, and that hostile names stay text in every form of it."""

from html.parser import HTMLParser
from typing import Any

import pytest
from pytest_django import Settings

from alerts.channels import block_kit
from tests.alerts.messages.cases import copied, rendered

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<!channel> <@U123> <https://evil.example|click>",
    "{{7*7}} {% include 'x' %}",
    "Budget\r\nBcc: everybody@example.com",
    "invoice\u202egnp.exe\u2066x\u2069\u200f",
    "a\x00b\x1b[31mred\x7f\u2028line\u2029end\u0085x",
    "zero\u200bwidth\ufeff\u2060\U000e0041",
    "*bold* _it_ ~no~ `code` :tada: @here",
    "x" * 300,
    "&lt;script&gt; &amp; ${7*7} %0d%0aBcc:",
]


def every_text(**changes: Any) -> list[str]:
    message = rendered(**changes)
    return [
        message.subject,
        message.headline,
        message.lead,
        *(text for fact in message.facts for text in fact),
        *message.notes,
    ]


@pytest.mark.parametrize("kind", ["resolved", "retracted", "closed"])
def test_an_end_calls_nobody(kind: str) -> None:
    """However urgent the beginning was, its end is news; the beginning's severity is still named."""
    told = rendered(kind=kind, severity="critical")
    assert told.severity == "info"
    assert "Critical, over" in told.html
    assert rendered(kind="reminder", severity="critical").severity == "critical"


def test_a_firing_says_what_was_crossed_in_order() -> None:
    message = rendered()
    assert message.subject == "[Hurdle] AI-003 crossed Under the hurdle"
    assert message.lead == (
        "Support assistant (AI-003) is under its hurdle (first in Sep 2026, fired in Oct 2026). "
        "This opens a maintain-or-replace decision."
    )
    assert message.facts == (
        ("Incremental ROI (supported)", "5.1%"),
        ("Threshold", "12.0%"),
        ("ROI to date", "1.0%"),
        ("Change since last month", "−0.3 pp"),
        ("Cumulative net", "USD (4,644)"),
        ("Total cost to date", "USD 312,000"),
        ("Data through", "Oct 2026"),
    )
    assert message.notes == (
        "Portfolio Customer experience",
        "Policy version 1 · as known at 123 · evaluation 45 · episode 1",
        "Sent to you as: owner of the investment",
    )
    assert message.link.endswith("/go/investment/11111111-2222-5333-8444-555555555555")
    assert message.link in message.text
    assert "USD (4,644)" in message.text
    assert "USD (4,644)" in message.html


@pytest.mark.parametrize(
    ("kind", "subject", "lead"),
    [
        ("resolved", "[Hurdle] AI-003 resolved: Under the hurdle", "has recovered as of Oct 2026"),
        ("retracted", "[Hurdle] AI-003 retracted: Under the hurdle", "would not have fired"),
        ("reopened", "[Hurdle] AI-003 reopened: Under the hurdle", "Corrected figures undo the recovery"),
        (
            "restated",
            "[Hurdle] AI-003 restated: Under the hurdle",
            "Corrected figures change what was reported",
        ),
        ("closed", "[Hurdle] AI-003 closed: Under the hurdle", "is closed (rule changed)"),
        ("reminder", "[Hurdle] AI-003 still open: Under the hurdle", "Nobody has answered yet"),
        ("escalated", "[Hurdle] AI-003 unanswered: Under the hurdle", "you are asked next"),
        ("silence_ended", "[Hurdle] AI-003 still open: Under the hurdle", "The silence is over"),
        ("strange", "[Hurdle] AI-003 strange: Under the hurdle", "strange in Oct 2026"),
    ],
)
def test_every_kind_has_its_words(kind: str, subject: str, lead: str) -> None:
    message = rendered(kind=kind, closed_reason="rule_changed")
    assert message.subject == subject
    assert lead in message.lead


def test_the_figure_that_fired_is_not_shown_as_todays_beside_a_recovery() -> None:
    figures = copied()["figures"] | {"incremental_roi": "0.2"}
    labels = dict(rendered(kind="resolved", figures=figures).facts)
    assert labels["Incremental ROI (supported, when it fired)"] == "5.1%"
    assert labels["Incremental ROI now"] == "20.0%"


def test_rules_that_cross_nothing_are_named_by_their_title() -> None:
    message = rendered(
        rule="breakeven_reached", title="Breakeven reached", opens="double_down_check", measure=""
    )
    assert message.subject == "[Hurdle] AI-003: Breakeven reached"
    assert "its benefits now cover its costs" in message.lead
    reminder = rendered(
        rule="missing_actuals",
        title="Actuals missing",
        opens="data_reminder",
        unit="months",
        value="1",
        threshold="0",
    )
    assert "This opens" not in reminder.lead
    assert reminder.facts[0][1] == "1 month"
    assert "Threshold" not in dict(reminder.facts)


def test_a_rule_without_words_of_its_own_still_makes_a_sentence() -> None:
    message = rendered(rule="new_rule", title="New rule", opens="something", measure="")
    assert "Support assistant (AI-003) has crossed “New rule”" in message.lead
    assert message.facts[0][0] == "Judged figure (supported)"


def test_a_test_message_shows_no_figures() -> None:
    message = rendered(kind="test", recipient={"sender": "Finn", "why": "asked for"}, path="/")
    assert message.subject == "[Hurdle] Test message of portfolio CX"
    assert message.lead.startswith("Finn sent this test")
    assert message.facts == ()


def test_a_missing_figure_is_never_zero() -> None:
    facts = dict(rendered(figures={"roi": None, "roi_reason": "no_cost_yet", "tco": "0.000000"}).facts)
    assert facts["ROI to date"] == "n/a (no cost yet)"
    assert facts["Change since last month"] == "n/a"
    assert facts["Total cost to date"] == "USD 0"
    assert "Cumulative net" not in facts


def test_an_almost_empty_message_still_renders() -> None:
    message = rendered(
        kind="fired", figures=None, investment=None, portfolio=None, recipient=None, value=None
    )
    assert dict(message.facts)["ROI to date"] == "n/a"


@pytest.mark.parametrize("path", ["//evil.example/x", "https://evil.example", "/a\nb", "/a b", "", None])
def test_the_link_never_leaves_the_site(path: object, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://hurdle.example.com/"
    assert rendered(path=path).link == "https://hurdle.example.com/"


def test_a_repeat_says_so() -> None:
    assert "already" in rendered(is_repeat=True).notes[-1]
    assert "already" not in " ".join(rendered().notes)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_one_visible_line_everywhere(name: str) -> None:
    changes: dict[str, Any] = {
        "investment": {"code": name, "name": name},
        "portfolio": {"code": name, "name": name},
        "title": name,
        "currency": name,
        "basis": name,
        "opens": name,
        "month": name,
        "data_through": name,
        "closed_reason": name,
        "policy_version": name,
        "recipient": {"why": name, "name": name, "sender": name},
    }
    for kind in ("fired", "resolved", "closed", "test", name):
        for text in every_text(kind=kind, **changes):
            assert text.isprintable(), ascii(text)
            assert not set(text) & set("\u202a\u202e\u2066\u2069\u200f\u200b\ufeff\u2060"), ascii(text)
    message = rendered(**changes)
    assert len(message.subject) <= 150
    assert len(message.headline) <= 150
    assert "\nBcc" not in message.text


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.handlers: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_add_no_element_to_the_mail(name: str) -> None:
    changes: dict[str, Any] = {
        "investment": {"code": name, "name": name},
        "title": name,
        "recipient": {"why": name},
    }
    seen = _Tags()
    message = rendered(**changes)
    seen.feed(message.html)
    assert not seen.tags & {"script", "img", "link", "iframe", "form", "object"}
    assert seen.handlers == []
    assert seen.links == [message.link]
    assert "49" not in message.lead or "7*7" not in name


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text_in_slack(name: str) -> None:
    message = rendered(investment={"code": name, "name": name}, title=name, currency=name, basis=name)
    assert "<" not in block_kit.fallback(message)
    for block in block_kit.blocks(message):
        for part in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]:
            if part and part["type"] == "mrkdwn":
                assert part["verbatim"] is True
                assert "<" not in part["text"]
                assert ">" not in part["text"]


def test_the_mail_adapts_to_dark_mode_and_narrow_screens() -> None:
    html = rendered().html
    assert "prefers-color-scheme: dark" in html
    assert "max-width: 480px" in html
    assert 'class="card"' in html
    assert "max-width: 560px" in html.split("<body", 1)[1]
