"""Any month as known at any time: what was archived derives again to the same hash, whatever happened since."""

from __future__ import annotations

import os
import random
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from alerts import policies
from portfolio.models import Batch, Hypothesis
from portfolio.terms import add_months, months_from
from reports import archive, pack_views
from reports.models import ArchivedReport
from tests import factories
from tests.reports.cast import money
from tests.reports.figures_cast import FIRST, LAST, Figures, assemble_with_figures

# A thousand take minutes.
PAIRS = int(os.environ.get("HURDLE_ARCHIVED_PAIRS", "40"))


def happen(figures: Figures, rng: random.Random, count: int) -> None:
    """Let things happen that a pack depends on: restatements, late months, closings, rates, policies, hypotheses."""
    cast = figures.cast
    for number in range(count):
        investment = rng.choice([figures.support, figures.losing, cast.coding])
        first = investment.start_month
        month = add_months(first, rng.randrange(11))
        match rng.randrange(6):
            case 0 | 1 | 2:
                account = rng.choice(["model_api", "speed", "maintenance", "development"])
                amount = str(rng.randrange(-2_000, 30_000))
                cast.record(
                    money(investment, month, account, amount), source=f"late {count} {number}", reason="Late."
                )
            case 3:
                cast.close(add_months(date(2026, 1, 1), rng.randrange(6)))
            case 4:
                factories.set_rates(
                    cast.portfolio,
                    now=datetime.now(UTC),
                    hurdle_rate=Decimal(rng.randrange(5, 40)) / 100,
                    discount_rate=Decimal(rng.randrange(2, 20)) / 100,
                    asserted_share=Decimal(rng.randrange(5, 11)) / 10,
                )
            case _:
                version = Hypothesis.objects.filter(investment=investment).count() + 1
                batch = Batch.objects.filter(portfolio=cast.portfolio).order_by("-pk").first()
                Hypothesis.objects.create(
                    investment=investment, version=version, claim="It is faster.", metric="Speed", batch=batch
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
    for _ in range(PAIRS):
        now = datetime.now(UTC)
        view = pack_views.monthly(
            portfolio, month=rng.choice(months), as_of=now, knowledge_time=rng.choice(known)
        )
        frozen = archive.freeze(portfolio, "monthly_pack", view, now=now)
        reports.append(archive.store(ArchivedReport(created_at=now), frozen, {}).pk)
        hashes.add(frozen.content_hash)
    happen(figures, rng, 15)
    for report in ArchivedReport.objects.filter(pk__in=reports).select_related("portfolio"):
        derived = archive.derive(report)
        assert derived.is_same, derived.differences
        assert derived.content_hash == report.content_hash
    # The pairs were no copies of one another.
    assert len(hashes) > PAIRS // 2
