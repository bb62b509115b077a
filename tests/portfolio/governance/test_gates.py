"""Every rule of the gates, met and not met; no database."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib import import_module
from itertools import product

import pytest

from portfolio import gates
from portfolio.gates import Answer, Claim, Facts, Inputs, Strategy
from portfolio.terms import DecisionKind, Stage, StrategicKind, ValueCategory

TODAY = date(2026, 11, 2)
CLAIM = Claim(
    version=2,
    metric="hours",
    has_target=True,
    target_date=date(2027, 6, 30),
    measurement_plan="Each quarter.",
    kill_line="Below 5 %.",
    baseline_to=date(2026, 9, 30),
)
STRATEGY = Strategy(kind=StrategicKind.CAPABILITY, expires_on=date(2027, 11, 1))
INPUTS = Inputs(rules=("hurdle_rate", "negative_roi"), has_benefit=True, has_run_cost=True)
MAJOR = Facts(
    code="CX-1",
    stage=Stage.PROPOSED,
    category=ValueCategory.COST_SAVINGS,
    today=TODAY,
    live_month=date(2026, 10, 1),
    review_date=date(2026, 12, 1),
    has_owner=True,
    cost=Decimal(250_000),
    cost_source="version 1 of its plan",
    threshold=Decimal(100_000),
    currency="USD",
    claim=CLAIM,
    baseline_to=None,
    strategy=None,
    inputs=INPUTS,
    actual_months=3,
)
BARE = {"claim": None, "review_date": None, "inputs": None}


def asked(facts: Facts, to_stage: Stage, code: str) -> Answer:
    """Return the one answer with a code."""
    found = [answer for answer in gates.answers(facts, to_stage) if answer.code == code]
    assert len(found) == 1
    return found[0]


def test_a_complete_major_investment_may_be_approved() -> None:
    given = gates.answers(MAJOR, Stage.APPROVED)
    assert gates.passes(given)
    assert [answer.code for answer in given] == [
        *("move", "owner", "size", "hypothesis", "measurement_plan", "baseline", "review_date", "policy")
    ]


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"has_owner": False}, "owner", "Name its owner."),
        ({"cost": None}, "size", "state a plan or a case"),
        ({"claim": None}, "hypothesis", "State its hypothesis"),
        ({"claim": replace(CLAIM, has_target=False)}, "hypothesis", "lacks: target."),
        ({"claim": replace(CLAIM, target_date=None)}, "hypothesis", "lacks: date of the target."),
        ({"claim": replace(CLAIM, kill_line="")}, "hypothesis", "lacks: kill line."),
        ({"claim": replace(CLAIM, metric="")}, "hypothesis", "lacks: metric."),
        ({"claim": replace(CLAIM, measurement_plan="")}, "measurement_plan", "Say how the metric"),
        ({"claim": replace(CLAIM, baseline_to=None)}, "baseline", "Measure a baseline"),
        ({"claim": replace(CLAIM, baseline_to=date(2026, 10, 1))}, "baseline", "in use since 2026-10"),
        ({"review_date": None}, "review_date", "Name the day"),
        ({"review_date": date(2026, 11, 1)}, "review_date", "was due on 2026-11-01"),
        ({"inputs": None}, "policy", "No threshold policy is on"),
        ({"inputs": replace(INPUTS, rules=())}, "policy", "No threshold policy is on"),
        ({"inputs": replace(INPUTS, has_benefit=False)}, "policy", "no account for a benefit"),
        ({"inputs": replace(INPUTS, has_run_cost=False)}, "policy", "no account for a cost of running"),
    ],
)
def test_what_a_major_investment_lacks_is_named(changes: dict[str, object], code: str, says: str) -> None:
    """The same answer is met by the complete investment, and by nothing else."""
    assert asked(MAJOR, Stage.APPROVED, code).is_met
    lacking = replace(MAJOR, **changes)
    answer = asked(lacking, Stage.APPROVED, code)
    assert not answer.is_met
    assert says in answer.sentence
    assert not gates.passes(gates.answers(lacking, Stage.APPROVED))


@pytest.mark.parametrize(("cost", "is_met"), [("99999.99", True), ("100000", False)])
def test_what_is_not_major_needs_its_owner_only(cost: str, is_met: bool) -> None:
    """The threshold itself is major."""
    small = replace(MAJOR, cost=Decimal(cost), **BARE)
    assert gates.passes(gates.answers(small, Stage.APPROVED)) is is_met


def test_what_costs_nobody_knows_is_held_to_be_major() -> None:
    given = {answer.code for answer in gates.answers(replace(MAJOR, cost=None, **BARE), Stage.APPROVED)}
    assert {"size", "hypothesis", "measurement_plan", "baseline", "review_date", "policy"} <= given


@pytest.mark.parametrize("cost", ["5", "250000"])
@pytest.mark.parametrize(
    ("strategy", "is_met", "says"),
    [
        (None, False, "say of which kind"),
        (STRATEGY, True, "holds until 2027-11-01"),
        (replace(STRATEGY, expires_on=TODAY), False, "expired on 2026-11-02"),
        (replace(STRATEGY, expires_on=date(2026, 11, 3)), True, "holds until 2026-11-03"),
    ],
)
@pytest.mark.parametrize("to_stage", [Stage.APPROVED, Stage.SCALED, Stage.MAINTAINED])
def test_a_strategic_claim_is_in_force_whatever_it_costs(
    strategy: Strategy | None, is_met: bool, says: str, cost: str, to_stage: Stage
) -> None:
    facts = replace(MAJOR, category=ValueCategory.STRATEGIC, strategy=strategy, cost=Decimal(cost))
    answer = asked(facts, to_stage, "strategic_terms")
    assert answer.is_met is is_met
    assert says in answer.sentence


def test_what_is_not_strategic_is_not_asked_for_it() -> None:
    assert "strategic_terms" not in {answer.code for answer in gates.answers(MAJOR, Stage.APPROVED)}


@pytest.mark.parametrize(
    ("own", "stated", "is_met"),
    [
        (None, date(2026, 9, 30), True),
        (date(2026, 9, 30), None, True),
        (date(2026, 10, 31), date(2026, 9, 30), True),
        (date(2026, 10, 31), None, False),
        (None, None, False),
    ],
)
def test_a_baseline_is_measured_before_the_first_month_of_use(
    own: date | None, stated: date | None, is_met: bool
) -> None:
    """Of the hypothesis or on its own; one that is in time is enough."""
    facts = replace(MAJOR, claim=replace(CLAIM, baseline_to=own), baseline_to=stated)
    assert asked(facts, Stage.APPROVED, "baseline").is_met is is_met


@pytest.mark.parametrize(
    ("changes", "code", "is_met"),
    [
        ({}, "live_month", True),
        ({"live_month": None}, "live_month", False),
        ({"live_month": date(2026, 12, 1)}, "live_month", False),
        ({}, "actuals", True),
        ({"actual_months": 0}, "actuals", False),
        ({}, "review_date", True),
        ({"review_date": date(2026, 11, 1)}, "review_date", False),
        ({}, "hypothesis", True),
        ({"claim": None}, "hypothesis", False),
    ],
)
def test_what_is_scaled_is_in_use_and_reports(changes: dict[str, object], code: str, is_met: bool) -> None:
    facts = replace(MAJOR, stage=Stage.PILOT, **changes)
    assert asked(facts, Stage.SCALED, code).is_met is is_met
    assert gates.passes(gates.answers(facts, Stage.SCALED)) is is_met


def test_one_month_is_a_month() -> None:
    facts = replace(MAJOR, stage=Stage.SCALED, actual_months=1)
    assert asked(facts, Stage.MAINTAINED, "actuals").sentence == "It reports actuals in 1 month."


@pytest.mark.parametrize("kind", list(DecisionKind))
@pytest.mark.parametrize("to_stage", list(gates.DECISIONS))
def test_an_end_follows_its_decision(to_stage: Stage, kind: DecisionKind) -> None:
    stage = Stage.DECOMMISSIONING if to_stage is Stage.RETIRED else Stage.SCALED
    facts = replace(MAJOR, stage=stage, decision=kind)
    assert gates.passes(gates.answers(facts, to_stage)) is (kind in gates.DECISIONS[to_stage])
    without = asked(replace(facts, decision=None), to_stage, "decision")
    assert not without.is_met
    assert "A review has to decide it first" in without.sentence


def test_a_proposal_is_turned_down_without_a_review() -> None:
    assert gates.passes(gates.answers(MAJOR, Stage.KILLED))
    assert not gates.passes(gates.answers(replace(MAJOR, stage=Stage.APPROVED), Stage.KILLED))


@pytest.mark.parametrize(("stage", "to_stage"), list(product(Stage, Stage)))
def test_only_named_moves_are_open(stage: Stage, to_stage: Stage) -> None:
    answer = asked(replace(MAJOR, stage=stage), to_stage, "move")
    assert answer.is_met is (to_stage in gates.MOVES[stage])
    if stage in (Stage.RETIRED, Stage.KILLED):
        assert "it stays what it is" in answer.sentence


def test_the_database_knows_the_same_moves_and_decisions() -> None:
    guards = import_module("portfolio.migrations.0008_stage_guards")
    moves = {
        stage.value: tuple(to.value for to in open_to) for stage, open_to in gates.MOVES.items() if open_to
    }
    assert {stage: set(open_to) for stage, open_to in guards.MOVES} == {k: set(v) for k, v in moves.items()}
    decided = {stage.value: {kind.value for kind in kinds} for stage, kinds in gates.DECISIONS.items()}
    assert {stage: set(kinds) for stage, kinds in guards.DECISIONS} == decided
