"""Why ROI moved: a month of an investment against the month before it, from the ledger's lines, explained by cause.

The earlier month stands twice: as it was known when it was first closed, which is what people were shown, and as it is
known now. What lies between the two is attribution, rates and restatement.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from portfolio.models import Investment, MonthState
from portfolio.terms import MICRO, AccountKind, Basis, MonthStatus, Nature, add_months
from roi import inputs, lines
from roi.engine import bridge
from roi.engine.bridge import Bridge, Driver, Line, Reading, Role
from roi.engine.result import Reason
from roi.lines import Attributes, LedgerLine

# The count an account follows where it states no quantity of its own: the first that both months have.
_COST_DRIVERS = ("query", "conversation", "outcome", "successful_outcome", "user")
_BENEFIT_DRIVERS = ("outcome", "conversation", "query", "user")
_SUCCESS = ("accuracy", "first_contact_resolution")
_ERRORS = "error_rate"
_ERROR_ACCOUNT = "error_remediation"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The bridges of a month, of the month alone and to date; or the reason why there are none."""

    investment: Investment
    basis: Basis
    month: date | None
    before: date | None
    shown_at: (
        int | None
    )  # knowledge time of the earlier month's first close; None: it is compared as known now
    months: tuple[date, ...]  # closed, complete months that follow one such, and so have a bridge
    of_month: Bridge | Reason
    to_date: Bridge | Reason
    accounts: Mapping[str, str]  # names by code


def explain(
    investment: Investment,
    *,
    month: date | None = None,
    basis: Basis = Basis.SUPPORTED,
    knowledge: int | None = None,
) -> Explanation:
    """Return why net benefit and ROI of a month (default: the newest with a bridge) differ from the month before.

    The caller holds one consistent view of the database.
    """
    months, gap = _months(investment, knowledge)
    month = month or (months[-1] if months else None)
    names = {one.code: one.name for one in lines.attributes(knowledge=None).values()}
    if month is None or month not in months:
        reason = Reason.NO_HISTORY if month is None else Reason.MISSING_ACTUALS
        return Explanation(investment, basis, month, None, None, months, reason, reason, names)
    before = add_months(month, -1)
    shown_at = _first_close(investment, before, knowledge)
    after = _book(investment, basis, month, knowledge)
    shown = _book(investment, basis, before, shown_at) if shown_at is not None else after
    if _lacks_rate(shown, through=before):
        # What nobody could add up then was not shown to anybody.
        shown_at, shown = None, after
    if _lacks_rate(after, through=month):
        no_rate = Reason.MISSING_FX_RATE
        return Explanation(investment, basis, month, before, shown_at, months, no_rate, no_rate, names)
    pairs = _pairs(shown, after, before=before, month=month)
    carried = _carried(shown, after, through=before)
    to_date = (
        Reason.MISSING_ACTUALS if gap is not None and gap < month else bridge.to_date(pairs, carried=carried)
    )
    return Explanation(
        investment, basis, month, before, shown_at, months, bridge.of_month(pairs), to_date, names
    )


@dataclass(frozen=True, slots=True)
class _Book:
    cells: Sequence[LedgerLine]
    attributes: Mapping[int, Attributes]


def _book(investment: Investment, basis: Basis, through: date, knowledge: int | None) -> _Book:
    found = lines.cells(investment, basis=basis, through=through, knowledge=knowledge)
    return _Book(found, lines.attributes(knowledge=knowledge))


def _months(investment: Investment, knowledge: int | None) -> tuple[tuple[date, ...], date | None]:
    """Return the complete months that follow a complete one, and the first closed month that lacks actuals."""
    loaded = inputs.load([investment], knowledge=knowledge)
    if not loaded.investments:
        return (), None
    first, series = int(loaded.first_month[0]), loaded.series
    complete, closed = series.complete[0], series.closed[0]
    following = tuple(
        inputs.month_of(first, column)
        for column in range(1, len(complete))
        if complete[column] and complete[column - 1]
    )
    gaps = [column for column in range(len(complete)) if closed[column] and not complete[column]]
    return following, inputs.month_of(first, gaps[0]) if gaps else None


def _first_close(investment: Investment, month: date, knowledge: int | None) -> int | None:
    """Return the knowledge time at which a month was closed for the first time."""
    rows = MonthState.objects.filter(portfolio=investment.portfolio_id, month=month)
    if knowledge is not None:
        rows = rows.filter(batch_id__lte=knowledge)
    closed = rows.exclude(status=MonthStatus.OPEN.value)
    return closed.order_by("batch_id").values_list("batch_id", flat=True).first()


def _lacks_rate(book: _Book, *, through: date) -> bool:
    return any(
        cell.fx is None and cell.amount is not None and cell.kind in _MONEY
        for cell in book.cells
        if cell.month <= through
    )


_MONEY = (AccountKind.COST.value, AccountKind.BENEFIT.value)


def _money(book: _Book, month: date) -> dict[tuple[int, str, str, str], LedgerLine]:
    return {
        cell.key: cell
        for cell in book.cells
        if cell.month == month and cell.kind in _MONEY and cell.amount is not None
    }


def _pairs(shown: _Book, now: _Book, *, before: date, month: date) -> list[Line]:
    """Return each line of the two months with all that is known of it; a missing side is an amount of nothing."""
    sides = (_money(shown, before), _money(now, before), _money(now, month))
    drivers = _Drivers(now, before, month)
    found = []
    for key in _ordered(sides):
        known = [side.get(key) for side in sides]
        account = now.attributes[key[0]]
        is_benefit = next(cell.kind for cell in known if cell) == AccountKind.BENEFIT.value
        found.append(
            _line(account, known, is_benefit=is_benefit, driver=drivers.of(account, is_benefit=is_benefit))
        )
    return found


def _carried(shown: _Book, now: _Book, *, through: date) -> list[Line]:
    """Return each line of the months so far, as first shown and as known now."""
    months = sorted({cell.month for book in (shown, now) for cell in book.cells if cell.month <= through})
    found = []
    for month in months:
        sides = (_money(shown, month), _money(now, month))
        for key in _ordered(sides):
            then, since = sides[0].get(key), sides[1].get(key)
            is_benefit = next(cell.kind for cell in (then, since) if cell) == AccountKind.BENEFIT.value
            found.append(
                _line(now.attributes[key[0]], [then, since, since], is_benefit=is_benefit, driver=None)
            )
    return found


def _ordered(
    sides: Iterable[Mapping[tuple[int, str, str, str], LedgerLine]],
) -> list[tuple[int, str, str, str]]:
    return list(dict.fromkeys(key for side in sides for key in side))


def _line(
    account: Attributes, known: Sequence[LedgerLine | None], *, is_benefit: bool, driver: Driver | None
) -> Line:
    # A side that states nothing has no rate and no share of its own: those of the nearest side that does.
    stated = [cell for cell in known if cell is not None]
    shown, before, after = (_reading(cell, instead=stated[-1 if at else 0]) for at, cell in enumerate(known))
    return Line(account.code, is_benefit, shown, before, after, _role(account, is_benefit=is_benefit), driver)


def _reading(cell: LedgerLine | None, *, instead: LedgerLine) -> Reading:
    source = cell or instead
    return Reading(
        amount=int((cell.amount or Decimal(0)) * MICRO) if cell else 0,
        fx=Fraction(source.fx if source.fx is not None else 1),
        share=Fraction(source.share),
        quantity=Fraction(cell.quantity) if cell and cell.quantity is not None else None,
    )


def _role(account: Attributes, *, is_benefit: bool) -> Role:
    if is_benefit:
        return Role.RUNNING
    if account.nature == Nature.ONE_TIME.value:
        return Role.ONE_TIME
    return Role.RUNNING if account.is_avoidable else Role.ALLOCATED


class _Drivers:
    """The counts and qualities of two months, as known now."""

    def __init__(self, book: _Book, before: date, month: date) -> None:
        self._counts: list[dict[str, Fraction]] = []
        self._qualities: list[dict[str, Fraction]] = []
        for one in (before, month):
            cells = [cell for cell in book.cells if cell.month == one and cell.quantity is not None]
            self._counts.append(_added(book, cells))
            self._qualities.append(_averaged(book, cells))

    def of(self, account: Attributes, *, is_benefit: bool) -> Driver | None:
        """Return what an account follows: benefits their outcomes, cost of usage the use, other cost nothing."""
        if not (is_benefit or account.is_usage_driven):
            return None
        old, new = self._counts
        for key in _BENEFIT_DRIVERS if is_benefit else _COST_DRIVERS:
            if old.get(key, 0) > 0 and new.get(key, 0) > 0:
                return Driver(old[key], new[key], *self._quality(account, key, is_benefit=is_benefit))
        return None

    def _quality(
        self, account: Attributes, key: str, *, is_benefit: bool
    ) -> tuple[Fraction | None, Fraction | None]:
        """Return the share of the count that succeeds (benefit) or fails (error remediation) in the two months."""
        old, new = self._counts
        if is_benefit and key == "outcome":
            succeeded = "successful_outcome"
            if old.get(succeeded, 0) > 0 and new.get(succeeded, 0) > 0:
                return old[succeeded] / old[key], new[succeeded] / new[key]
        names = _SUCCESS if is_benefit else (_ERRORS,) if account.code == _ERROR_ACCOUNT else ()
        for name in names:
            before, after = self._qualities[0].get(name), self._qualities[1].get(name)
            if before is not None and after is not None:
                return before, after
        return None, None


def _added(book: _Book, cells: Iterable[LedgerLine]) -> dict[str, Fraction]:
    total: dict[str, Fraction] = {}
    for cell in cells:
        key = book.attributes[cell.account_id].volume_key
        if key and cell.quantity is not None:
            total[key] = total.get(key, Fraction(0)) + Fraction(cell.quantity)
    return total


def _averaged(book: _Book, cells: Iterable[LedgerLine]) -> dict[str, Fraction]:
    """Return each quality's mean over its sources: the ledger keeps no weights."""
    stated: dict[str, list[Fraction]] = {}
    for cell in cells:
        if cell.kind == AccountKind.QUALITY.value and cell.quantity is not None:
            stated.setdefault(book.attributes[cell.account_id].code, []).append(Fraction(cell.quantity))
    return {code: sum(values, Fraction(0)) / len(values) for code, values in stated.items()}
