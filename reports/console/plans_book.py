"""An investment's money by month in the reporting currency: of every plan version, or of the actuals by account.

Converted and shared like the figures are: rounded once per cell, before any sum.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from itertools import accumulate

from portfolio import assumptions
from portfolio.models import Cell, Investment
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


def by_version(investment: Investment, *, share: Decimal) -> dict[int, Months]:
    """Return every version of the plan, benefits by the asserted share."""
    versions: dict[int, Months] = defaultdict(Months)
    for line in read(investment, Book.PLAN, share=share):
        versions[line.version].add(line)
    return dict(versions)


def read(
    investment: Investment,
    book: Book,
    *,
    share: Decimal,
    months: Sequence[date] | None = None,
    version: int | None = None,
) -> list[Line]:
    """Return the money lines of a book; a nil is a line of nothing, what was withdrawn is none."""
    cells = Cell.objects.filter(investment=investment, book=book.value, account__kind__in=MONEY_KINDS)
    cells = cells.exclude(kind=EntryKind.WITHDRAWN.value)
    if months is not None:
        cells = cells.filter(month__in=months)
    if version is not None:
        cells = cells.filter(book_version=version)
    rows = list(
        cells.values_list("book_version", "month", "account_id", "account__kind", "currency", "amount")
    )
    rates = _rates(investment, {row[4] for row in rows})
    home = {"", investment.portfolio.reporting_currency}
    lines = []
    for number, month, account, kind, currency, amount in rows:
        rate = Decimal(1) if currency in home else rates.get((currency, month))
        part = share if kind == AccountKind.BENEFIT.value else Decimal(1)
        lines.append(Line(number, month, account, AccountKind(kind), _money(amount, rate=rate, share=part)))
    return lines


def _rates(investment: Investment, currencies: Iterable[str]) -> dict[tuple[str, date], Decimal]:
    home = investment.portfolio.reporting_currency
    if not set(currencies) - {"", home}:
        return {}
    return {(r.currency, r.month): r.rate for r in assumptions.fx_rates() if r.reporting_currency == home}


def _money(amount: Decimal | None, *, rate: Decimal | None, share: Decimal) -> Decimal | None:
    if amount is None:
        return Decimal(0)
    if rate is None:
        return None
    # The exact product has more digits than a Decimal keeps by itself, and would be rounded twice.
    with localcontext(prec=_WIDE):
        return round_micro(amount * rate * share)
