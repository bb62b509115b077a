"""From facts to figures: order does not matter, the past stays, and a slow calculation agrees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import evaluate
from alerts.models import AlertState
from portfolio import accounts, assumptions, chart, integrity, investments, ledger, months
from portfolio.assumptions import Rate
from portfolio.facts import Fact
from portfolio.models import Batch, Cell, Entry, Investment
from portfolio.terms import Basis, EntryKind, month_index
from roi import inputs, snapshots
from roi.engine import metrics
from roi.models import Snapshot
from tests import factories
from tests.factories import START, close, fact, month, now, record

PROPERTY = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MONEY = ("development", "infrastructure", "model_api", "shared_platform", "labor_savings", "revenue")
CURRENCIES = ("USD", "EUR", "JPY")
MONTHS = 6


@dataclass(frozen=True)
class Line:
    """A drawn fact, before it belongs to an investment."""

    month: int
    account: str
    currency: str
    amount: Decimal | None
    ref: str


amounts = st.decimals(-(10**9), 10**9, places=6, allow_nan=False)
lines = st.lists(
    st.builds(
        Line,
        month=st.integers(1, MONTHS),
        account=st.sampled_from(MONEY),
        currency=st.sampled_from(CURRENCIES),
        amount=st.none() | amounts,
        ref=st.sampled_from(["", "a"]),
    ),
    unique_by=lambda line: (line.month, line.account, line.currency, line.ref),
    min_size=1,
    max_size=25,
)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Give each drawn example an empty ledger."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _facts(investment: Investment, drawn: list[Line]) -> list[Fact]:
    keys = factories.accounts()
    return [
        Fact(
            investment.pk,
            month(line.month),
            keys[line.account],
            line.currency,
            line.amount,
            kind=EntryKind.NIL if line.amount is None else EntryKind.VALUE,
            source_ref=line.ref,
        )
        for line in drawn
    ]


def _state(investment: Investment) -> tuple[object, ...]:
    """Return current values, fingerprints and alert states, as anybody could see them."""
    close(investment.portfolio, last=MONTHS)
    evaluate.advance(now=now())
    key = ("month", "account", "currency", "source_ref", "kind", "amount")
    return (
        sorted(map(str, Cell.objects.values_list(*key))),
        list(Snapshot.objects.order_by("month").values_list("month", "fingerprint", "roi_supported", "tco")),
        list(AlertState.objects.order_by("rule").values_list("rule", "state", "month", "verdict", "value")),
    )


@pytest.mark.django_db
@PROPERTY
@given(data=st.data(), drawn=lines)
def test_any_order_and_batching_ends_in_the_same(data: st.DataObject, drawn: list[Line]) -> None:
    order = data.draw(st.permutations(drawn))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(drawn)), max_size=4)))
    parts = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    with transaction.atomic():
        portfolio = factories.make_portfolio()
        investment = factories.make_investment(portfolio, live_month=None)
        with rolled_back():
            record(portfolio, *_facts(investment, drawn))
            at_once = _state(investment)
        with rolled_back():
            for part in parts:
                record(portfolio, *_facts(investment, list(part)))
                evaluate.advance(now=now())
            assert _state(investment) == at_once
            assert integrity.differing_cells() == integrity.broken_links() == []
        transaction.set_rollback(True)


@pytest.mark.django_db
@PROPERTY
@given(steps=st.lists(lines, min_size=2, max_size=4))
def test_cells_rebuilt_from_entries_are_the_cells(steps: list[list[Line]]) -> None:
    with rolled_back():
        investment = factories.make_investment(factories.make_portfolio())
        batches = [record(investment.portfolio, *_facts(investment, step)).batch for step in steps]
        if batches[-1] is not None:
            ledger.undo(batches[-1], actor=None, now=now())
        rebuilt: dict[object, tuple[object, ...]] = {}
        for e in Entry.objects.order_by("batch_id"):
            rebuilt[e.month, e.account_id, e.currency, e.source_ref] = (e.kind, e.amount, e.batch_id)
        cells = {
            (c.month, c.account_id, c.currency, c.source_ref): (c.kind, c.amount, c.batch_id)
            for c in Cell.objects.all()
        }
        assert cells == rebuilt
        assert integrity.differing_cells() == integrity.broken_links() == []


# The slow calculation, in exact fractions, one cell at a time.


def _half_even(value: Fraction) -> int:
    """Return a value in micro-units, rounded half-even; Python rounds fractions that way."""
    return round(value * 1_000_000)


@dataclass(frozen=True)
class Terms:
    """Drawn rates."""

    share: Decimal
    realized: Decimal
    fx: dict[tuple[str, int], Decimal]


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    share = st.decimals(0, 1, places=8, allow_nan=False)
    fx = {
        (currency, number): draw(st.decimals("0.0000000001", 200, places=10, allow_nan=False))
        for currency in ("EUR", "JPY")
        for number in range(1, MONTHS + 1)
        if draw(st.integers(0, 9))
    }
    return Terms(draw(share | st.just(Decimal(1))), draw(share | st.just(Decimal(1))), fx)


def _by_hand(drawn: list[Line], given_terms: Terms) -> dict[str, list[int]]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * MONTHS)
    for line in drawn:
        rate = Decimal(1) if line.currency == "USD" else given_terms.fx.get((line.currency, line.month))
        at = line.month - 1
        if line.amount is None:
            continue
        if rate is None:
            sums["missing"][at] = 1
            continue
        exact = Fraction(line.amount) * Fraction(rate)
        if line.account in ("labor_savings", "revenue"):
            realized = given_terms.realized if line.account == "labor_savings" else Decimal(1)
            sums["claimed"][at] += _half_even(exact)
            sums["supported"][at] += _half_even(exact * Fraction(given_terms.share))
            sums["cashable"][at] += _half_even(exact * Fraction(given_terms.share) * Fraction(realized))
        elif line.account == "development":
            sums["one_time"][at] += _half_even(exact)
        else:
            sums["run"][at] += _half_even(exact)
            sums["avoidable"][at] += 0 if line.account == "shared_platform" else _half_even(exact)
    return sums


def _with_terms(given_terms: Terms, drawn: list[Line]) -> Investment:
    portfolio = factories.make_portfolio()
    investment = factories.make_investment(portfolio)
    factories.set_rates(
        portfolio,
        now=now(),
        hurdle_rate=Decimal("0.1"),
        discount_rate=Decimal("0.1"),
        asserted_share=given_terms.share,
        realization_rates={"labor_savings": str(given_terms.realized)},
    )
    rates = [Rate(c, "USD", month(n), rate, "drawn") for (c, n), rate in given_terms.fx.items()]
    assumptions.set_fx_rates(rates, now=now())
    record(portfolio, *_facts(investment, drawn))
    close(portfolio, last=MONTHS)
    return investment


@pytest.mark.django_db
@PROPERTY
@given(drawn=lines, given_terms=terms())
def test_the_aggregating_query_rounds_once_per_cell_and_basis(drawn: list[Line], given_terms: Terms) -> None:
    with rolled_back():
        investment = _with_terms(given_terms, drawn)
        series = inputs.load([investment]).series
        expected = _by_hand(drawn, given_terms)
        for basis in Basis:
            assert series.benefit[basis][0].tolist() == expected[basis.value]
        assert series.run[0].tolist() == expected["run"]
        assert series.avoidable_run[0].tolist() == expected["avoidable"]
        assert series.one_time[0].tolist() == expected["one_time"]
        assert series.missing_fx[0].tolist() == [bool(m) for m in expected["missing"]]


@pytest.mark.django_db
@pytest.mark.parametrize(("micros", "rounded"), [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (-5, -2)])
def test_a_tie_goes_to_the_even_neighbor(micros: int, rounded: int) -> None:
    """Half of an odd number of micro-units is a tie: by a rate of 0.5, and by a share of 0.5."""
    line = Line(1, "revenue", "EUR", Decimal(micros).scaleb(-6), "")
    half = Decimal("0.5")
    by_rate = inputs.load([_with_terms(Terms(Decimal(1), Decimal(1), {("EUR", 1): half}), [line])])
    assert by_rate.series.benefit[Basis.CLAIMED][0, 0] == rounded
    by_share = inputs.load([_with_terms(Terms(half, Decimal(1), {("EUR", 1): Decimal(1)}), [line])])
    assert by_share.series.benefit[Basis.SUPPORTED][0, 0] == rounded


@pytest.mark.django_db
def test_a_benefit_is_rounded_once_on_its_way_to_cash() -> None:
    """Of 1.5 micro-units 0.3 is 0.45, so 0; of the rounded 2 it would be 0.6, so 1."""
    line = Line(1, "labor_savings", "USD", Decimal("0.000003"), "")
    given_terms = Terms(Decimal("0.5"), Decimal("0.3"), {})
    series = inputs.load([_with_terms(given_terms, [line])]).series
    assert [int(series.benefit[basis][0, 0]) for basis in Basis] == [3, 2, 0]


@pytest.mark.django_db
def test_a_converted_benefit_is_shared_before_it_is_rounded() -> None:
    """The same 1.5 micro-units, this time by a rate: their 0.3 is 0, that of the rounded 2 would be 1."""
    line = Line(1, "revenue", "EUR", Decimal("0.000003"), "")
    given_terms = Terms(Decimal("0.3"), Decimal(1), {("EUR", 1): Decimal("0.5")})
    series = inputs.load([_with_terms(given_terms, [line])]).series
    assert [int(series.benefit[basis][0, 0]) for basis in Basis] == [2, 0, 0]


@pytest.mark.django_db
@PROPERTY
@given(drawn=lines, given_terms=terms())
def test_snapshots_hold_what_the_engine_says_and_parts_make_totals(
    drawn: list[Line], given_terms: Terms
) -> None:
    with rolled_back():
        investment = _with_terms(given_terms, drawn)
        snapshots.recompute(now=now())
        figures = metrics.compute(inputs.load([investment]).series)
        tco = benefit = Decimal(0)
        for snapshot in Snapshot.objects.order_by("month"):
            at = (0, snapshot.month_number - 1)
            tco += snapshot.run_cost + snapshot.one_time_cost
            benefit += snapshot.benefit_supported
            assert (snapshot.tco, snapshot.cumulative_benefit_supported) == (tco, benefit)
            for basis in Basis:
                part = figures.by_basis[basis]
                for name in ("roi", "payback", "incremental_roi"):
                    shown = getattr(snapshot, f"{name}_{basis.value}")
                    assert shown == getattr(part, name).at(at).value
                npv = part.npv.at(at).value
                shown = getattr(snapshot, f"npv_{basis.value}")
                assert (shown is None) is (npv is None)
                assert shown is None or int(shown * 1_000_000) == npv


# The past stays what it was.


@pytest.mark.django_db
@PROPERTY
@given(before=lines, after=lines)
def test_as_of_does_not_change_when_later_facts_arrive(before: list[Line], after: list[Line]) -> None:
    with rolled_back():
        investment = factories.make_investment(factories.make_portfolio())
        record(investment.portfolio, *_facts(investment, before))
        close(investment.portfolio, last=MONTHS)
        moment = Batch.objects.order_by("-pk")[0].pk
        then = _answers(investment, knowledge_time=moment)
        assert then == _answers(investment, knowledge_time=None)
        record(investment.portfolio, *_facts(investment, after), reason="Restated.")
        _change_everything(investment)
        assert _answers(Investment.objects.get(pk=investment.pk), knowledge_time=moment) == then


def _change_everything(investment: Investment) -> None:
    finn = factories.make_user()
    factories.set_rates(
        investment.portfolio,
        now=now(),
        hurdle_rate=Decimal("0.3"),
        discount_rate=Decimal("0.3"),
        asserted_share=Decimal("0.5"),
        realization_rates={"revenue": "0.5"},
    )
    assumptions.set_fx_rates([Rate("EUR", "USD", START, Decimal(2), "bank")], now=now())
    accounts.define([chart.Definition("model_api", "Model API", "cost", "one_time", "opex")], now=now())
    months.reopen(investment.portfolio, [START], now=now(), actor=finn, reason="Audit.")
    investment.portfolio = factories.make_portfolio(reporting_currency="EUR")
    investment.horizon_months, investment.live_month = 48, None
    investments.put(investment, now=now())


def _answers(investment: Investment, *, knowledge_time: int | None) -> tuple[object, ...]:
    loaded = inputs.load([investment], knowledge=knowledge_time)
    figures = metrics.compute(loaded.series, all_months_irr=True)
    prints = snapshots.fingerprints(loaded)
    roi = figures.by_basis[Basis.SUPPORTED].roi
    return prints.tobytes(), loaded.series.closed.tolist(), np.nan_to_num(roi.value).tolist()


@pytest.mark.django_db
def test_before_it_was_registered_there_was_nothing() -> None:
    assert not inputs.load([factories.make_investment(factories.make_portfolio())], knowledge=0).investments


@pytest.mark.django_db
def test_the_months_of_the_query_are_the_months_of_the_calendar() -> None:
    investment = factories.make_investment(factories.make_portfolio(), start_month=date(2023, 12, 1))
    record(
        investment.portfolio,
        fact(investment, date(2023, 12, 1), "model_api", 1),
        fact(investment, date(2024, 2, 1), "model_api", 3),
    )
    loaded = inputs.load([investment])
    assert loaded.first_month.tolist() == [month_index(date(2023, 12, 1))]
    assert (loaded.series.run[0] // 1_000_000).tolist() == [1, 0, 3]
