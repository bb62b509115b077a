"""Values of drivers as people write them: read back what was shown, refuse in the unit of the page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.console import cases_numbers as numbers
from roi.usecases import TEMPLATES
from roi.usecases.base import HiddenCosts
from roi.usecases.drivers import Driver, drivers_of

EVERY = [one for template in TEMPLATES.values() for one in drivers_of(template.drivers)]
NUMBERS = [one for one in (*EVERY, *drivers_of(HiddenCosts)) if not one.is_text]
DRIVERS = {one.name: one for one in drivers_of(TEMPLATES["customer_support"].drivers)}


@given(st.sampled_from(NUMBERS), st.floats(min_value=0, max_value=1e9, allow_nan=False))
def test_what_is_shown_reads_back_as_the_same_value(one: Driver, drawn: float) -> None:
    """Whatever the unit: showing and reading a value changes nothing."""
    value = float(int(drawn)) if one.is_whole else drawn
    value = min(max(value, one.low), one.high)
    assert numbers.number(one, numbers.text(one, value)) == value


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("deflection_rate", "55", 0.55),
        ("deflection_rate", " 55.5 % ", 0.555),
        ("annual_support_cost", "420,000", 420000.0),
        ("annual_support_cost", "1 250.5", 1250.5),
        ("dev_cost", ".5", 0.5),
        ("growth_rate", "-10", -0.1),
    ],
)
def test_numbers_are_read_as_people_write_them(name: str, written: str, value: float) -> None:
    """Percent for fractions, commas at the thousands, blanks anywhere."""
    assert numbers.number(DRIVERS[name], written) == value


@pytest.mark.parametrize(
    ("name", "written", "sentence"),
    [
        ("deflection_rate", "155", "Deflection must lie between 0 and 100; 155 does not."),
        ("dev_cost", "-1", "Development must lie at or above 0; -1 does not."),
        ("dev_cost", "12,34", "is not a number; write it like 1,250.5."),
        ("dev_cost", "1e5", "is not a number"),
        ("dev_cost", "–", "is not a number"),
        ("dev_cost", ".", "is not a number"),
        ("dev_cost", " ", "Development needs a number."),
        ("dev_cost", "9" * 20, "is out of range"),
        ("ramp_months", "2.5", "is a whole number of months; 2.5 is not."),
    ],
)
def test_refusals_speak_in_the_unit_of_the_page(name: str, written: str, sentence: str) -> None:
    """Every refusal names the driver and what it takes."""
    with pytest.raises(ValueError, match="^" + DRIVERS[name].label) as refused:
        numbers.number(DRIVERS[name], written)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("one", NUMBERS, ids=lambda one: one.name)
def test_a_slider_holds_the_value_it_starts_from_inside_the_bounds(one: Driver) -> None:
    """Where there is a slider, it runs over the value, and never past what the driver takes."""
    value = 0.0 if one.default is None else float(one.default)
    found = numbers.slider(one, around=value)
    if found is None:
        assert value == 0
        return
    low, high, step = (float(end) for end in (found.low, found.high, found.step))
    shown = value * 100 if numbers.is_percent(one) else value
    assert low <= shown <= high
    assert step > 0
    scale = 100 if numbers.is_percent(one) else 1
    assert low >= one.low * scale
    assert high - step < one.high * scale


def test_units_are_the_cases_own() -> None:
    """The currency is named; a bare count has no unit."""
    assert numbers.unit_words(DRIVERS["annual_support_cost"], "EUR") == "EUR/year"
    assert numbers.unit_words(DRIVERS["annual_tickets"], "EUR") == ""
    assert numbers.unit_words(DRIVERS["accuracy_loss"], "EUR") == "%/month"
