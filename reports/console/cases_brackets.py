"""The pessimistic and the optimistic scenario of a case: every driver at the end of its range that hurts, or helps."""

from collections.abc import Iterator, Mapping
from typing import Any

from reports.console.cases_spread import ENDS
from roi import sensitivities
from roi.engine import scenario, sensitivity
from roi.engine.changes import Change, Range, Relative
from roi.engine.scenario import ScenarioKind
from roi.usecases import base
from roi.usecases.base import Case
from roi.usecases.drivers import drivers_of

UNLESS_STATED = 0.1


def of(case: Case, distributions: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return the drivers' values by kind, `pessimistic` and `optimistic`; a driver that no end improves is left out.

    Ranges are the ends of the distributions; without any, every driver that is not 0 by 10 % both ways. Raises
    SensitivityError where a moved case has no finite amount.
    """
    numbers = {one.name: (one, value) for one, value in sensitivities.numbers_of(case)}
    found = sensitivity.tornado(
        base.model(case),
        {name: value for name, (_, value) in numbers.items()},
        dict(_changes(case, distributions)),
        bounds={name: (one.low, one.high) for name, (one, _) in numbers.items()},
    )
    kept = (ScenarioKind.PESSIMISTIC, ScenarioKind.OPTIMISTIC)
    return {
        one.kind.value: {name: value for name, value in one.values.items() if isinstance(value, float)}
        for one in scenario.three(found)
        if one.kind in kept
    }


def _changes(case: Case, distributions: Mapping[str, Any]) -> Iterator[tuple[str, Change]]:
    """Yield how far each driver of the template moves; hidden costs are no drivers of a scenario."""
    own = {one.name for one in drivers_of(case.template.drivers)}  # type: ignore[arg-type]  # a class hashes
    for one, value in sensitivities.numbers_of(case):
        stated = distributions.get(one.name)
        if stated and one.name in own:
            low, high = (float(stated[end]) for end in ENDS.get(stated["kind"], ("low", "high")))
            yield one.name, Range(low, high)
        elif not distributions and one.name in own and value != 0:
            yield one.name, Relative(UNLESS_STATED)
