"""What a case depends on, as plain values: the tornado over drivers and hidden costs, and what matters in words."""

from collections.abc import Iterator
from typing import Any

from roi.engine import changes, sensitivity
from roi.engine.changes import Points
from roi.engine.sensitivity import Bar
from roi.questions import Plain
from roi.usecases import base
from roi.usecases.base import Case, HiddenCosts
from roi.usecases.drivers import Driver, Unit, drivers_of

Answer = dict[str, Any]


def tornado(case: Case, change: Plain) -> tuple[list[Answer], str]:
    """Return a row for each driver that is not 0, by swing of net benefit, and what matters in a sentence.

    A change in points moves shares alone. Raises SensitivityError where a moved case has no finite amount.
    """
    step = changes.parse(change)
    moved = {
        one.name: (one, value)
        for one, value in numbers_of(case)
        if value != 0 and (not isinstance(step, Points) or one.unit is Unit.FRACTION)
    }
    found = sensitivity.tornado(
        base.model(case),
        {name: value for name, (_, value) in moved.items()},
        dict.fromkeys(moved, step),
        bounds={name: (one.low, one.high) for name, (one, _) in moved.items()},
    )
    labels = {name: one.label for name, (one, _) in moved.items()}
    sentence = sensitivity.sentence(found, currency=case.currency, labels=labels)
    return [_row(bar, labels[bar.driver]) for bar in found.bars], sentence


def numbers_of(case: Case) -> Iterator[tuple[Driver, float]]:
    """Yield the drivers and hidden costs that sensitivity may move, with their values."""
    own: tuple[Driver, ...] = drivers_of(type(case.drivers))  # type: ignore[arg-type]  # a class hashes
    for owner, known in ((case.drivers, own), (case.hidden_costs, drivers_of(HiddenCosts))):
        for one in known:
            if one.may_vary:
                yield one, float(getattr(owner, one.name))


def _row(bar: Bar, label: str) -> Answer:
    points = bar.roi_swing.value
    return {
        "driver": bar.driver,
        "label": label,
        "low_value": bar.low.value,
        "high_value": bar.high.value,
        "low_net": bar.low.net,
        "high_net": bar.high.net,
        "swing": bar.swing,
        "roi_points": None if points is None else points * 100,
        "is_bounded": bar.is_bounded,
    }
