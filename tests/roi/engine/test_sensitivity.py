"""The tornado: the published cases' swings, ranking and words, and ends that keep to a driver's bounds."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roi.engine import changes, sensitivity
from roi.engine.changes import Change, ChangeError, Points, Range, Relative
from roi.engine.distributions import Fixed, Uniform
from roi.engine.flows import Flows
from roi.engine.result import Floats, Reason
from roi.engine.sensitivity import SensitivityError, Tornado
from tests.roi.engine import published
from tests.roi.engine.published import Published

SUPPORT = [
    ("labor_savings_monthly", 14.81), ("dev_cost", 9.73), ("api_monthly", 4.66), ("infra_monthly", 3.50),
    ("maintenance_monthly", 2.33), ("speed_value_monthly", 2.31), ("quality_value_monthly", 1.92),
    ("revenue_impact_monthly", 1.15),
]  # fmt: skip
SUPPORT_36 = [
    ("labor_savings_monthly", 21.8), ("api_monthly", 10.1), ("infra_monthly", 7.6), ("dev_cost", 7.0),
]  # fmt: skip
CODING = [
    ("labor_savings_monthly", 29.5), ("speed_value_monthly", 14.75), ("api_monthly", 35.6),
    ("quality_value_monthly", 7.08), ("dev_cost", 11.4), ("maintenance_monthly", 4.54),
]  # fmt: skip
AGENT = [
    ("deflection_rate", 126.66), ("cost_per_human_conversation", 126.66), ("monthly_conversations", 121.47),
    ("development_cost", 86.89), ("csat_revenue_impact_monthly", 3.97), ("infra_monthly", 21.63),
    ("maintenance_monthly", 17.3), ("avg_turns_per_conversation", 5.19), ("token_price", 5.19),
]  # fmt: skip
AGENT_20 = {
    "deflection_rate": 253.3, "cost_per_human_conversation": 253.3, "monthly_conversations": 242.9,
    "development_cost": 176.1, "infra_monthly": 43.3, "maintenance_monthly": 34.6,
    "token_price": 10.4, "csat_revenue_impact_monthly": 7.9,
}  # fmt: skip


def moved(case: Published, by: float = 0.1) -> Tornado:
    return sensitivity.tornado(case.model, case.base, {name: Relative(by) for name in case.base})


def points(found: Tornado) -> dict[str, float]:
    return {bar.driver: (bar.roi_swing.value or 0) * 100 for bar in found.bars}


def product(d: Mapping[str, Floats]) -> Flows:
    """Return one month: price times volume against a fixed cost."""
    return Flows(d["price"] * d["volume"], d["cost"], np.zeros((1, 1)), 1)


PRODUCT = {"price": 0.9, "volume": 100.0, "cost": 50.0}


@pytest.mark.parametrize(
    ("case", "stated"),
    [
        (published.support(), SUPPORT),
        (published.support(36), SUPPORT_36),
        (published.coding(), CODING),
        (published.agent(), AGENT),
    ],
    ids=["support", "support 36 months", "coding", "agent"],
)
def test_published_swings_ranked_by_net_benefit(case: Published, stated: list[tuple[str, float]]) -> None:
    found = moved(case)
    assert [bar.driver for bar in found.bars][: len(stated)] == [driver for driver, _ in stated]
    for driver, swing in stated:
        assert points(found)[driver] == pytest.approx(swing, abs=0.051)
    swings = [bar.swing for bar in found.bars]
    assert swings == sorted(swings, reverse=True)


def test_published_agent_at_twenty_percent_names_what_the_text_left_out() -> None:
    found = points(moved(published.agent(), 0.2))
    assert {driver: found[driver] for driver in AGENT_20} == pytest.approx(AGENT_20, abs=0.051)


def test_ranking_by_roi_would_be_another() -> None:
    found = moved(published.coding())
    by_roi = sorted(found.bars, key=lambda bar: -(bar.roi_swing.value or 0))
    assert [bar.driver for bar in by_roi][:3] == [
        "api_monthly",
        "labor_savings_monthly",
        "speed_value_monthly",
    ]
    assert [bar.driver for bar in found.bars][2] == "api_monthly"


@settings(max_examples=40, deadline=None)
@given(st.permutations("abc"), st.tuples(*[st.floats(0.1, 100)] * 3))
def test_factors_of_one_product_keep_the_order_they_were_given_in(
    order: list[str], values: tuple[float, float, float]
) -> None:
    def multiplied(d: Mapping[str, Floats]) -> Flows:
        return Flows(d["a"] * d["b"] * d["c"], np.ones((1, 1)), np.zeros((1, 1)), 1)

    base = dict(zip("abc", values, strict=True))
    found = sensitivity.tornado(multiplied, base, {name: Relative(0.1) for name in order})
    assert [bar.driver for bar in found.bars] == order


def test_derivatives_are_those_of_the_formula() -> None:
    """dROI/dln p = p H/C for a value, -V p H/C^2 for a monthly cost, -V dev/C^2 for the one-time cost."""
    case, months, step = published.support(), 12, 1e-4
    value, cost = 315_000.0, 312_000.0
    found = {bar.driver: bar for bar in moved(case, step).bars}
    for name, amount in case.base.items():
        bar = found[name]
        assert bar.low.roi.value is not None
        assert bar.high.roi.value is not None
        measured = (bar.high.roi.value - bar.low.roi.value) / (2 * step)
        if name in published.VALUES:
            assert measured == pytest.approx(amount * months / cost, rel=1e-6)
        elif name == "dev_cost":
            assert measured == pytest.approx(-value * amount / cost**2, rel=1e-6)
        else:
            assert measured == pytest.approx(-value * amount * months / cost**2, rel=1e-6)


def test_all_ends_are_one_call_with_one_driver_moved_each() -> None:
    calls: list[Mapping[str, Floats]] = []

    def watched(d: Mapping[str, Floats]) -> Flows:
        calls.append(d)
        return product(d)

    found = sensitivity.tornado(watched, PRODUCT, {"price": Points(0.05), "cost": Relative(0.2)})
    assert len(calls) == 1
    assert calls[0]["price"].T.tolist() == [[0.9, 0.9 - 0.05, 0.9 + 0.05, 0.9, 0.9]]
    assert calls[0]["cost"].T.tolist() == [[50, 50, 50, 40, 60]]
    assert calls[0]["volume"].T.tolist() == [[100] * 5]
    assert (found.base_net, found.base_roi.value) == (pytest.approx(40), pytest.approx(0.8))
    cost, price = found.bars
    assert (cost.low.value, cost.low.net, cost.high.value, cost.high.net) == (40, 50, 60, 30)
    assert price.swing == pytest.approx(10)


def test_relative_change_and_points_are_different_things() -> None:
    case = published.agent()
    ten_percent, ten_points = (
        sensitivity.tornado(case.model, case.base, {"deflection_rate": change}).bars[0]
        for change in (Relative(0.1), Points(0.1))
    )
    assert ten_percent.high.net - 1_002_300 == pytest.approx(114_750)
    assert ten_points.high.net - 1_002_300 == pytest.approx(255_000)
    assert (ten_percent.change.in_words(), ten_points.change.in_words()) == ("±10%", "±10 points")
    assert Points(500).in_words() == "±500"
    assert Range(3, 5000).in_words() == "from 3 to 5,000"


def test_ends_keep_to_bounds_and_say_so() -> None:
    found = sensitivity.tornado(
        product, PRODUCT, {"price": Relative(0.2), "cost": Relative(0.2)}, bounds={"price": (0, 1)}
    )
    bars = {bar.driver: bar for bar in found.bars}
    assert (bars["price"].low.value, bars["price"].high.value) == pytest.approx((0.72, 1))
    assert (bars["price"].is_bounded, bars["cost"].is_bounded) == (True, False)


def test_negative_values_keep_low_below_high() -> None:
    assert Relative(0.1).ends(-10) == pytest.approx((-11, -9))
    assert Relative(-0.1).ends(10) == pytest.approx((9, 11))
    assert Points(-1).ends(10) == (9, 11)
    assert Relative(-0.1).applied_to(10) == pytest.approx(9)
    assert Points(-1).applied_to(10) == 9


def test_roi_swing_without_cost_has_a_reason() -> None:
    found = sensitivity.tornado(product, PRODUCT, {"cost": Relative(1.0), "volume": Relative(0.1)})
    assert found.bars[0].driver == "cost"
    assert found.bars[0].roi_swing.reason is Reason.NO_COST_YET
    credited = sensitivity.tornado(product, PRODUCT, {"cost": Relative(1.5)})
    assert credited.bars[0].roi_swing.reason is Reason.NON_POSITIVE_BASE
    assert "swings the net benefit by USD 150. " in sensitivity.sentence(credited, currency="USD")


def test_the_sentence_names_two_or_three_in_money_and_points() -> None:
    labels = {"labor_savings_monthly": "Labor savings", "dev_cost": "Development"}
    assert sensitivity.sentence(moved(published.support()), currency="USD", labels=labels) == (
        "Most depends on Labor savings: ±10% swings the net benefit by USD 46,200 and ROI by 14.8 points."
        " Next comes Development (±10%: USD 30,000, 9.7 points)."
        " Labor savings or Development alone can make the net benefit negative."
    )
    agent = sensitivity.sentence(moved(published.agent()), currency="EUR")
    assert "Next come cost_per_human_conversation (±10%: EUR 229,500, 126.7 points) and monthly_conv" in agent
    assert agent.endswith("None of them alone can make the net benefit negative.")


def test_a_third_is_named_from_half_of_the_first_on() -> None:
    def total(d: Mapping[str, Floats]) -> Flows:
        return Flows(d["a"] + d["b"] + d["c"] + d["d"], np.ones((1, 1)), np.zeros((1, 1)), 1)

    def count(*values: float) -> int:
        base = dict(zip("abcd", values, strict=True))
        found = sensitivity.tornado(total, base, {name: Relative(0.1) for name in base})
        return len(sensitivity.named(found))

    assert count(10, 1, 5, 5) == 3
    assert count(10, 9, 4.9, 1) == 2
    assert count(10, 0.001, 0, 0) == 2
    assert count(10, 0, 0, 0) == 1
    assert count(10, 10, 10, 10) == 3
    assert count(0, 0, 0, 0) == 0


def test_the_sentence_knows_losses_and_single_drivers() -> None:
    def losing(d: Mapping[str, Floats]) -> Flows:
        return Flows(d["benefit"], np.full((1, 1), 100.0), np.zeros((1, 1)), 1)

    def says(benefit: float, by: float) -> str:
        found = sensitivity.tornado(losing, {"benefit": benefit}, {"benefit": Relative(by)})
        return sensitivity.sentence(found, currency="USD")

    assert says(95, 0.1).endswith("and ROI by 19.0 points. benefit alone can make the net benefit positive.")
    assert says(50, 0.1).endswith("Alone it cannot make the net benefit positive.")
    assert says(0, 0.1) == "No driver that was changed moves the net benefit."
    assert "USD 1.50 " in says(7.5, 0.1)


def test_what_cannot_be_varied_is_refused() -> None:
    with pytest.raises(SensitivityError, match="no base value for tokens"):
        sensitivity.tornado(product, PRODUCT, {"tokens": Relative(0.1)})

    def dividing(d: Mapping[str, Floats]) -> Flows:
        return Flows(1 / d["volume"], np.ones((1, 1)), np.zeros((1, 1)), 1)

    with pytest.raises(SensitivityError, match=r"At volume = 0 the case has no finite amount\."):
        sensitivity.tornado(dividing, {"volume": 1.0}, {"volume": Points(1)})
    with pytest.raises(SensitivityError, match="At its base the case"):
        sensitivity.tornado(dividing, {"volume": 0.0}, {"volume": Points(1)})


def test_changes_are_read_from_plain_values() -> None:
    assert changes.parse({"relative": 0.1}) == Relative(0.1)
    assert changes.parse({"points": "0.05"}) == Points(0.05)
    assert changes.parse({"low": 3, "high": 5}) == Range(3, 5)
    refused: list[dict[str, object]] = [
        {},
        {"relative": "x"},
        {"relative": True},
        {"relative": 1, "points": 1},
        {"low": 1},
    ]
    for stated in refused:
        with pytest.raises(ChangeError, match="A change is written"):
            changes.parse(stated)
    for by in (float("nan"), float("inf")):
        with pytest.raises(ChangeError, match="finite"):
            Relative(by)
        with pytest.raises(ChangeError, match="finite"):
            Points(by)
    with pytest.raises(ChangeError, match="from a low to a high number; 5 to 3 does not"):
        Range(5, 3)


def test_likely_ranges_hold_the_middle_of_a_distribution() -> None:
    found = changes.likely_ranges({"a": Uniform(0, 10), "b": Fixed(2)})
    assert found["a"].ends(99) == pytest.approx((1, 9))
    assert found["b"] == Range(2, 2)
    with pytest.raises(ChangeError, match="between 0 and 1; 1 does not"):
        changes.likely_ranges({}, share=1)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.floats(-1e6, 1e6), min_size=1),
    st.floats(0.01, 0.9),
    st.floats(0.1, 100),
)
def test_a_sum_swings_by_twice_its_parts(base: dict[str, float], by: float, scale: float) -> None:
    def total(d: Mapping[str, Floats]) -> Flows:
        return Flows(scale * np.sum(list(d.values()), axis=0), np.ones((1, 1)), np.zeros((1, 1)), 3)

    varied: dict[str, Change] = {name: Relative(by) for name in base}
    found = sensitivity.tornado(total, base, varied)
    assert {bar.driver for bar in found.bars} == set(base)
    for bar in found.bars:
        assert bar.swing == pytest.approx(2 * by * 3 * scale * abs(base[bar.driver]), rel=1e-6, abs=1e-3)
