"""Routes are matched from the top; whatever is not matched says why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rules.routes import MODES, RouteTerms, Subject, soonest, walk

SUBJECT = Subject("hurdle_rate", "warning", "SUP-1", "support")


@pytest.mark.parametrize(
    ("matcher", "why"),
    [
        ({}, ""),
        ({"rules": ["hurdle_rate"]}, ""),
        ({"rules": ["negative_roi"]}, "Its rule is hurdle_rate, and this route wants negative_roi."),
        ({"severities": ["critical"]}, "Its severity is warning, and this route wants critical."),
        ({"use_cases": ["search"]}, "Its use case is support, and this route wants search."),
        ({"investments": ["B", "A"]}, "Its investment is SUP-1, and this route wants A, B."),
        ({"is_active": False}, "It is switched off."),
    ],
)
def test_every_matcher_must_hold(matcher: dict[str, object], why: str) -> None:
    (step,) = walk([RouteTerms(name="one", **matcher)], SUBJECT)  # type: ignore[arg-type]
    assert (step.why_not, step.is_taken) == (why, not why)


def test_a_route_that_ends_the_list_is_the_last_one() -> None:
    routes = [
        RouteTerms(name="other", rules=["negative_roi"], goes_on=False),
        RouteTerms(name="first", goes_on=False),
        RouteTerms(name="second"),
    ]
    steps = walk(routes, SUBJECT)
    assert [step.is_taken for step in steps] == [False, True, False]
    assert steps[2].why_not == "The route “first” ended the list."


@given(st.lists(st.sampled_from(MODES), min_size=1))
def test_the_soonest_mode_wins(modes: list[str]) -> None:
    assert MODES.index(soonest(modes)) == min(MODES.index(mode) for mode in modes)


@given(st.lists(st.booleans()))
def test_all_routes_are_answered_for_in_their_order(goes_on: list[bool]) -> None:
    routes = [RouteTerms(name=str(i), goes_on=flag) for i, flag in enumerate(goes_on)]
    steps = walk(routes, SUBJECT)
    assert [step.route.name for step in steps] == [str(i) for i in range(len(routes))]
    ends = goes_on.index(False) + 1 if False in goes_on else len(goes_on)
    assert [step.is_taken for step in steps] == [i < ends for i in range(len(routes))]


def test_an_investment_without_a_use_case_is_said_to_be() -> None:
    (step,) = walk([RouteTerms(name="one", use_cases=["search"])], Subject("hurdle_rate", "warning", "SUP-1"))
    assert step.why_not == "Its use case is empty, and this route wants search."
