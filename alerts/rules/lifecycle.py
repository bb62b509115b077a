"""The fold: verdicts over closed months, in order, become states and episodes. Notices are not here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise

from alerts.rules import RULES
from alerts.rules.base import (
    MAX_GAP,
    Context,
    Lifecycle,
    MonthFacts,
    NoData,
    Policy,
    Rule,
    RuleError,
    Verdict,
    VerdictKind,
    check_months,
    no_data,
)
from alerts.rules.trajectory import ClosedReason, Firing, MonthState, State, Trajectory


@dataclass(frozen=True, slots=True)
class Position:
    """A state, how many months count towards the next one, and how many months in a row had no data."""

    state: State = State.NORMAL
    count: int = 0
    gap: int = 0


def step(
    position: Position, kind: VerdictKind, *, for_months: int, keep_months: int, max_gap: int = MAX_GAP
) -> Position:
    """Return the position after one more month. Only months with data count as consecutive."""
    if kind is VerdictKind.ERROR:
        return position
    if kind is VerdictKind.NODATA:
        gap = position.gap + 1
        if position.state is State.PENDING and gap > max_gap:
            return Position(gap=gap)
        return replace(position, gap=gap)
    if position.state in (State.NORMAL, State.PENDING):
        if kind is not VerdictKind.BREACH:
            return Position()
        count = position.count + 1
        return Position(State.FIRING) if count >= for_months else Position(State.PENDING, count)
    if kind is not VerdictKind.CLEAR:
        return Position(State.FIRING)
    count = position.count + 1
    return Position() if count >= keep_months else Position(State.RECOVERING, count)


def in_force(policies: Sequence[Policy], month: date) -> Policy | None:
    """Return the version in force in a month, None before the first one."""
    for policy in reversed(policies):
        if policy.effective_month <= month:
            return policy
    return None


def fold(
    policies: Sequence[Policy],
    months: Sequence[MonthFacts],
    context: Context,
    *,
    by_version: Mapping[int, Sequence[MonthFacts]] | None = None,
) -> Trajectory:
    """Fold one rule's verdicts over an investment's closed months; open months are not looked at.

    `policies` are the versions of one rule, ascending by effective month. A disabled last version ends the
    rule at once: leave out versions whose time has not come. `by_version` holds the facts of versions that
    judge another basis or annual hurdle than `months` were computed for. Raises RuleError.
    """
    rule = _rule_of(policies)
    check_months(months, context)
    run = _Run(rule, policies, months, context, by_version or {})
    run.walk()
    return Trajectory(
        rule=rule.name,
        lifecycle=rule.lifecycle,
        months=tuple(run.states),
        firings=tuple(run.firings),
        ending=run.ending(),
    )


def _rule_of(policies: Sequence[Policy]) -> Rule:
    names = {policy.rule for policy in policies}
    if len(names) != 1:
        raise RuleError("A fold needs the policy versions of exactly one rule.")
    if any(a.effective_month > b.effective_month for a, b in pairwise(policies)):
        raise RuleError("Policy versions must be given in the order in which they take effect.")
    name = names.pop()
    if name not in RULES:
        raise RuleError(f"There is no rule named '{name}'. The rules are {', '.join(RULES)}.")
    return RULES[name]


@dataclass(slots=True)
class _Run:
    """One walk over the months of one rule."""

    rule: Rule
    policies: Sequence[Policy]
    months: Sequence[MonthFacts]
    context: Context
    by_version: Mapping[int, Sequence[MonthFacts]]
    states: list[MonthState] = field(default_factory=list)
    firings: list[Firing] = field(default_factory=list)
    position: Position = Position()
    breach_since: date | None = None
    judged_under: Policy | None = None

    @property
    def _open(self) -> Firing | None:
        return self.firings[-1] if self.firings and self.firings[-1].is_open else None

    def walk(self) -> None:
        """Judge every closed month up to the investment's end, then close what an end closes."""
        ended = self.context.ended_month
        for i, facts in enumerate(self.months):
            if ended is not None and facts.month >= ended:
                break
            if facts.closed:
                self._month(i, facts.month)
        ending = self.ending()
        if ending is not None:
            self._close(*ending)

    def ending(self) -> tuple[date, ClosedReason] | None:
        """Return since when and why nothing can be open any more. It need not wait for that month's close."""
        if self.context.ended_month is not None:
            return self.context.ended_month, ClosedReason.INVESTMENT_CLOSED
        latest = self.policies[-1]
        return None if latest.enabled else (latest.effective_month, ClosedReason.RULE_DELETED)

    def _month(self, i: int, month: date) -> None:
        policy = in_force(self.policies, month)
        if policy is None:
            self._note(month, no_data(NoData.NOT_IN_FORCE), None)
            return
        if not policy.enabled:
            self._close(policy.effective_month, ClosedReason.RULE_DELETED)
            self._note(month, no_data(NoData.NOT_IN_FORCE), policy)
            return
        verdict = self._judge(policy, i)
        match self.rule.lifecycle:
            case Lifecycle.EPISODIC:
                self._advance(policy, i, verdict)
            case Lifecycle.ONE_SHOT:
                self._fire_once(policy, month, verdict)
            case Lifecycle.STANDING:
                self._stand(policy, month, verdict)
        if verdict.has_data:
            self.judged_under = policy
        self._note(month, verdict, policy)

    def _judge(self, policy: Policy, i: int) -> Verdict:
        facts = self.by_version.get(policy.version, self.months)
        return self.rule.judge(policy, facts, i, self.context)

    def _note(self, month: date, verdict: Verdict, policy: Policy | None) -> None:
        self.states.append(
            MonthState(
                month=month,
                state=self.position.state,
                count=self.position.count,
                verdict=verdict,
                policy=policy,
            )
        )

    def _advance(self, policy: Policy, i: int, verdict: Verdict) -> None:
        month = self.months[i].month
        if self._is_cleared_by_change(policy, i, verdict):
            self._close(month, ClosedReason.RULE_CHANGED)
            return
        before = self.position
        self.position = step(
            before,
            verdict.kind,
            for_months=policy.for_months,
            keep_months=policy.keep_months,
            max_gap=policy.max_gap,
        )
        if before.state is State.NORMAL and verdict.kind is VerdictKind.BREACH:
            self.breach_since = month
        if self.position.state is State.FIRING and self._open is None:
            self._open_firing(policy, month, verdict, first_breach_month=self.breach_since or month)
        elif self.position.state is State.NORMAL:
            self._close(month, ClosedReason.RESOLVED)

    def _is_cleared_by_change(self, policy: Policy, i: int, verdict: Verdict) -> bool:
        """Whether it is the new version, not the investment, that clears the first month judged under it."""
        old = self.judged_under
        if self._open is None or verdict.kind is not VerdictKind.CLEAR or old is None:
            return False
        return old.version != policy.version and self._judge(old, i).kind is not VerdictKind.CLEAR

    def _fire_once(self, policy: Policy, month: date, verdict: Verdict) -> None:
        if verdict.kind is VerdictKind.BREACH and not self.firings:
            self._open_firing(policy, month, verdict, first_breach_month=month)
            self._close(month, ClosedReason.ONE_SHOT)

    def _stand(self, policy: Policy, month: date, verdict: Verdict) -> None:
        """Keep what is true now: one episode since the first month concerned, none when nothing is."""
        self.firings.clear()
        self.position = Position()
        if verdict.kind is VerdictKind.BREACH:
            since = verdict.months[0] if verdict.months else month
            self._open_firing(policy, since, verdict, first_breach_month=since)
            self.position = Position(State.FIRING)

    def _open_firing(
        self, policy: Policy, month: date, verdict: Verdict, *, first_breach_month: date
    ) -> None:
        self.firings.append(
            Firing(
                number=len(self.firings) + 1,
                first_breach_month=first_breach_month,
                fired_month=month,
                verdict=verdict,
                policy=policy,
            )
        )

    def _close(self, month: date, reason: ClosedReason) -> None:
        """Close what is open, if anything is, and start over."""
        self.position = Position()
        self.breach_since = None
        if self._open is not None:
            self.firings[-1] = replace(self.firings[-1], resolved_month=month, closed_reason=reason)
