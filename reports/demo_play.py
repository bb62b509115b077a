"""Plays the demo's stories month by month: register, enter the actuals, close, judge; a week later restate.

Everything is recorded at the time at which people would have recorded it, so that `as_of`, episodes and
notices have believable dates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from alerts import evaluate
from portfolio import assumptions, investments, ledger, months, plan_approvals
from portfolio.facts import Fact, Writing
from portfolio.models import Account, Deployment, Investment, Portfolio, User
from portfolio.terms import Book, add_months, months_from
from reports import demo_decisions, demo_facts, demo_governance, demo_story
from reports.demo_story import Line, Story

HISTORY_MONTHS = 24
# Finance closes a month on this day of the next one, and restates what was wrong on the later day.
CLOSE_DAY, RESTATE_DAY = 5, 12
_REPORT_DAY, _REGISTER_DAY = 3, 15
# Also the mark by which a loaded demo is known.
RATES_REASON = "Rates of the demo portfolio."
_SOURCE = "actuals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One load of the demo: the cast, the day it shows, and the actuals that are still to be entered."""

    now: datetime
    at: date
    last: date
    books: Sequence[demo_story.Book]
    people: Mapping[str, User]
    portfolios: Mapping[str, Portfolio]
    accounts: Mapping[str, Account]
    actuals: dict[str, dict[date, list[Fact]]] = field(default_factory=dict)

    def run(self) -> None:
        """Play all months in the order in which things became known."""
        first = add_months(self.last, 1 - HISTORY_MONTHS)
        self._set_fx_rates(first)
        for book in self.books:
            self._set_rates(book, now=_moment(first, 10))
        for month in months_from(first, self.last):
            self._play(month)

    def _play(self, month: date) -> None:
        after = add_months(month, 1)
        for book in self.books:
            for story in book.stories:
                if self._start(story) == month:
                    self._register(book, story, now=_moment(month, _REGISTER_DAY))
        closing = _moment(after, CLOSE_DAY)
        for book in self.books:
            self._report(book, month, now=_moment(after, _REPORT_DAY))
            months.close(self.portfolios[book.code], [month], now=closing, actor=self.people["finn"])
        evaluate.advance(now=_moment(after, CLOSE_DAY, minute=1))
        for book in self.books:
            at = _moment(after, CLOSE_DAY, minute=2)
            portfolio = self.portfolios[book.code]
            demo_governance.advance(book, portfolio, month, people=self.people, now=at)
            decided = _moment(after, CLOSE_DAY, minute=3)
            demo_decisions.advance(book, portfolio, month, last=self.last, people=self.people, now=decided)
        restated = [self._restate(book, month, now=_moment(after, RESTATE_DAY)) for book in self.books]
        if any(restated):
            evaluate.advance(now=_moment(after, RESTATE_DAY, minute=1))

    def _start(self, story: Story) -> date:
        return add_months(self.last, 1 - story.months)

    def _set_fx_rates(self, first: date) -> None:
        """Enter the euro's rates; portfolios share them, and what is shared has no earlier time than now."""
        line = Line("eur", "1.09", drift=4, scatter=80)
        rates = demo_story.values(line, code="FX", months=HISTORY_MONTHS, step=Decimal("0.0001"))
        assumptions.set_fx_rates(
            [
                assumptions.Rate("EUR", "USD", add_months(first, i), rate, "Illustrative monthly average")
                for i, rate in enumerate(rates)
                if rate is not None
            ],
            now=self.now,
            actor=self.people["finn"],
        )

    def _set_rates(self, book: demo_story.Book, *, now: datetime) -> None:
        assumptions.set_rates(
            self.portfolios[book.code],
            now=now,
            actor=self.people["finn"],
            hurdle_rate=Decimal("0.12"),
            discount_rate=Decimal("0.10"),
            asserted_share=Decimal(1),
            realization_rates={"labor_savings": "0.8", "speed": "0.5", "quality": "0.7"},
            reason=RATES_REASON,
        )

    def _register(self, book: demo_story.Book, story: Story, *, now: datetime) -> None:
        """Register an investment, have its plan approved if it has one, and have it approved for what it claims."""
        investment = investments.put(self._investment(book, story), now=now, actor=self.people["admin"])
        _deploy(investment, story)
        by_month = self.actuals[story.code] = dict[date, list[Fact]]()
        for fact in demo_facts.actuals(investment, story, self.accounts):
            by_month.setdefault(fact.month, []).append(fact)
        author, finn = self.people[book.owner], self.people["finn"]
        planned = demo_facts.plan(investment, story, self.accounts)
        writing = Writing(source=_SOURCE, now=now, actor=author, book=Book.PLAN, book_version=1)
        ledger.record(investment.portfolio, planned, writing=writing, kind="plan")
        if story.plan:
            plan_approvals.approve(investment, 1, now=now, actor=finn, reason="Funding approved.")
        demo_governance.fund(investment, story, author=author, approver=finn, now=now)

    def _investment(self, book: demo_story.Book, story: Story) -> Investment:
        start = self._start(story)
        return Investment(
            portfolio=self.portfolios[book.code],
            code=story.code,
            name=story.name,
            summary=story.summary,
            owner=self.people[book.owner],
            sponsor=self.people[book.sponsor],
            business_unit=story.business_unit,
            use_case=story.use_case,
            value_category=story.category,
            start_month=start,
            live_month=add_months(start, story.live - 1),
            horizon_months=story.horizon,
            review_date=self.at + timedelta(days=story.review_in_days),
            is_exploration=story.is_exploration,
            capacity_person_months=Decimal(story.person_months),
        )

    def _report(self, book: demo_story.Book, month: date, *, now: datetime) -> None:
        """Enter a month's actuals as the owner does, a slip included."""
        stated = []
        for story in book.stories:
            for fact in self._actuals(story, month):
                if story.slip and self._is_slip(story, fact):
                    stated.append(replace(fact, amount=Decimal(story.slip.wrong)))
                else:
                    stated.append(fact)
        writing = Writing(source=_SOURCE, now=now, actor=self.people[book.owner])
        ledger.record(self.portfolios[book.code], stated, writing=writing)

    def _restate(self, book: demo_story.Book, month: date, *, now: datetime) -> bool:
        """Restate, as finance, what was entered wrongly in a closed month; returns whether anything was."""
        is_any = False
        for story in book.stories:
            right = [fact for fact in self._actuals(story, month) if self._is_slip(story, fact)]
            if story.slip and right:
                writing = Writing(
                    source=_SOURCE, now=now, actor=self.people["finn"], reason=story.slip.reason
                )
                ledger.record(self.portfolios[book.code], right, writing=writing)
                is_any = True
        return is_any

    def _actuals(self, story: Story, month: date) -> Sequence[Fact]:
        # Not registered yet: nothing to enter.
        return self.actuals.get(story.code, {}).get(month, [])

    def _is_slip(self, story: Story, fact: Fact) -> bool:
        return demo_facts.is_slip(story, fact, self.accounts, last=self.last)


def _deploy(investment: Investment, story: Story) -> None:
    """Say where the investment runs."""
    Deployment.objects.create(
        investment=investment,
        effective_month=investment.live_month or investment.start_month,
        **story.deployment,
    )


def _moment(month: date, day: int, *, minute: int = 0) -> datetime:
    return datetime.combine(month.replace(day=day), time(10, minute), UTC)
