"""A reallocation's answer as people read it: headline, candidates, limits, the next amount, regret and frontier."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.paginator import Paginator
from django.utils.safestring import SafeString

from portfolio.terms import from_micros
from reports.console import figures
from roi import charts, reallocation_charts
from roi.engine.result import Reason
from roi.engine.selection import Status
from roi.engine.selection_terms import Kind

Context = dict[str, Any]
Plain = Mapping[str, Any]

PER_PAGE = 50
# What becomes of a candidate: in words, its tone and its sign; changes first.
OUTCOMES: Mapping[str, tuple[str, str, str]] = {
    "dropped": ("is dropped", "critical", "remove"),
    "added": ("is added", "good", "add"),
    "goes_on": ("goes on", "info", "check"),
    "stays_out": ("stays out", "muted", "block"),
    "open": ("undecided", "muted", "help"),
    "left_out": ("left out", "warning", "question_mark"),
}
_IN_CAPACITY = frozenset({Kind.CAPACITY.value, Kind.CAPACITY_RESERVE.value})
_NOT_IN_TIME = "It was not found out within the time of the search."


def context(asked: Plain, found: Plain, query: Mapping[str, str]) -> Context:
    """Return everything an answer shows; `query` says which outcome and which page of the candidates."""
    outcome = {one["code"]: _outcome(one, found) for one in asked["candidates"]}
    places = {name: at for at, name in enumerate(OUTCOMES)}
    ordered = sorted(
        asked["candidates"], key=lambda one: (places[outcome[one["code"]]], -(one["value"] or 0), one["code"])
    )
    show = query.get("show", "")
    shown = [one for one in ordered if show not in OUTCOMES or outcome[one["code"]] == show]
    turner = Paginator(shown, PER_PAGE).get_page(query.get("page"))
    counts = [(name, OUTCOMES[name][0], list(outcome.values()).count(name)) for name in OUTCOMES]
    return {
        "currency": asked["currency"],
        "is_infeasible": found["status"] == Status.INFEASIBLE.value,
        "sentence": found["sentence"],
        "tiles": _tiles(asked, found),
        "headline": _headline(asked, found),
        "turner": turner,
        "rows": [_row(one, outcome[one["code"]], asked["stated_costs"]) for one in turner],
        "outcomes": [(name, words, count) for name, words, count in counts if count],
        "show": show if show in OUTCOMES else "",
        "total": len(ordered),
        "limits": _limits(found.get("limits")),
        "why_no_limits": _why_no_limits(found),
        "next": _next(found["next"], asked["currency"]),
        "regret": _regret(found["regret"], asked["currency"]),
        "frontier": [
            (_money(point["budget"]), _money(point["value"], "Nothing keeps to everything at this budget."))
            for point in found["frontier"]
        ],
        "chart": _chart(asked, found),
        "terms": [
            ("Reserve for exploration", figures.percent_text(float(asked["reserve_share"]))),
            ("Risk aversion", asked["risk_aversion"]),
        ],
    }


def brief(asked: Plain, found: Plain) -> Context:
    """Return an answer in a line of a list."""
    chosen, standing = set(found["chosen"]), set(found["standing"])
    return {
        "budget": _money(asked["budget"]),
        "adds": _money(found["value"], found["sentence"] or "Nothing was found."),
        "added": len(chosen - standing),
        "dropped": len(standing - chosen) if found["value"] is not None else 0,
    }


def _outcome(one: Plain, found: Plain) -> str:
    if one["left_out"]:
        return "left_out"
    if found["status"] == Status.INFEASIBLE.value:
        return "open"
    is_standing = one["code"] in found["standing"]
    if one["code"] in found["chosen"]:
        return "goes_on" if is_standing else "added"
    return "dropped" if is_standing else "stays_out"


def _money(micros: int | None, reason: Reason | str = "") -> SafeString:
    return figures.money(None if micros is None else from_micros(micros), reason=reason)


def _months(hundredths: int) -> str:
    return f"{hundredths / 100:,.2f}".rstrip("0").rstrip(".")


def _text(micros: int) -> str:
    return figures.money_text(from_micros(micros)) if micros else "0"


def _headline(asked: Plain, found: Plain) -> str:
    if found["status"] == Status.INFEASIBLE.value:
        return ""
    chosen, count = len(found["chosen"]), len(asked["candidates"])
    added = [code for code in found["chosen"] if code not in found["standing"]]
    dropped = [code for code in found["standing"] if code not in found["chosen"]]
    changes = [words for words in (_listed("adds", added), _listed("drops", dropped)) if words]
    against = f" Against today it {' and '.join(changes)}." if changes else " Against today nothing changes."
    return f"It goes on with {chosen} of {count} investment{'' if count == 1 else 's'}.{against}"


def _listed(verb: str, codes: Sequence[str], *, most: int = 5) -> str:
    if not codes:
        return ""
    more = f" and {len(codes) - most} more" if len(codes) > most else ""
    return f"{verb} {', '.join(codes[:most])}{more}"


def _tiles(asked: Plain, found: Plain) -> list[Context]:
    if found["status"] == Status.INFEASIBLE.value:
        return []
    limit = asked["capacity"]
    capacity = "no limit" if limit is None else f"of {_months(limit)} person-months"
    return [
        {
            "title": "Adds, risk-adjusted NPV",
            "value": figures.compact(from_micros(found["value"])),
            "note": "of what lies ahead and could be avoided",
        },
        {
            "title": "Next year’s cost",
            "value": figures.compact(from_micros(found["cost"])),
            "note": f"of a budget of {_text(asked['budget'])}",
        },
        {"title": "Capacity", "value": _months(found["capacity"]), "note": capacity},
        _proof(found["gap"]),
    ]


def _proof(gap: int | None) -> Context:
    if gap == 0:
        return {"title": "Proof", "value": "Proven", "note": "no other selection adds more"}
    if gap is None:
        return {
            "title": "Proof",
            "value": "None",
            "note": "the search was stopped; how far it is off is unknown",
        }
    return {"title": "Proof", "value": "Not proven", "note": f"another may add up to {_text(gap)} more"}


def _row(one: Plain, outcome: str, stated: Mapping[str, int]) -> Context:
    words, tone, icon = OUTCOMES[outcome]
    why = Reason(one["reason"]) if one["reason"] else ""
    cost = stated.get(one["code"]) if one["cost"] is None else one["cost"]
    notes = ["must be funded"] * one["is_must_fund"] + ["exploration"] * one["is_exploration"]
    notes += [f"needs {', '.join(one['needs'])}"] if one["needs"] else []
    notes += [f"one of {one['group']}"] if one["group"] else []
    return {
        "code": one["code"],
        "name": one["name"],
        "notes": " · ".join(notes),
        "outcome": {"words": words, "tone": tone, "icon": icon},
        "left_out": one["left_out"],
        "is_stated": one["cost"] is None and cost is not None,
        "mean": _money(one["mean"], why),
        "p10": _money(one["p10"], why),
        "value": _money(one["value"], why),
        "cost": _money(cost, why),
        "capacity": _months(one["capacity"]),
        "sunk": _money(one["sunk"]),
    }


def _limits(limits: Plain | None) -> Context | None:
    if limits is None:
        return None
    return {"untried": limits["untried"], "rows": [_limit(row) for row in limits["rows"]]}


def _limit(row: Plain) -> Context:
    slack, gain = row["slack"], row["gain"]
    left: SafeString | str = "–"
    if slack is not None:
        left = f"{_months(slack)} person-months" if row["kind"] in _IN_CAPACITY else _money(slack)
    verdict = ("not known", "muted", "question_mark") if gain is None else ("does not bind", "muted", "check")
    if gain:
        verdict = ("binds", "warning", "lock")
    return {
        "title": row["sentence"][:1].upper() + row["sentence"][1:],
        "left": left,
        "gain": _money(gain, _NOT_IN_TIME),
        "verdict": verdict[0],
        "tone": verdict[1],
        "icon": verdict[2],
    }


def _why_no_limits(found: Plain) -> str:
    if "limits" not in found:
        return "This proposal was kept before limits were told."
    return "The best selection is not proven, so that nothing can be said about what binds it."


def _next(move: Plain | None, currency: str) -> str:
    if move is None:
        return ""
    amount = move["amount"]
    by = f"{_text(abs(amount))} {currency} {'less' if amount < 0 else 'more'}"
    if move["sentence"]:
        return f"With {by}: {move['sentence']}"
    if move["gain"] is None:
        return f"With {by}: nothing was found within the time of the search."
    changes = [
        words for words in (_listed("adds", move["added"]), _listed("drops", move["dropped"])) if words
    ]
    if not changes:
        return f"{by} changes nothing."
    worth = f"worth {_text(abs(move['gain']))} {currency} {'less' if move['gain'] < 0 else 'more'}"
    return f"{by} {' and '.join(changes)}: {worth if move['gain'] else 'worth the same'}."


def _regret(regret: Plain | None, currency: str) -> Context | None:
    if regret is None:
        return None
    amount, worth = regret["amount"], _text(regret["standing_value"])
    today = f"What is funded today is worth {worth} {currency}."
    if not amount:
        said = f"Standing still forgoes nothing. {today}"
    elif amount > 0:
        said = f"Standing still forgoes {_text(amount)} {currency}. {today}"
    else:
        said = f"{today} That is {_text(-amount)} {currency} more than this selection."
    return {"sentence": said, "broken": [one["sentence"] for one in regret["broken"]]}


def _chart(asked: Plain, found: Plain) -> Context | None:
    rows = [
        {
            "budget": float(from_micros(point["budget"])),
            "value": None if point["value"] is None else float(from_micros(point["value"])),
        }
        for point in found["frontier"]
    ]
    if not any(row["value"] is not None for row in rows):
        return None
    budget = float(from_micros(asked["budget"]))
    spec = reallocation_charts.frontier(rows, currency=asked["currency"], asked=budget)
    themes = {name: charts.theme(name) for name in ("light", "dark")}
    return {"payload": {"spec": spec, "themes": themes}, "text": spec["description"]}
