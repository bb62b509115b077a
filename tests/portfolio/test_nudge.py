"""The bell rings once a transaction, and not at all for what was rolled back."""

from typing import Any

import pytest
from celery import current_app
from django.db import transaction

from portfolio import nudge


class Undone(Exception):
    """Rolls a block back."""


@transaction.atomic
def _ring_and_roll_back(ids: list[int]) -> None:
    nudge.ring(ids)
    raise Undone


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    heard: list[list[int]] = []

    def send_task(name: str, *, kwargs: dict[str, Any], **options: object) -> None:
        assert name == nudge.TASK
        heard.append(kwargs["ids"])

    monkeypatch.setattr(current_app, "send_task", send_task)
    return heard


def test_one_bell_for_all_that_one_transaction_did(
    rung: list[list[int]], django_capture_on_commit_callbacks: Any, db: None
) -> None:
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        nudge.ring([3, 1])
        nudge.ring([2])
    assert rung == [[1, 2, 3]]


@pytest.mark.parametrize("ids", [range(nudge.MAX_IDS + 1), []])
def test_too_many_investments_are_left_to_the_workers_to_find(
    ids: list[int], rung: list[list[int]], django_capture_on_commit_callbacks: Any, db: None
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        nudge.ring(ids)
        nudge.ring([5])
    assert rung == [[]]


def test_what_was_rolled_back_is_not_rung_for_and_silences_nothing(
    rung: list[list[int]], django_capture_on_commit_callbacks: Any, db: None
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        with pytest.raises(Undone):
            _ring_and_roll_back([7])
        nudge.ring([8])
    assert rung == [[8]]


def test_a_dead_broker_is_survived(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any, db: None
) -> None:
    def send_task(*args: object, **options: object) -> None:
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(current_app, "send_task", send_task)
    with django_capture_on_commit_callbacks(execute=True):
        nudge.ring([1])
