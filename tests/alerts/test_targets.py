"""A portfolio's shared targets: their settings, their secrets, and who is told when one of them fails."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from alerts import secrets, targets
from alerts.channels import webhook
from alerts.models import Target
from alerts.targets import InvalidTargetError
from tests.alerts.delivery.cases import portfolio

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.com/canary-path?token=canary-token"
NOW = datetime(2026, 11, 3, tzinfo=UTC)


def made(channel: str = "webhook", **given: str) -> Target:
    target = Target(portfolio=portfolio(), channel=channel, label="Ops")
    targets.save(target, {"url": URL} | given)
    return target


def test_secrets_are_nowhere_in_the_database_in_the_clear() -> None:
    target = made()
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(t)::text FROM alerts_target t WHERE id = %s", [target.pk])
        (row,) = cursor.fetchone()
    assert "canary" not in row
    assert targets.options_of(Target.objects.get(pk=target.pk)).url == URL
    assert targets.stored_secrets(target) == {"url", "secret"}


def test_a_webhook_gets_a_secret_that_is_told_once() -> None:
    target = Target(portfolio=portfolio(), channel="webhook", label="Ops")
    told = targets.save(target, {"url": URL})
    assert told["secret"].startswith(webhook.PREFIX)
    assert targets.options_of(target).secret == told["secret"]
    assert targets.save(target, {}) == {}


def test_what_is_left_empty_stays_and_the_address_outlives_the_secret_behind_it() -> None:
    target = made()
    address, secret = target.address, targets.options_of(target).secret
    targets.save(target, {"url": "https://hooks.example.com/other"})
    again = Target.objects.get(pk=target.pk)
    assert (again.address, targets.options_of(again).secret) == (address, secret)
    assert targets.options_of(again).url == "https://hooks.example.com/other"
    assert "hooks" not in address


def test_a_secret_can_be_dropped() -> None:
    target = made(previous_secret=webhook.new_secret())
    targets.forget(target, "previous_secret")
    assert targets.stored_secrets(Target.objects.get(pk=target.pk)) == {"url", "secret"}


@pytest.mark.parametrize(
    ("channel", "given", "field"),
    [
        ("webhook", {"url": "http://hooks.example.com/x"}, "url"),
        ("webhook", {"url": ""}, "url"),
        ("webhook", {"secret": "short"}, "secret"),
        ("teams", {"url": "https://10.0.0.1:22/"}, "url"),
        ("email", {"address": "nobody"}, "address"),
        ("email", {"address": ""}, "address"),
        ("slack", {"address": "not a channel"}, "address"),
        ("apprise", {"url": "json://10.0.0.1"}, "url"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(channel: str, given: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidTargetError) as caught:
        made(channel, **given)
    assert caught.value.problems[field].endswith(".")
    assert Target.objects.count() == 0


def test_a_target_with_an_address_of_its_own_keeps_it() -> None:
    target = made("slack", address="#finance")
    assert (target.address, target.secret, target.options) == ("#finance", "", {})


def test_all_secrets_are_written_anew_and_the_old_key_can_go(settings: Settings) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.SECRET_KEYS = [old]
    rows = [made("teams"), made("webhook")]
    made("slack", address="#finance")
    settings.SECRET_KEYS = [new, old]
    call_command("rotate_secrets")
    settings.SECRET_KEYS = [new]
    assert {targets.options_of(Target.objects.get(pk=row.pk)).url for row in rows} == {URL}


def test_a_rotation_without_the_old_key_changes_nothing_and_says_so(settings: Settings) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.SECRET_KEYS = [old]
    first = made("teams")
    settings.SECRET_KEYS = [new]
    made("webhook")
    kept = set(Target.objects.values_list("secret", flat=True))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("rotate_secrets")
    assert set(Target.objects.values_list("secret", flat=True)) == kept
    with pytest.raises(secrets.UnreadableError):
        targets.options_of(first)
    assert targets.stored_secrets(first) == set()


def test_a_target_that_was_switched_off_by_itself_says_why_until_people_decide() -> None:
    target = made()
    targets.switch_off(target, reason="The host answered 410.", now=NOW)
    target.refresh_from_db()
    assert (target.is_active, targets.why_switched_off(target)) == (False, "The host answered 410.")
    assert targets.options_of(target).url == URL
    targets.switch_on(target)
    target.refresh_from_db()
    assert (target.is_active, targets.why_switched_off(target)) == (True, "")


def test_targets_are_found_by_portfolio_channel_and_address() -> None:
    target = made()
    found: Any = targets.find(target.portfolio_id, channel="webhook", address=target.address)
    assert found == target
    assert targets.find(target.portfolio_id, channel="teams", address=target.address) is None
    assert targets.find(target.portfolio_id + 1, channel="webhook", address=target.address) is None
