"""Which reports fall due, and runs of them: each period's is one row, claimed under a lease by whoever comes first."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.db import DatabaseError, transaction
from django.db.models import F

from portfolio import months
from portfolio.models import MonthState, Portfolio, User
from portfolio.terms import MonthStatus, add_months, format_month
from reports import archive, deliver, pack_views
from reports.models import FORMATS, ArchivedReport, ReportRun, Schedule
from reports.pack_views import PackError, View

logger = logging.getLogger(__name__)

# Longer than the worker's hard limit: whoever holds a run for longer is gone.
LEASE = timedelta(minutes=15)
AGAIN = timedelta(minutes=5)
MOST_TRIES = 5
# After a long outage so many months are caught up; older ones are made by hand.
MONTHS_BACK = 3


class ScheduleError(ValueError):
    """A schedule that cannot be stored; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Due:
    """A period of a schedule whose time has come; without a month, the newest closed one is meant."""

    period: str
    month: date | None


def save(schedule: Schedule) -> Schedule:
    """Check and store a schedule. Raises ScheduleError with a sentence."""
    if not schedule.recipients:
        raise ScheduleError("Choose at least one recipient.")
    unknown = [each for each in schedule.recipients if not deliver.is_recipient(schedule.portfolio, each)]
    if unknown:
        raise ScheduleError("A recipient is nobody who may see this portfolio, and no target of it.")
    if set(schedule.formats) - dict(FORMATS).keys():
        raise ScheduleError("A report is attached as pdf, xlsx or csv.")
    low, high = (1, 28) if schedule.audience == "monthly_pack" else (0, 6)
    if not low <= schedule.day <= high:
        raise ScheduleError(
            "The day of a monthly report lies between 1 and 28."
            if high == 28
            else "The day of the week lies between 0 (Monday) and 6 (Sunday)."
        )
    if not 0 <= schedule.hour <= 23:
        raise ScheduleError("The hour lies between 0 and 23.")
    schedule.save()
    return schedule


def ask(
    portfolio: Portfolio,
    audience: str,
    *,
    by: User,
    now: datetime,
    month: date | None = None,
    formats: Sequence[str] = ("pdf", "xlsx"),
) -> ReportRun:
    """Let a report be made now and sent to the person who asks."""
    return ReportRun.objects.create(
        period="",
        portfolio=portfolio,
        audience=audience,
        month=month,
        formats=list(formats),
        recipients=[f"user:{by.public_id}"],
        asked_by=by,
        next_at=now,
        created_at=now,
    )


def run_due(*, now: datetime) -> int:
    """Note what has fallen due and make every run that waits; returns how many were worked off."""
    note_due(now=now)
    done = 0
    while (run := _take(now=now)) is not None:
        _work_off(run, now=now)
        done += 1
    return done


def note_due(*, now: datetime) -> int:
    """Write a run for each period that has come; one that is written already stays as it is."""
    schedules = list(Schedule.objects.filter(is_active=True).select_related("portfolio"))
    closed = _closed_at({one.portfolio_id for one in schedules})
    rows = [
        ReportRun(
            schedule=one,
            period=due.period,
            portfolio=one.portfolio,
            audience=one.audience,
            month=due.month,
            formats=one.formats,
            recipients=one.recipients,
            next_at=now,
            created_at=now,
        )
        for one in schedules
        for due in due_of(one, closed.get(one.portfolio_id, {}), now=now)
    ]
    known = _known(schedules)
    new = [row for row in rows if (row.schedule_id, row.period) not in known]
    # Two beats at once write the same row; the unique constraint keeps one.
    return len(ReportRun.objects.bulk_create(new, ignore_conflicts=True))


def _known(schedules: Sequence[Schedule]) -> set[tuple[int | None, str]]:
    """Return the periods that have their run already."""
    return set(ReportRun.objects.filter(schedule__in=schedules).values_list("schedule_id", "period"))


def due_of(schedule: Schedule, closed_at: dict[date, datetime], *, now: datetime) -> list[Due]:
    """Return the periods of a schedule whose time has come since it was made. `closed_at`: when months were closed."""
    zone = ZoneInfo(schedule.portfolio.time_zone)
    local = now.astimezone(zone)
    if schedule.audience != "monthly_pack":
        day = local.date() - timedelta(days=(local.weekday() - schedule.day) % 7)
        leaves = datetime.combine(day, time(schedule.hour), tzinfo=zone)
        if leaves > now:
            leaves = datetime.combine(day - timedelta(days=7), time(schedule.hour), tzinfo=zone)
        year, week, _ = leaves.isocalendar()
        return [Due(f"{year}-W{week:02d}", None)] if leaves >= schedule.created_at else []
    running = months.current_month(schedule.portfolio, now)
    found = []
    for back in range(MONTHS_BACK, 0, -1):
        month = add_months(running, -back)
        nominal = datetime.combine(
            add_months(month, 1).replace(day=schedule.day), time(schedule.hour), tzinfo=zone
        )
        closed = closed_at.get(month)
        if closed is not None and schedule.created_at <= max(nominal, closed) <= now:
            found.append(Due(format_month(month), month))
    return found


def _closed_at(portfolio_ids: set[int]) -> dict[int, dict[date, datetime]]:
    """Return when the months were closed that are closed now."""
    latest = (
        MonthState.objects.filter(portfolio__in=portfolio_ids)
        .order_by("portfolio_id", "month", "-batch_id", "-id")
        .distinct("portfolio_id", "month")
    )
    found: dict[int, dict[date, datetime]] = {}
    for state in latest.select_related("batch"):
        if state.status != MonthStatus.OPEN.value:
            found.setdefault(state.portfolio_id, {})[state.month] = state.batch.recorded_at
    return found


@transaction.atomic
def _take(*, now: datetime) -> ReportRun | None:
    """Claim the run that waits for longest; passed over by others until the lease ends."""
    waiting = ReportRun.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        state="waiting", next_at__lte=now
    )
    run = waiting.select_related("portfolio", "asked_by").order_by("next_at", "id").first()
    if run is None:
        return None
    run.attempts, run.token, run.next_at = run.attempts + 1, uuid4(), now + LEASE
    run.save(update_fields=["attempts", "token", "next_at"])
    return run


def _work_off(run: ReportRun, *, now: datetime) -> None:
    try:
        if run.attempts > MOST_TRIES:
            _end(run, "failed", "It was tried too often without an end.", now=now)
        else:
            _make(run, now=now)
    except PackError as error:
        _end(run, "nothing", str(error), now=now)
    except DatabaseError:
        raise
    except Exception as error:
        logger.exception("Report run %s failed.", run.pk)
        reason = f"It could not be made ({type(error).__name__})."
        if run.attempts >= MOST_TRIES:
            _end(run, "failed", reason, now=now)
        else:
            ReportRun.objects.filter(pk=run.pk, token=run.token).update(
                next_at=now + AGAIN, reason=reason[:300]
            )


def _make(run: ReportRun, *, now: datetime) -> None:
    """Freeze what the report says, lay it out, and write report, files and messages in one transaction."""
    frozen = archive.freeze(run.portfolio, run.audience, view_of(run, now=now), now=now)
    if run.audience == "overdue_reviews" and not any(r["days_over"] > 0 for r in frozen.labels["reviews"]):
        raise PackError("No review is overdue, so nobody is written to.")
    report = ArchivedReport(created_at=now)
    files = archive.files_of(frozen, path=deliver.path_of(report))
    with transaction.atomic():
        # Whoever lost the lease meanwhile writes nothing: the new holder makes the report.
        if not _end(run, "waiting", "", now=now):
            return
        archive.store(report, frozen, files)
        deliver.announce(run, report, frozen.shown(), now=now)
        ReportRun.objects.filter(pk=run.pk).update(state="made", report=report, done_at=now, token=None)


def view_of(run: ReportRun, *, now: datetime) -> View:
    """Return what a run looks at. Raises PackError where no month is closed."""
    portfolio = run.portfolio
    if run.audience == "weekly_digest":
        return pack_views.weekly(portfolio, as_of=now)
    month = run.month or pack_views.newest_closed(portfolio)
    if month is None:
        raise PackError(f"No month of {portfolio.code} is closed yet, so there is nothing to report.")
    return pack_views.monthly(portfolio, month=month, as_of=now)


def _end(run: ReportRun, state: str, reason: str, *, now: datetime) -> bool:
    """Write how a run ended; False when the lease is somebody else's."""
    held = ReportRun.objects.filter(pk=run.pk, token=run.token, state="waiting")
    done = None if state == "waiting" else now
    return bool(held.update(state=state, reason=reason[:300], done_at=done, attempts=F("attempts")))
