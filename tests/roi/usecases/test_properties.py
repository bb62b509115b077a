"""What holds for every template at any values of its drivers."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.terms import AccountKind, from_micros
from roi.usecases import TEMPLATES, as_json, base, figures, summary
from roi.usecases.base import HiddenCosts
from roi.usecases.drivers import drivers_of
from tests.roi.usecases.cases import hidden_costs, values

EVERY = pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
FEW = settings(max_examples=25, deadline=None)


@EVERY
@FEW
@given(data=st.data(), months=st.integers(1, 48))
def test_rows_of_draws_are_the_cases_one_by_one(template, data, months) -> None:
    stated = [data.draw(values(template)) for _ in range(3)]
    stacked = {name: np.array([[one[name]] for one in stated]) for name in stated[0]}
    together = base.model(base.read_case(template, stated[0], months=months))(stacked)
    for row, one in enumerate(stated):
        alone = base.model(base.read_case(template, one, months=months))({})
        assert together.total_cost()[row] == pytest.approx(alone.total_cost()[0], rel=1e-9, abs=1e-6)
        assert together.total_benefit()[row] == pytest.approx(alone.total_benefit()[0], rel=1e-9, abs=1e-6)
        assert together.present_value(0.1)[row] == pytest.approx(
            alone.present_value(0.1)[0], rel=1e-9, abs=1e-3
        )


@EVERY
@FEW
@given(data=st.data())
def test_a_longer_plan_begins_like_a_shorter_one(template, data) -> None:
    case = base.read_case(template, data.draw(values(template)), hidden_costs=data.draw(hidden_costs))
    short, long = base.project(case, months=12), base.project(case, months=24)
    assert [line.label for line in short] == [line.label for line in long]
    for one, other in zip(short, long, strict=True):
        assert np.array_equal(one.amounts, other.amounts[:12])


@EVERY
@FEW
@given(data=st.data(), months=st.integers(1, 120))
def test_figures_are_the_sums_of_the_lines_and_never_nan(template, data, months) -> None:
    case = base.read_case(template, data.draw(values(template)), months=months)
    computed = figures.figures_of(case)
    assert all(np.isfinite(line.amounts).all() for line in computed.plan)
    totals = dict.fromkeys(AccountKind, 0)
    for line in computed.plan:
        totals[line.kind] += int(line.amounts.sum()) if line.is_money else 0
    shown = as_json.figures(case, computed)
    assert shown["total_cost"] == float(from_micros(totals[AccountKind.COST]))
    assert shown["total_value"] == float(from_micros(totals[AccountKind.BENEFIT]))
    assert shown["net_benefit"] == float(from_micros(totals[AccountKind.BENEFIT] - totals[AccountKind.COST]))
    for name, value in shown.items():
        assert (value is None) == (name in shown["reasons"]), name
    assert not re.search(r"\b(nan|inf)\b", summary.text(case, computed))


@EVERY
@FEW
@given(data=st.data(), costs=hidden_costs)
def test_hidden_costs_add_up_beside_the_template(template, data, costs) -> None:
    stated = data.draw(values(template))
    without = base.model(base.read_case(template, stated, months=24))({})
    hidden = base.model(base.read_case(template, stated, months=24, hidden_costs=costs))({})
    once = costs["integration_engineering"]
    assert hidden.total_benefit() == without.total_benefit()
    assert hidden.total_cost()[0] - without.total_cost()[0] == pytest.approx(
        once + 24 * (sum(costs.values()) - once), rel=1e-6, abs=1e-3
    )


@EVERY
@FEW
@given(data=st.data())
def test_volumes_are_never_negative(template, data) -> None:
    case = base.read_case(template, data.draw(values(template)))
    for line in base.project(case):
        if line.kind is AccountKind.VOLUME:
            assert (line.amounts >= 0).all(), line.label


@EVERY
def test_every_driver_says_what_it_is(template) -> None:
    for one in (*drivers_of(template.drivers), *drivers_of(HiddenCosts)):
        assert one.label, one.name
        assert one.help.endswith("."), one.name
        assert one.default is None or one.is_text or one.low <= float(one.default) <= one.high


@EVERY
def test_a_published_value_names_where_it_was_published(template) -> None:
    published = [one for one in drivers_of(template.drivers) if one.source]
    assert published or template.name in ("contact_center", "edge_logistics")


@EVERY
def test_every_line_has_an_account_and_one_meaning(template) -> None:
    required = {one.name: one.high / 100 for one in drivers_of(template.drivers) if one.is_required}
    planned = base.project(base.read_case(template, required))
    keys = [(line.account, line.ref) for line in planned]
    assert len(set(keys)) == len(keys)
