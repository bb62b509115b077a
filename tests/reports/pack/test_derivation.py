"""Any month as known at any time: what was archived derives again to the same hash, whatever happened since."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from alerts import policies
from portfolio import investments, ledger
from portfolio.facts import Writing
from portfolio.models import Batch, Hypothesis, Investment, Portfolio
from portfolio.terms import add_months, months_from
from reports import archive, pack_content, pack_views
from reports.archive import Frozen
from reports.models import ArchivedReport
from roi import benefit_pools
from roi.benefit_pools import Membership
from roi.engine.pools import SharingRule
from tests import factories
from tests.reports.cast import money
from tests.reports.figures_cast import FIRST, LAST, Figures, assemble_with_figures

# A thousand take minutes.
PAIRS = int(os.environ.get("HURDLE_ARCHIVED_PAIRS", "40"))


def happen(figures: Figures, rng: random.Random, count: int) -> None:
    """Let things happen that a pack depends on: facts, closings, rates, hypotheses, pools, and moves."""
    cast = figures.cast
    for number in range(count):
        pk = rng.choice([figures.support.pk, figures.losing.pk, cast.coding.pk])
        investment = Investment.objects.select_related("portfolio").get(pk=pk)
        first = investment.start_month
        month = add_months(first, rng.randrange(11))
        match rng.randrange(9):
            case 0 | 1 | 2:
                account = rng.choice(["model_api", "speed", "maintenance", "development"])
                amount = str(rng.randrange(-2_000, 30_000))
                ledger.record(
                    investment.portfolio,
                    [money(investment, month, account, amount)],
                    writing=Writing(
                        source=f"late {count} {number}",
                        now=datetime.now(UTC),
                        actor=cast.people["finn"],
                        reason="Late.",
                    ),
                )
            case 3:
                cast.close(add_months(date(2026, 1, 1), rng.randrange(6)))
            case 4:
                factories.set_rates(
                    rng.choice([cast.portfolio, cast.other]),
                    now=datetime.now(UTC),
                    hurdle_rate=Decimal(rng.randrange(5, 40)) / 100,
                    discount_rate=Decimal(rng.randrange(2, 20)) / 100,
                    asserted_share=Decimal(rng.randrange(5, 11)) / 10,
                )
            case 5 | 6:
                move(investment, rng.choice([cast.portfolio, cast.other]))
            case 7:
                pool(cast.portfolio, Decimal(rng.randrange(0, 20_000)))
            case _:
                version = Hypothesis.objects.filter(investment=investment).count() + 1
                batch = Batch.objects.filter(portfolio=investment.portfolio).order_by("-pk").first()
                Hypothesis.objects.create(
                    investment=investment, version=version, claim="It is faster.", metric="Speed", batch=batch
                )


def in_layout(frozen: Frozen, layout: int) -> Frozen:
    """Return a report as an installation that knew only this layout froze it."""
    content = pack_content.content_of(frozen.portfolio, frozen.view, layout=layout)
    return replace(frozen, content=content)


def move(investment: Investment, portfolio: Portfolio) -> None:
    """Move an investment to another portfolio, or to its own."""
    investment.portfolio = portfolio
    investments.put(investment, now=datetime.now(UTC))


def pool(portfolio: Portfolio, cap: Decimal) -> None:
    """Let whoever is in the portfolio now share one cap."""
    benefit_pools.set_terms(
        portfolio,
        "Hours",
        monthly_cap=cap,
        rule=SharingRule.PRO_RATA,
        members=[Membership(one, FIRST) for one in Investment.objects.filter(portfolio=portfolio)],
        now=datetime.now(UTC),
    )


@pytest.mark.django_db
def test_archived_reports_derive_to_the_hash_of_their_data() -> None:
    """Random months as known at random times, archived in the middle of a history and derived at its end."""
    figures, rng = assemble_with_figures(), random.Random(20_261_122)
    policies.adopt([figures.support, figures.losing, figures.cast.coding], now=datetime.now(UTC))
    happen(figures, rng, 20)
    portfolio = figures.cast.portfolio
    known = list(Batch.objects.filter(portfolio=portfolio).order_by("pk").values_list("pk", flat=True))
    months = months_from(FIRST, add_months(LAST, 8))
    reports, hashes = [], set()
    for number in range(PAIRS):
        now = datetime.now(UTC)
        view = pack_views.monthly(
            portfolio, month=rng.choice(months), as_of=now, knowledge_time=rng.choice(known)
        )
        # What was archived before layout 2 derives in layout 1.
        frozen = in_layout(
            archive.freeze(portfolio, "monthly_pack", view, now=now), 1 if number % 4 == 0 else 2
        )
        reports.append(archive.store(ArchivedReport(created_at=now), frozen, {}).pk)
        hashes.add(frozen.content_hash)
    happen(figures, rng, 15)
    for report in ArchivedReport.objects.filter(pk__in=reports).select_related("portfolio"):
        derived = archive.derive(report)
        assert derived.is_same, derived.differences
        assert derived.content_hash == report.content_hash
    # The pairs were no copies of one another.
    assert len(hashes) > PAIRS // 2
