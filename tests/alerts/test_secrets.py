"""Secrets at rest: sealed with the installation's keys, opened by any of them, changed one key at a time."""

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from alerts import secrets
from alerts.secrets import UnreadableError

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=4))
def test_what_is_sealed_opens_and_is_not_readable_before(values: dict[str, str]) -> None:
    sealed = secrets.seal(values)
    assert secrets.unseal(sealed) == values
    assert all(value not in sealed for value in values.values() if len(value) > 3)


def test_nothing_is_sealed_as_nothing() -> None:
    assert secrets.seal({}) == ""
    assert secrets.unseal("") == {}
    assert secrets.reseal("") == ""


def test_equal_secrets_do_not_look_equal() -> None:
    assert secrets.seal({"url": "x"}) != secrets.seal({"url": "x"})


def test_the_first_key_seals_and_all_open(settings: Settings) -> None:
    settings.SECRET_KEYS = [OLD]
    sealed = secrets.seal({"url": "x"})
    settings.SECRET_KEYS = [NEW, OLD]
    assert secrets.unseal(sealed) == {"url": "x"}
    again = secrets.reseal(sealed)
    settings.SECRET_KEYS = [NEW]
    assert secrets.unseal(again) == {"url": "x"}
    with pytest.raises(UnreadableError, match="HURDLE_SECRET_KEYS"):
        secrets.unseal(sealed)
    with pytest.raises(UnreadableError):
        secrets.reseal(sealed)


def test_without_keys_one_is_derived_that_is_not_the_secret_key(settings: Settings) -> None:
    settings.SECRET_KEYS = []
    sealed = secrets.seal({"url": "x"})
    assert secrets.unseal(sealed) == {"url": "x"}
    settings.SECRET_KEY = "another" * 10
    with pytest.raises(UnreadableError):
        secrets.unseal(sealed)


@pytest.mark.parametrize("sealed", ["x", "gAAAAABm", "…"])
def test_what_was_tampered_with_does_not_open(sealed: str) -> None:
    with pytest.raises(UnreadableError):
        secrets.unseal(sealed)


def test_a_changed_letter_does_not_open() -> None:
    sealed = secrets.seal({"url": "https://hooks.example.com/canary"})
    with pytest.raises(UnreadableError):
        secrets.unseal(sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:])
