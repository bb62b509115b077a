"""Reads what `roi.engine.repricing` prices: token volumes, deployments and the recorded model API cost of investments.

A fixed number of queries, however many investments; nothing is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from portfolio import assumptions
from portfolio.facts import LONGEST_HISTORY
from portfolio.models import Cell, Deployment, Investment
from portfolio.terms import Book, EntryKind, format_month, months_from
from roi import prices
from roi.engine.repricing import Amount, Option, Priced, RepricingError, Table, Usage, table
from roi.engine.result import Reason
from roi.engine.token_cost import Tokens, Unpriced, to_money
from roi.prices import Overrides

_MONEY = "model_api"
# Who caches nothing states no cached tokens; all input was then read at the full price.
_NEEDED, _OPTIONAL = ("input_tokens", "output_tokens"), "cached_tokens"
Rates = Mapping[tuple[str, date], Mapping[str, Decimal]]


@dataclass(slots=True)
class _Stated:
    """What the actual book says of one investment; None among the money is an amount without an exchange rate."""

    counts: dict[tuple[date, str], Decimal] = field(default_factory=dict)
    money: dict[date, list[Decimal | None]] = field(default_factory=dict)

    def months(self) -> set[date]:
        return {month for month, _ in self.counts} | set(self.money)


def reprice(
    investments: Sequence[Investment],
    options: Sequence[Option],
    *,
    first: date | None = None,
    last: date | None = None,
) -> dict[int, Table]:
    """Return the table of each investment by its key, in its portfolio's reporting currency.

    The months are those from the first to the last that state tokens or model API cost, or as `first` and `last` say;
    what is in between and states nothing is in the table as unpriced. Raises RepricingError.
    """
    if first is not None and last is not None and last < first:
        raise RepricingError(
            f"The last month, {format_month(last)}, is before the first, {format_month(first)}."
        )
    exchange = _exchange()
    stated = _stated(investments, exchange)
    histories = _histories(investments)
    tables = {}
    for each in investments:
        mine, reporting = stated[each.pk], each.portfolio.reporting_currency
        usage = [
            _usage(m, mine, histories[each.pk], options=options, exchange=_rates(exchange, reporting, m))
            for m in _months(mine, first, last)
        ]
        tables[each.pk] = table(usage, options)
    return tables


def _months(stated: _Stated, first: date | None, last: date | None) -> list[date]:
    known = stated.months()
    if not known and (first is None or last is None):
        return []
    months = months_from(first or min(known), last or max(known))
    if len(months) > LONGEST_HISTORY:
        raise RepricingError(f"{len(months)} months were asked for; a table has up to {LONGEST_HISTORY}.")
    return months


def _exchange() -> Rates:
    found: dict[tuple[str, date], dict[str, Decimal]] = {}
    for row in assumptions.fx_rates():
        found.setdefault((row.reporting_currency, row.month), {})[row.currency] = row.rate
    return found


def _rates(exchange: Rates, reporting: str, month: date) -> dict[str, Decimal]:
    return {**exchange.get((reporting, month), {}), reporting: Decimal(1)}


def _stated(investments: Sequence[Investment], exchange: Rates) -> dict[int, _Stated]:
    """Return the current cells of the actual book, summed over sources. One query."""
    reporting = {investment.pk: investment.portfolio.reporting_currency for investment in investments}
    found = {pk: _Stated() for pk in reporting}
    rows = (
        Cell.objects.filter(
            investment__in=list(reporting),
            book=Book.ACTUAL.value,
            account__code__in=(*_NEEDED, _OPTIONAL, _MONEY),
        )
        .exclude(kind=EntryKind.WITHDRAWN.value)
        .values_list("investment_id", "month", "account__code", "quantity", "amount", "currency")
    )
    for pk, month, account, quantity, amount, currency in rows:
        mine = found[pk]
        if account == _MONEY:
            money = _converted(amount, _rates(exchange, reporting[pk], month).get(currency))
            mine.money.setdefault(month, []).append(money)
        else:
            key = (month, account)
            mine.counts[key] = mine.counts.get(key, Decimal(0)) + (quantity or Decimal(0))
    return found


def _converted(amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    """Return an amount in the reporting currency, rounded once per cell; a nil is 0 in any currency."""
    if amount is None:
        return Decimal(0)
    return None if rate is None else to_money(Fraction(amount) * Fraction(rate))


_Seen = dict[tuple[int, str, str, date], Priced]


@dataclass(frozen=True, slots=True)
class _History:
    """What ran when, and the prices its portfolio pays; `seen` keeps what was looked up for any investment."""

    deployments: Sequence[Deployment]
    portfolio_id: int
    overrides: Overrides
    seen: _Seen

    def at(self, month: date) -> Deployment | None:
        """Return the deployment in effect in a month."""
        begun = [each for each in self.deployments if each.effective_month <= month]
        return begun[-1] if begun else None

    def priced(self, provider: str, model: str, month: date) -> Priced:
        """Return the prices of a model within a month."""
        key = (self.portfolio_id, provider, model, month)
        if key not in self.seen:
            self.seen[key] = prices.of_month(provider, model, month, overrides=self.overrides)
        return self.seen[key]

    def deployed(self, month: date) -> Priced:
        """Return the prices of what ran in a month; a stated model version is looked up before the model alone."""
        running = self.at(month)
        if running is None:
            return Unpriced(f"No deployment says which model ran in {format_month(month)}.")
        vendor, model, version = running.vendor, running.model, running.model_version
        if not vendor.strip() or not model.strip():
            return Unpriced(
                f"The deployment from {format_month(running.effective_month)} names no vendor or no model."
            )
        found: Priced = Unpriced("")
        for name in dict.fromkeys((_dated(model, version), model)):
            found = self.priced(vendor, name, month)
            if not isinstance(found, Unpriced):
                return found
        return found


def _histories(investments: Sequence[Investment]) -> dict[int, _History]:
    """Return what ran when and what it costs, of each investment. Two queries."""
    ran: dict[int, list[Deployment]] = {investment.pk: [] for investment in investments}
    for row in Deployment.objects.filter(investment__in=list(ran)).order_by("effective_month"):
        ran[row.investment_id].append(row)
    overrides = prices.overrides_of({investment.portfolio_id for investment in investments})
    seen: _Seen = {}
    return {
        each.pk: _History(ran[each.pk], each.portfolio_id, overrides[each.portfolio_id], seen)
        for each in investments
    }


def _dated(model: str, version: str) -> str:
    """Return a model's name with its version, as providers write it: gpt-4o and 2024-08-06 are gpt-4o-2024-08-06."""
    model, version = model.strip(), version.strip()
    if not version:
        return model
    return version if version.lower().startswith(model.lower()) else f"{model}-{version}"


def _usage(
    month: date,
    stated: _Stated,
    history: _History,
    *,
    options: Sequence[Option],
    exchange: Mapping[str, Decimal],
) -> Usage:
    deployed, running = history.deployed(month), history.at(month)
    tokens, missing = _tokens(stated, month)
    return Usage(
        month=month,
        tokens=tokens,
        missing=missing,
        recorded=_recorded(stated, month),
        deployed=deployed,
        options=[
            deployed if option.is_as_deployed else history.priced(option.provider, option.model, month)
            for option in options
        ],
        exchange=exchange,
        is_latency_sensitive=running is not None and running.is_latency_sensitive,
    )


def _tokens(stated: _Stated, month: date) -> tuple[Tokens | None, str]:
    """Return the tokens of a month, or None with a sentence on what is not stated."""
    lacking = [name for name in _NEEDED if (month, name) not in stated.counts]
    if lacking:
        named = " and no ".join(lacking)
        return None, (
            f"The ledger has no {named} for {format_month(month)}; state them, or a nil where there were none."
        )
    return Tokens(*(stated.counts.get((month, name), Decimal(0)) for name in (*_NEEDED, _OPTIONAL))), ""


def _recorded(stated: _Stated, month: date) -> Amount:
    """Return what the ledger has as model API cost of a month."""
    parts = stated.money.get(month)
    spoken = format_month(month)
    if parts is None:
        return Amount(None, Reason.MISSING_ACTUALS, f"The ledger has no model API cost for {spoken}.")
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        sentence = f"A model API cost of {spoken} has no rate to the reporting currency."
        return Amount(None, Reason.MISSING_FX_RATE, sentence)
    return Amount(sum(known, Decimal(0)))
