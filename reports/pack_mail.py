"""A pack as mail: the words of the pack, shortened to what is read in a minute; HTML with one chart, and plain text."""

from collections.abc import Mapping, Sequence
from typing import Any

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html

from alerts import messages

Shown = Mapping[str, Any]
# So many lines of each part; the rest is in Hurdle and in the files.
LINES = 5
PICTURE = "portfolio-chart"
# Where a mail says how to stop such mail: the address is of one recipient, the archived mail of all of them.
_WAY_OUT = "<!--way out-->"
_STOP = (
    '<p class="note" style="margin: 6px 0 0; font-size: 12px; line-height: 18px">'
    '<a class="stop" style="color: #6b7280; text-decoration: underline" href="{}">{}</a></p>'
)
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False)


def html(shown: Shown, *, path: str, picture_words: str, picture_at: str) -> str:
    """Return the mail with its styles inlined; `picture_at` is the address of the chart, empty for none."""
    context = {
        "pack": shown,
        "parts": _parts(shown),
        "has_figures": shown["audience"] != "overdue_reviews",
        "link": _link(path),
        "picture_at": picture_at,
        "picture_words": picture_words,
    }
    return str(_inliner.inline(render_to_string("reports/pack_mail.html", context)))


def with_way_out(mail: str, unsubscribe: str) -> str:
    """Return an archived mail with its recipient's own link to stop such mail; without one where it is empty."""
    return mail.replace(_WAY_OUT, format_html(_STOP, unsubscribe, messages.STOPS) if unsubscribe else "")


def text(shown: Shown, *, path: str, unsubscribe: str = "") -> str:
    """Return the same for mail programs that show no HTML."""
    lines = [f"{shown['title']}: {shown['portfolio']}, {shown['month']}", ""]
    if shown["audience"] != "overdue_reviews":
        lines += [f"{tile['title']}: {tile['value']}; {_since(tile, shown)}" for tile in shown["tiles"]]
        lines += [*shown["notes"], ""]
    for part in _parts(shown):
        lines += [part["title"], *(f"  {name}: {says}" for name, says in part["rows"])]
        lines += [f"  {part['more']}"] if part["more"] else []
        lines += [f"  {part['nothing']}"] if not part["rows"] else []
        lines.append("")
    lines += [f"Open in Hurdle: {_link(path)}", "", f"As known on {shown['as_of']}; {shown['hash'][:12]}"]
    lines += messages.way_out(unsubscribe)
    return "\n".join(lines) + "\n"


def headline(shown: Shown) -> str:
    """Return the subject without the product's name."""
    if shown["audience"] == "overdue_reviews":
        count = len(shown["reviews"])
        return f"{shown['code']}: {count} overdue review{'' if count == 1 else 's'}"
    return f"{shown['title']} of {shown['code']}, {shown['month']}"


def lead(shown: Shown) -> str:
    """Return the report in one sentence, for chat."""
    if shown["audience"] == "overdue_reviews":
        waiting = len({review["id"] for review in shown["reviews"]})
        wait = "waits" if waiting == 1 else "wait"
        return f"{waiting} of {len(shown['ranking'])} investments {wait} for a review that is overdue."
    parts = ((len(shown["worsened"]), "worsened"), (len(shown["recovered"]), "recovered"))
    turned = (
        ", ".join(f"{count} {word}" for count, word in parts if count) or "no status changed for the worse"
    )
    return f"{len(shown['ranking'])} investments, compared with {shown['compared']}: {turned}."


def facts(shown: Shown) -> tuple[tuple[str, str], ...]:
    """Return the headline figures, for chat."""
    if shown["audience"] == "overdue_reviews":
        few = tuple((_name(r), f"{r['kind']}, due {r['due']}") for r in shown["reviews"][:LINES])
        left = len(shown["reviews"]) - LINES
        return (*few, ("And", f"{left} more in Hurdle")) if left > 0 else few
    return tuple((tile["title"], f"{tile['value']}, {_since(tile, shown)}") for tile in shown["tiles"])


def _since(tile: Shown, shown: Shown) -> str:
    moved = "unchanged" if tile["change"] == "–" else tile["change"]
    return f"{moved} since {shown['before']}"


def _parts(shown: Shown) -> list[dict[str, Any]]:
    reviews = _part(
        "Overdue reviews",
        [
            (_name(r), f"{r['kind']}, due {r['due']}, {r['late']} overdue, {r['owner']}")
            for r in shown["reviews"]
        ],
        "No review is overdue.",
        limit=50 if shown["audience"] == "overdue_reviews" else LINES,
    )
    if shown["audience"] == "overdue_reviews":
        return [reviews]
    return [
        _part(
            "Worsened",
            [(_name(r), f"{r['status']}, was {r['was']}; ROI {r['roi']}") for r in shown["worsened"]],
            "No investment got worse.",
        ),
        _part(
            "Recovered",
            [(_name(r), f"{r['status']}, was {r['was']}; ROI {r['roi']}") for r in shown["recovered"]],
            "No investment recovered.",
        ),
        _part(
            "Decisions",
            [(_name(d), f"{d['kind']} on {d['on']}") for d in shown["decisions"]],
            "No decision was recorded.",
        ),
        reviews,
        _part(
            "Missing actuals",
            [(_name(m), m["months"]) for m in shown["missing"]],
            "Every closed month is complete.",
        ),
    ]


def _name(row: Shown) -> str:
    return f"{row['code']} {row['name']}".strip()


def _part(title: str, rows: Sequence[tuple[str, str]], nothing: str, *, limit: int = LINES) -> dict[str, Any]:
    left = len(rows) - limit
    more = f"and {left} more" if left > 0 else ""
    return {"title": title, "rows": list(rows[:limit]), "more": more, "nothing": nothing}


def _link(path: str) -> str:
    return str(settings.PUBLIC_URL).rstrip("/") + path
