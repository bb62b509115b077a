"""A story for who meets the demo: an alert, the review it opened, the decision, and the report that has it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.http import urlencode

from alerts.models import Episode
from alerts.rules import RULES
from portfolio.models import Decision, Portfolio
from portfolio.terms import format_month


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the story, and what happens there."""

    title: str
    text: str
    link: str


def steps(portfolios: Sequence[Portfolio]) -> list[Step]:
    """Return the pages of the newest decision on an alert that was retracted later; empty where there is none."""
    withdrawn = Episode.objects.filter(closed_reason="retracted", investment__portfolio__in=portfolios)
    decision = (
        Decision.objects.filter(review__origin="alert", review__origin_ref__in=withdrawn.values("public_id"))
        .select_related("review__investment__portfolio")
        .order_by("-id")
        .first()
    )
    if decision is None or decision.review.origin_ref is None:
        return []
    review, portfolio = decision.review, decision.review.investment.portfolio
    episode = withdrawn.get(public_id=decision.review.origin_ref)
    report = {
        "portfolio": portfolio.code,
        "audience": "monthly_pack",
        "month": format_month(decision.decided_on),
    }
    return [
        Step(
            "Alert",
            f"{RULES[episode.rule].title} fired on {review.investment.name} for {format_month(episode.fired_month)}.",
            reverse("admin:reports_alert", args=[episode.public_id]),
        ),
        Step(
            "Review",
            f"It opened a review: {review.get_kind_display().lower()}.",
            reverse("admin:reports_review", args=[review.public_id]),
        ),
        Step(
            "Decision",
            f"{decision.get_kind_display()}. Then the month was restated, and the receipt differs today.",
            reverse("admin:reports_decision", args=[decision.public_id]),
        ),
        Step(
            "Report",
            f"The monthly review of {report['month']} has the decision.",
            f"{reverse('admin:reports_report_preview')}?{urlencode(report)}",
        ),
    ]
