"""The schedules part of the reports page: what each says in words, whom it can go to, and a new one from a form."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from alerts.channels import kind_of
from alerts.models import Target
from portfolio.models import Portfolio, User
from portfolio.terms import Role
from reports import schedules
from reports.models import FORMATS, Schedule
from reports.schedules import ScheduleError

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Row:
    """A schedule in words."""

    schedule: Schedule
    when: str
    whom: Sequence[str]
    formats: str
    last: str


def rows(portfolio: Portfolio) -> list[Row]:
    """Return a portfolio's schedules, each with the last report that left by it."""
    found = Schedule.objects.filter(portfolio=portfolio).prefetch_related("runs")
    names = dict(choices(portfolio))
    return [Row(one, _when(one), _whom(one, names), _formats(one), _last(one)) for one in found]


def choices(portfolio: Portfolio) -> list[tuple[str, str]]:
    """Return whom a report can go to: roles, members, and the portfolio's own targets."""
    people = User.objects.filter(memberships__portfolio=portfolio, is_active=True).distinct()
    targets = Target.objects.filter(portfolio=portfolio, is_active=True).order_by("label")
    return [
        *((f"role:{role.value}", f"Everybody with the role {role.value}") for role in Role),
        *((f"user:{user.public_id}", str(user)) for user in people.order_by("username")),
        *((f"target:{t.public_id}", f"{t.label} ({kind_of(t.channel).label})") for t in targets),
    ]


def add(portfolio: Portfolio, answers: QueryDict, *, by: User, now: datetime) -> Schedule:
    """Store a schedule from a form's answers. Raises ScheduleError with a sentence."""
    audience = answers.get("audience", "")
    numbers = [answers.get("day" if audience == "monthly_pack" else "weekday", ""), answers.get("hour", "")]
    if not all(text.isascii() and text.isdigit() and len(text) <= 2 for text in numbers):
        raise ScheduleError("Choose a day and an hour.")
    return schedules.save(
        Schedule(
            portfolio=portfolio,
            audience=audience,
            day=int(numbers[0]),
            hour=int(numbers[1]),
            recipients=answers.getlist("recipients"),
            formats=answers.getlist("formats"),
            author=by,
            created_at=now,
        )
    )


def _when(one: Schedule) -> str:
    at = f"{one.hour:02d}:00 {one.portfolio.time_zone}"
    if one.audience == "monthly_pack":
        return f"Day {one.day} of the month that follows, {at}, once the month is closed"
    return f"{DAYS[one.day]}s, {at}"


def _whom(one: Schedule, names: dict[str, str]) -> list[str]:
    return [names.get(each, "somebody without access, who gets nothing") for each in one.recipients]


def _formats(one: Schedule) -> str:
    labels = dict(FORMATS)
    return ", ".join(labels[each] for each in one.formats) or "the mail alone"


def _last(one: Schedule) -> str:
    runs = list(one.runs.all())
    if not runs:
        return "none yet"
    return f"{runs[0].period}: {runs[0].state}" + (f" – {runs[0].reason}" if runs[0].reason else "")
