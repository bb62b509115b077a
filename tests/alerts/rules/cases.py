"""Builders for facts, policies and scripted histories; no database, no clock."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from alerts.rules import lifecycle
from alerts.rules.base import Context, MonthFacts, Policy
from alerts.rules.matching import RecordedEpisode
from alerts.rules.reconcile import Change, ChangeKind, Notice, reconcile
from alerts.rules.trajectory import Trajectory
from portfolio.terms import MICRO, add_months

START = date(2024, 1, 1)
CONTEXT = Context(start_month=START, horizon_months=36, live_month=START)

# The benefit that makes each verdict at hurdle 0, margin 0.1, window 1 and a run cost of 100.
BENEFIT = {"B": 90, "N": 105, "C": 200, "-": 0, "E": 100, "o": 0}


def month(number: int) -> date:
    """Return the month with this number."""
    return add_months(START, number - 1)


def policy(rule: str = "hurdle_rate", **changes: Any) -> Policy:
    """Return a policy of one month's window in force from the start."""
    values: dict[str, Any] = {
        "rule": rule,
        "version": 1,
        "effective_month": START,
        "for_months": 1,
        "keep_months": 1,
        "window": 1,
    }
    return Policy(**(values | changes))


def facts(
    benefits: Sequence[int],
    *,
    run: int = 100,
    one_time: int = 0,
    changes: dict[int, dict[str, Any]] | None = None,
) -> list[MonthFacts]:
    """Return closed, complete months of these benefits in whole currency; `changes` by month number."""
    months = []
    total_benefit, total_cost, known = 0, one_time * MICRO, True
    for number, benefit in enumerate(benefits, start=1):
        total_benefit += benefit * MICRO
        total_cost += run * MICRO
        values: dict[str, Any] = {
            "month": month(number),
            "closed": True,
            "complete": True,
            "benefit": benefit * MICRO,
            "avoidable_run": run * MICRO,
            "cumulative_benefit": total_benefit,
            "cumulative_cost": total_cost,
        } | (changes or {}).get(number, {})
        known = known and (values["complete"] or not values["closed"])
        values.setdefault("cumulative_known", known)
        months.append(MonthFacts(**values))
    return months


def scripted(script: str) -> list[MonthFacts]:
    """Return months whose verdicts by `script_policy` are these letters: Breach, baNd, Clear, -, Error, o."""
    changes: dict[int, dict[str, Any]] = {}
    for number, letter in enumerate(script, start=1):
        if letter in "-o":
            changes[number] = {"complete": False, "closed": letter == "-"}
        if letter == "E":
            changes[number] = {"overflow": True}
    return facts([BENEFIT[letter] for letter in script], changes=changes)


def script_policy(**changes: Any) -> Policy:
    """Return the hurdle policy that reads scripted months."""
    return policy(margin=Decimal("0.1"), **changes)


def told(script: str, *, context: Context = CONTEXT, **changes: Any) -> Trajectory:
    """Return the trajectory of a scripted history."""
    return lifecycle.fold([script_policy(**changes)], scripted(script), context)


def states(trajectory: Trajectory) -> str:
    """Return the states as letters: normal, pending, Firing, Recovering."""
    letters = {"normal": "n", "pending": "p", "firing": "F", "recovering": "R"}
    return "".join(letters[point.state] for point in trajectory.months)


def record(recorded: Sequence[RecordedEpisode], changes: Sequence[Change]) -> list[RecordedEpisode]:
    """Return the record after the changes are written, as the database would hold it."""
    held = {episode.number: episode for episode in recorded}
    for change in changes:
        before = held.get(change.number)
        firing = change.firing
        ordinals = dict(before.ordinals) if before else {}
        assert ordinals.get(change.kind, 0) + 1 == change.ordinal
        ordinals[change.kind] = change.ordinal
        fired = change.kind in (ChangeKind.FIRED, ChangeKind.REOPENED)
        assert before or firing
        held[change.number] = RecordedEpisode(
            number=change.number,
            fired_month=firing.fired_month if firing else before.fired_month,  # type: ignore[union-attr]
            first_breach_month=firing.first_breach_month if firing else before.first_breach_month,  # type: ignore[union-attr]
            announced=bool(before and before.announced) or (fired and change.announce),
            resolved_month=change.resolved_month,
            closed_reason=change.closed_reason,
            value=firing.value if firing else before.value,  # type: ignore[union-attr]
            ordinals=ordinals,
        )
        assert sum(episode.is_open for episode in held.values()) <= 1
    return list(held.values())


class Desk:
    """A desk that judges one rule again and again and keeps the record, as the database does."""

    def __init__(self) -> None:
        self.recorded: list[RecordedEpisode] = []
        self.judged_through: date | None = None

    def see(self, trajectory: Trajectory) -> list[Change]:
        """Return what changed, having written it down; seeing the same again must change nothing."""
        changes = reconcile(self.recorded, trajectory, judged_through=self.judged_through)
        self.recorded = record(self.recorded, changes)
        if trajectory.last is not None:
            self.judged_through = max(self.judged_through or START, trajectory.last.month)
        assert reconcile(self.recorded, trajectory, judged_through=self.judged_through) == []
        assert sum(change.announce for change in changes) <= 1
        return changes

    def hear(self, trajectory: Trajectory) -> list[str]:
        """Return the notices of what changed, as kind#number, with the digest's in brackets."""
        shown = {Notice.NOW: "{}#{}", Notice.DIGEST: "[{}#{}]"}
        return [
            shown[change.notice].format(change.kind, change.number)
            for change in self.see(trajectory)
            if change.notice in shown
        ]
