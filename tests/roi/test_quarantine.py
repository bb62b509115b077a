"""What cannot be digested is left alone after five tries, until newer facts or a release."""

import pytest

from alerts import attempts, evaluate, judging
from alerts.models import EvaluationHead
from portfolio.models import Investment
from roi import inputs, snapshots
from roi.models import SnapshotHead
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def investment() -> Investment:
    made = factories.make_investment(factories.make_portfolio())
    factories.record_support(made, last=3)
    return made


def _indigestible(*args: object, **kwargs: object) -> None:
    raise ValueError("these facts cannot be digested")


def _fail_five_times(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(inputs, "load", _indigestible)
        for _ in range(snapshots.MAX_ATTEMPTS):
            snapshots.recompute(now=factories.now())


def test_newer_facts_end_a_quarantine(investment: Investment, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_five_times(monkeypatch)
    assert snapshots.find_stale() == []
    assert "digested" in SnapshotHead.objects.get(pk=investment.pk).failure

    correction = factories.fact(investment, factories.month(3), "model_api", 7_000)
    factories.record(investment.portfolio, correction)

    assert snapshots.find_stale() == [investment.pk]
    snapshots.recompute(now=factories.now())
    assert SnapshotHead.objects.get(pk=investment.pk).attempts == 0


def test_newer_facts_are_given_five_tries_of_their_own(
    investment: Investment, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail_five_times(monkeypatch)
    factories.record(investment.portfolio, factories.fact(investment, factories.month(3), "model_api", 7_000))
    _fail_five_times(monkeypatch)
    assert snapshots.find_stale() == []


def test_a_release_ends_a_quarantine(investment: Investment, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_five_times(monkeypatch)
    assert snapshots.release() == 1
    assert snapshots.find_stale() == [investment.pk]


def test_an_evaluation_is_quarantined_until_newer_snapshots(
    investment: Investment, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots.recompute(now=factories.now())
    with monkeypatch.context() as broken:
        broken.setattr(judging, "judge", _indigestible)
        for _ in range(evaluate.MAX_ATTEMPTS):
            evaluate.evaluate(now=factories.now())
    assert evaluate.evaluate(now=factories.now()).investments == 0

    correction = factories.fact(investment, factories.month(3), "model_api", 7_000)
    factories.record(investment.portfolio, correction)
    assert evaluate.advance(now=factories.now()).investments == 1
    assert EvaluationHead.objects.get(pk=investment.pk).attempts == 0


def test_an_evaluation_is_released(investment: Investment, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots.recompute(now=factories.now())
    with monkeypatch.context() as broken:
        broken.setattr(judging, "judge", _indigestible)
        for _ in range(evaluate.MAX_ATTEMPTS):
            evaluate.evaluate(now=factories.now())
    assert attempts.release() == 1
    assert evaluate.evaluate(now=factories.now()).investments == 1
