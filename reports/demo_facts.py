"""A demo story as ledger facts of its investment: its actuals, its plan, and what was wrong at first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from portfolio.facts import Fact
from portfolio.models import Account, Investment
from portfolio.terms import AccountKind, add_months
from reports.demo_story import Line, Story, values

_MONEY = (AccountKind.COST.value, AccountKind.BENEFIT.value)
_STEPS = {AccountKind.VOLUME.value: Decimal(1), AccountKind.QUALITY.value: Decimal("0.0001")}
_CENT = Decimal("0.01")


def actuals(investment: Investment, story: Story, accounts: Mapping[str, Account]) -> list[Fact]:
    """Return the right actuals of every month that is reported."""
    return _facts(investment, story, story.lines, accounts, count=story.months - story.unreported)


def plan(investment: Investment, story: Story, accounts: Mapping[str, Account]) -> list[Fact]:
    """Return the plan over the horizon: the cost that comes once, and the planned lines without scatter.

    Where a story plans nothing of its own, a draft that nobody approved: the actual lines of money, as they began.
    """
    money = (AccountKind.COST.value, AccountKind.BENEFIT.value)
    drafted = [
        replace(line, drift=0, ending=()) for line in story.lines if accounts[line.account].kind in money
    ]
    lines = [replace(line, scatter=0) for line in story.plan or drafted]
    return _facts(investment, story, lines, accounts, count=story.horizon)


def is_slip(story: Story, fact: Fact, accounts: Mapping[str, Account], *, last: date) -> bool:
    """Return whether a fact is the one that was entered wrongly first."""
    slip = story.slip
    return (
        slip is not None
        and fact.month == add_months(last, -slip.age)
        and fact.account_id == accounts[slip.account].pk
    )


def _facts(
    investment: Investment,
    story: Story,
    lines: Sequence[Line],
    accounts: Mapping[str, Account],
    *,
    count: int,
) -> list[Fact]:
    facts = [
        _fact(investment, once.month, accounts[once.account], Decimal(once.amount))
        for once in story.once
        if once.month <= count
    ]
    for line in lines:
        account = accounts[line.account]
        step = _STEPS.get(account.kind, _CENT)
        stated = enumerate(values(line, code=story.code, months=count, step=step), start=1)
        facts += [
            _fact(investment, number, account, value, currency=line.currency)
            for number, value in stated
            if value is not None
        ]
    return facts


def _fact(
    investment: Investment, number: int, account: Account, value: Decimal, *, currency: str = "USD"
) -> Fact:
    month = add_months(investment.start_month, number - 1)
    if account.kind in _MONEY:
        return Fact(investment.pk, month, account.pk, currency, amount=value)
    return Fact(investment.pk, month, account.pk, quantity=value)
