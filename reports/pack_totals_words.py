"""What a pack says about its totals: what pools leave out, why rows add up to another sum, untraced spend."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from alerts import wording
from reports import pack_first_layout
from reports.console import figures
from reports.pack_numbers import money, why

Json = Mapping[str, Any]


def notes(content: Json) -> list[str]:
    """Return what a reader needs who adds up the rows, and why there is no ROI; layout 1 added up its rows."""
    if content["layout"] == pack_first_layout.LAYOUT or not content["totals"]["with_figures"]:
        return []
    return [*_of_pools(content), *_of_rows(content), *_of_roi(content)]


def _of_pools(content: Json) -> list[str]:
    overlap = content["totals"]["supported"]["overlap"]
    if Decimal(overlap) == 0:
        return []
    return [
        f"Members of benefit pools claim {content['currency']} {money(overlap)} more than they may together. It is "
        "left out of net, ROI and chart of the portfolio, and stays in the figures of the investments, which "
        "therefore add up to more."
    ]


def _of_rows(content: Json) -> list[str]:
    month, rows = content["view"]["month"], content["investments"]
    behind = sum(one["through"] != month for one in rows)
    shown = [one["figures"] for one in rows if one["through"]]
    cost = sum((Decimal(one["tco"]) for one in shown), Decimal(0))
    benefit = sum((Decimal(one["supported"]["benefit"]) for one in shown), Decimal(0))
    totals = content["totals"]
    if (cost, benefit) == (Decimal(totals["cost"]), Decimal(totals["supported"]["benefit"])):
        return []
    verb = "is" if behind == 1 else "are"
    return [
        f"{behind} of {len(rows)} investments {verb} not complete to the end of {wording.month(month)} and shown to an "
        "earlier month or not at all; the portfolio's figures take in all that is recorded to the end of "
        f"{wording.month(month)}."
    ]


def _of_roi(content: Json) -> list[str]:
    roi = content["totals"]["supported"]["roi"]
    return [f"ROI to date of the portfolio: {why(roi['reason'])}"] if "reason" in roi else []


def untraced(content: Json) -> str:
    """Return untraced spend in a sentence."""
    found, is_first = content["untraced"], content["layout"] == pack_first_layout.LAYOUT
    when = (
        "of the last three months" if is_first else f"to the end of {wording.month(content['view']['month'])}"
    )
    if "value" not in found["share"]:
        return f"No run cost {when}, so none of it is untraced."
    if Decimal(found["amount"]) == 0:
        return f"All run cost {when} has a benefit line or a hypothesis."
    return (
        f"{figures.percent_text(float(found['share']['value']))} of the run cost {when} "
        f"({content['currency']} {money(found['amount'])} of {money(found['run_cost'])}) has neither a benefit line "
        "nor a hypothesis."
    )
