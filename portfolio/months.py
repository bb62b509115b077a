"""Month states: closing, locking and reopening a portfolio's months, by finance or by the calendar."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from portfolio import facts, knowledge, nudge
from portfolio.models import Investment, MonthState, Portfolio, User
from portfolio.terms import MonthStatus, add_months, first_of_month, format_month, months_from


class MonthStateError(ValueError):
    """A change of a month's state that is not allowed; the message is for the user."""


def current_month(portfolio: Portfolio, now: datetime) -> date:
    """Return the month that is running in the portfolio's time zone."""
    return first_of_month(now.astimezone(ZoneInfo(portfolio.time_zone)).date())


def close(
    portfolio: Portfolio, months: list[date], *, now: datetime, actor: User | None = None, reason: str = ""
) -> list[date]:
    """Close open months that have ended and return those that changed. Raises MonthStateError."""
    running = current_month(portfolio, now)
    for month in months:
        if month.day != 1:
            raise MonthStateError(f"{month} is not a month; a month is given as its first day.")
        if month >= running:
            raise MonthStateError(
                f"{format_month(month)} has not ended yet; a month is closed after its last day."
            )
    return _change(portfolio, months, MonthStatus.CLOSED, {"open"}, now=now, actor=actor, reason=reason)


@transaction.atomic
def lock(
    portfolio: Portfolio, months: list[date], *, now: datetime, actor: User, reason: str = ""
) -> list[date]:
    """Lock closed months and return those that changed. Raises MonthStateError for an open one."""
    knowledge.lock_portfolio(portfolio.pk)
    states = facts.month_states(portfolio)
    for month in months:
        if states.get(month, "open") == "open":
            raise MonthStateError(f"{format_month(month)} is open; close it before locking it.")
    return _change(portfolio, months, MonthStatus.LOCKED, {"closed"}, now=now, actor=actor, reason=reason)


@transaction.atomic
def reopen(
    portfolio: Portfolio,
    months: list[date],
    *,
    now: datetime,
    actor: User,
    reason: str,
    approver: User | None = None,
) -> list[date]:
    """Open months again; a reason is needed, and for a locked month a second person. Raises MonthStateError."""
    if not reason.strip():
        raise MonthStateError("Reopening a month needs a reason.")
    if approver is not None and approver == actor:
        raise MonthStateError("Reopening is approved by a second person, never by who asks for it.")
    # Under the lock: a month that is being locked right now needs the second person as well.
    knowledge.lock_portfolio(portfolio.pk)
    states = facts.month_states(portfolio)
    if any(states.get(month) == "locked" for month in months) and approver is None:
        raise MonthStateError("Reopening a locked month needs the approval of a second person.")
    return _change(
        portfolio,
        months,
        MonthStatus.OPEN,
        {"closed", "locked"},
        now=now,
        actor=actor,
        reason=reason,
        approver=approver,
    )


def close_due(portfolio: Portfolio, *, now: datetime) -> list[date]:
    """Close every month whose close day has passed, from the first investment's start on."""
    first = Investment.objects.filter(portfolio=portfolio).order_by("start_month").first()
    if first is None:
        return []
    today = now.astimezone(ZoneInfo(portfolio.time_zone)).date()
    last_ended = add_months(first_of_month(today), -1)
    # Month M is due once close_day days have passed since its end.
    if today < first_of_month(today) + timedelta(days=portfolio.close_day):
        last_ended = add_months(last_ended, -1)
    states = facts.month_states(portfolio)
    # A month that finance reopened has a row of its own and stays open until finance closes it.
    due = [m for m in months_from(first.start_month, last_ended) if m not in states]
    if not due:
        return []
    return close(portfolio, due, now=now, reason="Closed by the calendar.")


@transaction.atomic
def _change(
    portfolio: Portfolio,
    months: list[date],
    status: MonthStatus,
    allowed: set[str],
    *,
    now: datetime,
    actor: User | None,
    reason: str,
    approver: User | None = None,
) -> list[date]:
    knowledge.lock_portfolio(portfolio.pk)
    states = facts.month_states(portfolio)
    changed = sorted({month for month in months if states.get(month, "open") in allowed})
    if not changed:
        return []
    batch = knowledge.open_batch(
        portfolio=portfolio,
        kind="months",
        now=now,
        actor=actor,
        approver=approver,
        reason=reason,
        content=[f"{format_month(month)}|{status.value}" for month in changed],
    )
    MonthState.objects.bulk_create(
        MonthState(
            batch=batch,
            portfolio=portfolio,
            month=month,
            status=status.value,
            actor=actor,
            approver=approver,
            reason=reason,
        )
        for month in changed
    )
    knowledge.advance_heads("portfolio", [portfolio.pk], batch.pk)
    nudge.ring(list(Investment.objects.filter(portfolio=portfolio).values_list("pk", flat=True)))
    return changed
