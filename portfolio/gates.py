"""The gates between stages: pure rules over what is known of an investment, each answer with its reason. No Django."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolio.terms import DecisionKind, Stage, StrategicKind, ValueCategory, format_month

_S, _K = Stage, DecisionKind

# From each stage, the stages it may go to. Retired and killed are left by nothing.
MOVES: dict[Stage, tuple[Stage, ...]] = {
    _S.PROPOSED: (_S.APPROVED, _S.DECOMMISSIONING, _S.PIVOTED, _S.KILLED),
    _S.APPROVED: (_S.PILOT, _S.SCALED, _S.DECOMMISSIONING, _S.PIVOTED, _S.KILLED),
    _S.PILOT: (_S.SCALED, _S.DECOMMISSIONING, _S.PIVOTED, _S.KILLED),
    _S.SCALED: (_S.MAINTAINED, _S.DECOMMISSIONING, _S.PIVOTED, _S.KILLED),
    _S.MAINTAINED: (_S.SCALED, _S.DECOMMISSIONING, _S.PIVOTED, _S.KILLED),
    _S.DECOMMISSIONING: (_S.RETIRED, _S.PIVOTED, _S.KILLED),
    _S.PIVOTED: (_S.PROPOSED, _S.DECOMMISSIONING, _S.KILLED),
    _S.RETIRED: (),
    _S.KILLED: (),
}
# What has to be decided before an investment ends or turns elsewhere.
DECISIONS: dict[Stage, tuple[DecisionKind, ...]] = {
    _S.DECOMMISSIONING: (_K.SUNSET, _K.REPLACE, _K.PULL_BACK, _K.KILL),
    _S.RETIRED: (_K.SUNSET, _K.REPLACE, _K.PULL_BACK, _K.KILL),
    _S.KILLED: (_K.SUNSET, _K.KILL),
    _S.PIVOTED: (_K.PIVOT,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The newest version of the hypothesis, as far as gates look at it."""

    version: int
    metric: str
    has_target: bool
    target_date: date | None
    measurement_plan: str
    kill_line: str
    baseline_to: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """The strategic terms in force."""

    kind: StrategicKind
    expires_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Whether what a threshold policy judges is planned or reported: a benefit and a cost of running."""

    rules: tuple[str, ...]
    has_benefit: bool
    has_run_cost: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the gates know of an investment. Money in the portfolio's reporting currency, undefined is None."""

    code: str
    stage: Stage
    category: ValueCategory
    today: date
    live_month: date | None
    review_date: date | None
    has_owner: bool
    cost: Decimal | None
    cost_source: str
    threshold: Decimal
    currency: str
    claim: Claim | None
    baseline_to: date | None
    strategy: Strategy | None
    inputs: Inputs | None
    actual_months: int
    decision: DecisionKind | None = None

    @property
    def is_major(self) -> bool:
        """Whether its cost reaches the portfolio's materiality threshold; one of unknown cost is held to be major."""
        return self.cost is None or self.cost >= self.threshold


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gate asks, whether it is met, and the sentence that says why."""

    code: str
    is_met: bool
    sentence: str


def moves(stage: Stage) -> tuple[Stage, ...]:
    """Return the stages an investment may go to from a stage."""
    return MOVES[stage]


def answers(facts: Facts, to_stage: Stage) -> tuple[Answer, ...]:
    """Return what the gate of a stage asks and how it is answered; all must be met to pass."""
    asked = [_move(facts, to_stage)]
    for question in _QUESTIONS.get(to_stage, ()):
        asked += question(facts)
    if to_stage in DECISIONS:
        asked += _decision(facts, to_stage)
    return tuple(asked)


def passes(given: tuple[Answer, ...]) -> bool:
    """Return whether every answer is met."""
    return all(answer.is_met for answer in given)


def _words(stage: Stage) -> str:
    return stage.value.replace("_", " ")


def _move(facts: Facts, to_stage: Stage) -> Answer:
    open_to = moves(facts.stage)
    if to_stage in open_to:
        return Answer("move", True, f"From {_words(facts.stage)} it may become {_words(to_stage)}.")
    named = ", ".join(_words(stage) for stage in open_to)
    further = f"it may become {named}" if named else "it stays what it is"
    return Answer(
        "move", False, f"What is {_words(facts.stage)} does not become {_words(to_stage)}; {further}."
    )


def _owner(facts: Facts) -> Iterator[Answer]:
    yield Answer("owner", facts.has_owner, "It has an owner." if facts.has_owner else "Name its owner.")


def _size(facts: Facts) -> Iterator[Answer]:
    bar = f"{facts.threshold:,.0f} {facts.currency}"
    if facts.cost is None:
        sentence = (
            f"What it costs is not known, so neither is whether it reaches {bar}: state a plan or a case."
        )
        yield Answer("size", False, sentence)
        return
    major = f"from {bar} on it is major" if facts.is_major else f"below {bar} it is not major"
    yield Answer(
        "size", True, f"It costs {facts.cost:,.0f} {facts.currency} by {facts.cost_source}; {major}."
    )


def _hypothesis(facts: Facts) -> Iterator[Answer]:
    if not facts.is_major:
        return
    claim = facts.claim
    if claim is None:
        yield Answer("hypothesis", False, "State its hypothesis: a metric, its target and by when.")
    else:
        lacking = [
            name
            for name, is_there in (
                ("metric", bool(claim.metric)),
                ("target", claim.has_target),
                ("date of the target", claim.target_date is not None),
                ("kill line", bool(claim.kill_line)),
            )
            if not is_there
        ]
        sentence = f"Version {claim.version} of its hypothesis is complete."
        if lacking:
            sentence = f"Version {claim.version} of its hypothesis lacks: {', '.join(lacking)}."
        yield Answer("hypothesis", not lacking, sentence)
    has_plan = claim is not None and bool(claim.measurement_plan)
    yield Answer(
        "measurement_plan",
        has_plan,
        "It says how the metric is measured."
        if has_plan
        else "Say how the metric of its hypothesis is measured.",
    )


def _baseline(facts: Facts) -> Iterator[Answer]:
    if not facts.is_major:
        return
    known = [day for day in (facts.baseline_to, facts.claim and facts.claim.baseline_to) if day]
    if not known:
        yield Answer("baseline", False, "Measure a baseline before it is in use: a value and its period.")
        return
    # One measured in time is enough: more may be measured for comparison later.
    first = min(known)
    if facts.live_month is not None and first >= facts.live_month:
        live = format_month(facts.live_month)
        yield Answer(
            "baseline", False, f"Its baseline was measured until {first}, when it was in use since {live}."
        )
        return
    yield Answer("baseline", True, f"Its baseline was measured until {first}.")


def _review(facts: Facts) -> Iterator[Answer]:
    if not facts.is_major:
        return
    day = facts.review_date
    if day is None:
        yield Answer("review_date", False, "Name the day on which it is reviewed.")
    elif day < facts.today:
        yield Answer("review_date", False, f"Its review was due on {day}: decide, or name the next day.")
    else:
        yield Answer("review_date", True, f"It is reviewed on {day}.")


def _policy(facts: Facts) -> Iterator[Answer]:
    if not facts.is_major:
        return
    inputs = facts.inputs
    if inputs is None or not inputs.rules:
        yield Answer("policy", False, "No threshold policy is on that judges it.")
        return
    pairs = (("a benefit", inputs.has_benefit), ("a cost of running it", inputs.has_run_cost))
    lacking = [name for name, is_there in pairs if not is_there]
    if lacking:
        sentence = f"Its policies judge what nobody plans or reports: there is no account for {' and '.join(lacking)}."
        yield Answer("policy", False, sentence)
        return
    yield Answer(
        "policy", True, f"What its policies judge is planned or reported ({len(inputs.rules)} rules)."
    )


def _strategic(facts: Facts) -> Iterator[Answer]:
    if facts.category is not ValueCategory.STRATEGIC:
        return
    terms = facts.strategy
    if terms is None:
        sentence = "It is strategic: say of which kind, why, over which horizon and by which criteria."
        yield Answer("strategic_terms", False, sentence)
    elif terms.expires_on <= facts.today:
        sentence = (
            f"Its strategic claim expired on {terms.expires_on}: review it, then state it anew or drop it."
        )
        yield Answer("strategic_terms", False, sentence)
    else:
        kind = terms.kind.value.replace("_", " ")
        yield Answer("strategic_terms", True, f"Its strategic claim ({kind}) holds until {terms.expires_on}.")


def _actuals(facts: Facts) -> Iterator[Answer]:
    count = facts.actual_months
    sentence = (
        f"It reports actuals in {count} month{'s' if count > 1 else ''}."
        if count
        else "It reports no actuals yet."
    )
    yield Answer("actuals", count > 0, sentence)


def _live(facts: Facts) -> Iterator[Answer]:
    live = facts.live_month
    if live is None:
        yield Answer("live_month", False, "Name the month from which it is in use.")
    elif live > facts.today:
        yield Answer("live_month", False, f"It is in use from {format_month(live)} on, which has not come.")
    else:
        yield Answer("live_month", True, f"It is in use since {format_month(live)}.")


def _decision(facts: Facts, to_stage: Stage) -> Iterator[Answer]:
    if to_stage is Stage.KILLED and facts.stage is Stage.PROPOSED:
        yield Answer("decision", True, "Nothing was spent on it: a proposal is turned down with a reason.")
        return
    wanted = " or ".join(kind.value.replace("_", " ") for kind in DECISIONS[to_stage])
    if facts.decision is None:
        yield Answer("decision", False, f"A review has to decide it first: {wanted}.")
    elif facts.decision not in DECISIONS[to_stage]:
        said = facts.decision.value.replace("_", " ")
        yield Answer("decision", False, f"The review decided {said}; this takes {wanted}.")
    else:
        yield Answer("decision", True, f"The review decided {facts.decision.value.replace('_', ' ')}.")


_Question = Callable[[Facts], Iterator[Answer]]
_QUESTIONS: dict[Stage, tuple[_Question, ...]] = {
    _S.APPROVED: (_owner, _size, _hypothesis, _baseline, _review, _policy, _strategic),
    _S.PILOT: (_baseline, _review, _strategic),
    _S.SCALED: (_live, _actuals, _hypothesis, _review, _strategic),
    _S.MAINTAINED: (_actuals, _review, _strategic),
}
