"""How the demo's investments are governed: a claim with its baseline, approval by two people, stage after stage."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from portfolio import approvals, hypotheses, stages, statements
from portfolio.models import Investment, Portfolio, User
from portfolio.statements import Strategic
from portfolio.terms import Stage, StrategicKind, ValueCategory, add_months
from reports.demo_story import Book, Story

# Months after the first one in use in which an investment goes further.
_SCALED_AFTER, _MAINTAINED_AFTER = 2, 8
_BASELINE_MONTHS = 3


def fund(investment: Investment, story: Story, *, author: User, approver: User, now: datetime) -> None:
    """State what justifies the money, and have it approved: the owner asks, finance allows."""
    _claim(investment, story, author=author, now=now)
    if investment.value_category == ValueCategory.STRATEGIC.value:
        _strategy(investment, author=author, now=now)
    asked = stages.propose(
        investment, Stage.APPROVED, now=now, author=author, reason="The case holds; the funds are there."
    )
    approvals.settle(asked, approver=approver, is_allowed=True, now=now, reason="Funding approved.")


def advance(
    book: Book, portfolio: Portfolio, month: date, *, people: Mapping[str, User], now: datetime
) -> None:
    """Let each investment of a book enter the stage it has come to in a month."""
    found = {i.code: i for i in Investment.objects.filter(portfolio=portfolio).select_related("portfolio")}
    for story in book.stories:
        investment = found.get(story.code)
        if investment is None or investment.live_month is None:
            continue
        for stage, due, reason in _path(story, investment.live_month):
            if due == month:
                stages.move(investment, stage, now=now, actor=people[book.owner], reason=reason)


def _path(story: Story, live: date) -> list[tuple[Stage, date, str]]:
    steps = [
        (Stage.PILOT, live, "First users work with it."),
        (Stage.SCALED, add_months(live, _SCALED_AFTER), "The pilot reports what it was meant to bring."),
        (Stage.MAINTAINED, add_months(live, _MAINTAINED_AFTER), "It runs; nothing is built any more."),
    ]
    reached = {"approved": 0, "pilot": 1, "scaled": 2, "maintained": 3}[story.stage]
    return steps[:reached]


def _claim(investment: Investment, story: Story, *, author: User, now: datetime) -> None:
    claim = story.claim
    hypotheses.state(
        investment,
        hypotheses.Terms(
            claim=claim.claim,
            metric=claim.metric,
            unit=claim.unit,
            direction=claim.direction,
            baseline=Decimal(claim.baseline),
            baseline_from=add_months(investment.start_month, -_BASELINE_MONTHS),
            baseline_to=investment.start_month - timedelta(days=1),
            target=Decimal(claim.target),
            target_date=add_months(investment.start_month, 12),
            measurement_method=claim.method,
            kill_line=claim.kill_line,
        ),
        now=now,
        author=author,
    )


def _strategy(investment: Investment, *, author: User, now: datetime) -> None:
    statements.state_strategic_terms(
        investment,
        Strategic(
            kind=StrategicKind.CAPABILITY,
            narrative=f"{investment.summary} What is learned opens lines that cannot be planned yet.",
            review_criteria="The model predicts a plant's output within 3%, and a second plant wants it.",
            horizon_months=investment.horizon_months,
            importance=4,
            expires_on=add_months(now.date().replace(day=1), 24),
        ),
        now=now,
        author=author,
    )
