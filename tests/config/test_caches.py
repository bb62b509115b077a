"""A search is answered by what may be seen now, not by what could be seen minutes ago."""

import pytest
from django.test import Client

from portfolio.models import Investment, Membership, Portfolio, User
from portfolio.terms import Role, parse_month

pytestmark = pytest.mark.django_db


def test_search_forgets_a_removed_member_at_once() -> None:
    portfolio = Portfolio.objects.create(code="SEARCHED", name="Searched")
    Investment.objects.create(
        portfolio=portfolio, code="FINDME-1", name="Findme", start_month=parse_month("2026-01")
    )
    vera = User.objects.create_user("vera", is_staff=True)
    membership = Membership.objects.create(user=vera, portfolio=portfolio, role=Role.VIEWER.value)
    client = Client()
    client.force_login(vera)
    address = "/admin/search/?s=findme&extended=1"

    assert b"Findme" in client.get(address).content
    membership.delete()
    assert b"Findme" not in client.get(address).content
