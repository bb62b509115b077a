"""The scorecard of an investment: six criteria with inputs and thresholds, and what they propose."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from portfolio.knowledge import with_one_view
from reports.console import figures
from reports.console.standing import Standing
from roi import scorecards
from roi.engine import scorecard
from roi.engine.scorecard import Criterion, Finding, Verdict

Context = dict[str, Any]

# Words, shape and tone of a verdict: color never speaks alone.
_VERDICTS: Mapping[Verdict, tuple[str, str, str]] = {
    Verdict.PASSED: ("passed", "check", "good"),
    Verdict.FAILED: ("failed", "close", "critical"),
    Verdict.UNDEFINED: ("undefined", "question_mark", "muted"),
}
_PART: Mapping[Criterion, str] = {
    **dict.fromkeys(scorecard.DOUBLE_DOWN, "All three of these: double down."),
    **dict.fromkeys(scorecard.PULL_BACK, "Without one of these three: pull back."),
}


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return the findings and the proposal, as known now or at the time the page travels to."""
    investment = stands.investment
    today = timezone.now().astimezone(ZoneInfo(investment.portfolio.time_zone)).date()
    found = with_one_view(
        lambda: scorecards.of([investment], today=today, knowledge=stands.knowledge).get(investment.pk)
    )
    if found is None:
        return {}
    card = found.scorecard
    return {
        "month": found.month,
        "proposal": card.proposal.value.replace("_", " ") if card.proposal else "",
        "reasons": card.reasons,
        "undefined": [scorecard.TITLES[one] for one in card.undefined],
        "rows": [_row(one) for one in card.findings],
    }


def _row(finding: Finding) -> Context:
    text, icon, tone = _VERDICTS[finding.verdict]
    return {
        "title": scorecard.TITLES[finding.criterion],
        "part": _PART[finding.criterion],
        "verdict": text,
        "icon": icon,
        "tone": tone,
        "sentence": finding.sentence,
        "why": figures.why(finding.reason) if finding.reason else "",
        "inputs": finding.inputs.items(),
        "thresholds": finding.thresholds,
    }
