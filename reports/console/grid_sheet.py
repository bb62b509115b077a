"""The month grid as data: lines of one account or one investment, months of a fiscal year. Read only."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Count, Q

from portfolio import facts, months
from portfolio.models import Account, Cell, Investment, Portfolio
from portfolio.terms import AccountKind, Aggregation, Book, EntryKind, MonthStatus, add_months, format_month
from reports.console.grid_notation import NIL, Notation

SOURCE = "actuals"
"""The source of what people enter; the grid shows and replaces this one only."""
MONTHS_PER_YEAR = 12
_MONEY = (AccountKind.COST.value, AccountKind.BENEFIT.value)


@dataclass(frozen=True, slots=True)
class Column:
    """A month of the sheet and the state it is in: open, closed, locked or future."""

    month: date
    state: str

    @property
    def code(self) -> str:
        """Return the month as the server reads it back."""
        return format_month(self.month)

    @property
    def is_editable(self) -> bool:
        """Return whether this page may change the month."""
        return self.state in (MonthStatus.OPEN.value, MonthStatus.CLOSED.value)


@dataclass(frozen=True, slots=True)
class Box:
    """One box: what it shows, what the ledger held when it was shown, and why it cannot be edited."""

    text: str = ""
    seen: str = ""
    hint: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the sheet: an investment's account in one currency."""

    investment: str
    account: str
    currency: str
    title: str
    subtitle: str
    group: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns and lines; `unit` is what every figure of the sheet is counted in, empty where lines differ."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    unit: str = ""

    @property
    def has_closed(self) -> bool:
        """Return whether a change may be a restatement."""
        return any(column.state == MonthStatus.CLOSED.value for column in self.columns)


@dataclass(slots=True)
class _Held:
    """What the ledger holds in one box: people's own statement, and the sum of the other sources."""

    own: str = ""
    text: str = ""
    others: Decimal = Decimal(0)
    sources: set[str] = field(default_factory=set)


def fiscal_year_of(portfolio: Portfolio, month: date) -> int:
    """Return the fiscal year a month belongs to, named for the calendar year in which it ends."""
    starts_midyear = (
        portfolio.fiscal_year_start_month > 1 and month.month >= portfolio.fiscal_year_start_month
    )
    return month.year + 1 if starts_midyear else month.year


def months_of(portfolio: Portfolio, year: int) -> list[date]:
    """Return the twelve months of a fiscal year."""
    start = portfolio.fiscal_year_start_month
    first = date(year if start == 1 else year - 1, start, 1)
    return [add_months(first, step) for step in range(MONTHS_PER_YEAR)]


def fiscal_years(portfolio: Portfolio, now: datetime) -> list[int]:
    """Return the fiscal years that can hold actuals, newest first."""
    current = fiscal_year_of(portfolio, months.current_month(portfolio, now))
    first = Investment.objects.filter(portfolio=portfolio).order_by("start_month").first()
    earliest = fiscal_year_of(portfolio, first.start_month) if first else current
    return list(range(current, min(earliest, current) - 1, -1))


def usual_account(portfolio: Portfolio) -> Account | None:
    """Return the account most of a portfolio's actuals stand in; the first of the chart before there are any."""
    used = (
        Cell.objects.filter(investment__portfolio=portfolio, book=Book.ACTUAL.value, account__is_active=True)
        .values_list("account_id")
        .annotate(lines=Count("pk"))
        .order_by("-lines", "account_id")
        .first()
    )
    found = Account.objects.filter(pk=used[0]).first() if used else None
    return found or Account.objects.filter(is_active=True).first()


def by_account(
    portfolio: Portfolio, account: Account, *, year: int, notation: Notation, now: datetime
) -> Sheet:
    """Return the sheet of one account: a line per investment that has begun by the end of the year."""
    columns = _columns(portfolio, year, now)
    investments = list(
        Investment.objects.filter(portfolio=portfolio, start_month__lte=columns[-1].month).order_by("code")
    )
    pairs = [(investment, account) for investment in investments]
    held = _held(pairs, columns, notation)
    lines = [
        _line(pair, currency, columns, held, notation, title=pair[0].code, subtitle=pair[0].name)
        for pair in pairs
        for currency in _currencies(portfolio, pair, held)
    ]
    return Sheet(columns, tuple(lines), unit=account.unit)


def by_investment(
    portfolio: Portfolio,
    investment: Investment,
    *,
    year: int,
    notation: Notation,
    now: datetime,
    shows_all: bool = False,
) -> Sheet:
    """Return the sheet of one investment: a line per account it uses; every active one when it uses none."""
    columns = _columns(portfolio, year, now)
    used = Cell.objects.filter(investment=investment).values("account_id")
    accounts = Account.objects.filter(pk__in=used)
    if shows_all or not accounts.exists():
        accounts = Account.objects.filter(Q(is_active=True) | Q(pk__in=used))
    pairs = [(investment, account) for account in accounts]
    held = _held(pairs, columns, notation)
    lines = [
        _line(pair, currency, columns, held, notation, title=pair[1].name, subtitle=pair[1].unit)
        for pair in pairs
        for currency in _currencies(portfolio, pair, held)
    ]
    return Sheet(columns, tuple(lines))


def _columns(portfolio: Portfolio, year: int, now: datetime) -> tuple[Column, ...]:
    states, running = facts.month_states(portfolio), months.current_month(portfolio, now)
    return tuple(
        Column(month, "future" if month > running else states.get(month, MonthStatus.OPEN.value))
        for month in months_of(portfolio, year)
    )


def seen_of(kind: str, amount: Decimal | None, quantity: Decimal | None, *, is_money: bool) -> str:
    """Return what the ledger holds as one plain word, to be compared with what a page showed."""
    if kind == EntryKind.VALUE.value:
        figure = amount if is_money else quantity
        return f"{figure:.6f}" if figure is not None else ""
    return NIL if kind == EntryKind.NIL.value else ""


_Key = tuple[int, int, str, date]


def _held(
    pairs: Iterable[tuple[Investment, Account]], columns: Sequence[Column], notation: Notation
) -> dict[_Key, _Held]:
    pairs = list(pairs)
    accounts = {account.pk: account for _, account in pairs}
    rows = Cell.objects.filter(
        investment__in={investment.pk for investment, _ in pairs},
        account__in=accounts,
        book=Book.ACTUAL.value,
        month__range=(columns[0].month, columns[-1].month),
    ).exclude(kind=EntryKind.WITHDRAWN.value)
    held: dict[_Key, _Held] = defaultdict(_Held)
    columns_read = (
        "investment_id",
        "account_id",
        "currency",
        "month",
        "source",
        "source_ref",
        "kind",
        "amount",
        "quantity",
    )
    for investment, account, currency, month, source, ref, kind, amount, quantity in rows.values_list(
        *columns_read
    ):
        box = held[investment, account, currency, month]
        is_money = accounts[account].kind in _MONEY
        figure: Decimal | None = amount if is_money else quantity
        if source == SOURCE and not ref:
            box.own = seen_of(kind, amount, quantity, is_money=is_money)
            box.text = NIL if kind == EntryKind.NIL.value else notation.write(figure or Decimal(0))
        else:
            box.others += figure or 0
            box.sources.add(f"{source} {ref}".strip())
    return held


def _currencies(portfolio: Portfolio, pair: tuple[Investment, Account], held: dict[_Key, _Held]) -> list[str]:
    """Return a line's currencies: the reporting currency first, then others that hold figures."""
    investment, account = pair
    if account.kind not in _MONEY:
        return [""]
    present = {key[2] for key in held if key[:2] == (investment.pk, account.pk)}
    return [portfolio.reporting_currency, *sorted(present - {portfolio.reporting_currency})]


def _line(
    pair: tuple[Investment, Account],
    currency: str,
    columns: Sequence[Column],
    held: dict[_Key, _Held],
    notation: Notation,
    *,
    title: str,
    subtitle: str,
) -> Line:
    investment, account = pair
    boxes = []
    for column in columns:
        found = held.get((investment.pk, account.pk, currency, column.month))
        boxes.append(
            Box(
                text=found.text if found else "",
                seen=found.own if found else "",
                hint=_hint(found, account, notation) if found else "",
                refusal=_refusal(investment, column),
            )
        )
    return Line(investment.code, account.code, currency, title, subtitle, account.kind, tuple(boxes))


def _hint(found: _Held, account: Account, notation: Notation) -> str:
    if not found.sources:
        return ""
    names = ", ".join(sorted(found.sources)[:3])
    if account.aggregation != Aggregation.SUM.value:
        return f"also stated by {names}"
    return f"+ {notation.write(found.others)} from {names}"


def _refusal(investment: Investment, column: Column) -> str:
    if column.month < investment.start_month:
        return f"{column.code} is before {investment.code} starts ({format_month(investment.start_month)})."
    if column.state == "future":
        return f"{column.code} has not begun; actuals state what has happened."
    if column.state == MonthStatus.LOCKED.value:
        return f"{column.code} is locked; it has to be reopened first."
    return ""
