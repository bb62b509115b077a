"""The sidebar: every page it names opens, and pages for administrators are named to them alone."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from config import navigation
from portfolio.models import User
from tests.reports.cast import assemble

pytestmark = pytest.mark.django_db


def links(user: User) -> dict[str, str]:
    """Return the sidebar's pages by title."""
    request = RequestFactory().get("/")
    request.user = user
    return {item["title"]: item["link"] for group in navigation.sidebar(request) for item in group["items"]}


def test_every_page_of_the_sidebar_opens() -> None:
    """A recorder reaches each page that is named."""
    cast = assemble()
    client = cast.client("finn")
    pages = links(cast.people["finn"])
    assert {"Overview", "Investments", "Month grid", "Imports", "Months", "Notifications"} <= pages.keys()
    for title, address in pages.items():
        assert client.get(address).status_code == 200, title


def test_people_are_named_to_administrators_of_the_site_alone() -> None:
    """Accounts of people are the site administrator's page."""
    cast = assemble()
    assert "People" not in links(cast.people["finn"])
    cast.people["adam"].is_superuser = True
    assert "People" in links(cast.people["adam"])


def test_a_page_that_is_not_installed_is_left_out() -> None:
    """No broken link: the entry is missing instead."""
    assert navigation._item("Nothing", "block", "admin:there_is_no_such_page") is None
