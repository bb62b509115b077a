"""The hypothesis of an investment in versions: each written once, with the reason why it replaces the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction

from portfolio import knowledge, statements
from portfolio.models import Hypothesis, Investment, User
from portfolio.statements import StatementError

# What a version says, in the order in which versions are compared.
SAID = (
    *("claim", "metric", "unit", "direction", "baseline", "baseline_from", "baseline_to"),
    *("target", "target_low", "target_high", "target_date"),
    *("measurement_method", "kill_line", "confounders"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is claimed: the metric that moves, from which baseline to which target by when, and when to stop."""

    claim: str
    metric: str
    unit: str = ""
    direction: str = "increase"
    baseline: Decimal | None = None
    baseline_from: date | None = None
    baseline_to: date | None = None
    target: Decimal | None = None
    target_low: Decimal | None = None
    target_high: Decimal | None = None
    target_date: date | None = None
    measurement_method: str = ""
    kill_line: str = ""
    confounders: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One term of a hypothesis, as one version says it and as the next one does."""

    name: str
    before: object
    after: object


@transaction.atomic
def state(
    investment: Investment, terms: Terms, *, now: datetime, author: User, reason: str = ""
) -> Hypothesis:
    """Write the next version; from the second on with a reason. Raises StatementError with a sentence."""
    knowledge.lock_portfolio(investment.portfolio_id)
    before = newest(investment)
    _check(investment, terms, today=statements.today_of(investment, now))
    if before is not None and not reason.strip():
        raise StatementError("Say why this version replaces the one before.")
    row = Hypothesis(
        investment=investment,
        version=before.version + 1 if before else 1,
        author=author,
        reason=reason.strip(),
        **{name: getattr(terms, name) for name in SAID},
    )
    try:
        row.clean_fields(exclude=["investment", "author", "batch"])
    except ValidationError as refused:
        raise StatementError(statements.sentence_of(refused)) from refused
    if before is not None and not differences(before, row):
        raise StatementError(f"Version {before.version} says the same already.")
    row.batch = statements.open_batch(investment, row, now=now, author=author, reason=row.reason)
    row.save(force_insert=True)
    return row


def _check(investment: Investment, terms: Terms, *, today: date) -> None:
    if not terms.claim.strip() or not terms.metric.strip():
        raise StatementError("Say what is claimed, and by which metric it is seen.")
    numbers = (terms.baseline, terms.target, terms.target_low, terms.target_high)
    if any(number is not None and not number.is_finite() for number in numbers):
        raise StatementError("Baseline and target are finite numbers.")
    _check_baseline(investment, terms, today=today)
    _check_target(terms)


def _check_baseline(investment: Investment, terms: Terms, *, today: date) -> None:
    given = [part is not None for part in (terms.baseline, terms.baseline_from, terms.baseline_to)]
    if any(given) and not all(given):
        raise StatementError("A baseline has a value and the first and last day it was measured.")
    if terms.baseline_from is not None and terms.baseline_to is not None:
        statements.check_period(investment, terms.baseline_from, terms.baseline_to, today=today)


def _check_target(terms: Terms) -> None:
    low, high = terms.target_low, terms.target_high
    if (low is None) != (high is None):
        raise StatementError("An interval has both ends.")
    if low is not None and high is not None and (terms.target is None or not low <= terms.target <= high):
        raise StatementError("The target lies inside its interval.")
    if terms.target is None or terms.baseline is None or terms.target == terms.baseline:
        return
    moves_up = terms.target > terms.baseline
    if moves_up != (terms.direction == "increase"):
        raise StatementError(
            f"The metric is meant to {terms.direction}, but the target {terms.target} is "
            f"{'above' if moves_up else 'below'} the baseline {terms.baseline}."
        )


def newest(investment: Investment, *, knowledge_time: int | None = None) -> Hypothesis | None:
    """Return the version in force, now or as known at a knowledge time; None where none was stated."""
    rows = versions(investment, knowledge_time=knowledge_time)
    return rows[0] if rows else None


def versions(investment: Investment, *, knowledge_time: int | None = None) -> list[Hypothesis]:
    """Return all versions, the newest first. What was stated before statements had batches was always known."""
    rows = Hypothesis.objects.filter(investment=investment).select_related("author", "batch")
    if knowledge_time is not None:
        rows = rows.exclude(batch_id__gt=knowledge_time)
    return list(rows.order_by("-version"))


def differences(before: Hypothesis, after: Hypothesis) -> Sequence[Difference]:
    """Return the terms that two versions say differently."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in SAID)
    return [Difference(name, old, new) for name, old, new in pairs if old != new]
