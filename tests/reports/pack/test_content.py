"""A pack says what screen and API say, and says it again from the ledger to the byte."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from alerts import evaluate
from alerts.models import Episode
from portfolio import hypotheses, investments
from portfolio.models import Batch
from portfolio.terms import from_micros
from reports import archive, pack_charts, pack_content, pack_numbers, pack_views
from reports.archive import Frozen
from reports.console import overview, status
from reports.models import ArchivedReport
from roi import benefit_pools, rollups
from roi.benefit_pools import Membership
from roi.engine.pools import SharingRule
from roi.models import Snapshot
from tests.reports.cast import money
from tests.reports.figures_cast import FIRST, LAST, Figures, assemble_with_figures
from tests.reports.pack.cast import archived, frozen_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def figures() -> Figures:
    """A portfolio in which one investment breaks even and one loses."""
    return assemble_with_figures()


def section(content: dict, investment: object) -> dict:
    """Return what a content says of one investment."""
    return next(one for one in content["investments"] if one["id"] == str(investment.public_id))


def of_month(figures: Figures, month: date) -> Frozen:
    """Freeze the monthly pack of a month."""
    now = datetime.now(UTC)
    view = pack_views.monthly(figures.cast.portfolio, month=month, as_of=now)
    return archive.freeze(figures.cast.portfolio, "monthly_pack", view, now=now)


def on_screen(figures: Figures, month: date) -> rollups.View:
    """Return what the portfolio view shows of a month."""
    return rollups.view(figures.cast.portfolio, today=date(2026, 4, 1), month=month)


def put_into_pool(figures: Figures) -> None:
    """Let both investments with figures share one cap on all benefits."""
    benefit_pools.set_terms(
        figures.cast.portfolio,
        "Hours",
        monthly_cap=Decimal(20_000),
        rule=SharingRule.PRO_RATA,
        members=[Membership(one, FIRST) for one in (figures.support, figures.losing)],
        now=datetime.now(UTC),
    )


def test_totals_are_those_of_the_overview(figures: Figures) -> None:
    """Where every investment is complete and none is pooled, the pack adds up what the first page adds up."""
    content = frozen_of(figures).content
    (row,) = overview.totals_by_portfolio([figures.cast.portfolio])
    assert Decimal(content["totals"]["cost"]) == row.totals.cost
    assert Decimal(content["totals"]["supported"]["benefit"]) == row.totals.benefit
    assert float(content["totals"]["supported"]["roi"]["value"]) == row.totals.roi
    assert content["totals"]["with_figures"] == row.totals.with_figures == 2


def test_figures_are_those_of_the_stored_snapshots(figures: Figures) -> None:
    """Every stored figure of the month stands in the pack, to the last digit."""
    content = frozen_of(figures).content
    for investment in (figures.support, figures.losing):
        stored = Snapshot.objects.get(investment=investment, month=LAST)
        said = section(content, investment)["figures"]
        assert Decimal(said["tco"]) == stored.tco
        for basis in ("claimed", "supported", "cashable"):
            part = said[basis]
            assert Decimal(part["benefit"]) == getattr(stored, f"cumulative_benefit_{basis}")
            for name in ("roi", "incremental_roi", "irr", "payback"):
                value = getattr(stored, f"{name}_{basis}")
                assert part[name].get("value") == (None if value is None else repr(value))
            assert Decimal(part["npv"]["value"]) == getattr(stored, f"npv_{basis}")


def test_statuses_are_those_of_the_pages(figures: Figures) -> None:
    """What is folded anew is what the evaluation recorded, for every investment."""
    content = frozen_of(figures).content
    for investment in status.annotate(overview.visible_investments([figures.cast.portfolio])):
        assert section(content, investment)["status"] == investment.status
    for investment in (figures.support, figures.losing):
        recorded = Episode.objects.filter(investment=investment, closed_at=None).exclude(rule="early_warning")
        said = {(a["rule"], a["severity"], a["since"]) for a in section(content, investment)["alerts"]}
        assert said == {(e.rule, e.severity, f"{e.fired_month:%Y-%m}") for e in recorded}
    assert section(content, figures.losing)["alerts"]


def test_movement_and_changes_since_the_month_before(figures: Figures) -> None:
    """Support breaks even in the month itself: its status moves, and its ROI by the points the sums say."""
    frozen = frozen_of(figures)
    one = section(frozen.content, figures.support)
    assert (one["status_before"], one["status"]) == ("on_track", "past_breakeven")
    row = next(r for r in frozen.shown()["ranking"] if r["code"] == "SUP-001")
    # 3,000 / 312,000 after (9,750) / 298,500.
    assert (row["roi"], row["change"]) == ("1.0%", "+4.2 pp")


def test_a_later_fact_changes_no_archived_content(figures: Figures) -> None:
    """A restatement is a later knowledge: the archived view derives to its own hash, a new view to another."""
    report = archived(figures)
    figures.cast.record(money(figures.losing, LAST, "model_api", "12000"), reason="Invoice came late.")
    evaluate.advance(now=datetime.now(UTC))
    assert archive.derive(report).is_same
    assert frozen_of(figures).content_hash != report.content_hash


def test_a_content_that_was_tampered_with_is_named(figures: Figures) -> None:
    """Who changes the archived copy and not its hash is found out, and told where."""
    report = ArchivedReport.objects.get(pk=archived(figures).pk)
    report.content["totals"]["cost"] = "1.000000"
    report.content_hash = pack_content.hash_of(report.content)
    derived = archive.derive(report)
    assert not derived.is_same
    assert any(sentence.startswith("/totals/cost was 1.000000") for sentence in derived.differences)
    report.content_hash = "0" * 64
    assert any(
        "archived content is not what was written" in each for each in archive.derive(report).differences
    )


def test_a_difference_by_the_engine_is_named_as_such(figures: Figures) -> None:
    """Another engine may differ on the same facts; no figure is blamed for it."""
    report = archived(figures)
    report.engine_version, report.content_hash = 0, "0" * 64
    (_, sentence) = archive.derive(report).differences
    assert "engine version 0" in sentence


def test_a_view_of_the_past_knows_only_the_past(figures: Figures) -> None:
    """As known before the months were closed there are no figures, and the pack says why instead of zero."""
    closing = Batch.objects.get(portfolio=figures.cast.portfolio, kind="months")
    view = pack_views.monthly(
        figures.cast.portfolio, month=LAST, as_of=datetime.now(UTC), knowledge_time=closing.pk - 1
    )
    frozen = archive.freeze(figures.cast.portfolio, "monthly_pack", view, now=datetime.now(UTC))
    assert frozen.content["totals"]["with_figures"] == 0
    shown = frozen.shown()
    assert {tile["value"] for tile in shown["tiles"]} == {"n/a"}
    assert all(one["notes"] == ["No month is closed with complete actuals yet."] for one in shown["sections"])


def test_untraced_run_cost_is_that_of_the_portfolio_view(figures: Figures) -> None:
    """Coding has cost and nothing else: of all run cost to date its own is untraced, on paper as on the screen."""
    cast = figures.cast
    months = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    cast.record(*(money(cast.coding, month, "model_api", "1000") for month in months))
    cast.close(*months)
    frozen = of_month(figures, months[-1])
    content, screen = frozen.content, on_screen(figures, months[-1])
    assert section(content, cast.coding)["is_untraced"]
    assert not section(content, figures.losing)["is_untraced"]
    assert Decimal(content["untraced"]["amount"]) == from_micros(screen.untraced.run) == 3000
    assert Decimal(content["untraced"]["run_cost"]) == from_micros(screen.untraced.total_run) == 273_000
    assert float(content["untraced"]["share"]["value"]) == screen.untraced.share.value
    assert "of the run cost to the end of Mar 2026 (USD 3,000 of 273,000)" in frozen.shown()["untraced"]


def test_a_credit_that_takes_a_benefit_back_leaves_its_line(figures: Figures) -> None:
    """A benefit of one month that the next one takes back was measured: nothing is untraced, here or on the screen."""
    cast, months = figures.cast, [date(2026, 1, 1), date(2026, 2, 1)]
    cast.record(*(money(cast.coding, month, "model_api", "1000") for month in months))
    cast.record(*(money(cast.coding, m, "speed", a) for m, a in zip(months, ("500", "-500"), strict=True)))
    cast.close(*months)
    content = of_month(figures, months[-1]).content
    assert not section(content, cast.coding)["is_untraced"]
    assert Decimal(content["untraced"]["amount"]) == on_screen(figures, months[-1]).untraced.run == 0


def test_totals_are_those_of_the_portfolio_view_after_pools(figures: Figures) -> None:
    """A pool lowers net, ROI and chart of the portfolio, on paper as on the screen, and no investment's figures."""
    before = frozen_of(figures).content
    put_into_pool(figures)
    frozen, screen = frozen_of(figures), on_screen(figures, LAST)
    totals, amounts = frozen.content["totals"]["supported"], screen.total.amounts
    # 26,250 and 2,000 a month on a cap of 20,000.
    assert Decimal(totals["overlap"]) == from_micros(amounts.overlap) == 12 * 8250
    assert Decimal(totals["benefit"]) == from_micros(amounts.benefit) == 339_000
    assert Decimal(totals["net"]) == from_micros(amounts.net) == -121_000 - 99_000
    assert float(totals["roi"]["value"]) == screen.total.roi.value
    assert Decimal(frozen.content["totals_before"]["supported"]["overlap"]) == 11 * 8250
    for investment in (figures.support, figures.losing):
        assert section(frozen.content, investment)["figures"] == section(before, investment)["figures"]
    assert pack_charts.points_of_all(frozen.content)[-1].benefit == 339_000 - 99_000
    (note,) = frozen.shown()["notes"]
    assert "Members of benefit pools claim USD 99,000 more than they may together" in note
    assert archive.derive(archived(figures)).is_same


def test_rows_that_end_earlier_say_so(figures: Figures) -> None:
    """Totals take in what is recorded to the end of the month; a row ends with its newest complete month."""
    month = date(2026, 1, 1)
    figures.cast.record(money(figures.support, month, "development", "7000"))
    figures.cast.close(month)
    frozen, screen = of_month(figures, month), on_screen(figures, month)
    assert Decimal(frozen.content["totals"]["cost"]) == from_micros(screen.total.amounts.cost) == 467_000
    assert frozen.content["totals"]["supported"]["roi"] == {"reason": screen.total.roi.reason}
    behind, roi = frozen.shown()["notes"]
    assert behind.startswith("4 of 4 investments are not complete to the end of Jan 2026")
    assert roi.startswith("ROI to date of the portfolio: ")


def test_a_report_of_layout_one_derives_and_is_read_as_it_was(figures: Figures) -> None:
    """What was archived before totals knew pools keeps its hash and its words."""
    put_into_pool(figures)
    now, frozen = datetime.now(UTC), frozen_of(figures)
    content = pack_content.content_of(frozen.portfolio, frozen.view, layout=1)
    first = archive.store(ArchivedReport(created_at=now), replace(frozen, content=content), {})
    assert Decimal(content["totals"]["supported"]["net"]) == -121_000
    assert archive.derive(ArchivedReport.objects.get(pk=first.pk)).is_same
    shown = archive.of(first).shown()
    assert shown["notes"] == []
    assert "of the last three months" in shown["untraced"]
    assert pack_charts.points_of_all(content)[-1].benefit == 339_000


def test_an_investment_that_left_is_not_in_the_next_pack(figures: Figures) -> None:
    """Moving it is a batch of the portfolio it goes to; the one it left knows of it at once, and not before."""
    report = archived(figures)
    figures.losing.portfolio = figures.cast.other
    investments.put(figures.losing, now=datetime.now(UTC))
    content = frozen_of(figures).content
    assert {one["id"] for one in content["investments"]} >= {str(figures.support.public_id)}
    assert str(figures.losing.public_id) not in {one["id"] for one in content["investments"]}
    screen = on_screen(figures, LAST)
    assert Decimal(content["totals"]["cost"]) == from_micros(screen.total.amounts.cost) == 312_000
    assert archive.derive(report).is_same


def test_a_move_leaves_the_metric_of_an_archived_pack(figures: Figures) -> None:
    """A hypothesis counts for the investments of then, not for those of today."""
    cast, month = figures.cast, date(2026, 1, 1)
    cast.record(money(cast.coding, month, "model_api", "1000"))
    claim = hypotheses.Terms(claim="It is faster.", metric="Minutes")
    hypotheses.state(cast.coding, claim, now=datetime.now(UTC), author=cast.people["olivia"])
    cast.close(month)
    frozen = of_month(figures, month)
    reports = [
        archive.store(ArchivedReport(created_at=datetime.now(UTC)), replace(frozen, content=content), {})
        for content in (
            pack_content.content_of(frozen.portfolio, frozen.view, layout=layout)
            for layout in pack_content.LAYOUTS
        )
    ]
    assert not section(frozen.content, cast.coding)["is_untraced"]
    cast.coding.portfolio = cast.other
    investments.put(cast.coding, now=datetime.now(UTC))
    for report in reports:
        assert archive.derive(report).differences == []


def test_missing_months_are_named(figures: Figures) -> None:
    """A closed month without actuals stands in the pack as missing, and the figures stay at the month before."""
    month = date(2026, 1, 1)
    figures.cast.close(month)
    now = datetime.now(UTC)
    view = pack_views.monthly(figures.cast.portfolio, month=month, as_of=now)
    frozen = archive.freeze(figures.cast.portfolio, "monthly_pack", view, now=now)
    one = section(frozen.content, figures.support)
    assert (one["missing"], one["through"]) == (["2026-01"], "2025-12")
    assert {row["months"] for row in frozen.shown()["missing"]} == {"Jan 2026"}


def test_the_first_month_has_no_month_before(figures: Figures) -> None:
    """Where there is no earlier figure the change is n/a, never the whole amount."""
    now = datetime.now(UTC)
    view = pack_views.monthly(figures.cast.portfolio, month=FIRST, as_of=now)
    shown = archive.freeze(figures.cast.portfolio, "monthly_pack", view, now=now).shown()
    assert {tile["change"] for tile in shown["tiles"]} == {"n/a"}


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        ({"value": "0.1"}, {"value": "0.05"}, "+5.0 pp"),
        ({"value": "0.05"}, {"value": "0.1"}, "(5.0) pp"),
        ({"value": "0.05"}, {"value": "0.0501"}, "–"),
        ({"reason": "no_cost_yet"}, {"value": "0.1"}, "n/a"),
    ],
)
def test_changes_are_written_in_points(now: dict, before: dict, said: str) -> None:
    """Negatives in parentheses, nothing as a dash, undefined as n/a."""
    assert pack_numbers.points(now, before) == said
