"""Case 12 on the pages: a rule that fires and resolves again and again is said to flap, on its alert and the tab."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from alerts.models import AlertState, Episode
from portfolio.terms import add_months
from tests.reports.figures_cast import LAST, Figures, assemble_with_figures
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db
TAB, ALERT = "“Negative ROI” is flapping", "Flapping"


@pytest.fixture
def figures() -> Figures:
    return assemble_with_figures()


def cycles(figures: Figures, *fired: date, reason: str = "resolved", first: int = 50) -> None:
    """Put cycles of two months each, before the open episode, into the record."""
    open_one = Episode.objects.get(rule="negative_roi", investment=figures.losing, number=1)
    for number, month in enumerate(fired, first):
        Episode.objects.create(
            investment=figures.losing,
            rule="negative_roi",
            number=number,
            severity="critical",
            first_breach_month=month,
            fired_month=month,
            resolved_month=add_months(month, 1),
            closed_reason=reason,
            opened_at=open_one.opened_at,
            closed_at=datetime.now(UTC),
        )


def said(figures: Figures) -> tuple[bool, bool]:
    """Return whether the tab and the alert's page speak of flapping."""
    client = figures.cast.client("vera")
    tab = reverse("admin:portfolio_investment_change", args=[figures.losing.pk]) + "?tab=alerts"
    episode = Episode.objects.get(rule="negative_roi", investment=figures.losing, number=1)
    alert = reverse("admin:reports_alert", args=[episode.public_id])
    return (
        TAB in words_of(client.get(tab).content.decode()),
        ALERT in words_of(client.get(alert).content.decode()),
    )


def test_three_cycles_within_twelve_months_are_said_and_two_are_not(figures: Figures) -> None:
    assert AlertState.objects.get(rule="negative_roi", investment=figures.losing).month == LAST
    cycles(figures, date(2025, 2, 1), date(2025, 5, 1))
    assert said(figures) == (False, False)
    cycles(figures, date(2025, 8, 1), first=52)
    assert said(figures) == (True, True)


def test_cycles_longer_ago_do_not_count(figures: Figures) -> None:
    cycles(figures, date(2024, 12, 1), date(2025, 5, 1), date(2025, 8, 1))
    assert said(figures) == (False, False)


def test_cycles_that_ended_otherwise_do_not_count(figures: Figures) -> None:
    cycles(figures, date(2025, 2, 1), date(2025, 5, 1), date(2025, 8, 1), reason="rule_changed")
    assert said(figures) == (False, False)
