"""The demo: two portfolios with two years of actuals, and their people. Loaded once, or not at all.

The figures come from the stories of `demo_customer` and `demo_operations`; `demo_play` plays them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from django.contrib.auth.hashers import make_password
from django.db import transaction

from portfolio import knowledge, review_calendar
from portfolio.models import Account, Batch, Membership, Portfolio, User
from portfolio.terms import Role, add_months, first_of_month
from reports import demo_cases, demo_forecasts, demo_reports
from reports.demo_customer import CUSTOMER
from reports.demo_operations import OPERATIONS
from reports.demo_play import CLOSE_DAY, RATES_REASON, Play

BOOKS = (CUSTOMER, OPERATIONS)
PASSWORD = "hurdle-demo"


class DemoError(ValueError):
    """The demo cannot be loaded here; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Person:
    """A login of the demo: what it is for, and its role in each portfolio."""

    username: str
    first_name: str
    what: str
    roles: Mapping[str, Role]


PEOPLE = (
    Person("olivia", "Olivia", "owns the investments of CX and sees no other", {"CX": Role.OWNER}),
    Person("sam", "Sam", "sponsors CX, owns the investments of OPS", {"CX": Role.VIEWER, "OPS": Role.OWNER}),
    Person("finn", "Finn", "is finance: closes and restates", {"CX": Role.FINANCE, "OPS": Role.FINANCE}),
    Person("vera", "Vera", "reads CX", {"CX": Role.VIEWER}),
    Person("admin", "Ada", "administers everything", {"CX": Role.ADMIN, "OPS": Role.ADMIN}),
)


def logins() -> str:
    """Return the demo's logins as people read them."""
    width = max(len(person.username) for person in PEOPLE)
    lines = [f"  {p.username:<{width}}  {p.first_name} {p.what}" for p in PEOPLE]
    return "\n".join([f"Demo logins (the password of each is {PASSWORD}):", *lines])


def last_closed_month(at: date) -> date:
    """Return the newest month that the demo's finance has closed by a day."""
    return add_months(first_of_month(at), -1 if at.day > CLOSE_DAY else -2)


@transaction.atomic
def load(*, now: datetime, at: date | None = None) -> bool:
    """Load the demo as it stands on the day `at` (today when not given); returns whether it had to.

    Raises DemoError where the installation has portfolios of its own, or people under the demo's names.
    """
    # Held to commit: of two loads at once, the second finds the demo loaded.
    knowledge.lock_installation()
    if is_loaded():
        return False
    day = at or now.date()
    if day > now.date():
        raise DemoError(f"{day} has not come yet; the demo shows a past.")
    _refuse_what_is_in_use()
    people = _people()
    portfolios = _portfolios(people)
    Play(
        now=now,
        at=day,
        last=last_closed_month(day),
        books=BOOKS,
        people=people,
        portfolios=portfolios,
        accounts={account.code: account for account in Account.objects.all()},
    ).run()
    for portfolio in portfolios.values():
        # As the clock will within the hour: what is due soon is on the list from the start.
        review_calendar.open_due_of(portfolio, now=min(now, datetime.combine(day, time(12), UTC)))
    demo_cases.write(portfolios=portfolios, people=people, now=now)
    demo_forecasts.write(last=last_closed_month(day), now=now)
    demo_reports.write(portfolios=portfolios, people=people, last=last_closed_month(day), now=now)
    return True


def is_loaded() -> bool:
    """Return whether the demo was ever loaded; a load is all or nothing.

    Asked of a batch, which nobody can change: people may rename and move what the demo brought.
    """
    return Batch.objects.filter(kind="assumptions", reason=RATES_REASON).exists()


def _refuse_what_is_in_use() -> None:
    if Portfolio.objects.exists():
        raise DemoError("This installation has portfolios of its own; the demo is for an empty one.")
    taken = User.objects.filter(username__in=[person.username for person in PEOPLE]).first()
    if taken:
        raise DemoError(f"The user {taken.username} exists already; the demo is for an empty installation.")


def _people() -> dict[str, User]:
    # Hashed once: the password is public, and five slow hashes would take longer than the rest of a step.
    password = make_password(PASSWORD)
    return {
        person.username: User.objects.create(
            username=person.username,
            first_name=person.first_name,
            email=f"{person.username}@hurdle.example",
            password=password,
            is_staff=True,
            is_superuser=person.username == "admin",
        )
        for person in PEOPLE
    }


def _portfolios(people: Mapping[str, User]) -> dict[str, Portfolio]:
    made = {
        book.code: Portfolio.objects.create(
            code=book.code,
            name=book.name,
            exploration_share=Decimal("0.08"),
            yearly_budget=Decimal(book.yearly_budget),
            capacity_person_months=Decimal(book.person_months),
        )
        for book in BOOKS
    }
    for person in PEOPLE:
        for code, role in person.roles.items():
            Membership.objects.create(user=people[person.username], portfolio=made[code], role=role.value)
    return made
