"""What a pack says that has no knowledge time: names, people, claims, review dates. Copied, never derived again."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from portfolio.models import Decision, Hypothesis, Investment, Portfolio, Review
from portfolio.terms import ENDED_STAGES, ReviewState

Json = dict[str, Any]


def labels_of(portfolio: Portfolio, content: Json, *, now: datetime) -> Json:
    """Return the names of everything the content speaks of, and which reviews are open: five queries."""
    ids = [one["id"] for one in content["investments"]]
    rows = list(
        Investment.objects.filter(public_id__in=ids).select_related("owner", "sponsor").order_by("code")
    )
    claims = _claims(rows)
    today = now.astimezone(ZoneInfo(portfolio.time_zone)).date()
    return {
        "portfolio": {"code": portfolio.code, "name": portfolio.name, "time_zone": portfolio.time_zone},
        "today": today.isoformat(),
        "investments": {
            str(row.public_id): {
                "code": row.code,
                "name": row.name,
                "owner": str(row.owner) if row.owner else "",
                "sponsor": str(row.sponsor) if row.sponsor else "",
                "business_unit": row.business_unit,
                "stage": row.get_stage_display(),
                "review_date": row.review_date.isoformat() if row.review_date else None,
                "hypothesis": claims.get(row.pk),
            }
            for row in rows
        },
        "reviews": _reviews(rows, today=today),
        "deciders": _deciders(content),
    }


def _claims(rows: Sequence[Investment]) -> dict[int, Json]:
    latest = Hypothesis.objects.filter(investment__in=rows).order_by("investment_id", "-version")
    return {
        one.investment_id: {
            "claim": one.claim,
            "metric": one.metric,
            "unit": one.unit,
            "baseline": _number(one.baseline),
            "target": _number(one.target),
            "target_date": one.target_date.isoformat() if one.target_date else None,
            "kill_line": one.kill_line,
        }
        for one in latest.distinct("investment_id")
    }


def _number(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():,f}"


def _reviews(rows: Sequence[Investment], *, today: date) -> list[Json]:
    """Return open reviews by due date; a review date without an open review counts as one."""
    opened = Review.objects.filter(investment__in=rows, state=ReviewState.OPEN.value).select_related(
        "investment"
    )
    found = [
        {
            "investment": str(one.investment.public_id),
            "kind": one.get_kind_display(),
            "question": one.question,
            "due_on": one.due_on.isoformat(),
            "days_over": (today - one.due_on).days,
        }
        for one in opened
    ]
    asked = {one["investment"] for one in found}
    found += [
        {
            "investment": str(row.public_id),
            "kind": "Regular review",
            "question": "",
            "due_on": row.review_date.isoformat(),
            "days_over": (today - row.review_date).days,
        }
        for row in rows
        if row.review_date and str(row.public_id) not in asked and row.stage not in ENDED_STAGES
    ]
    return sorted(found, key=lambda one: (one["due_on"], one["investment"]))


def _deciders(content: Json) -> dict[str, str]:
    """Return who took each decision that the content names."""
    named = {one["id"] for one in content["decisions"]}
    named |= {one["last_decision"]["id"] for one in content["investments"] if one["last_decision"]}
    rows = Decision.objects.filter(public_id__in=named).select_related("decided_by")
    return {str(row.public_id): str(row.decided_by) for row in rows}
