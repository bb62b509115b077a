"""Reminders, the ladder of escalation, and which acknowledgment counts as having seen an alert."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.rules import attention
from alerts.rules.attention import LEVELS, Level, Rung, Seen
from alerts.rules.base import Lifecycle, Severity

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SEEN = Seen(user_id=7, is_active=True, point=5, until=NOW + SECOND)


def holds(*seen: Seen, restated_at: int | None = None) -> Seen | None:
    return attention.in_effect(seen, restated_at=restated_at, now=NOW)


def test_open_alerts_are_reminded_of_monthly_missing_data_weekly_good_news_never() -> None:
    assert attention.reminded_every(Lifecycle.EPISODIC) == timedelta(days=30)
    assert attention.reminded_every(Lifecycle.STANDING) == timedelta(days=7)
    assert attention.reminded_every(Lifecycle.ONE_SHOT) is None


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("lifecycle", list(Lifecycle))
def test_only_a_loud_alert_that_comes_and_goes_climbs_the_ladder(
    lifecycle: Lifecycle, severity: Severity
) -> None:
    loud = severity in (Severity.WARNING, Severity.CRITICAL)
    assert attention.escalates(lifecycle, severity) is (loud and lifecycle is Lifecycle.EPISODIC)
    assert attention.escalates(lifecycle, severity.value) is attention.escalates(lifecycle, severity)


def test_the_ladder_goes_from_the_owner_to_the_board_in_fourteen_business_days() -> None:
    assert list(LEVELS) == [Level(1, 3, Rung.OWNER), Level(2, 7, Rung.SPONSOR), Level(3, 14, Rung.BOARD)]
    assert [attention.LEVEL_OF[number].rung.value for number in (1, 2, 3)] == ["owner", "sponsor", "board"]
    assert [attention.gap_before(level.number) for level in LEVELS] == [3, 4, 7]


def test_the_spans_people_can_ask_for() -> None:
    assert timedelta(days=30) == attention.ACKNOWLEDGED_FOR == attention.LONG_SILENCE
    assert timedelta(days=90) == attention.LONGEST_SNOOZE
    assert timedelta(days=366) == attention.LONGEST_SILENCE
    assert timedelta(days=1) == attention.LOOK_AGAIN


def test_an_acknowledgment_holds_until_its_time_is_over() -> None:
    assert holds() is None
    assert holds(SEEN) is SEEN
    assert holds(replace(SEEN, until=NOW)) is None


def test_who_left_has_seen_nothing() -> None:
    assert holds(replace(SEEN, is_active=False)) is None


def test_a_material_restatement_voids_what_was_seen_before_it() -> None:
    assert holds(SEEN, restated_at=5) is SEEN
    assert holds(SEEN, restated_at=4) is SEEN
    assert holds(SEEN, restated_at=6) is None


def test_the_first_acknowledgment_that_holds_is_the_one() -> None:
    other = replace(SEEN, user_id=8)
    assert holds(replace(SEEN, until=NOW), other, SEEN) is other
