"""API or own hardware, whole replicas, quantization, and the batch tier."""

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from roi.engine import batch, capacity, serving
from roi.engine.batch import Batch, BatchTerms
from roi.engine.capacity import Hardware, Quantization
from roi.engine.result import Reason
from roi.engine.serving import Terms, TokenRates, TokenUse

CONVERSATION = TokenUse(input_tokens=800, output_tokens=300, turns=4)
RATES = TokenRates(input_price=3, output_price=12)
SEED_TERMS = Terms(fixed_cost=4_500, api_unit_cost=0.024)
GPU = Hardware(gpu_hour_price=2.5, throughput_per_hour=100, target_utilization=0.7, hours_per_month=730)

costs = st.decimals(0, 50, places=2).map(float)
some = st.decimals("0.01", 50, places=2).map(float)


def test_published_conversation_costs_what_is_published() -> None:
    assert serving.api_unit_cost(CONVERSATION, rates=RATES).value == pytest.approx(0.024, rel=1e-14)
    assert serving.blended_price(CONVERSATION, rates=RATES).value == pytest.approx(5.4545, abs=5e-5)


@pytest.mark.parametrize(
    ("use", "rates", "reason"),
    [
        (TokenUse(None, 300), RATES, Reason.NO_VOLUME),
        (TokenUse(800, None), RATES, Reason.NO_VOLUME),
        (TokenUse(800, 300), TokenRates(None, 12), Reason.UNPRICED_USAGE),
        (TokenUse(800, 300), TokenRates(3, None), Reason.UNPRICED_USAGE),
    ],
)
def test_tokens_nobody_counted_or_priced_have_no_cost(
    use: TokenUse, rates: TokenRates, reason: Reason
) -> None:
    assert serving.api_unit_cost(use, rates=rates).reason is reason
    assert serving.blended_price(use, rates=rates).reason is reason


def test_price_of_tokens_nobody_used_is_not_needed() -> None:
    assert serving.api_unit_cost(TokenUse(1_000_000, 0), rates=TokenRates(3, None)).value == 3
    assert serving.blended_price(TokenUse(0, 0), rates=RATES).reason is Reason.NO_VOLUME


def test_published_breakeven_volumes() -> None:
    assert serving.breakeven_volume(SEED_TERMS).value == pytest.approx(187_500)
    with_marginal = Terms(fixed_cost=4_500, api_unit_cost=0.024, self_host_unit_cost=0.004)
    assert serving.breakeven_volume(with_marginal).value == pytest.approx(225_000)


@pytest.mark.parametrize("marginal", [0.024, 0.03])
def test_no_volume_saves_where_a_unit_saves_nothing(marginal: float) -> None:
    terms = Terms(fixed_cost=4_500, api_unit_cost=0.024, self_host_unit_cost=marginal)
    assert serving.breakeven_volume(terms).reason is Reason.NEVER_PAYS_BACK
    assert serving.breakeven_fixed_cost(25_000, terms=terms).reason is Reason.NEVER_PAYS_BACK
    assert serving.migration_payback(1, volume=10**9, terms=terms).reason is Reason.NEVER_PAYS_BACK


@pytest.mark.parametrize("marginal", [0.0, 0.004, 0.02])
def test_fixed_cost_that_pays_at_the_published_volume(marginal: float) -> None:
    terms = Terms(fixed_cost=4_500, api_unit_cost=0.024, self_host_unit_cost=marginal)
    found = serving.breakeven_fixed_cost(25_000, terms=terms).value
    assert found == pytest.approx(600 - 25_000 * marginal)


def test_published_migration_pays_back_in_14_815_months() -> None:
    found = serving.migration_payback(40_000, volume=300_000, terms=SEED_TERMS).value
    assert found is not None
    assert round(found, 3) == 14.815


def test_migration_at_the_breakeven_volume_never_pays_back() -> None:
    terms = Terms(fixed_cost=4_500, api_unit_cost=0.5)
    assert serving.migration_payback(40_000, volume=9_000, terms=terms).reason is Reason.NEVER_PAYS_BACK


def test_quotient_beyond_floats_is_overflow() -> None:
    terms = Terms(fixed_cost=1e300, api_unit_cost=1e-300)
    assert serving.breakeven_volume(terms).reason is Reason.OVERFLOW


@given(some, some, costs)
def test_saving_turns_at_the_breakeven_volume(fixed: float, api: float, own: float) -> None:
    terms = Terms(fixed_cost=fixed, api_unit_cost=api, self_host_unit_cost=own)
    volume = serving.breakeven_volume(terms).value
    assert (volume is None) == (own >= api)
    if volume is not None:
        assert serving.monthly_saving(volume * 1.01, terms=terms) > 0
        assert serving.monthly_saving(volume * 0.99, terms=terms) < 0


@given(some, some, st.floats(0.01, 1000))
def test_breakeven_volume_does_not_depend_on_the_currency(fixed: float, api: float, rate: float) -> None:
    one = serving.breakeven_volume(Terms(fixed, api)).value
    other = serving.breakeven_volume(Terms(fixed * rate, api * rate)).value
    assert one == pytest.approx(other)


@pytest.mark.parametrize("amount", [-1.0, math.nan, math.inf])
def test_amounts_that_are_none_are_refused(amount: float) -> None:
    with pytest.raises(ValueError, match="must be a finite number, not negative"):
        Terms(fixed_cost=amount, api_unit_cost=1)
    with pytest.raises(ValueError, match="A volume must"):
        serving.monthly_saving(amount, terms=SEED_TERMS)
    with pytest.raises(ValueError, match="The cost of a migration must"):
        serving.migration_payback(amount, volume=1, terms=SEED_TERMS)
    with pytest.raises(ValueError, match="count of tokens"):
        serving.api_unit_cost(TokenUse(amount, 1), rates=RATES)
    with pytest.raises(ValueError, match="volume or unit cost must"):
        capacity.replicas(GPU, volume=amount)
    with pytest.raises(ValueError, match="volume or unit cost must"):
        capacity.breakevens(GPU, api_unit_cost=amount)


def test_replicas_come_whole_and_full_ones_are_not_one_too_many() -> None:
    assert GPU.capacity == 51_100
    assert [capacity.replicas(GPU, volume=v) for v in (0, 1, 51_100, 51_101, 153_300)] == [1, 1, 1, 2, 3]
    dusty = Hardware(gpu_hour_price=1, throughput_per_hour=0.1, target_utilization=1, hours_per_month=3)
    assert capacity.replicas(dusty, volume=0.9) == 3


def test_cost_is_a_step_and_utilization_reaches_its_target_at_the_end_of_each() -> None:
    points = capacity.curve(GPU, volumes=[0, 25_550, 51_100, 51_101], api_unit_cost=0.05)
    assert [point.self_host_cost for point in points] == [1_825, 1_825, 1_825, 3_650]
    assert [round(point.utilization, 4) for point in points] == [0, 0.35, 0.7, 0.35]
    assert [point.is_cheaper for point in points] == [False, False, True, False]
    assert points[0].unit_cost.reason is Reason.NO_VOLUME
    assert points[2].unit_cost.value == pytest.approx(1_825 / 51_100)
    assert points[2].api_cost == pytest.approx(2_555)


def test_replica_of_several_gpus_costs_as_many() -> None:
    double = Hardware(
        gpu_hour_price=2.5, throughput_per_hour=100, target_utilization=0.7, gpus_per_replica=2, fixed_cost=50
    )
    assert capacity.monthly_cost(double, volume=1) == 3_700


def test_corners_of_the_steps() -> None:
    assert capacity.step_volumes(GPU, up_to=110_000) == (0, 51_100, 51_101, 102_200, 102_201, 110_000)
    assert capacity.step_volumes(GPU, up_to=100) == (0, 100)
    with pytest.raises(ValueError, match="more than 500 steps"):
        capacity.step_volumes(GPU, up_to=10**9)


def test_added_replicas_put_it_behind_again() -> None:
    """At 0.05 a full replica gains 730 over its cost of 1,825: fixed cost of 1,000 takes two replicas."""
    hardware = Hardware(gpu_hour_price=2.5, throughput_per_hour=100, target_utilization=0.7, fixed_cost=1_000)
    found = capacity.breakevens(hardware, api_unit_cost=0.05)
    assert (found.first.value, found.last.value) == ((1_000 + 2 * 1_825) / 0.05, (1_000 + 4 * 1_825) / 0.05)
    assert found.crossings == 3


def test_one_replica_without_steps_is_the_closed_form() -> None:
    huge = Hardware(gpu_hour_price=0, throughput_per_hour=10**6, target_utilization=1, fixed_cost=4_500)
    found = capacity.breakevens(huge, api_unit_cost=0.024)
    assert found.first == found.last
    assert found.first.value == pytest.approx(serving.breakeven_volume(SEED_TERMS).value)
    assert found.crossings == 1


def test_replica_that_costs_more_than_it_replaces_never_pays() -> None:
    found = capacity.breakevens(GPU, api_unit_cost=0.03)
    assert (found.first.reason, found.last.reason) == (Reason.NEVER_PAYS_BACK, Reason.NEVER_PAYS_BACK)
    assert found.crossings == 0


def test_replica_that_just_replaces_its_cost_touches_at_every_full_one() -> None:
    even = Hardware(gpu_hour_price=2, throughput_per_hour=10, target_utilization=1)
    found = capacity.breakevens(even, api_unit_cost=0.2)
    assert found.first.value == 7_300
    assert found.last.reason is Reason.NEVER_PAYS_BACK
    assert found.crossings is None


def test_free_hardware_is_never_behind() -> None:
    free = Hardware(gpu_hour_price=0, throughput_per_hour=10, target_utilization=1)
    assert capacity.breakevens(free, api_unit_cost=0.2).first.value == 0


@st.composite
def fleets(draw: st.DrawFn) -> Hardware:
    return Hardware(
        gpu_hour_price=draw(some),
        throughput_per_hour=draw(st.sampled_from([1.0, 3.0, 12.5])),
        target_utilization=draw(st.sampled_from([0.3, 0.7, 1.0])),
        fixed_cost=draw(costs),
        unit_cost=draw(st.sampled_from([0.0, 0.1, 2.0])),
        min_replicas=draw(st.integers(1, 3)),
        hours_per_month=10,
    )


@given(fleets(), some)
def test_crossings_are_those_found_step_by_step(hardware: Hardware, api: float) -> None:
    """Every step by itself: behind just after the replica was added, not behind at its end."""
    found = capacity.breakevens(hardware, api_unit_cost=api)
    margin = Fraction(repr(api)) - Fraction(repr(hardware.unit_cost))
    assume(margin != 0)
    met = []
    for count in range(hardware.min_replicas, hardware.min_replicas + 200):
        fixed = Fraction(repr(hardware.fixed_cost)) + count * hardware.replica_cost
        start = (count - 1) * hardware.capacity if count > hardware.min_replicas else Fraction(0)
        if start * margin < fixed <= count * hardware.capacity * margin:
            met.append(float(fixed / margin))
    if met:
        assert found.first.value == met[0]
    if found.crossings is not None and found.crossings < 150 and len(met) == found.crossings:
        assert found.last.value == (met[-1] if met else None)
    if found.first.reason:
        assert not met


@given(fleets(), some, st.floats(0, 1e4))
def test_from_the_last_breakeven_on_it_stays_ahead(hardware: Hardware, api: float, more: float) -> None:
    found = capacity.breakevens(hardware, api_unit_cost=api)
    if found.first.value is not None and found.first.value > 0:
        before = capacity.at(hardware, volume=found.first.value * 0.999, api_unit_cost=api)
        assert before.self_host_cost > before.api_cost
    if found.last.value is not None:
        after = capacity.at(hardware, volume=found.last.value * (1 + 1e-9) + more, api_unit_cost=api)
        assert after.self_host_cost <= after.api_cost * (1 + 1e-9)


@given(fleets(), st.floats(0, 1e5), st.floats(0, 1e5))
def test_more_volume_never_costs_less(hardware: Hardware, one: float, other: float) -> None:
    low, high = sorted([one, other])
    assert capacity.monthly_cost(hardware, volume=low) <= capacity.monthly_cost(hardware, volume=high)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"gpu_hour_price": -1}, "Prices and costs"),
        ({"fixed_cost": math.inf}, "Prices and costs"),
        ({"throughput_per_hour": 0}, "positive numbers"),
        ({"hours_per_month": 0}, "positive numbers"),
        ({"target_utilization": 0}, "target utilization"),
        ({"target_utilization": 1.1}, "target utilization"),
        ({"min_replicas": 0}, "at least one replica"),
        ({"gpus_per_replica": 0}, "at least one replica"),
    ],
)
def test_hardware_that_cannot_be_is_refused(changes: dict[str, float], sentence: str) -> None:
    stated = {"gpu_hour_price": 2.5, "throughput_per_hour": 100, "target_utilization": 0.7, **changes}
    with pytest.raises(ValueError, match=sentence):
        Hardware(**stated)  # type: ignore[arg-type]


def test_quantization_saves_whole_replicas_and_costs_accuracy() -> None:
    """From four replicas to two; half a point of accuracy on a value of 26,250 at 96 %."""
    lever = capacity.quantization_lever(
        GPU,
        quantization=Quantization(throughput_factor=2, accuracy_change=-0.005),
        volume=200_000,
        value_per_point=26_250 / 0.96,
    )
    assert (lever.cost_before, lever.cost_after, lever.saving) == (7_300, 3_650, 3_650)
    assert lever.value_change == pytest.approx(-136.71875)
    assert lever.net == pytest.approx(3_650 - 136.71875)
    idle = capacity.quantization_lever(
        GPU, quantization=Quantization(2, -0.005), volume=100, value_per_point=0
    )
    assert idle.saving == 0


def test_quantization_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="throughput factor"):
        Quantization(throughput_factor=0)
    with pytest.raises(ValueError, match="change of accuracy"):
        Quantization(throughput_factor=2, accuracy_change=-5)


def test_batch_halves_the_batched_cost_against_the_value_that_does_not_wait() -> None:
    terms = BatchTerms(deferral_share=0.1, batch_share=0.6)
    found = batch.compare(1_000, value=2_000, terms=terms, is_latency_sensitive=False)
    assert isinstance(found, Batch)
    assert (found.batch_cost, found.saving) == pytest.approx((700, 300))
    assert found.value_deferred == pytest.approx(120)
    assert found.net == pytest.approx(180)
    assert found.breakeven_deferral_share.value == pytest.approx(0.25)


def test_batch_is_refused_where_latency_matters_however_much_it_saves() -> None:
    found = batch.compare(10**6, value=0, terms=BatchTerms(deferral_share=0), is_latency_sensitive=True)
    assert found is Reason.LATENCY_SENSITIVE


@given(some, some, st.floats(0, 1), st.floats(0.1, 1), st.floats(0.1, 1))
def test_batch_pays_below_the_breakeven_share(
    cost: float, value: float, share: float, discount: float, part: float
) -> None:
    terms = BatchTerms(deferral_share=share, discount=discount, batch_share=part)
    found = batch.compare(cost, value=value, terms=terms, is_latency_sensitive=False)
    assert isinstance(found, Batch)
    limit = found.breakeven_deferral_share.value
    assert limit is not None
    assume(abs(share - limit) > 1e-9)
    assert (found.net > 0) == (share < limit)


@pytest.mark.parametrize(
    ("value", "reason"),
    [(0.0, Reason.NO_VALUE_YET), (-5.0, Reason.NON_POSITIVE_BASE), (5e-324, Reason.OVERFLOW)],
)
def test_batch_without_value_has_no_breakeven_share(value: float, reason: Reason) -> None:
    found = batch.compare(1e10, value=value, terms=BatchTerms(0.5), is_latency_sensitive=False)
    assert isinstance(found, Batch)
    assert found.breakeven_deferral_share.reason is reason


def test_batch_terms_are_fractions() -> None:
    with pytest.raises(ValueError, match="are fractions"):
        BatchTerms(deferral_share=10)
    with pytest.raises(ValueError, match="must be finite"):
        batch.compare(-1, value=1, terms=BatchTerms(0.1), is_latency_sensitive=False)
