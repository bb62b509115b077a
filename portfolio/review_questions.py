"""What each kind of review asks, and the steps that have to be answered before somebody decides. Pure words."""

from dataclasses import dataclass

from portfolio.terms import DecisionKind, ReviewKind, Stage

K = DecisionKind


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a checklist; a needed one is done before a decision is recorded."""

    code: str
    text: str
    is_needed: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What a kind of review asks, its steps, and which decisions answer it."""

    text: str
    steps: tuple[Step, ...]
    answers: frozenset[DecisionKind]


_EVERY = frozenset(DecisionKind)
_DECOMMISSIONING = (
    Step("cause", "Name the cause: false positives, compliance overhead, a price change, falling use.", True),
    Step("recoverable", "Say whether it can be recovered, by what and until when, or that it cannot.", True),
    Step("dependents", "List the processes and teams that rely on it, and what takes its place.", True),
    Step("contracts", "Check notice periods, committed spend and exit fees of its vendors."),
    Step("records", "Decide what is kept of its data, logs and model versions, and for how long."),
    Step("people", "Plan for the people who run it and the people it served."),
)

QUESTIONS: dict[ReviewKind, Question] = {
    ReviewKind.SCHEDULED: Question(
        "Is it on the way to what its hypothesis claims: continue, change or stop?",
        (
            Step("outcomes", "Compare the hypothesis metric with its target for the date."),
            Step("usage", "Look at use and unit cost since the last review."),
        ),
        _EVERY,
    ),
    ReviewKind.DOUBLE_DOWN_CHECK: Question(
        "It has paid back what it cost. Would more money earn more of the same?",
        (
            Step("scale", "Does unit cost fall with volume?"),
            Step("room", "How much use is still open to it, and what would reach it cost?"),
        ),
        _EVERY - {K.KILL, K.SUNSET},
    ),
    ReviewKind.BUSINESS_REVIEW: Question(
        "Its breakeven is lost or overdue. What brings it back, and by when?",
        (
            Step("cause", "Say which of cost, use or benefit differs from the plan.", True),
            Step("plan", "Agree on a new month of breakeven, or on stopping."),
        ),
        _EVERY,
    ),
    ReviewKind.MAINTAIN_OR_REPLACE: Question(
        "What it still earns is below the hurdle. Is it recoverable by a model update or rollback, or does it have to "
        "be rebuilt or replaced?",
        (
            Step("cause", "Name the cause: lost accuracy, drift, or a rise in cost.", True),
            Step("update", "Estimate what a model update or a retraining costs and brings."),
            Step("rollback", "Say whether an earlier version can be restored."),
            Step("replace", "Compare with rebuilding it or buying a replacement."),
        ),
        frozenset({K.CONTINUE, K.OPTIMIZE, K.HOLD, K.PIVOT, K.REPLACE, K.PULL_BACK, K.SUNSET, K.KILL}),
    ),
    ReviewKind.DECOMMISSIONING: Question(
        "It costs more to run than it brings. Is it decommissioned, and if not, why and until when?",
        _DECOMMISSIONING,
        frozenset({K.OPTIMIZE, K.HOLD, K.PIVOT, K.REPLACE, K.PULL_BACK, K.SUNSET, K.KILL}),
    ),
    ReviewKind.STRATEGIC: Question(
        "Its strategic claim expires. Does the claim still hold, with a new narrative and date?",
        (Step("claim", "Restate the strategic terms, or let the investment be judged by its return.", True),),
        _EVERY,
    ),
    ReviewKind.FOLLOW_UP: Question(
        "What did the decision bring, against what was expected of it?",
        (Step("outcome", "Compare the outcome with what was expected, and say what was learned.", True),),
        _EVERY,
    ),
}

# Which review an alert of a rule opens. Rules that are not here open none.
OPENED_BY_RULE: dict[str, ReviewKind] = {
    "breakeven_reached": ReviewKind.DOUBLE_DOWN_CHECK,
    "breakeven_lost": ReviewKind.BUSINESS_REVIEW,
    "breakeven_overdue": ReviewKind.BUSINESS_REVIEW,
    "hurdle_rate": ReviewKind.MAINTAIN_OR_REPLACE,
    "negative_roi": ReviewKind.DECOMMISSIONING,
}

# Where a decision leads an investment. Decisions that are not here leave it in its stage.
LEADS_TO: dict[DecisionKind, Stage] = {
    K.SUNSET: Stage.DECOMMISSIONING,
    K.KILL: Stage.KILLED,
    K.PIVOT: Stage.PIVOTED,
}

# Decisions after which nothing is looked at again; every other one names its next review.
FINAL = frozenset({K.KILL})
