"""Every page of the console without a row in its address: who is let in, and that a stranger reads nothing of it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from reports.console import pages
from tests.reports.figures_cast import Figures, assemble_with_figures

pytestmark = pytest.mark.django_db

CAST = ("vera", "olivia", "finn", "adam", "mallory")
# What each of the cast gets. Mallory belongs to another portfolio, whose administrator she is.
MEMBERS = (200, 200, 200, 200, 404)
RECORDERS = (404, 200, 200, 200, 404)
OWN_ROWS = (200, 200, 200, 200, 200)
NOBODY = (404, 404, 404, 404, 404)
VERB = (405, 405, 405, 405, 405)
MATRIX: dict[str, tuple[int, ...]] = {
    "reports_absences": OWN_ROWS,
    "reports_agenda": MEMBERS,
    "reports_alerts": OWN_ROWS,
    "reports_approvals": OWN_ROWS,
    "reports_calendars": MEMBERS,
    # Who records is led to a new case; a viewer reads why not.
    "reports_case_new": (200, 302, 302, 302, 302),
    "reports_cases": MEMBERS,
    "reports_decisions": OWN_ROWS,
    "reports_fx": (404, 404, 200, 200, 200),
    "reports_grid": RECORDERS,
    "reports_grid_save": VERB,
    "reports_import_template": RECORDERS,
    "reports_imports": OWN_ROWS,
    "reports_months": MEMBERS,
    "reports_months_change": VERB,
    # For administrators of the site.
    "reports_operations": NOBODY,
    "reports_outbox": OWN_ROWS,
    "reports_outbox_test": (404, 200, 200, 200, 200),
    "reports_policies": MEMBERS,
    "reports_portfolio_view": MEMBERS,
    "reports_prices": MEMBERS,
    "reports_profile": OWN_ROWS,
    "reports_rates": MEMBERS,
    "reports_reallocation": MEMBERS,
    "reports_report_preview": MEMBERS,
    "reports_report_send": VERB,
    "reports_reports": MEMBERS,
    "reports_reviews": OWN_ROWS,
    "reports_routes": MEMBERS,
    "reports_schedule_new": VERB,
    "reports_silences": MEMBERS,
}
MARKS = ("Customer operations", "SUP-001", "SUM-002", "Call summaries")


@pytest.fixture
def figures() -> Figures:
    """Investments with figures, alerts and reviews of a portfolio that Mallory does not belong to."""
    return assemble_with_figures()


def test_every_page_has_a_row() -> None:
    named = {str(one.name) for one in pages._all_pages() if "<" not in str(one.pattern)}
    assert named == set(MATRIX)


@pytest.mark.parametrize("name", MATRIX)
def test_who_gets_what(figures: Figures, name: str) -> None:
    address, asked = reverse(f"admin:{name}"), {"portfolio": "CX", "audience": "monthly_pack"}
    nobody = Client().get(address, asked)
    assert (nobody.status_code, "login" in nobody.headers["Location"]) == (302, True)
    found = tuple(figures.cast.client(who).get(address, asked).status_code for who in CAST)
    assert found == MATRIX[name]
    for query in ({}, asked):
        read = figures.cast.client("mallory").get(address, query, follow=True).content.decode()
        assert [mark for mark in MARKS if mark in read] == []


def test_a_member_reads_the_marks(figures: Figures) -> None:
    read = figures.cast.client("vera").get(reverse("admin:reports_agenda")).content.decode()
    assert {"SUM-002", "Call summaries"} <= {mark for mark in MARKS if mark in read}
