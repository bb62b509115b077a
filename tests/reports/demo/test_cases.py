"""The demo's business cases: answered in full, with scenarios either side, and telling three different stories."""

from __future__ import annotations

import pytest

from roi import cases, questions, submissions, what_ifs
from roi.models import BusinessCase

pytestmark = pytest.mark.usefixtures("loaded")


def test_every_case_is_ready_to_be_submitted_and_brackets_its_base() -> None:
    """Every hidden cost is answered; pessimistic lies below the base, optimistic above."""
    written = list(BusinessCase.objects.select_related("portfolio", "investment__portfolio"))
    assert len(written) == 3
    for case in written:
        assert submissions.unanswered(case) == []
        answer = what_ifs.evaluate(questions.read(cases.question(case), terms=cases.terms(case)))
        net = {row["kind"]: row["net_benefit"] for row in answer["scenarios"] if row["kind"] != "own"}
        assert net["pessimistic"] < net["base"] < net["optimistic"], case.title
        assert answer["problems"] == []
        assert 0 < answer["bands"]["p_roi_positive"] < 1, case.title


def test_one_belongs_to_a_running_investment_and_one_is_only_proposed() -> None:
    """Both ways a case begins are there to be looked at."""
    found = dict(BusinessCase.objects.values_list("template", "investment__code"))
    assert found["customer_support"] == "CX-SUPPORT"
    assert found["conversational_agent"] is None
