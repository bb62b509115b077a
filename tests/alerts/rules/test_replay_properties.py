"""Judging as facts arrive equals replaying what was recorded: random histories, restatements, acts and policy changes.

HYPOTHESIS_PROFILE=nightly draws 20,000 examples of each instead of 500; mutants, 10.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from alerts.rules import lifecycle, replay
from alerts.rules.base import MonthFacts, Policy
from alerts.rules.matching import RecordedEpisode
from alerts.rules.reconcile import Change, reconcile
from alerts.rules.replay import Differences, PastEvent, Sign
from alerts.rules.trajectory import Trajectory
from tests.alerts.rules.cases import CONTEXT, month, record, script_policy, scripted

EXAMPLES = {"nightly": 20_000, "mutants": 10}.get(os.environ.get("HYPOTHESIS_PROFILE", ""), 500)
thorough = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RULE = "hurdle_rate"


@dataclass(frozen=True, slots=True)
class Visit:
    """One evaluation: what was known, what came of it, what was written, and what the clock wrote since."""

    trajectory: Trajectory
    through: date | None
    changes: list[Change]
    written: list[PastEvent]
    clock: list[PastEvent]


@st.composite
def policies(draw: st.DrawFn) -> list[Policy]:
    """Draw versions, each in force from a later month or the same; the last may switch the rule off."""
    versions, since = [], 1
    for version in range(1, draw(st.integers(1, 3)) + 1):
        since += draw(st.integers(0, 3)) if version > 1 else 0
        made = script_policy(
            version=version,
            effective_month=month(since),
            for_months=draw(st.sampled_from([1, 1, 2, 3])),
            keep_months=draw(st.integers(1, 3)),
        )
        hurdle = draw(st.sampled_from(["0", "0.06", "-0.2"])) if version > 1 else "0"
        versions.append(replace(made, hurdle=Decimal(hurdle)))
    if len(versions) > 1 and draw(st.integers(0, 5)) == 0:
        versions[-1] = replace(versions[-1], enabled=False)
    return versions


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[list[Policy], list[MonthFacts]]]:
    """Draw what each evaluation knows: months close, fill late, are restated or reopened, policies are added."""
    versions, shown = draw(policies()), []
    known, seen = 1, []
    for _ in range(draw(st.integers(1, 8))):
        shown += draw(st.lists(st.sampled_from("BBBBCCN-E"), min_size=0 if shown else 2, max_size=4))
        for at in draw(st.lists(st.integers(0, len(shown) - 1), max_size=3)):
            shown[at] = draw(st.sampled_from("BBBCCN-Eo"))
        known = min(len(versions), known + draw(st.integers(0, 1)))
        in_time = [v for v in versions[:known] if v.enabled or v.effective_month <= month(len(shown))]
        facts = scripted("".join(shown))
        if draw(st.booleans()) and facts:
            # Another value with the same verdict: a restatement that moves figures only.
            at = draw(st.integers(0, len(facts) - 1))
            facts[at] = replace(facts[at], benefit=facts[at].benefit - draw(st.integers(0, 2)) * 1_000_000)
        seen.append((in_time, facts))
    return seen


def past(change: Change, episode: RecordedEpisode) -> PastEvent:
    """Return a change as the database keeps it: how the episode stood after it."""
    return PastEvent(
        number=change.number,
        kind=change.kind.value,
        ordinal=change.ordinal,
        month=change.month,
        notice=change.notice.value,
        fired_month=episode.fired_month,
        first_breach_month=episode.first_breach_month or episode.fired_month,
        resolved_month=episode.resolved_month,
        closed_reason=episode.closed_reason.value if episode.closed_reason else "",
        value=change.firing.value if change.firing else None,
    )


def acts(
    draw: st.DrawFn, episodes: Sequence[RecordedEpisode], so_far: Sequence[PastEvent]
) -> list[PastEvent]:
    """Draw what the clock and people make of open episodes meanwhile: it repeats the figures of the opening."""
    made = []
    for episode in episodes:
        opening = next(e for e in so_far if e.number == episode.number and e.kind in ("fired", "reopened"))
        if episode.is_open and draw(st.booleans()):
            kind = draw(st.sampled_from(["reminder", "escalated", "silence_ended"]))
            ordinal = 1 + sum(1 for e in so_far if (e.number, e.kind) == (episode.number, kind))
            made.append(replace(opening, kind=kind, ordinal=ordinal, notice="now"))
    return made


@st.composite
def visits(draw: st.DrawFn) -> list[Visit]:
    """Return a life as an installation records it, evaluation by evaluation."""
    recorded: list[RecordedEpisode] = []
    through: date | None = None
    made: list[Visit] = []
    for versions, facts in draw(lives()):
        trajectory = lifecycle.fold(versions, facts, CONTEXT)
        changes = reconcile(recorded, trajectory, judged_through=through)
        recorded = record(recorded, changes)
        held = {episode.number: episode for episode in recorded}
        written = [past(change, held[change.number]) for change in changes]
        so_far = [e for visit in made for e in visit.written] + written
        made.append(Visit(trajectory, through, changes, written, acts(draw, recorded, so_far)))
        through = trajectory.last.month if trajectory.last else None
    return made


def before(life: Sequence[Visit], at: int) -> list[PastEvent]:
    return [event for visit in life[:at] for event in (*visit.written, *visit.clock)]


@thorough
@given(visits())
def test_evaluating_step_by_step_equals_replaying_the_recorded_points(life: list[Visit]) -> None:
    event(f"{min(3, sum(len(visit.changes) for visit in life))} changes or more")
    chain: list[PastEvent] = []
    for at, visit in enumerate(life):
        changes = replay.expected(before(life, at), visit.trajectory, judged_through=visit.through)
        assert changes == visit.changes
        assert replay.differences(changes, [*visit.written, *visit.clock]) == Differences()
        assert replay.written_by(changes, before(life, at)) == visit.written
        # Also without any record: each replay on what the replays before it came to.
        assert replay.expected(chain, visit.trajectory, judged_through=visit.through) == visit.changes
        chain += replay.written_by(changes, chain)


@thorough
@given(visits(), st.data())
def test_exactly_what_is_dropped_is_lost(life: list[Visit], data: st.DataObject) -> None:
    eventful = [visit for visit in life if visit.written]
    if not eventful:
        return
    visit = data.draw(st.sampled_from(eventful))
    gone = data.draw(st.sampled_from(visit.written))
    rest = [each for each in visit.written if each != gone]
    found = replay.differences(visit.changes, rest)
    assert found == Differences(lost=(Sign(gone.number, gone.kind, gone.ordinal, gone.month),))
    invented = replace(gone, ordinal=gone.ordinal + 1)
    found = replay.differences(visit.changes, [*visit.written, invented])
    assert found.lost == ()
    assert [sign.ordinal for sign in found.phantom] == [gone.ordinal + 1]


@thorough
@given(visits())
def test_the_record_is_what_its_events_say(life: list[Visit]) -> None:
    """Whatever is read of episodes can be rebuilt from events; what the clock wrote changes nothing."""
    recorded: list[RecordedEpisode] = []
    for at, visit in enumerate(life):
        assert replay.episodes_of(before(life, at)) == replay.episodes_of(
            [each for each in before(life, at) if each.kind in replay.CHANGES]
        )
        recorded = record(recorded, visit.changes)
        rebuilt = replay.episodes_of(before(life, at + 1))
        assert [replace(e, value=None) for e in rebuilt] == [
            replace(e, value=None) for e in sorted(recorded, key=lambda e: e.number)
        ]
