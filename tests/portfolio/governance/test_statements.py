"""What is stated about an investment: checked, written once, in the order of knowing."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio import hypotheses, statements
from portfolio.models import Baseline, Batch, Differentiation, Hypothesis, Investment, StrategicTerms, User
from portfolio.statements import Measured, Rated, StatementError, Strategic
from portfolio.terms import BaselineMeasure, StrategicKind
from tests import factories
from tests.factories import fact, month, now, record

pytestmark = pytest.mark.django_db
TERMS = hypotheses.Terms(
    claim="Faster answers",
    metric="Minutes per case",
    unit="minutes",
    direction="decrease",
    baseline=Decimal(12),
    baseline_from=date(2023, 10, 1),
    baseline_to=date(2023, 12, 31),
    target=Decimal(8),
    target_low=Decimal(7),
    target_high=Decimal(9),
    target_date=date(2025, 6, 30),
    measurement_method="Time stamps of 200 cases a month.",
    kill_line="Above 11 after a year.",
    confounders="A training in March; watched by team.",
)
HOURS = Measured(
    measure=BaselineMeasure.LABOR_HOURS_PER_DECISION,
    value=Decimal("0.45"),
    unit="hours",
    period_from=date(2023, 11, 1),
    period_to=date(2023, 12, 31),
    method="Sample of 300 cases by operations.",
)


@pytest.fixture
def support(db: None) -> Investment:
    return factories.make_investment(factories.make_portfolio())


@pytest.fixture
def olivia(support: Investment) -> User:
    return factories.join(factories.make_user("olivia"), support.portfolio, "owner")


def _state(support: Investment, author: User, *, reason: str = "", **changes: Any) -> Hypothesis:
    return hypotheses.state(support, replace(TERMS, **changes), now=now(), author=author, reason=reason)


def test_the_first_version_needs_no_reason_and_is_in_the_chain(support: Investment, olivia: User) -> None:
    stated = _state(support, olivia)
    assert (stated.version, stated.author, stated.confounders) == (1, olivia, TERMS.confounders)
    assert stated.batch is not None
    assert (stated.batch.kind, stated.batch.actor, stated.batch.portfolio) == (
        "governance",
        olivia,
        support.portfolio,
    )


def test_the_next_version_says_why_and_what_differs(support: Investment, olivia: User) -> None:
    first = _state(support, olivia)
    with pytest.raises(StatementError, match="Say why this version replaces"):
        _state(support, olivia, target=Decimal("8.5"))
    with pytest.raises(StatementError, match="says the same already"):
        _state(support, olivia, reason="Again.")
    second = _state(support, olivia, target=Decimal("8.5"), kill_line="Above 10.", reason="A larger sample.")
    assert (second.version, second.reason) == (2, "A larger sample.")
    stored = Hypothesis.objects.get(pk=second.pk)
    changed = {d.name: (d.before, d.after) for d in hypotheses.differences(first, stored)}
    assert changed == {
        "target": (Decimal(8), Decimal("8.5")),
        "kill_line": ("Above 11 after a year.", "Above 10."),
    }


def test_versions_are_read_as_known_then(support: Investment, olivia: User) -> None:
    before = Batch.objects.latest("id").pk
    first = _state(support, olivia)
    then = Batch.objects.latest("id").pk
    _state(support, olivia, target=Decimal(7), reason="Sharper.")
    assert hypotheses.newest(support, knowledge_time=before) is None
    assert hypotheses.newest(support, knowledge_time=then) == first
    assert [version.version for version in hypotheses.versions(support)] == [2, 1]


def test_a_version_of_before_there_were_batches_was_always_known(support: Investment) -> None:
    old = Hypothesis.objects.create(investment=support, claim="Old", metric="m")
    assert hypotheses.newest(support, knowledge_time=1) == old


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"claim": " "}, "Say what is claimed"),
        ({"metric": ""}, "by which metric"),
        ({"baseline_to": None}, "a value and the first and last day"),
        ({"baseline": None}, "a value and the first and last day"),
        ({"baseline_from": date(2024, 1, 1)}, "from a day to a later one"),
        ({"baseline_to": date(2024, 1, 1)}, "before deployment: .* in use from 2024-01 on"),
        ({"baseline_to": date(2999, 1, 1)}, "has not come yet"),
        ({"target_low": None}, "has both ends"),
        ({"target_low": Decimal("8.1")}, "inside its interval"),
        ({"direction": "increase"}, "is below the baseline"),
        ({"direction": "sideways"}, "Direction"),
        ({"target": Decimal("NaN")}, "finite"),
        ({"metric": "x" * 201}, "Metric"),
    ],
)
def test_what_cannot_be_claimed_is_refused(
    support: Investment, olivia: User, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(StatementError, match=says):
        _state(support, olivia, **changes)
    assert not Hypothesis.objects.exists()


def test_without_a_stated_month_use_begins_with_the_first_benefit(olivia: User, support: Investment) -> None:
    other = factories.make_investment(support.portfolio, live_month=None)
    period = {"period_from": month(1), "period_to": month(3) - timedelta(days=1)}
    record(
        support.portfolio, fact(other, month(1), "model_api", 5), fact(other, month(3), "labor_savings", 5)
    )
    statements.state_baseline(other, replace(HOURS, **period), now=now(), author=olivia)
    with pytest.raises(StatementError, match="in use from 2024-03 on"):
        statements.state_baseline(
            other, replace(HOURS, period_to=month(3), period_from=month(1)), now=now(), author=olivia
        )


def test_a_baseline_is_written_with_its_batch(support: Investment, olivia: User) -> None:
    row = statements.state_baseline(support, HOURS, now=now(), author=olivia)
    assert (row.value, row.author, row.batch.kind) == (Decimal("0.45"), olivia, "governance")
    assert statements.newest(Baseline, support) == [row]
    assert statements.newest(Baseline, support, knowledge_time=row.batch_id - 1) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"unit": ""}, "Name the unit"),
        ({"method": " "}, "how it was measured"),
        ({"measure": BaselineMeasure.OTHER}, "Say what was measured"),
        ({"value": Decimal("Infinity")}, "finite"),
        ({"period_to": date(2024, 1, 5)}, "before deployment"),
        ({"unit": "x" * 51}, "Unit"),
    ],
)
def test_what_was_not_measured_so_is_refused(
    support: Investment, olivia: User, changes: dict[str, Any], says: str
) -> None:
    batches = Batch.objects.count()
    with pytest.raises(StatementError, match=says):
        statements.state_baseline(support, replace(HOURS, **changes), now=now(), author=olivia)
    assert (Baseline.objects.count(), Batch.objects.count()) == (0, batches)


def _strategic() -> Strategic:
    return Strategic(
        kind=StrategicKind.MARKET_POSITION,
        narrative="First in the segment.",
        review_criteria="Share of tenders won.",
        horizon_months=36,
        importance=4,
        expires_on=now().date() + timedelta(days=365),
    )


def test_strategic_terms_are_of_what_is_strategic(support: Investment, olivia: User) -> None:
    with pytest.raises(StatementError, match="is not strategic"):
        statements.state_strategic_terms(support, _strategic(), now=now(), author=olivia)
    bet = factories.make_investment(support.portfolio, value_category="strategic")
    row = statements.state_strategic_terms(bet, _strategic(), now=now(), author=olivia)
    assert (row.kind, row.importance, row.batch.kind) == ("market_position", 4, "governance")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"narrative": ""}, "what it is to gain"),
        ({"review_criteria": ""}, "by which criteria"),
        ({"importance": 0}, "importance is a whole number from 1 to 5"),
        ({"importance": 6}, "importance is a whole number from 1 to 5"),
        ({"horizon_months": 0}, "1 to 120 months"),
        ({"expires_on": date(2020, 1, 1)}, "expires after today"),
        ({"expires_on": date(2999, 1, 1)}, "within 36 months"),
    ],
)
def test_a_strategic_claim_is_complete_and_not_for_ever(
    support: Investment, olivia: User, changes: dict[str, Any], says: str
) -> None:
    bet = factories.make_investment(support.portfolio, value_category="strategic")
    with pytest.raises(StatementError, match=says):
        statements.state_strategic_terms(bet, replace(_strategic(), **changes), now=now(), author=olivia)
    assert not StrategicTerms.objects.exists()


def test_differentiation_is_rated_and_superseded(support: Investment, olivia: User) -> None:
    rated = Rated(rating=4, narrative="Our data.", rated_on=now().date())
    statements.rate_differentiation(support, rated, now=now(), author=olivia)
    taken = replace(rated, rating=1, narrative="Every vendor sells it.", is_superseded=True)
    statements.rate_differentiation(support, taken, now=now(), author=olivia)
    assert [(row.rating, row.is_superseded) for row in statements.newest(Differentiation, support)] == [
        (1, True),
        (4, False),
    ]
    for changes, says in (
        ({"rating": 6}, "from 1 to 5"),
        ({"narrative": ""}, "what sets it apart"),
        ({"rated_on": date(2999, 1, 1)}, "today or earlier"),
    ):
        with pytest.raises(StatementError, match=says):
            statements.rate_differentiation(support, replace(rated, **changes), now=now(), author=olivia)  # type: ignore[arg-type]
