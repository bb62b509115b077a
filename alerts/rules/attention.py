"""When people are reminded, whom a silence of theirs escalates to, and what counts as having been seen. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.rules.base import Lifecycle, Severity

ACKNOWLEDGED_FOR = timedelta(days=30)
LONGEST_SNOOZE = timedelta(days=90)
LONGEST_SILENCE = timedelta(days=366)
# A silence of the negative rule beyond this needs a second person.
LONG_SILENCE = timedelta(days=30)
# How soon what was put off is looked at again: an acknowledgment may end before its time.
LOOK_AGAIN = timedelta(days=1)
_REMIND = {Lifecycle.EPISODIC: timedelta(days=30), Lifecycle.STANDING: timedelta(days=7)}
_LOUD = frozenset({Severity.WARNING, Severity.CRITICAL})


class Rung(StrEnum):
    """Whom a level of escalation tells."""

    OWNER = "owner"
    SPONSOR = "sponsor"
    BOARD = "board"


@dataclass(frozen=True, slots=True)
class Level:
    """One level of escalation: due so many business days after the alert, told to a rung."""

    number: int
    business_days: int
    rung: Rung


LEVELS = (Level(1, 3, Rung.OWNER), Level(2, 7, Rung.SPONSOR), Level(3, 14, Rung.BOARD))
LEVEL_OF = {level.number: level for level in LEVELS}


@dataclass(frozen=True, slots=True)
class Seen:
    """One acknowledgment as it stands: `point` is the facts version it was given on."""

    user_id: int
    is_active: bool
    point: int
    until: datetime


def reminded_every(lifecycle: Lifecycle) -> timedelta | None:
    """Return how often people are reminded of an open episode; None: never, good news is told once."""
    return _REMIND.get(lifecycle)


def escalates(lifecycle: Lifecycle, severity: str) -> bool:
    """Whether an alert nobody answers goes up the ladder."""
    return lifecycle is Lifecycle.EPISODIC and severity in _LOUD


def in_effect(seen: Sequence[Seen], *, restated_at: int | None, now: datetime) -> Seen | None:
    """Return the acknowledgment that holds now: the first that is not over, not void, and not of somebody who left.

    `restated_at` is the facts version of the last material restatement: what was seen before it has changed.
    """
    for one in seen:
        is_current = restated_at is None or one.point >= restated_at
        if one.until > now and one.is_active and is_current:
            return one
    return None


def gap_before(level: int) -> int:
    """Return the business days between a level and the one before it: levels that are late do not come in a burst."""
    before = LEVEL_OF.get(level - 1)
    return LEVEL_OF[level].business_days - (before.business_days if before else 0)
