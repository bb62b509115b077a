"""Studies are made once from copied inputs, by whichever worker comes first, and given up after three tries."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from celery import current_app
from django.db import connection, transaction

from portfolio.models import Portfolio, User
from roi import cases, studies
from roi.cases import CaseRefused
from roi.models import BusinessCase, CaseStudy
from roi.questions import QuestionRejected
from tests import factories
from tests.factories import now

UNIFORM = {
    "dev_cost": {"kind": "uniform", "low": 120_000, "high": 180_000},
    "labor_savings_monthly": {"kind": "uniform", "low": 15_400, "high": 23_100},
}


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio("CX")


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("olivia"), portfolio, "owner")


@pytest.fixture
def case(portfolio: Portfolio, olivia: User) -> BusinessCase:
    content = {"template": "generic_llm", "title": "Support", "distributions": UNIFORM}
    return cases.create(portfolio, content, now=now(), actor=olivia)


def ask(case: BusinessCase, actor: User, kind: str = "sobol", **stated: Any) -> CaseStudy:
    return studies.ask(case, kind, stated={"log2_draws": 6} | stated, now=now(), actor=actor)


def done(study: CaseStudy) -> CaseStudy:
    studies.run(clock=now)
    study.refresh_from_db()
    return study


def test_sobol_indices_rank_the_drivers(case: BusinessCase, olivia: User) -> None:
    study = done(ask(case, olivia, log2_draws=10))
    assert (study.state, study.problem, study.tries) == ("done", "", 1)
    first, second = study.result["indices"]
    assert (first["driver"], first["label"]) == ("labor_savings_monthly", "Labor savings")
    # Variances of two independent uniforms that add up: shares are those of squared widths.
    labor, dev = (12 * 7_700) ** 2, 60_000**2
    assert first["first"] == pytest.approx(labor / (labor + dev), abs=0.03)
    assert second["total"] == pytest.approx(dev / (labor + dev), abs=0.03)
    assert "Doubling to 1,024 points" in study.result["note"]


def test_equal_inputs_are_one_study(case: BusinessCase, olivia: User) -> None:
    first = ask(case, olivia)
    assert ask(case, olivia) == first
    assert ask(case, olivia, seed=1) != first
    assert ask(case, olivia, "monte_carlo") != first


def test_inputs_are_copied_when_asked(case: BusinessCase, olivia: User, portfolio: Portfolio) -> None:
    before = ask(case, olivia, "monte_carlo")
    rates = dict.fromkeys(("hurdle_rate", "discount_rate"), Decimal(3))
    factories.set_rates(portfolio, now=now(), asserted_share=Decimal(1), **rates)
    cases.save(case, {"drivers": {"labor_savings_monthly": 0}}, revision=1, now=now(), actor=olivia)
    case.refresh_from_db()
    after = ask(case, olivia, "monte_carlo")
    old, new = (done(study).result for study in (before, after))
    assert old is not None
    assert new is not None
    assert studies.compute("monte_carlo", before.inputs) == old
    assert old["npv"]["mean"] > new["npv"]["mean"]


def test_a_study_is_called_for_after_commit(
    case: BusinessCase, olivia: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    called: list[tuple[str, str]] = []
    monkeypatch.setattr(
        current_app, "send_task", lambda name, *, queue, **options: called.append((name, queue))
    )
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        ask(case, olivia)
        assert called == []
    assert called == [("roi.run_study", "report")]


def test_running_again_changes_nothing(case: BusinessCase, olivia: User) -> None:
    study = done(ask(case, olivia))
    assert studies.run(clock=now) == 0
    assert CaseStudy.objects.get().finished_at == study.finished_at


@pytest.mark.parametrize(
    ("kind", "stated", "at"),
    [
        ("sobol", {"correlations": [{"drivers": list(UNIFORM), "r": 0.5}]}, "correlations"),
        ("sobol", {"log2_draws": 15}, "log2_draws"),
        ("monte_carlo", {"distributions": {}}, "distributions"),
        (
            "monte_carlo",
            {"correlations": [{"drivers": ["dev_cost", "api_monthly"], "r": 0.5}]},
            "correlations",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_when_asked(
    case: BusinessCase, olivia: User, kind: str, stated: dict[str, Any], at: str
) -> None:
    with pytest.raises(QuestionRejected) as rejected:
        ask(case, olivia, kind, **stated)
    assert set(rejected.value.errors) == {at}
    assert not CaseStudy.objects.exists()


def test_only_so_many_studies_of_a_case_wait(case: BusinessCase, olivia: User) -> None:
    for seed in range(studies.MOST_WAITING):
        ask(case, olivia, seed=seed)
    with pytest.raises(CaseRefused, match="are waiting"):
        ask(case, olivia, seed=99)


def test_a_study_without_finite_amounts_fails_with_its_sentence(case: BusinessCase, olivia: User) -> None:
    study = ask(case, olivia, "monte_carlo")
    study.inputs["draws"]["distributions"] = {
        "labor_savings_monthly": {"kind": "uniform", "low": 1e308, "high": 1.7e308}
    }
    study.save()
    failed = done(study)
    assert (failed.state, failed.tries) == ("failed", 1)
    assert "no finite amount" in failed.problem


def test_an_unforeseen_failure_is_tried_three_times(
    case: BusinessCase, olivia: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(studies, "compute", fail)
    study = ask(case, olivia)
    states = [(done(study).state, study.tries) for _ in range(4)]
    assert states == [("asked", 1), ("asked", 2), ("failed", 3), ("failed", 3)]
    assert "failed three times" in study.problem
    assert "broken" not in study.problem
    assert "broken" in caplog.text


def test_a_study_that_took_three_workers_down_is_given_up(case: BusinessCase, olivia: User) -> None:
    study = ask(case, olivia)
    CaseStudy.objects.update(tries=studies.MOST_TRIES)
    assert done(study).state == "failed"
    assert ask(case, olivia) != study


def test_a_study_in_another_workers_hands_is_passed_over(
    case: BusinessCase, olivia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(case, olivia)
    statements: list[str] = []
    with connection.execute_wrapper(
        lambda execute, sql, *rest: (statements.append(sql), execute(sql, *rest))[1]
    ):
        studies.run(clock=now)
    locking = [sql for sql in statements if "FOR UPDATE" in sql]
    assert len(locking) == 2
    assert all("SKIP LOCKED" in sql for sql in locking)
