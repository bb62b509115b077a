"""Puts the copied figures of a notification into words: one Message that every channel can show."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import css_inline
from django.conf import settings
from django.template.loader import render_to_string

from alerts import digest_words, wording
from alerts.channels.base import Message
from alerts.rules import RULES, inhibit

Json = Mapping[str, Any]

SUBJECT_LENGTH = 150
NAME_LENGTH = 120
# What a firing says of its investment; a rule that is not listed is named by its title.
_SAYS = {
    "hurdle_rate": "is under its hurdle",
    "negative_roi": "costs more to run than it brings in",
    "breakeven_reached": "has reached breakeven: its benefits now cover its costs",
    "breakeven_lost": "has fallen back below breakeven",
    "breakeven_overdue": "has not reached breakeven by its planned month",
    "missing_actuals": "is missing actuals for a closed month",
    "early_warning": "is likely to cross another threshold soon",
}
# A reminder about data asks for nothing but the data.
_OPENS = {
    "double_down_check": "a double-down check",
    "business_review": "a business review",
    "maintain_or_replace": "a maintain-or-replace decision",
    "decommissioning_review": "a formal decommissioning review",
    "watch_item": "a watch item",
}
# How a headline names what is not a crossing.
_TURNS = {"reminder": "still open", "escalated": "unanswered", "silence_ended": "still open"}
_CROSSED = {"hurdle_rate", "negative_roi"}
_JUDGED = {
    "incremental_roi": "Incremental ROI",
    "npv": "NPV at the hurdle rate",
    "irr": "IRR per year",
    "negative_roi": "Operating margin",
    "breakeven_reached": "Cumulative net",
    "breakeven_lost": "Cumulative net",
    "breakeven_overdue": "Cumulative net",
    "missing_actuals": "Missing",
    "early_warning": "Probability",
}
# How a mail's foot names the link that stops such mail, to a person and to a shared address.
STOPS = "Unsubscribe from mail about this portfolio"
# What is signed for one recipient; it is laid over the copied figures at sending and never stored.
_CARRIED = ("acknowledge", "answer", "unsubscribe")
# What a message to a machine leaves out: who was told, and addresses of our own pages.
_FOR_PEOPLE = frozenset({"recipient", "path", *_CARRIED})
_REPEAT = "You may have received this notice already: an earlier delivery of it was never confirmed."
# Never reach out for what a message might name.
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False)


def render(
    message: Json, *, id: UUID, thread_id: str, is_repeat: bool = False, reply_to: str = ""
) -> Message:
    """Return a notification's message in words; a missing figure is called missing, never shown as zero."""
    kind = str(message.get("kind") or "")
    headline, lead = _headline(message, kind), _lead(message, kind)
    items = digest_words.items(message) if kind == "digest" else ()
    count = digest_words.count_of(message)
    facts = (
        digest_words.shown(items, count=count)
        if items
        else ()
        if kind == "test"
        else tuple(_facts(message, kind))
    )
    notes = tuple(_notes(message, is_repeat=is_repeat))
    # Mail shows every item that was kept; chat shows fewer, and its facts say how many more there are.
    left = (f"And {count - len(items):,} more in Hurdle.",) if items and count > len(items) else ()
    link = link_to(message)
    carried = {name: str(message.get(name) or "") for name in _CARRIED}
    acknowledge = carried["acknowledge"]
    foot = (*left, *notes, *way_out(carried["unsubscribe"]))
    return Message(
        id=id,
        kind=kind,
        subject=wording.plain(f"[Hurdle] {headline}", limit=SUBJECT_LENGTH),
        headline=headline,
        lead=lead,
        facts=facts,
        notes=notes,
        link=link,
        text=_text(headline, lead, _with_links(items) or facts, foot, _links(link, acknowledge)),
        html=_html(message, headline, lead, () if items else facts, (*left, *notes), link),
        thread_id=thread_id,
        is_repeat=is_repeat,
        reply_to=reply_to,
        severity=_tone(message),
        ends=kind in inhibit.ABOUT_AN_END,
        data={name: value for name, value in message.items() if name not in _FOR_PEOPLE},
        answer=carried["answer"],
        unsubscribe=carried["unsubscribe"],
        private=tuple(filter(None, (acknowledge,))),
    )


def letter(
    message: Json,
    *,
    id: UUID,
    thread_id: str,
    headline: str,
    lead: str,
    facts: tuple[tuple[str, str], ...],
    notes: tuple[str, ...],
    is_repeat: bool = False,
) -> Message:
    """Return a message whose words a floor above has chosen, in the same form as those of alerts."""
    said = (*notes, _REPEAT) if is_repeat else notes
    headline, lead = wording.plain(headline, limit=SUBJECT_LENGTH), wording.plain(lead, limit=1000)
    shown = tuple((name, wording.plain(value, limit=300)) for name, value in facts)
    link = link_to(message)
    return Message(
        id=id,
        kind=str(message.get("kind") or ""),
        subject=wording.plain(f"[Hurdle] {headline}", limit=SUBJECT_LENGTH),
        headline=headline,
        lead=lead,
        facts=shown,
        notes=said,
        link=link,
        text=_text(headline, lead, shown, said, _links(link, "")),
        html=_html(message, headline, lead, shown, said, link),
        thread_id=thread_id,
        is_repeat=is_repeat,
        severity=_tone(message),
        data={name: value for name, value in message.items() if name not in _FOR_PEOPLE},
    )


def _of(message: Json, key: str) -> Json:
    found = message.get(key)
    return found if isinstance(found, Mapping) else {}


def _headline(message: Json, kind: str) -> str:
    portfolio = wording.plain(_of(message, "portfolio").get("code", ""), limit=40)
    if kind == "test":
        return f"Test message of portfolio {portfolio}"
    if kind == "digest":
        return digest_words.headline(message)
    code = wording.plain(_of(message, "investment").get("code", ""), limit=64)
    title = wording.plain(message.get("title", ""), limit=64)
    if kind == "fired":
        return f"{code} crossed {title}" if message.get("rule") in _CROSSED else f"{code}: {title}"
    turn = _TURNS.get(kind) or wording.plain(kind, limit=20)
    return f"{code} fired and {turn}: {title}" if _of(message, "opened") else f"{code} {turn}: {title}"


def _lead(message: Json, kind: str) -> str:
    if kind == "test":
        sender = wording.plain(_of(message, "recipient").get("sender") or "Somebody", limit=NAME_LENGTH)
        return f"{sender} sent this test from Hurdle. If you can read it, this channel works."
    if kind == "digest":
        return digest_words.lead(message)
    investment = _of(message, "investment")
    name = wording.plain(investment.get("name", ""), limit=NAME_LENGTH)
    who = f"{name} ({wording.plain(investment.get('code', ''), limit=64)})"
    title = f"“{wording.plain(message.get('title', ''), limit=64)}”"
    says = _SAYS.get(str(message.get("rule")), f"has crossed {title}")
    since, month = wording.month(message.get("since")), wording.month(message.get("month"))
    asks = f" This opens {_OPENS[opens]}." if (opens := str(message.get("opens"))) in _OPENS else ""
    sentences = {
        "fired": f"{who} {says} ({_span(since, month)}).{asks}",
        "reopened": f"Corrected figures undo the recovery: {who} {says} ({_span(since, month)}).{asks}",
        "resolved": f"{who} has recovered as of {month}: {title} is over.",
        "retracted": f"{title} on {who} is withdrawn: with corrected figures it would not have fired.",
        "restated": f"Corrected figures change what was reported about {who} under {title} for {month}.",
        "closed": f"{title} on {who} is closed{_because(message)}.",
        "reminder": f"{who} still {says} (since {since}). Nobody has answered yet.{asks}",
        "escalated": f"{who} {says} since {since}, and nobody has answered; you are asked next.{asks}",
        "silence_ended": f"{_quiet(message)} is over and {who} still {says} (since {since}).{asks}",
    }
    if kind == "resolved" and message.get("rule") == "early_warning":
        sentences[kind] = (
            f"{title} on {who} is over as of {month}: the forecast no longer gives it enough probability."
        )
    sentence = sentences.get(kind, f"{who}: {title}, {wording.plain(kind, limit=20)} in {month}.")
    opened = _of(message, "opened")
    if not opened:
        return sentence
    began = f"{title} fired in {wording.month(opened.get('month'))} and could not be told before it was over."
    return f"{began} {sentence}"


def _quiet(message: Json) -> str:
    return "The snooze" if message.get("silence") == "snooze" else "The silence"


def _span(since: str, month: str) -> str:
    return month if since in (month, "n/a") else f"first in {since}, fired in {month}"


def _because(message: Json) -> str:
    reason = wording.plain(str(message.get("closed_reason") or "").replace("_", " "), limit=60)
    return f" ({reason})" if reason else ""


def _facts(message: Json, kind: str) -> list[tuple[str, str]]:
    figures = _of(message, "figures")
    currency = wording.plain(message.get("currency", ""), limit=8)
    measure, rule = str(message.get("measure") or ""), str(message.get("rule") or "")
    basis = wording.plain(message.get("basis") or "supported", limit=20)
    label = _JUDGED.get(measure) or _JUDGED.get(rule, "Judged figure")
    value, threshold = wording.judged(message, currency=currency)
    # The copied verdict is the one that fired; beside a recovery it would read as today's.
    when = "" if kind in ("fired", "reopened") else ", when it fired"
    facts = [(f"{label} ({basis}{when})", value)] if rule != "missing_actuals" else [(label, value)]
    if rule != "missing_actuals":
        facts.append(("Threshold", threshold))
    about = RULES.get(str(message.get("about")))
    if about is not None:
        facts.append(("Likely next", f"{about.title}, by {wording.month(next(iter(message['months']), ''))}"))
    roi = wording.number(figures.get("roi"))
    facts.append(
        ("ROI to date", wording.missing(figures.get("roi_reason")) if roi is None else wording.rate(roi))
    )
    facts.append(("Change since last month", _change(roi, wording.number(figures.get("previous_roi")))))
    if measure != "incremental_roi" or when:
        facts.append(("Incremental ROI now", _rate(figures, "incremental_roi")))
    for name, key in (
        ("Cumulative net", "cumulative_net"),
        ("Total cost to date", "tco"),
        ("Run rate", "run_rate"),
    ):
        amount = wording.number(figures.get(key))
        if amount is not None:
            facts.append((name, wording.money(amount, currency=currency)))
    facts.append(("Data through", wording.month(message.get("data_through"))))
    return facts


def _rate(figures: Json, key: str) -> str:
    value = wording.number(figures.get(key))
    return wording.missing(figures.get(f"{key}_reason")) if value is None else wording.rate(value)


def _change(roi: Decimal | None, previous: Decimal | None) -> str:
    if roi is None or previous is None:
        return wording.missing("no earlier figure" if roi is not None else "")
    return wording.points(roi - previous)


def _notes(message: Json, *, is_repeat: bool) -> list[str]:
    recipient = _of(message, "recipient")
    names = (
        ("Policy version", "policy_version"),
        ("as known at", "knowledge"),
        ("evaluation", "point"),
        ("episode", "episode_number"),
    )
    origin = [
        f"{name} {wording.plain(message[key], limit=30)}"
        for name, key in names
        if message.get(key) is not None
    ]
    portfolio = wording.plain(_of(message, "portfolio").get("name", ""), limit=NAME_LENGTH)
    notes = [f"Portfolio {portfolio}"] if portfolio else []
    if origin:
        notes.append(" · ".join(origin))
    if recipient.get("why"):
        notes.append(f"Sent to you as: {wording.plain(recipient['why'], limit=NAME_LENGTH)}")
    return [*notes, _REPEAT] if is_repeat else notes


def link_to(message: Json) -> str:
    """Return the address of the page that a message leads to; never one of another host."""
    path = str(message.get("path") or "/")
    # Only a path of this site: two slashes would name another host.
    if not path.startswith("/") or path.startswith("//") or not path.isprintable() or " " in path:
        path = "/"
    return settings.PUBLIC_URL.rstrip("/") + path


def way_out(unsubscribe: str) -> tuple[str, ...]:
    """Return the line of a mail's text that says how to stop such mail; none where there is nothing to stop."""
    return (f"{STOPS}: {unsubscribe}",) if unsubscribe else ()


def _links(link: str, acknowledge: str) -> str:
    lines = [f"Acknowledge: {acknowledge}"] if acknowledge else []
    return "\n".join([*lines, f"Open in Hurdle: {link}"])


def _with_links(items: Sequence[digest_words.Item]) -> tuple[tuple[str, str], ...]:
    return tuple((item.name, f"{item.says}\n  {link_to({'path': item.path})}") for item in items)


def _text(
    headline: str, lead: str, facts: tuple[tuple[str, str], ...], notes: tuple[str, ...], links: str
) -> str:
    width = max((len(label) for label, _ in facts), default=0) + 2
    lines = [headline, "", lead, ""]
    lines += [f"{label + ':':<{width}}{value}" for label, value in facts]
    lines += ["", links, "", "-- ", *notes] if facts else [links, "", *notes]
    return "\n".join(lines).rstrip() + "\n"


def _html(
    message: Json,
    headline: str,
    lead: str,
    facts: tuple[tuple[str, str], ...],
    notes: tuple[str, ...],
    link: str,
) -> str:
    severity = str(message.get("severity") or "info").replace("_", " ").capitalize()
    is_over = message.get("kind") in inhibit.ABOUT_AN_END
    context = {
        "headline": headline,
        "lead": lead,
        "facts": facts,
        "alerts": [
            (item.name, item.says, link_to({"path": item.path})) for item in digest_words.items(message)
        ],
        "notes": notes,
        "link": link,
        "acknowledge": str(message.get("acknowledge") or ""),
        "unsubscribe": str(message.get("unsubscribe") or ""),
        "stops": STOPS,
        "tone": _tone(message),
        "label": wording.plain(f"{severity}, over" if is_over else severity, limit=26),
    }
    return _inliner.inline(render_to_string("alerts/message.html", context))


def _tone(message: Json) -> str:
    """Return how urgent a message looks: an end calls nobody, however urgent its beginning was."""
    if message.get("kind") in inhibit.ABOUT_AN_END:
        return "info"
    severity = str(message.get("severity") or "info")
    return severity if severity in ("critical", "warning", "info", "good_news") else "info"
