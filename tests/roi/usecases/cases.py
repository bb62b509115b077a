"""Cases of every template for the tests: at their starting values, and anywhere within their bounds."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from roi.usecases import TEMPLATES
from roi.usecases.base import LONGEST_CASE, Case, CaseError, HiddenCosts, Template, project, read_case
from roi.usecases.drivers import Driver, DriversRejected, drivers_of
from roi.usecases.figures import CaseFigures, figures_of

REQUIRED = {"fraud_detection": {"prevalence": 0.001}}
LIMIT = {"months": 60.0, "count": 1e4, "hours": 1e3, "currency per unit": 1e3}


def case_of(name: str, *, months: int | None = None, **drivers: Any) -> Case:
    """Return a template's case; what must be stated and is not, has a plausible value."""
    return read_case(TEMPLATES[name], {**REQUIRED.get(name, {}), **drivers}, months=months)


def figures(name: str, *, months: int | None = None, **drivers: Any) -> CaseFigures:
    """Return the figures of `case_of`."""
    return figures_of(case_of(name, months=months, **drivers))


def values(template: Template) -> st.SearchStrategy[dict[str, float]]:
    """Return values for all drivers of a template: its own, the ends of their ranges, and anything between."""
    return st.integers(0, 2**32 - 1).map(lambda seed: _drawn(template, np.random.default_rng(seed)))


def _drawn(template: Template, generator: np.random.Generator) -> dict[str, float]:
    while True:
        stated = {
            one.name: _value(one, generator)
            for one in drivers_of(template.drivers)
            if not one.is_text and one.name != "horizon_months"
        }
        try:
            project(read_case(template, stated), months=LONGEST_CASE)
        except (DriversRejected, CaseError):
            continue  # the template's own check between drivers, or more than the ledger holds
        return stated


def _value(one: Driver, generator: np.random.Generator) -> float:
    own = one.low if one.default is None else float(one.default)
    high = min(
        one.high, 1.0 if one.unit == "fraction per year" else max(3 * own, LIMIT.get(one.unit.value, 3.0))
    )
    low = max(one.low, -0.9)
    value = generator.choice([one.low, high, own, generator.uniform(low, high), generator.uniform(low, high)])
    return float(np.floor(value)) if one.is_whole else float(value)


hidden_costs = st.fixed_dictionaries({one.name: st.floats(0, 1e5) for one in drivers_of(HiddenCosts)})
