"""Scenarios side by side: the engine's figures, one call of the model, and the ends that hurt and help."""

from collections.abc import Mapping

import numpy as np
import pytest

from roi.engine import scenario, sensitivity
from roi.engine.changes import Points, Relative
from roi.engine.flows import Flows
from roi.engine.result import Floats, Reason
from roi.engine.scenario import Outcome, Scenario, ScenarioError, ScenarioKind, Terms
from roi.engine.sensitivity import Tornado
from tests.roi.engine import published
from tests.roi.engine.build import computed, flat
from tests.roi.engine.published import Published

TERMS = Terms(discount_rate=0.10, hurdle_rate=0.15)
BASE = Scenario("Base", ScenarioKind.BASE, {})


def own(name: str, **values: scenario.DriverValue) -> Scenario:
    return Scenario(name, ScenarioKind.OWN, values)


def compared(case: Published, *scenarios: Scenario, terms: Terms = TERMS) -> tuple[Outcome, ...]:
    return scenario.compare(case.model, case.base, scenarios, terms=terms)


def moved(case: Published, by: float = 0.2) -> Tornado:
    return sensitivity.tornado(case.model, case.base, {name: Relative(by) for name in case.base})


def test_base_has_the_published_figures() -> None:
    (found,) = compared(published.support(), BASE)
    assert (found.total_cost.value, found.total_value.value, found.net_benefit.value) == (
        312_000,
        315_000,
        3_000,
    )
    assert found.roi.value == pytest.approx(0.0096154, abs=1e-7)
    assert found.payback_months.value == pytest.approx(11.7647, abs=1e-4)
    assert found.breakeven_month.value == 12
    assert found.npv.value == pytest.approx(-4_644, abs=0.5)
    assert found.npv_at_hurdle.value is not None
    assert found.npv_at_hurdle.value < -4_644
    assert found.irr.value == pytest.approx(0.037, abs=0.0005)
    assert found.discounted_payback_months.reason is Reason.NOT_REACHED


def test_months_beyond_the_horizon_answer_when_it_pays_back() -> None:
    (found,) = compared(published.support(120), BASE, terms=Terms(0.10, 0.15, months=12))
    (within,) = compared(published.support(12), BASE)
    assert found.discounted_payback_months.value == pytest.approx(12.40, abs=0.005)
    assert (found.roi, found.npv, found.net_benefit) == (within.roi, within.npv, within.net_benefit)
    assert found.irr.value == pytest.approx(within.irr.value, abs=1e-9)


def test_every_row_is_the_case_with_its_values_alone() -> None:
    case = published.support()
    scenarios = [BASE, own("Cheap", dev_cost=50_000.0), own("Half", labor_savings_monthly=Relative(-0.5))]
    together = compared(case, *scenarios)
    alone = [compared(case, each)[0] for each in scenarios]
    assert list(together) == alone
    _, basis = computed(flat(dev=50_000, run=13_500, benefit=26_250, months=12))
    assert together[1].payback_months == basis.payback.at((0, 11))
    assert together[1].values["dev_cost"] == 50_000
    assert together[2].values["labor_savings_monthly"] == 9_625


def test_all_scenarios_are_one_call() -> None:
    case, rows = published.support(), []

    def watched(d: Mapping[str, Floats]) -> Flows:
        rows.append(d["dev_cost"].T.tolist())
        return case.model(d)

    scenarios = [BASE, own("Less", dev_cost=1.0), own("More", dev_cost=Points(5))]
    scenario.compare(watched, case.base, scenarios, terms=TERMS)
    assert rows == [[[150_000, 1, 150_005]]]


def test_pessimistic_and_optimistic_move_each_driver_to_the_end_that_hurts_or_helps() -> None:
    case = published.support()
    worst, base, best = scenario.three(moved(case))
    assert [each.kind.value for each in (worst, base, best)] == ["pessimistic", "base", "optimistic"]
    for name, value in case.base.items():
        up, down = value * 1.2, value * 0.8
        is_value = name in published.VALUES
        assert worst.values[name] == pytest.approx(down if is_value else up)
        assert best.values[name] == pytest.approx(up if is_value else down)
    low, middle, high = (each.net_benefit.value for each in compared(case, worst, base, best))
    assert (low, middle, high) == pytest.approx(
        (0.8 * 315_000 - 1.2 * 312_000, 3_000, 1.2 * 315_000 - 0.8 * 312_000)
    )


def test_a_driver_whose_ends_both_hurt_stays_at_its_base_where_things_go_well() -> None:
    def peaked(d: Mapping[str, Floats]) -> Flows:
        return Flows(100 - (d["x"] - 5) ** 2, np.ones((1, 1)), np.zeros((1, 1)), 1)

    found = sensitivity.tornado(peaked, {"x": 5.0, "y": 1.0}, {"x": Points(1), "y": Points(1)})
    worst, _, best = scenario.three(found)
    assert set(worst.values) == {"x"}
    assert best.values == {}


def test_undefined_figures_have_reasons() -> None:
    case = published.support()
    free = own("Free", dev_cost=0.0, infra_monthly=0.0, api_monthly=0.0, maintenance_monthly=0.0)
    lost = own("Lost", labor_savings_monthly=0.0)
    huge = own("Huge", dev_cost=1e14)
    without, losing, overflown = compared(case, free, lost, huge)
    assert without.roi.reason is Reason.NO_COST_YET
    assert without.total_value.value == 315_000
    assert losing.payback_months.reason is Reason.NEVER_PAYS_BACK
    assert losing.breakeven_month.reason is Reason.NEVER_PAYS_BACK
    assert overflown.net_benefit.reason is Reason.OVERFLOW
    assert overflown.roi.reason is Reason.OVERFLOW


def test_amounts_that_are_not_finite_are_overflow_in_their_row_alone() -> None:
    def dividing(d: Mapping[str, Floats]) -> Flows:
        return Flows(d["y"] / d["x"], np.ones((1, 1)), np.zeros((1, 1)), 2)

    scenarios = [BASE, own("Infinite", x=0.0), own("Nothing", x=0.0, y=0.0)]
    fine, *lost = scenario.compare(dividing, {"x": 0.5, "y": 1.0}, scenarios, terms=Terms(0.1, 0.1))
    assert fine.net_benefit.value == 2
    for row in lost:
        assert row.net_benefit.reason is Reason.OVERFLOW
        assert row.total_value.reason is Reason.OVERFLOW


def test_what_cannot_be_compared_is_refused() -> None:
    case = published.support()
    with pytest.raises(ScenarioError, match="a name of its own"):
        compared(case, BASE, BASE)
    with pytest.raises(ScenarioError, match="Scenario Odd: there is no base value for tokens"):
        compared(case, own("Odd", tokens=1.0))
    with pytest.raises(ScenarioError, match="horizon of 13 months must lie within the model's 12 months"):
        compared(case, BASE, terms=Terms(0.1, 0.1, months=13))
    with pytest.raises(ScenarioError, match="horizon of 0 months"):
        compared(case, BASE, terms=Terms(0.1, 0.1, months=0))
    agent, eager = published.agent(), own("Eager", deflection_rate=Points(0.6))
    with pytest.raises(
        ScenarioError, match=r"Eager: deflection_rate must lie between 0 and 1; 1\.05 does not"
    ):
        scenario.compare(agent.model, agent.base, [eager], terms=TERMS, bounds={"deflection_rate": (0, 1)})
    assert compared(case) == ()
