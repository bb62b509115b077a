"""Which investments lack which accounts in which month, by the engine's own rule, for the months page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from portfolio import ledger, months
from portfolio.models import Account, Batch, Investment, MonthState, Portfolio
from portfolio.terms import MonthStatus, add_months, month_index, months_from
from roi import inputs

_WORD_BITS = 63


@dataclass(frozen=True, slots=True)
class Lack:
    """What one investment has not stated in a month; no accounts means that it stated nothing at all."""

    code: str
    name: str
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One month of a portfolio: its state, who set it, and what is missing among the investments expected."""

    month: date
    status: str
    state: MonthState | None
    recorded_at: datetime | None
    expected: int
    lacks: tuple[Lack, ...]

    @property
    def complete(self) -> int:
        """Return how many investments have stated everything expected of them."""
        return self.expected - len(self.lacks)


def rows(portfolio: Portfolio, *, now: datetime, newest: date | None, count: int) -> list[MonthRow]:
    """Return up to `count` ended months, newest first, from `newest` (default: the last ended one) back."""
    investments = list(
        Investment.objects.filter(portfolio=portfolio).select_related("portfolio").order_by("code")
    )
    if not investments:
        return []
    first = min(i.start_month for i in investments)
    last = add_months(months.current_month(portfolio, now), -1)
    shown = months_from(first, min(newest or last, last))[-count:]
    states, times = _states(portfolio)
    lacks = _lacks(portfolio, investments, shown)
    answer = []
    for month in reversed(shown):
        state = states.get(month)
        begun = [
            i for i in investments if i.start_month <= month and not (i.end_month and i.end_month < month)
        ]
        answer.append(
            MonthRow(
                month=month,
                status=state.status if state else MonthStatus.OPEN.value,
                state=state,
                recorded_at=times.get(state.batch_id) if state else None,
                expected=len(begun),
                lacks=tuple(lacks[month]),
            )
        )
    return answer


def _states(portfolio: Portfolio) -> tuple[dict[date, MonthState], dict[int, datetime]]:
    latest = (
        MonthState.objects.filter(portfolio=portfolio)
        .select_related("actor", "approver")
        .order_by("month", "-batch_id", "-id")
        .distinct("month")
    )
    states = {state.month: state for state in latest}
    batches = Batch.objects.filter(pk__in={state.batch_id for state in states.values()})
    return states, dict(batches.values_list("pk", "recorded_at"))


def _lacks(
    portfolio: Portfolio, investments: Sequence[Investment], shown: Sequence[date]
) -> dict[date, list[Lack]]:
    """Return what is missing in each month by the rule that decides completeness, open months included."""
    loaded, ever = inputs.load(investments), ledger.last_value_months(portfolio)
    names = dict(Account.objects.values_list("position", "name"))
    answer: dict[date, list[Lack]] = {month: [] for month in shown}
    for row, investment in enumerate(loaded.investments):
        first, length = int(loaded.first_month[row]), int(loaded.series.length[row])
        for month in shown:
            column = month_index(month) - first
            if column < 0 or (investment.end_month and investment.end_month < month):
                continue
            is_silent = investment.pk not in ever or column >= length
            words = (0, 0) if is_silent else loaded.missing_accounts[row, column]
            accounts = tuple(
                names.get(position, "?") for position in _positions(int(words[0]), int(words[1]))
            )
            if accounts or is_silent:
                answer[month].append(Lack(investment.code, investment.name, accounts))
    return answer


def _positions(low: int, high: int) -> list[int]:
    whole = low | (high << _WORD_BITS)
    return [position for position in range(2 * _WORD_BITS) if whole >> position & 1]
