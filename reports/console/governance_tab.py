"""The governance tab of an investment: its stage and the gates ahead, its claim in versions, what was stated of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from portfolio import hypotheses, stages, statements
from portfolio.models import (
    Approval,
    Baseline,
    Differentiation,
    Hypothesis,
    Investment,
    StageChange,
    StrategicTerms,
)
from portfolio.terms import Stage, ValueCategory
from reports.console.figures import measured_text
from reports.console.standing import Standing

Context = dict[str, Any]

_TERMS = {
    "claim": "Claim",
    "metric": "Metric",
    "unit": "Unit",
    "direction": "Direction",
    "baseline": "Baseline",
    "baseline_from": "Measured from",
    "baseline_to": "Measured until",
    "target": "Target",
    "target_low": "Target, at least",
    "target_high": "Target, at most",
    "target_date": "Target date",
    "measurement_method": "Measured by",
    "kill_line": "Kill line",
    "confounders": "Confounders watched",
}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the hypothesis, with what it says otherwise than the one before."""

    row: Hypothesis
    changes: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Door:
    """A gate as the tab shows it: what is asked, and whether somebody has asked for approval already."""

    stage: str
    title: str
    gate: stages.Gate
    asked: Approval | None


def text(value: object) -> str:
    """Return a term in words: numbers plain, days as they are, what is missing as a dash."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if value not in (None, "") else "–"


def versions(investment: Investment) -> list[Version]:
    """Return the hypothesis in versions, the newest first, each beside the one before."""
    rows = hypotheses.versions(investment)
    # The oldest has none before it; where there are no versions, nothing is left to pair.
    pairs = zip(rows, [*rows[1:], None], strict=False)
    return [Version(row, _changes(before, row)) for row, before in pairs]


def _changes(before: Hypothesis | None, row: Hypothesis) -> list[tuple[str, str, str]]:
    if before is None:
        return []
    found = hypotheses.differences(before, row)
    return [(_TERMS[each.name], text(each.before), text(each.after)) for each in found]


def claim_of(row: Hypothesis) -> list[tuple[str, str]]:
    """Return what a version says, label and text; what it leaves out is a dash."""
    period = f", {text(row.baseline_from)} to {text(row.baseline_to)}" if row.baseline_from else ""
    baseline = "–" if row.baseline is None else f"{measured_text(row.baseline, row.unit)}{period}"
    share = row.unit if row.unit == "fraction" else ""
    ends = [measured_text(end, share) for end in (row.target_low, row.target_high) if end is not None]
    interval = f" ({' to '.join(ends)})" if ends else ""
    by = f" by {text(row.target_date)}" if row.target_date else ""
    target = "–" if row.target is None else f"{measured_text(row.target, row.unit)}{interval}{by}"
    return [
        ("Metric", row.metric),
        ("Baseline", baseline),
        ("Target", target),
        ("Measured by", text(row.measurement_method)),
        ("Kill line", text(row.kill_line)),
        ("Confounders watched", text(row.confounders)),
    ]


def doors(investment: Investment) -> list[Door]:
    """Return the gates of the stages ahead, in the order of an investment's life."""
    asked = Approval.objects.filter(kind=stages.KIND, subject=investment.public_id, decision="")
    open_requests = {request.content["to_stage"]: request for request in asked.select_related("author")}
    return [
        Door(gate.stage.value, _spoken(gate.stage), gate, open_requests.get(gate.stage.value))
        for gate in stages.gates_of(investment, now=timezone.now())
    ]


def _spoken(stage: Stage) -> str:
    return stage.value.replace("_", " ").capitalize()


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return what the tab shows."""
    investment, today = stands.investment, timezone.now().date()
    claims = versions(investment)
    strategy = statements.newest(StrategicTerms, investment)
    changes = StageChange.objects.filter(investment=investment)
    return {
        "doors": doors(investment),
        "changes": list(changes.select_related("actor", "approval__approver", "decision").order_by("-id")),
        "claims": claims,
        "claim": claim_of(claims[0].row) if claims else [],
        "baselines": [
            (row, measured_text(row.value, row.unit)) for row in statements.newest(Baseline, investment)
        ],
        "strategy": strategy,
        "is_expired": bool(strategy) and strategy[0].expires_on <= today,
        "is_strategic": investment.value_category == ValueCategory.STRATEGIC.value,
        "ratings": statements.newest(Differentiation, investment),
    }
