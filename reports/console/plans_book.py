"""An investment's money by month in the reporting currency: of every plan version, or of the actuals by account.

Converted and shared like the figures are: rounded once per cell, before any sum.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from itertools import accumulate

from django.db.models import QuerySet

from portfolio import assumptions, knowledge
from portfolio.models import Cell, Entry, Investment
from portfolio.terms import AccountKind, Book, EntryKind, months_from, round_micro

MONEY_KINDS = (AccountKind.COST.value, AccountKind.BENEFIT.value)
_WIDE = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One cell's money: None where its month has no exchange rate."""

    version: int
    month: date
    account_id: int
    kind: AccountKind
    amount: Decimal | None


@dataclass(slots=True)
class Months:
    """Cost and benefit of one plan version by month."""

    cost: dict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    benefit: dict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    missing_fx: set[date] = field(default_factory=set)

    def add(self, line: Line) -> None:
        """Add one line to its month."""
        side = self.cost if line.kind is AccountKind.COST else self.benefit
        side[line.month] += line.amount or 0
        if line.amount is None:
            self.missing_fx.add(line.month)

    def known(self) -> list[date]:
        """Return every month from the first planned one to the last; months between count as planned at nothing."""
        stated = {*self.cost, *self.benefit}
        return months_from(min(stated), max(stated)) if stated else []

    def to_date(self) -> dict[date, tuple[Decimal, Decimal]]:
        """Return cumulative cost and benefit by month, up to the first month without an exchange rate."""
        months = self.known()
        sums = zip(
            months,
            accumulate(self.cost.get(m, Decimal(0)) for m in months),
            accumulate(self.benefit.get(m, Decimal(0)) for m in months),
            strict=True,
        )
        limit = min(self.missing_fx, default=date.max)
        return {month: (cost, benefit) for month, cost, benefit in sums if month < limit}

    def breakeven(self) -> date | None:
        """Return the first month whose cumulative benefit covers a cost above zero."""
        return next((m for m, (cost, benefit) in self.to_date().items() if benefit >= cost > 0), None)


def by_version(investment: Investment, *, share: Decimal, known: int | None = None) -> dict[int, Months]:
    """Return every version of the plan as known at a knowledge time (None: now), benefits by the asserted share."""
    versions: dict[int, Months] = defaultdict(Months)
    for line in read(investment, Book.PLAN, share=share, known=known):
        versions[line.version].add(line)
    return dict(versions)


def read(
    investment: Investment,
    book: Book,
    *,
    share: Decimal,
    months: Sequence[date] | None = None,
    version: int | None = None,
    known: int | None = None,
) -> list[Line]:
    """Return the money lines of a book as known at a knowledge time (None: now).

    A nil is a line of nothing, what was withdrawn is none.
    """
    cells = values(investment, known).filter(book=book.value, account__kind__in=MONEY_KINDS)
    if months is not None:
        cells = cells.filter(month__in=months)
    if version is not None:
        cells = cells.filter(book_version=version)
    rows = list(
        cells.values_list("book_version", "month", "account_id", "account__kind", "currency", "amount")
    )
    rates = _rates(investment, {row[4] for row in rows}, known)
    home = {"", investment.portfolio.reporting_currency}
    lines = []
    for number, month, account, kind, currency, amount in rows:
        rate = Decimal(1) if currency in home else rates.get((currency, month))
        part = share if kind == AccountKind.BENEFIT.value else Decimal(1)
        lines.append(Line(number, month, account, AccountKind(kind), _money(amount, rate=rate, share=part)))
    return lines


def values(investment: Investment, known: int | None) -> QuerySet[Cell] | QuerySet[Entry]:
    """Return the values of an investment's keys as known at a knowledge time (None: now)."""
    if known is not None:
        return knowledge.values_known(investment, known)
    return Cell.objects.filter(investment=investment).exclude(kind=EntryKind.WITHDRAWN.value)


def _rates(
    investment: Investment, currencies: Iterable[str], known: int | None
) -> dict[tuple[str, date], Decimal]:
    home = investment.portfolio.reporting_currency
    if not set(currencies) - {"", home}:
        return {}
    return {
        (r.currency, r.month): r.rate
        for r in assumptions.fx_rates(knowledge_time=known)
        if r.reporting_currency == home
    }


def _money(amount: Decimal | None, *, rate: Decimal | None, share: Decimal) -> Decimal | None:
    if amount is None:
        return Decimal(0)
    if rate is None:
        return None
    # The exact product has more digits than a Decimal keeps by itself, and would be rounded twice.
    with localcontext(prec=_WIDE):
        return round_micro(amount * rate * share)
