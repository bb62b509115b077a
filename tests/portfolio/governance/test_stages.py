"""A stage is entered through its gate by the verb, and by nothing else: forms, bulk writes or direct SQL."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, ProgrammingError, connection, transaction

from portfolio import approvals, gate_facts, hypotheses, investments, plan_approvals, stages
from portfolio.approvals import ApprovalError
from portfolio.gates import Inputs
from portfolio.models import Approval, Batch, Head, Investment, Portfolio, StageChange, User
from portfolio.stages import StageError
from portfolio.terms import Book, Stage
from tests import factories
from tests.factories import START, fact, month, now, record

pytestmark = pytest.mark.django_db
CLAIM = hypotheses.Terms(
    claim="Faster answers",
    metric="hours",
    baseline=Decimal(10),
    baseline_from=date(2023, 10, 1),
    baseline_to=date(2023, 12, 31),
    target=Decimal(12),
    target_date=date(2024, 12, 31),
    measurement_method="Each quarter.",
    kill_line="Below 11 after a year.",
)


@pytest.fixture
def portfolio() -> Portfolio:
    return factories.make_portfolio()


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("olivia"), portfolio, "owner")


@pytest.fixture
def finn(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("finn"), portfolio, "finance")


@pytest.fixture
def ready(portfolio: Portfolio, olivia: User) -> Investment:
    """A major investment of which the gate to approved asks nothing more."""
    made = factories.make_investment(portfolio, owner=olivia, review_date=now().date() + timedelta(days=30))
    lines = [fact(made, START, "development", 150_000), fact(made, START, "labor_savings", 9_000)]
    lines.append(fact(made, month(2), "model_api", 1_000))
    record(portfolio, *lines, book=Book.PLAN, book_version=1, actor=olivia)
    hypotheses.state(made, CLAIM, now=now(), author=olivia)
    return made


def _ask(investment: Investment, author: User) -> Approval:
    return stages.propose(investment, Stage.APPROVED, now=now(), author=author, reason="The case holds.")


def _stage(investment: Investment) -> str:
    return Investment.objects.get(pk=investment.pk).stage


def test_approved_is_entered_by_two_people(ready: Investment, olivia: User, finn: User) -> None:
    asked = _ask(ready, olivia)
    assert _stage(ready) == "proposed"
    assert dict(approvals.kind_of(asked).rows(asked))["Stage"] == "proposed → approved"
    approvals.settle(asked, approver=finn, is_allowed=True, now=now())
    change = StageChange.objects.get()
    assert (_stage(ready), change.from_stage, change.to_stage) == ("approved", "proposed", "approved")
    assert (change.actor, change.approval, change.batch.approver) == (olivia, asked, finn)
    assert all(answer["is_met"] for answer in change.gate)
    assert {answer["code"] for answer in change.gate} >= {"hypothesis", "baseline", "policy"}
    assert (change.batch.kind, Head.objects.get(scope="investment", scope_id=ready.pk).knowledge) == (
        "governance",
        change.batch_id,
    )


def test_approved_is_not_entered_by_one_person(ready: Investment, finn: User) -> None:
    with pytest.raises(StageError, match="entered by two people"):
        stages.move(ready, Stage.APPROVED, now=now(), actor=finn, reason="Mine.")
    assert _stage(ready) == "proposed"


def test_the_author_does_not_let_it_be_approved(ready: Investment, finn: User) -> None:
    with pytest.raises(ApprovalError, match="else than the author"):
        approvals.settle(_ask(ready, finn), approver=finn, is_allowed=True, now=now())
    assert _stage(ready) == "proposed"


def test_a_closed_gate_refuses_with_its_answers(ready: Investment, olivia: User) -> None:
    Investment.objects.filter(pk=ready.pk).update(review_date=None)
    with pytest.raises(StageError, match="Name the day on which it is reviewed") as refused:
        _ask(ready, olivia)
    assert [answer.code for answer in refused.value.answers if not answer.is_met] == ["review_date"]
    assert not Approval.objects.exists()


def test_a_gate_that_closed_after_the_request_leaves_it_undecided(
    ready: Investment, olivia: User, finn: User
) -> None:
    asked = _ask(ready, olivia)
    Investment.objects.filter(pk=ready.pk).update(review_date=None)
    with pytest.raises(ApprovalError, match="Name the day"):
        approvals.settle(asked, approver=finn, is_allowed=True, now=now())
    asked.refresh_from_db()
    assert (asked.decision, _stage(ready)) == ("", "proposed")


@pytest.mark.parametrize("edited", ["plan", "claim", "months"])
def test_what_the_request_rests_on_is_not_edited_after_it(
    ready: Investment, olivia: User, finn: User, edited: str
) -> None:
    """The gate may still be open: what was asked for is another investment by then."""
    asked = _ask(ready, olivia)
    if edited == "plan":
        line = fact(ready, month(3), "labor_savings", 90_000)
        record(ready.portfolio, line, book=Book.PLAN, book_version=1, actor=olivia)
    elif edited == "claim":
        newer = replace(CLAIM, target=Decimal(11))
        hypotheses.state(ready, newer, now=now(), author=olivia, reason="Seen again.")
    else:
        ready.horizon_months = 24
        investments.put(ready, now=now(), actor=olivia)
    with pytest.raises(ApprovalError, match="changed after the request"):
        approvals.settle(asked, approver=finn, is_allowed=True, now=now())
    assert _stage(ready) == "proposed"


def test_later_stages_are_entered_with_a_reason(ready: Investment, olivia: User, finn: User) -> None:
    approvals.settle(_ask(ready, olivia), approver=finn, is_allowed=True, now=now())
    with pytest.raises(StageError, match="Say why"):
        stages.move(ready, Stage.PILOT, now=now(), actor=olivia, reason=" ")
    stages.move(ready, Stage.PILOT, now=now(), actor=olivia, reason="First users.")
    with pytest.raises(StageError, match="reports no actuals"):
        stages.move(ready, Stage.SCALED, now=now(), actor=olivia, reason="All users.")
    record(ready.portfolio, fact(ready, START, "model_api", 10))
    stages.move(ready, Stage.SCALED, now=now(), actor=olivia, reason="All users.")
    assert (_stage(ready), ready.stage) == ("scaled", "scaled")
    assert [gate.stage.value for gate in stages.gates_of(ready, now=now()) if gate.is_open] == ["maintained"]


def test_a_proposal_is_turned_down_and_stays_so(ready: Investment, olivia: User) -> None:
    stages.move(ready, Stage.KILLED, now=now(), actor=olivia, reason="Others sell it.")
    assert stages.gates_of(Investment.objects.get(pk=ready.pk), now=now()) == []
    with pytest.raises(StageError, match="stays what it is"):
        stages.move(ready, Stage.PILOT, now=now(), actor=olivia, reason="Again.")


# What the gate reads


def test_the_greater_of_plan_and_actuals_says_how_large_it_is(ready: Investment, olivia: User) -> None:
    facts = gate_facts.read(ready, now=now())
    assert (facts.cost, facts.cost_source) == (Decimal(151_000), "version 1 of its plan")
    record(ready.portfolio, fact(ready, month(3), "model_api", 200_000))
    facts = gate_facts.read(ready, now=now())
    assert (facts.cost, facts.cost_source, facts.actual_months) == (Decimal(200_000), "its actuals", 1)


def test_what_is_planned_beyond_the_horizon_does_not_count(ready: Investment, olivia: User) -> None:
    late = fact(ready, month(ready.horizon_months + 1), "model_api", 900_000)
    record(ready.portfolio, late, book=Book.PLAN, book_version=1, actor=olivia)
    assert gate_facts.read(ready, now=now()).cost == Decimal(151_000)


def test_the_approved_version_counts_before_a_newer_draft(
    ready: Investment, olivia: User, finn: User
) -> None:
    plan_approvals.approve(ready, 1, now=now(), actor=finn)
    dearer = fact(ready, START, "development", 999_000)
    record(ready.portfolio, dearer, book=Book.PLAN, book_version=2, actor=olivia)
    assert gate_facts.read(ready, now=now()).cost_source == "version 1 of its plan"


def test_foreign_money_without_any_rate_leaves_the_size_unknown(ready: Investment, olivia: User) -> None:
    in_euro = fact(ready, month(4), "model_api", 10, currency="EUR")
    record(ready.portfolio, in_euro, book=Book.PLAN, book_version=1, actor=olivia)
    assert gate_facts.read(ready, now=now()).cost is None
    rate = factories.assumptions.Rate("EUR", "USD", month(2), Decimal("1.5"), "ECB")
    factories.assumptions.set_fx_rates([rate], now=now())
    assert gate_facts.read(ready, now=now()).cost == Decimal(151_015)


def test_nothing_planned_or_spent_is_of_unknown_size(portfolio: Portfolio) -> None:
    facts = gate_facts.read(factories.make_investment(portfolio), now=now())
    assert (facts.cost, facts.is_major) == (None, True)


def test_policies_say_what_has_to_be_measurable(ready: Investment, olivia: User) -> None:
    inputs = gate_facts.read(ready, now=now()).inputs
    assert inputs == Inputs(rules=("hurdle_rate", "negative_roi"), has_benefit=True, has_run_cost=True)
    factories.change_policy(ready, "negative_roi", effective_month=month(2), terms={"is_enabled": False})
    inputs = gate_facts.read(ready, now=now()).inputs
    assert inputs is not None
    assert inputs.rules == ("hurdle_rate",)


def test_without_a_room_that_judges_no_policy_is_on(
    ready: Investment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_facts, "_judges", [])
    assert gate_facts.read(ready, now=now()).inputs is None


# By nothing else


def test_a_form_does_not_change_the_stage(ready: Investment) -> None:
    """Neither of what exists nor of what is new."""
    ready.stage, ready.name = "scaled", "Renamed"
    investments.put(ready, now=now())
    assert (_stage(ready), Investment.objects.get(pk=ready.pk).name) == ("proposed", "Renamed")
    with pytest.raises(ValidationError, match="A new investment is proposed"):
        investments.put(
            Investment(portfolio=ready.portfolio, code="NEW", name="x", start_month=START, stage="scaled"),
            now=now(),
        )


def _change(investment: Investment, to_stage: str, **changes: object) -> StageChange:
    terms: dict[str, object] = {
        "investment": investment,
        "from_stage": investment.stage,
        "to_stage": to_stage,
        "batch": Batch.objects.latest("id"),
        "recorded_at": now(),
    }
    return StageChange(**(terms | changes))


def test_no_direct_write_changes_a_stage(ready: Investment) -> None:
    with pytest.raises(ProgrammingError, match="entered by a recorded change"), transaction.atomic():
        Investment.objects.filter(pk=ready.pk).update(stage="scaled")
    with (
        pytest.raises(ProgrammingError, match="entered by a recorded change"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE portfolio_investment SET stage = 'killed' WHERE id = %s", [ready.pk])
    ready.pk, ready.code, ready.stage = None, "COPY", "approved"
    ready.public_id = Investment._meta.get_field("public_id").get_default()
    with pytest.raises(ProgrammingError, match="entered by a recorded change"), transaction.atomic():
        Investment.objects.bulk_create([ready])


@pytest.mark.parametrize(
    ("to_stage", "changes", "says"),
    [
        ("approved", {}, "second person"),
        ("scaled", {}, "does not become"),
        ("decommissioning", {}, "by a decision"),
        ("pilot", {"from_stage": "approved"}, "the investment is proposed"),
    ],
)
def test_no_change_is_recorded_that_is_not_allowed(
    ready: Investment, to_stage: str, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(ProgrammingError, match=says), transaction.atomic():
        StageChange.objects.bulk_create([_change(ready, to_stage, **changes)])


def test_an_approval_lets_one_investment_in_once(ready: Investment, olivia: User, finn: User) -> None:
    other = factories.make_investment(ready.portfolio)
    asked = _ask(ready, olivia)
    approvals.settle(asked, approver=finn, is_allowed=True, now=now())
    asked.refresh_from_db()
    with pytest.raises(ProgrammingError, match="second person"), transaction.atomic():
        StageChange.objects.bulk_create([_change(other, "approved", approval=asked)])
    ready.refresh_from_db()
    with pytest.raises((ProgrammingError, IntegrityError)), transaction.atomic():
        StageChange.objects.bulk_create([_change(ready, "pilot", approval=asked)])


def test_a_recorded_change_does_not_undo_itself(ready: Investment, olivia: User) -> None:
    """What was entered is left by another change only."""
    factories.enter(ready, "approved")
    with pytest.raises(ProgrammingError, match="entered by a recorded change"), transaction.atomic():
        Investment.objects.filter(pk=ready.pk).update(stage="proposed")
    assert _stage(ready) == "approved"
