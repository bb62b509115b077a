"""Options side by side: one to five, each figure with its reason, the best of each column marked."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi.engine import options, serving
from roi.engine.options import Measure, Option, Terms
from roi.engine.result import Figure, Reason, undefined

TERMS = Terms(months=12, volume=25_000, benefit=98_625, discount_rate=0.10, accuracy=0.96)
AGENT = Option("API", one_time_cost=120_000, monthly_cost=4_500, unit_price=Figure(0.024))
OWN = Option("Own GPU", one_time_cost=160_000, monthly_cost=9_000, accuracy=0.94, latency_ms=300)
UNPRICED = Option("New model", unit_price=undefined(Reason.UNPRICED_USAGE), latency_ms=200)


def test_published_agent_as_an_option() -> None:
    figures = options.compare([AGENT], terms=TERMS).rows[0].figures
    assert figures[Measure.ROI].value == pytest.approx(5.53146, abs=5e-6)
    assert figures[Measure.PAYBACK_MONTHS].value == pytest.approx(1.2831, abs=5e-5)
    assert figures[Measure.TOTAL_COST].value == 181_200
    assert figures[Measure.TOTAL_VALUE].value == 1_183_500
    assert figures[Measure.NET_BENEFIT].value == 1_002_300
    assert figures[Measure.NPV].value == pytest.approx(946_231, abs=0.5)
    assert figures[Measure.MONTHLY_COST].value == pytest.approx(5_100)
    assert figures[Measure.UNIT_COST].value == pytest.approx(0.604)
    assert figures[Measure.ACCURACY].reason is Reason.NOT_STATED


def test_best_of_each_column_is_marked() -> None:
    table = options.compare([AGENT, OWN], terms=TERMS)
    assert table.best[Measure.NET_BENEFIT] == {"API"}
    assert table.best[Measure.ONE_TIME_COST] == {"API"}
    assert table.best[Measure.LATENCY_MS] == frozenset()
    cheap = Option("Cheap", benefit_factor=0.5)
    table = options.compare([AGENT, OWN, cheap], terms=TERMS)
    assert table.best[Measure.TOTAL_COST] == {"Cheap"}
    assert table.best[Measure.TOTAL_VALUE] == {"API"}


def test_options_that_are_equal_are_both_best_and_alone_none_is() -> None:
    twin = Option("Twin", one_time_cost=120_000, monthly_cost=4_500, unit_price=Figure(0.024))
    table = options.compare([AGENT, twin, OWN], terms=TERMS)
    assert table.best[Measure.ROI] == {"API", "Twin"}
    assert not any(options.compare([AGENT, twin], terms=TERMS).best.values())


def test_benefit_follows_accuracy_unless_it_is_stated() -> None:
    terms = Terms(months=10, volume=1, benefit=100, discount_rate=0.1, accuracy=0.9, worthless_accuracy=0.8)
    stated = [
        Option("as stated", accuracy=0.85, benefit_factor=2),
        Option("half", accuracy=0.85),
        Option("whole"),
        Option("worthless", accuracy=0.7),
    ]
    rows = options.compare(stated, terms=terms).rows
    assert [row.figures[Measure.TOTAL_VALUE].value for row in rows] == pytest.approx([2_000, 500, 1_000, 0])


def test_unpriced_option_shows_its_reason_and_what_does_not_depend_on_price() -> None:
    table = options.compare([AGENT, UNPRICED], terms=TERMS)
    figures = table.rows[1].figures
    missing = {measure for measure, figure in figures.items() if figure.reason is Reason.UNPRICED_USAGE}
    assert missing == {
        Measure.MONTHLY_COST, Measure.UNIT_COST, Measure.TOTAL_COST, Measure.NET_BENEFIT, Measure.ROI,
        Measure.NPV, Measure.PAYBACK_MONTHS,
    }  # fmt: skip
    assert figures[Measure.TOTAL_VALUE].value == 1_183_500
    assert table.best[Measure.TOTAL_COST] == frozenset()


def test_unit_price_may_come_from_tokens() -> None:
    price = serving.api_unit_cost(
        serving.TokenUse(800, 300, turns=4), rates=serving.TokenRates(input_price=3, output_price=12)
    )
    found = options.compare([Option("API", unit_price=price)], terms=TERMS).rows[0]
    assert found.figures[Measure.MONTHLY_COST].value == pytest.approx(600)


def test_option_that_is_too_slow_is_shown_and_cannot_be_best() -> None:
    terms = Terms(months=12, volume=1, benefit=10, discount_rate=0.1, latency_limit_ms=500)
    slow, unknown = Option("slow", monthly_cost=1, latency_ms=501), Option("unknown", monthly_cost=2)
    quick, exact = (
        Option("quick", monthly_cost=4, latency_ms=90),
        Option("exact", monthly_cost=3, latency_ms=500),
    )
    table = options.compare([slow, unknown, quick, exact], terms=terms)
    assert [row.is_fast_enough for row in table.rows] == [False, False, True, True]
    assert table.best[Measure.TOTAL_COST] == {"exact"}
    assert table.best[Measure.LATENCY_MS] == {"quick"}


def test_undefined_figures_have_reasons() -> None:
    none = Terms(months=6, volume=0, benefit=10, discount_rate=0.1)
    free = options.compare([Option("free")], terms=none).rows[0].figures
    assert free[Measure.ROI].reason is Reason.NO_COST_YET
    assert free[Measure.UNIT_COST].reason is Reason.NO_VOLUME
    losing = options.compare([Option("losing", one_time_cost=10, monthly_cost=11)], terms=none).rows[0]
    assert losing.figures[Measure.PAYBACK_MONTHS].reason is Reason.NOT_REACHED
    huge = options.compare([Option("huge", monthly_cost=1e200)], terms=none).rows[0].figures
    for measure in (Measure.TOTAL_COST, Measure.NET_BENEFIT, Measure.ROI, Measure.UNIT_COST):
        assert huge[measure].reason is Reason.OVERFLOW


def test_more_than_five_options_are_refused() -> None:
    six = [Option(f"option {number}") for number in range(6)]
    assert len(options.compare(six[:5], terms=TERMS).rows) == 5
    with pytest.raises(ValueError, match="between one and 5 options at a time; these are 6"):
        options.compare(six, terms=TERMS)
    with pytest.raises(ValueError, match="these are 0"):
        options.compare([], terms=TERMS)


def test_twins_in_name_and_impossible_options_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        options.compare([AGENT, AGENT], terms=TERMS)
    with pytest.raises(ValueError, match="needs a name"):
        Option(" ")
    with pytest.raises(ValueError, match="X: costs and latency"):
        Option("X", monthly_cost=-1)
    with pytest.raises(ValueError, match="X: an accuracy"):
        Option("X", accuracy=96)
    with pytest.raises(ValueError, match="X: a benefit factor"):
        Option("X", benefit_factor=math.nan)
    with pytest.raises(ValueError, match="horizon of at least one month"):
        Terms(months=0, volume=1, benefit=1, discount_rate=0.1)
    with pytest.raises(ValueError, match="volume a month"):
        Terms(months=1, volume=-1, benefit=1, discount_rate=0.1)


amounts = st.floats(0, 1e6)


@given(st.lists(st.tuples(amounts, amounts, amounts), min_size=1, max_size=5))
def test_an_option_does_not_depend_on_its_neighbours(stated: list[tuple[float, float, float]]) -> None:
    given_options = [
        Option(str(at), one_time_cost=once, monthly_cost=monthly, unit_price=Figure(price))
        for at, (once, monthly, price) in enumerate(stated)
    ]
    together = options.compare(given_options, terms=TERMS).rows
    alone = [options.compare([each], terms=TERMS).rows[0] for each in given_options]
    assert [row.figures for row in together] == [row.figures for row in alone]
