"""What the gates look at, read from the rows of one investment."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial

from django.db.models import Count, Sum

from portfolio import hypotheses, statements
from portfolio.gates import Claim, Facts, Inputs, Strategy
from portfolio.models import Baseline, Cell, Decision, FxRate, Hypothesis, Investment, StrategicTerms
from portfolio.terms import (
    AccountKind,
    Book,
    DecisionKind,
    EntryKind,
    Nature,
    Stage,
    StrategicKind,
    ValueCategory,
    add_months,
)

RulesOf = Callable[[Investment], Sequence[str]]
# Of each currency, the rate of each month, in the order of months.
_Rates = dict[str, dict[date, Decimal]]
_judges: list[RulesOf] = []


def judged_by(rules_of: RulesOf) -> None:
    """Let the room that judges figures say which of its rules are on for an investment."""
    _judges[:] = [rules_of]


@dataclass(frozen=True, slots=True)
class _Line:
    """Money of one book and version, account kind and nature, month and currency."""

    book: str
    version: int
    kind: str
    nature: str
    month: date
    currency: str
    amount: Decimal


def read(investment: Investment, *, now: datetime, decision: Decision | None = None) -> Facts:
    """Return what the gates know of an investment now, and the decision that a change of stage follows."""
    lines = _lines(investment)
    approved = investment.approved_plan_version
    cost, source = _cost(investment, lines, approved=approved)
    return Facts(
        code=investment.code,
        stage=Stage(investment.stage),
        category=ValueCategory(investment.value_category),
        today=statements.today_of(investment, now),
        live_month=statements.live_month(investment),
        review_date=investment.review_date,
        has_owner=investment.owner_id is not None,
        cost=cost,
        cost_source=source,
        threshold=investment.portfolio.materiality_threshold,
        currency=investment.portfolio.reporting_currency,
        claim=_claim(hypotheses.newest(investment)),
        baseline_to=Baseline.objects.filter(investment=investment)
        .order_by("period_to")
        .values_list("period_to", flat=True)
        .first(),
        strategy=_strategy(investment),
        inputs=_inputs(investment, lines, approved=approved),
        actual_months=_actual_months(investment),
        decision=DecisionKind(decision.kind) if decision else None,
    )


def latest_decision(investment: Investment) -> Decision | None:
    """Return the newest decision about an investment."""
    return Decision.objects.filter(investment=investment).order_by("-id").first()


def _lines(investment: Investment) -> list[_Line]:
    cells = Cell.objects.filter(
        investment=investment,
        book__in=(Book.ACTUAL.value, Book.PLAN.value),
        kind=EntryKind.VALUE.value,
        account__kind__in=(AccountKind.COST.value, AccountKind.BENEFIT.value),
    )
    keys = ("book", "book_version", "account__kind", "account__nature", "month", "currency")
    rows = cells.values_list(*keys).annotate(total=Sum("amount")).order_by(*keys)
    return [_Line(*row) for row in rows]


def _actual_months(investment: Investment) -> int:
    cells = Cell.objects.filter(investment=investment, book=Book.ACTUAL.value, kind=EntryKind.VALUE.value)
    count: int = cells.aggregate(count=Count("month", distinct=True))["count"]
    return count


def _plan(lines: Iterable[_Line], approved: int | None) -> tuple[int | None, list[_Line]]:
    """Return the approved version, else the newest one, and its lines."""
    by_version: dict[int, list[_Line]] = defaultdict(list)
    for line in lines:
        if line.book == Book.PLAN.value:
            by_version[line.version].append(line)
    version = approved if approved is not None else max(by_version, default=None)
    return version, by_version[version] if version is not None else []


def _cost(
    investment: Investment, lines: Sequence[_Line], *, approved: int | None
) -> tuple[Decimal | None, str]:
    """Return the greater of what is planned inside the horizon and what was spent, and where it comes from."""
    end = add_months(investment.start_month, investment.horizon_months)
    version, planned = _plan(lines, approved)
    plan = [line for line in planned if line.kind == AccountKind.COST.value and line.month < end]
    actual = [
        line for line in lines if line.book == Book.ACTUAL.value and line.kind == AccountKind.COST.value
    ]
    if not plan and not actual:
        return None, ""
    convert = partial(_converted, rates=_rates(investment, [*plan, *actual]), investment=investment)
    said = [
        (convert(part), source)
        for part, source in ((plan, f"version {version} of its plan"), (actual, "its actuals"))
        if part
    ]
    if any(amount is None for amount, _ in said):
        return None, ""
    return max(((amount, source) for amount, source in said if amount is not None), key=lambda pair: pair[0])


def _rates(investment: Investment, lines: Iterable[_Line]) -> _Rates:
    target = investment.portfolio.reporting_currency
    foreign = {line.currency for line in lines} - {target}
    rates: _Rates = {currency: {} for currency in foreign}
    if foreign:
        rows = FxRate.objects.filter(currency__in=foreign, reporting_currency=target)
        for row in rows.order_by("month", "batch_id"):
            rates[row.currency][row.month] = row.rate
    return rates


def _converted(lines: Iterable[_Line], *, rates: _Rates, investment: Investment) -> Decimal | None:
    """Return the sum in the reporting currency; None where no rate is known.

    How large an investment is does not wait for the rates of planned months: the last one known before holds.
    """
    total = Decimal(0)
    for line in lines:
        rate: Decimal | None = Decimal(1)
        if line.currency != investment.portfolio.reporting_currency:
            known = [rate for month, rate in rates[line.currency].items() if month <= line.month]
            rate = known[-1] if known else None
        if rate is None:
            return None
        total += line.amount * rate
    return total


def _inputs(investment: Investment, lines: Sequence[_Line], *, approved: int | None) -> Inputs | None:
    if not _judges:
        return None
    _, planned = _plan(lines, approved)
    known = [*planned, *(line for line in lines if line.book == Book.ACTUAL.value)]
    return Inputs(
        rules=tuple(_judges[0](investment)),
        has_benefit=any(line.kind == AccountKind.BENEFIT.value for line in known),
        has_run_cost=any(
            line.kind == AccountKind.COST.value and line.nature == Nature.RUN.value for line in known
        ),
    )


def _claim(newest: Hypothesis | None) -> Claim | None:
    if newest is None:
        return None
    return Claim(
        version=newest.version,
        metric=newest.metric,
        has_target=newest.target is not None,
        target_date=newest.target_date,
        measurement_plan=newest.measurement_method,
        kill_line=newest.kill_line,
        baseline_to=newest.baseline_to if newest.baseline is not None else None,
    )


def _strategy(investment: Investment) -> Strategy | None:
    terms = statements.newest(StrategicTerms, investment)[:1]
    return Strategy(kind=StrategicKind(terms[0].kind), expires_on=terms[0].expires_on) if terms else None
