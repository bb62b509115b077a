"""Mail about one's portfolios, stopped and asked for again on one's own profile."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from alerts import unsubscriptions
from portfolio.models import Portfolio
from tests.reports.cast import Cast, assemble
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return assemble()


def profile(cast: Cast, name: str) -> str:
    return words_of(cast.client(name).get(reverse("admin:reports_profile")).content.decode())


def post(cast: Cast, name: str, portfolio: Portfolio, said: str) -> HttpResponse:
    address = reverse("admin:reports_profile_mail", args=[portfolio.public_id])
    answer: HttpResponse = cast.client(name).post(address, {"mail": said}, follow=True)
    return answer


def out(cast: Cast) -> set[tuple[int, int]]:
    return unsubscriptions.of([cast.portfolio.pk, cast.other.pk])


def test_mail_is_stopped_and_asked_for_again(cast: Cast) -> None:
    finn = cast.people["finn"]
    assert "Mailed to you Stop mail" in profile(cast, "finn")
    page = words_of(post(cast, "finn", cast.portfolio, "stop").content.decode())
    assert "of Customer operations are no longer mailed to you" in page
    assert "Unsubscribed" in page
    assert "Subscribe again" in page
    assert out(cast) == {(finn.pk, cast.portfolio.pk)}
    again = words_of(post(cast, "finn", cast.portfolio, "again").content.decode())
    assert "comes to you again" in again
    assert out(cast) == set()


def test_only_one_s_own_are_shown_and_changed(cast: Cast) -> None:
    unsubscriptions.unsubscribe(cast.people["finn"], cast.portfolio, now=datetime.now(UTC))
    assert "Unsubscribed" not in profile(cast, "fiona")
    post(cast, "fiona", cast.portfolio, "again")
    assert out(cast) == {(cast.people["finn"].pk, cast.portfolio.pk)}


def test_a_portfolio_of_others_is_not_there(cast: Cast) -> None:
    assert "Somebody else" not in profile(cast, "finn")
    for said in ("stop", "again"):
        assert post(cast, "finn", cast.other, said).status_code == 404
    assert out(cast) == set()


def test_an_owner_without_a_role_can_stop_mail_too(cast: Cast) -> None:
    assert "Somebody else" in profile(cast, "olivia")
    post(cast, "olivia", cast.other, "stop")
    assert out(cast) == {(cast.people["olivia"].pk, cast.other.pk)}


def test_who_lost_their_role_can_still_subscribe_again(cast: Cast) -> None:
    vera = cast.people["vera"]
    unsubscriptions.unsubscribe(vera, cast.portfolio, now=datetime.now(UTC))
    vera.memberships.all().delete()
    assert "Subscribe again" in profile(cast, "vera")
    post(cast, "vera", cast.portfolio, "again")
    assert out(cast) == set()


def test_it_needs_a_form_of_ours_and_somebody_signed_in(cast: Cast) -> None:
    address = reverse("admin:reports_profile_mail", args=[cast.portfolio.public_id])
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.people["finn"])
    assert strict.post(address, {"mail": "stop"}).status_code == 403
    assert cast.client("finn").get(address).status_code == 405
    assert Client().post(address, {"mail": "stop"}).status_code == 302
    assert out(cast) == set()
