"""What the pages of routes, silences, approvals, calendars, profiles and prices have to show."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.urls import reverse

from alerts import routebook, silences
from alerts.models import Target
from alerts.rules.routes import Named
from alerts.silences import Matcher
from portfolio.facts import Fact
from portfolio.models import Absence, Account, Holiday
from portfolio.terms import add_months
from roi import prices
from tests.reports.figures_cast import FIRST, Figures


def furnish(figures: Figures) -> dict[str, str]:
    """Put something on each page; return their addresses by name."""
    cast, now = figures.cast, datetime.now(UTC)
    board = Target.objects.create(
        portfolio=cast.portfolio, channel="email", address="board@example.com", label="Board mailbox"
    )
    first = routebook.put(
        cast.portfolio,
        routebook.Terms(
            name="Losses go to the board",
            rules=["negative_roi", "hurdle_rate"],
            severities=["critical"],
            recipients=[Named("role", "board"), Named("target", str(board.pk))],
            goes_on=False,
        ),
    )
    routebook.put(
        cast.portfolio,
        routebook.Terms(
            name="The rest, weekly",
            recipients=[Named("role", "owner"), Named("role", "sponsor")],
            mode="weekly",
        ),
    )
    waiting = silences.create(
        Matcher(portfolio=cast.portfolio, rule="negative_roi"),
        starts_at=now,
        ends_at=now + timedelta(days=60),
        comment="The supplier's contract ends in spring; the loss is known.",
        author=cast.people["olivia"],
        now=now,
    )
    silences.create(
        Matcher(portfolio=cast.portfolio, investment=figures.losing, rule="hurdle_rate"),
        starts_at=now,
        ends_at=now + timedelta(days=10),
        comment="Migration.",
        author=cast.people["olivia"],
        now=now,
    )
    for day, name in (
        (date(2025, 12, 25), "Christmas"),
        (date(2099, 1, 1), "New Year"),
        (date(2099, 5, 1), ""),
    ):
        Holiday.objects.create(portfolio=cast.portfolio, day=day, name=name)
    today = now.date()
    Absence.objects.create(
        user=cast.people["olivia"],
        delegate=cast.people["fiona"],
        first_day=today,
        last_day=today + timedelta(days=9),
    )
    terms = prices.Terms("openai", "gpt-4o", date(2026, 1, 1), Decimal("1.9"), Decimal("7.5"), "Contract 7")
    stated = prices.state(terms, portfolio=cast.portfolio, actor=cast.people["adam"], now=now)
    prices.state(
        prices.Terms("acme", "house-model", date(2099, 1, 1), Decimal("0.125"), Decimal(0), "Quote of May"),
        portfolio=None,
        actor=cast.people["adam"],
        now=now,
    )
    assert waiting.approval is not None
    asked = "?portfolio=CX&investment=SUM-002&rule=negative_roi&severity="
    return {
        "routes": reverse("admin:reports_routes") + asked,
        "route": reverse("admin:reports_route", args=[first.public_id]),
        "silences": reverse("admin:reports_silences"),
        "silence-new": silence_link(),
        "approvals": reverse("admin:reports_approvals"),
        "approval": reverse("admin:reports_approval", args=[waiting.approval.public_id]),
        "calendar": reverse("admin:reports_calendars"),
        "absences": reverse("admin:reports_absences"),
        "profile": reverse("admin:reports_profile"),
        "prices": reverse("admin:reports_prices"),
        "price-new": reverse("admin:reports_price_new", args=["CX"]),
        "price-end": reverse("admin:reports_price_end", args=[stated.public_id]),
    }


def count_units(figures: Figures) -> None:
    """Count queries, input tokens and outcomes of the support case's year, more from month to month."""
    keys = dict(Account.objects.filter(kind="volume").values_list("code", "pk"))
    lines = {"queries": 2500, "input_tokens": 4_000_000, "successful_outcomes": 1250}
    figures.cast.record(
        *(
            Fact(
                figures.support.pk,
                add_months(FIRST, number),
                keys[code],
                quantity=Decimal(base + base * number * step // 100),
            )
            for number in range(12)
            for step, (code, base) in enumerate(lines.items(), 3)
        ),
        reason="Counted later.",
    )


def silence_link() -> str:
    """Return the address of a new silence, as the page of an alert gives it."""
    return reverse("admin:reports_silence_new", args=["CX"]) + "?investment=SUM-002&rule=negative_roi"
