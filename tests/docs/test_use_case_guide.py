"""The template shown in the guide for new use cases is one: it is planned, refused and counted like the others."""

from typing import Any

import pytest

from roi.usecases import base, figures
from roi.usecases.base import Template
from roi.usecases.drivers import DriversRejected
from roi.usecases.values import Formula
from tests.docs.pages import DOCS, blocks

PAGE = DOCS / "how-to" / "add-a-use-case.md"


@pytest.fixture(scope="module")
def template() -> Template:
    known: dict[str, Any] = {"__name__": "document_review"}
    for _, text in blocks(PAGE, "python"):
        exec(text, known)
    return known["TEMPLATE"]


def test_it_yields_a_plan_and_figures(template: Template) -> None:
    case = base.read_case(template, {"minutes_saved": 6}, months=12)
    found = figures.figures_of(case)
    assert float(found.view.total_cost) == 4_000 * 0.05 * 12
    assert float(found.view.total_value) == 4_000 * 6 / 60 * 80 * 12


def test_it_is_refused_without_what_nobody_can_guess(template: Template) -> None:
    with pytest.raises(DriversRejected, match=r"Minutes saved must be stated \(minutes_saved\)"):
        base.read_case(template, {})


def test_its_plan_can_be_written_as_formulas(template: Template) -> None:
    drivers = template.drivers(documents=Formula("B1"), minutes_saved=Formula("B2"))
    assert [str(line.value.text) for line in template.plan(drivers, Formula("C1"))][-1].startswith("B1")
