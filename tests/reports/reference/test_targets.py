"""Shared targets in the console: who may set them, what is refused, and that no secret is ever shown again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from alerts import targets
from alerts.channels import CHANNELS
from alerts.models import Notification, Target
from tests.reports.cast import Cast, assemble

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.com/canary?token=canary"


@pytest.fixture
def cast() -> Cast:
    """Return the cast in this test's database."""
    return assemble()


@pytest.fixture
def adam(cast: Cast) -> Client:
    """Return a client of the portfolio's administrator."""
    return cast.client("adam")


def add(client: Client, channel: str, **answers: str) -> HttpResponse:
    """Fill in the form of a new target."""
    page = reverse("admin:reports_target_new", args=["CX", channel])
    found = client.post(page, {"label": "Board"} | answers)
    assert isinstance(found, HttpResponse)
    return found


def body(client: Client, name: str, *args: object) -> str:
    """Return a page's text."""
    return client.get(reverse(f"admin:{name}", args=args)).content.decode()


@pytest.mark.parametrize(
    ("channel", "address", "is_kept"),
    [
        ("email", "board@example.com", True),
        ("email", "board", False),
        ("email", "", False),
        ("slack", "#ai-board", True),
        ("slack", "<!channel>", False),
        ("slack", "", True),
    ],
)
def test_a_target_is_kept_when_its_channel_could_deliver_to_it(
    cast: Cast, adam: Client, channel: str, address: str, is_kept: bool
) -> None:
    assert add(adam, channel, address=address).status_code == (302 if is_kept else 400)
    assert (
        Target.objects.filter(portfolio=cast.portfolio, channel=channel, address=address).exists() is is_kept
    )


@pytest.mark.parametrize("channel", [name for name in CHANNELS if name != "log"])
def test_every_channel_has_a_form_made_of_what_it_needs(adam: Client, channel: str) -> None:
    page = body(adam, "reports_target_new", "CX", channel)
    for name in CHANNELS[channel].options.__dataclass_fields__:
        assert f'name="{name}"' in page


@pytest.mark.parametrize("name", ["finn", "olivia", "vera", "mallory"])
def test_only_administrators_set_them_and_a_stranger_finds_nothing(
    cast: Cast, adam: Client, name: str
) -> None:
    add(adam, "email", address="board@example.com")
    target, client = Target.objects.get(), cast.client(name)
    assert client.get(reverse("admin:reports_targets", args=["CX"])).status_code == (
        404 if name == "mallory" else 200
    )
    assert add(client, "email", address="mine@example.com").status_code == 404
    for page in ("", "_switch", "_forget", "_test", "_renew", "_remove"):
        address = reverse(f"admin:reports_target{page}", args=[target.public_id])
        assert client.post(address, {"label": "x", "address": "y@example.com"}).status_code == 404
    target.refresh_from_db()
    assert (target.label, target.address, target.is_active) == ("Board", "board@example.com", True)
    assert Target.objects.count() == 1
    assert Notification.objects.count() == 0


def test_a_secret_is_stored_and_never_shown_again(adam: Client) -> None:
    stored = add(adam, "webhook", url=URL)
    target = Target.objects.get()
    signing = targets.options_of(target).secret
    assert signing in stored.content.decode(), "the one that was made is shown this once"
    assert "no-store" in stored["Cache-Control"]
    pages = body(adam, "reports_target", target.public_id) + body(adam, "reports_targets", "CX")
    assert "canary" not in stored.content.decode() + pages
    assert signing not in pages
    assert "canary" not in str(adam.session.items()) + str(adam.cookies)


def test_what_was_typed_into_a_secret_is_not_sent_back_with_an_error(adam: Client) -> None:
    refused = add(adam, "webhook", url="http://hooks.example.com/canary")
    assert refused.status_code == 400
    assert "must start with https://" in refused.content.decode()
    assert "canary" not in refused.content.decode()
    assert Target.objects.count() == 0


def test_a_secret_left_empty_stays_and_two_hold_during_a_change(adam: Client) -> None:
    add(adam, "webhook", url=URL)
    target = Target.objects.get()
    before, page = targets.options_of(target), reverse("admin:reports_target", args=[target.public_id])
    assert adam.post(page, {"label": "Renamed", "previous_secret": before.secret}).status_code == 302
    target.refresh_from_db()
    after = targets.options_of(target)
    assert (target.label, after.url, after.secret, after.previous_secret) == (
        "Renamed",
        URL,
        before.secret,
        before.secret,
    )
    adam.post(reverse("admin:reports_target_forget", args=[target.public_id]))
    target.refresh_from_db()
    assert targets.options_of(target).previous_secret == ""


def test_a_new_signing_secret_is_shown_once_and_the_previous_one_still_signs(adam: Client) -> None:
    add(adam, "webhook", url=URL)
    target = Target.objects.get()
    before = targets.options_of(target).secret
    shown = adam.post(reverse("admin:reports_target_renew", args=[target.public_id])).content.decode()
    target.refresh_from_db()
    after = targets.options_of(target)
    assert (after.url, after.previous_secret) == (URL, before)
    assert after.secret != before
    assert after.secret in shown
    assert before not in shown
    assert after.secret not in body(adam, "reports_target", target.public_id)


def test_a_channel_that_signs_nothing_has_no_secret_to_renew(adam: Client) -> None:
    add(adam, "teams", url=URL)
    target = Target.objects.get()
    adam.post(reverse("admin:reports_target_renew", args=[target.public_id]))
    target.refresh_from_db()
    assert targets.stored_secrets(target) == {"url"}


def test_the_same_address_twice_is_refused_in_a_sentence(adam: Client) -> None:
    add(adam, "slack", address="#board")
    assert "has a target with this address already" in add(adam, "slack", address="#board").content.decode()


def test_a_target_is_switched_tried_and_removed(adam: Client) -> None:
    add(adam, "slack", address="#board")
    target = Target.objects.get()
    for is_active in (False, True):
        adam.post(reverse("admin:reports_target_switch", args=[target.public_id]))
        target.refresh_from_db()
        assert target.is_active is is_active
    adam.post(reverse("admin:reports_target_test", args=[target.public_id]))
    assert (Notification.objects.get().channel, Notification.objects.get().address) == ("slack", "#board")
    removed = adam.post(reverse("admin:reports_target_remove", args=[target.public_id]))
    assert removed["Location"] == reverse("admin:reports_targets", args=["CX"])
    assert Target.objects.count() == 0


def test_nothing_changes_by_looking(adam: Client) -> None:
    add(adam, "slack", address="#board")
    target = Target.objects.get()
    for page in ("_switch", "_forget", "_test", "_renew", "_remove"):
        assert adam.get(reverse(f"admin:reports_target{page}", args=[target.public_id])).status_code == 405


def test_a_portfolio_names_its_targets_and_hostile_names_stay_text(cast: Cast, adam: Client) -> None:
    add(adam, "email", address="board@example.com", label="<script>alert(1)</script>")
    for page in (
        body(adam, "portfolio_portfolio_change", cast.portfolio.pk),
        body(adam, "reports_targets", "CX"),
    ):
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert(1)" not in page


def test_why_a_target_was_switched_off_by_itself_is_shown(adam: Client) -> None:
    add(adam, "webhook", url=URL)
    target = Target.objects.get()
    targets.switch_off(target, reason="The host answered 410: the address is gone.", now=datetime.now(UTC))
    for page in (body(adam, "reports_target", target.public_id), body(adam, "reports_targets", "CX")):
        assert "The host answered 410: the address is gone." in page
