"""Cases are kept by revision, and become a version of the plan book that says what the case says, once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from portfolio import ingest, ledger
from portfolio.facts import FactsRejected, Writing
from portfolio.models import Batch, Cell, Investment, Portfolio, User
from portfolio.terms import Book
from reports.console import plans_book
from roi import cases, submissions
from roi.cases import CaseRefused, StaleCase
from roi.models import BusinessCase, CaseSubmission, Scenario
from roi.questions import MOST_SCENARIOS, QuestionRejected
from roi.usecases import TEMPLATES
from roi.usecases.base import HiddenCosts
from roi.usecases.drivers import drivers_of
from tests import factories
from tests.factories import START, month, now

NONE = {one.name: {"none": "Not in this case."} for one in drivers_of(HiddenCosts)}
SUPPORT: dict[str, Any] = {
    "template": "generic_llm",
    "title": "Customer support",
    "hidden_costs": NONE,
}


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio("CX")


@pytest.fixture
def investment(portfolio: Portfolio) -> Investment:
    return factories.make_investment(portfolio, "CX-1")


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("olivia"), portfolio, "owner")


def write(portfolio: Portfolio, actor: User, **changes: Any) -> BusinessCase:
    investment = changes.pop("investment", None)
    return cases.create(portfolio, SUPPORT | changes, now=now(), actor=actor, investment=investment)


def submit(case: BusinessCase, actor: User, **changes: Any) -> CaseSubmission:
    return submissions.submit(case, **({"revision": case.revision, "now": now(), "actor": actor} | changes))


def planned(investment: Investment, version: int) -> dict[tuple[str, int], Decimal]:
    cells = Cell.objects.filter(investment=investment, book=Book.PLAN.value, book_version=version)
    return {
        (cell.account.code, cell.month.year * 12 + cell.month.month - START.year * 12): cell.amount
        or cell.quantity
        or Decimal(0)
        for cell in cells.select_related("account")
    }


def test_a_case_starts_at_revision_1_with_its_templates_horizon(portfolio: Portfolio, olivia: User) -> None:
    case = write(portfolio, olivia)
    assert (case.revision, case.months, case.created_by, case.investment) == (1, 12, olivia, None)


def test_a_save_counts_up_and_keeps_what_it_does_not_name(portfolio: Portfolio, olivia: User) -> None:
    case = write(portfolio, olivia, drivers={"dev_cost": 140_000})
    saved = cases.save(case, {"months": 24}, revision=1, now=now(), actor=olivia)
    assert (saved.revision, saved.months, saved.drivers) == (2, 24, {"dev_cost": 140_000})


def test_saving_the_same_again_is_no_revision(portfolio: Portfolio, olivia: User) -> None:
    case = write(portfolio, olivia, hurdle_rate=0.15)
    saved = cases.save(
        case, {"hurdle_rate": 0.15, "title": "Customer support "}, revision=1, now=now(), actor=olivia
    )
    assert saved.revision == 1


def test_who_read_an_older_revision_changes_nothing(portfolio: Portfolio, olivia: User) -> None:
    case = write(portfolio, olivia)
    cases.save(case, {"title": "Renamed"}, revision=1, now=now(), actor=olivia)
    with pytest.raises(StaleCase, match="revision 2, yours is 1"):
        cases.save(case, {"title": "Mine"}, revision=1, now=now(), actor=olivia)
    case.refresh_from_db()
    assert case.title == "Renamed"


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"drivers": {"dev_cost": "much"}}, "drivers"),
        ({"months": 121}, "months"),
        ({"title": " "}, "title"),
        ({"distributions": {"dev_cost": {"kind": "uniform", "low": 2, "high": 1}}}, "monte_carlo"),
        ({"hidden_costs": {"legal_review": {"none": ""}}}, "hidden_costs"),
        ({"template": "nothing"}, "template"),
    ],
)
def test_a_case_that_cannot_be_computed_is_not_kept(
    portfolio: Portfolio, olivia: User, changes: dict[str, Any], at: str
) -> None:
    with pytest.raises(QuestionRejected) as rejected:
        write(portfolio, olivia, **changes)
    assert set(rejected.value.errors) == {at}
    assert not BusinessCase.objects.exists()


def test_an_investment_of_another_portfolio_is_refused(portfolio: Portfolio, olivia: User) -> None:
    foreign = factories.make_investment(factories.make_portfolio("OPS"), "OPS-1")
    with pytest.raises(CaseRefused, match="OPS-1 is not in the portfolio CX"):
        write(portfolio, olivia, investment=foreign)
    with pytest.raises(CaseRefused, match="OPS-1 is not in the portfolio CX"):
        submit(write(portfolio, olivia), olivia, investment=foreign)


def test_a_draft_can_be_deleted_and_a_submitted_case_cannot(
    portfolio: Portfolio, investment: Investment, olivia: User
) -> None:
    draft, plan = write(portfolio, olivia), write(portfolio, olivia, investment=investment)
    submit(plan, olivia)
    cases.delete(draft, revision=1)
    with pytest.raises(CaseRefused, match="was submitted as a plan"):
        cases.delete(plan, revision=1)
    assert list(BusinessCase.objects.all()) == [plan]


def test_scenarios_are_kept_by_name(portfolio: Portfolio, olivia: User) -> None:
    case = write(portfolio, olivia)
    for value in (100_000, 110_000):
        cases.put_scenario(
            case, "Cheaper", kind="optimistic", drivers={"dev_cost": value}, now=now(), actor=olivia
        )
    (kept,) = Scenario.objects.filter(case=case)
    assert kept.drivers == {"dev_cost": 110_000}
    assert cases.delete_scenario(case, "Cheaper")
    assert not cases.delete_scenario(case, "Cheaper")


def test_a_scenario_that_cannot_be_computed_is_not_kept(portfolio: Portfolio, olivia: User) -> None:
    case = write(portfolio, olivia)
    with pytest.raises(QuestionRejected) as rejected:
        cases.put_scenario(case, "Wrong", kind="own", drivers={"dev_cost": -1}, now=now(), actor=olivia)
    assert set(rejected.value.errors["drivers"]) == {"dev_cost"}
    with pytest.raises(CaseRefused, match="one of pessimistic"):
        cases.put_scenario(case, "Wrong", kind="likely", drivers={}, now=now(), actor=olivia)
    with pytest.raises(CaseRefused, match="1 to 80"):
        cases.put_scenario(case, " ", kind="own", drivers={}, now=now(), actor=olivia)


def test_scenarios_are_bounded(portfolio: Portfolio, olivia: User) -> None:
    case = write(portfolio, olivia)
    for number in range(MOST_SCENARIOS):
        cases.put_scenario(case, f"S{number}", kind="own", drivers={}, now=now(), actor=olivia)
    cases.put_scenario(case, "S0", kind="base", drivers={}, now=now(), actor=olivia)
    with pytest.raises(CaseRefused, match=f"at most {MOST_SCENARIOS}"):
        cases.put_scenario(case, "One more", kind="own", drivers={}, now=now(), actor=olivia)


def test_rates_are_the_investments_then_the_portfolios_unless_stated(
    portfolio: Portfolio, investment: Investment, olivia: User
) -> None:
    factories.set_rates(portfolio, now=now(), investment=investment, hurdle_rate=Decimal("0.25"))
    assert cases.terms(write(portfolio, olivia, investment=investment)).hurdle_rate == 0.25
    assert cases.terms(write(portfolio, olivia)).hurdle_rate == 0.10


def test_a_submitted_plan_says_what_the_case_says(
    portfolio: Portfolio, investment: Investment, olivia: User
) -> None:
    made = submit(write(portfolio, olivia, investment=investment, months=24), olivia, reason="Board, May.")
    version = plans_book.by_version(investment, share=Decimal(1))[made.version]
    figures = made.content["figures"]
    assert sum(version.cost.values()) == Decimal(figures["total_cost"]) == 474_000
    assert sum(version.benefit.values()) == Decimal(figures["total_value"]) == 630_000
    assert version.breakeven() == month(figures["breakeven_month"]) == month(12)
    lines = planned(investment, made.version)
    assert lines["development", 1] == 150_000
    assert ("development", 2) not in lines
    assert (made.batch.kind, made.batch.source, made.batch.reason) == ("plan", "business_case", "Board, May.")
    assert made.batch.actor == olivia


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_can_become_a_plan(
    portfolio: Portfolio, investment: Investment, olivia: User, template: str
) -> None:
    required = {one.name: 0.002 for one in drivers_of(TEMPLATES[template].drivers) if one.is_required}
    made = submit(
        write(portfolio, olivia, investment=investment, template=template, drivers=required), olivia
    )
    version = plans_book.by_version(investment, share=Decimal(1))[made.version]
    assert float(sum(version.cost.values())) == made.content["figures"]["total_cost"] > 0
    assert float(sum(version.benefit.values())) == made.content["figures"]["total_value"] > 0


def test_volumes_are_quantities_and_channels_stay_apart(
    portfolio: Portfolio, investment: Investment, olivia: User
) -> None:
    drivers = {"copilot_adoption": 0.5, "copilot_gain": 0.2}
    made = submit(
        write(portfolio, olivia, investment=investment, template="customer_support", drivers=drivers), olivia
    )
    cells = Cell.objects.filter(investment=investment, book_version=made.version, month=START)
    labor = {cell.source_ref for cell in cells.filter(account__code="labor_savings")}
    assert labor == {"automation", "copilot"}
    volume = cells.get(account__code="conversations")
    assert (volume.amount, volume.quantity, volume.currency) == (None, Decimal("16666.666667"), "")


def test_the_same_submission_again_writes_nothing(
    portfolio: Portfolio, investment: Investment, olivia: User
) -> None:
    case = write(portfolio, olivia, investment=investment)
    first = submit(case, olivia)
    batches = Batch.objects.count()
    assert submit(case, olivia) == first
    assert Batch.objects.count() == batches


def test_a_later_revision_is_a_later_version_and_leaves_the_first(
    portfolio: Portfolio, investment: Investment, olivia: User
) -> None:
    case = write(portfolio, olivia, investment=investment)
    first = submit(case, olivia)
    before = planned(investment, first.version)
    saved = cases.save(case, {"drivers": {"dev_cost": 1}}, revision=1, now=now(), actor=olivia)
    second = submit(saved, olivia)
    assert (first.version, second.version) == (1, 2)
    assert planned(investment, 1) == before
    assert planned(investment, 2)["development", 1] == 1


def test_rates_in_force_are_part_of_what_was_submitted(
    portfolio: Portfolio, investment: Investment, olivia: User
) -> None:
    case = write(portfolio, olivia, investment=investment)
    first = submit(case, olivia)
    factories.set_rates(portfolio, now=now(), investment=investment, discount_rate=Decimal("0.3"))
    second = submit(case, olivia)
    assert second.version == first.version + 1
    assert first.content["figures"]["npv"] > second.content["figures"]["npv"]


def test_an_approved_version_is_passed_over(
    portfolio: Portfolio, investment: Investment, olivia: User
) -> None:
    draft = [factories.fact(investment, START, "development", 10)]
    ledger.record(portfolio, draft, writing=Writing("actuals", now(), olivia, book=Book.PLAN, book_version=3))
    factories.approve_plan(investment, 3)
    made = submit(write(portfolio, olivia, investment=investment), olivia)
    assert made.version == 4
    assert planned(investment, 3) == {("development", 1): Decimal(10)}


def test_an_import_never_adds_to_the_version_of_a_case(
    portfolio: Portfolio, investment: Investment, olivia: User
) -> None:
    assert ingest.draft_versions([investment.pk]) == {}
    case = write(portfolio, olivia, investment=investment)
    submit(case, olivia)
    assert ingest.draft_versions([investment.pk]) == {investment.pk: 2}
    submit(cases.save(case, {"months": 13}, revision=1, now=now(), actor=olivia), olivia)
    assert ingest.draft_versions([investment.pk]) == {investment.pk: 3}
    factories.approve_plan(investment, 1)
    assert ingest.draft_versions([investment.pk]) == {investment.pk: 3}


def test_a_case_of_nobody_becomes_the_plan_of_the_named_investment(
    portfolio: Portfolio, investment: Investment, olivia: User
) -> None:
    case = write(portfolio, olivia)
    with pytest.raises(CaseRefused, match="Name the investment"):
        submit(case, olivia)
    submit(case, olivia, investment=investment)
    case.refresh_from_db()
    assert case.investment == investment
    other = factories.make_investment(portfolio, "CX-2")
    with pytest.raises(CaseRefused, match="belongs to CX-1"):
        submit(case, olivia, investment=other)


def test_hidden_costs_are_answered_before_a_case_is_a_plan(
    portfolio: Portfolio, investment: Investment, olivia: User
) -> None:
    answered = {name: answer for name, answer in NONE.items() if name != "legal_review"}
    case = write(portfolio, olivia, investment=investment, hidden_costs=answered)
    with pytest.raises(CaseRefused, match="without an answer: Legal review"):
        submit(case, olivia)
    amount = cases.save(
        case, {"hidden_costs": answered | {"legal_review": 100}}, revision=1, now=now(), actor=olivia
    )
    made = submit(amount, olivia)
    assert planned(investment, made.version)["legal_review", 1] == 100


def test_nothing_is_submitted_from_an_older_revision(
    portfolio: Portfolio, investment: Investment, olivia: User
) -> None:
    case = write(portfolio, olivia, investment=investment)
    cases.save(case, {"months": 24}, revision=1, now=now(), actor=olivia)
    with pytest.raises(StaleCase):
        submit(case, olivia, revision=1)
    assert not CaseSubmission.objects.exists()


def test_a_case_of_nothing_is_no_plan(portfolio: Portfolio, investment: Investment, olivia: User) -> None:
    nothing = {one.name: 0 for one in drivers_of(TEMPLATES["generic_llm"].drivers) if one.may_vary}
    case = write(portfolio, olivia, investment=investment, drivers=nothing)
    with pytest.raises(CaseRefused, match="plans nothing"):
        submit(case, olivia)


def test_the_ledger_keeps_the_last_word(portfolio: Portfolio, investment: Investment, olivia: User) -> None:
    case = write(portfolio, olivia, investment=investment, drivers={"dev_cost": 99_999_999_999})
    submit(case, olivia)
    beyond = write(
        portfolio,
        olivia,
        investment=investment,
        template="customer_support",
        drivers={"annual_tickets": 1e15},
    )
    huge = cases.save(
        beyond, {"drivers": {"annual_tickets": 1e15, "growth_rate": 10}}, revision=1, now=now(), actor=olivia
    )
    huge = cases.save(huge, {"months": 60}, revision=2, now=now(), actor=olivia)
    with pytest.raises((FactsRejected, QuestionRejected)):
        submit(huge, olivia)
    assert CaseSubmission.objects.count() == 1
