"""Many investments: range by range, those that are asked for, and no further than there is time for."""

from __future__ import annotations

import pytest

from alerts import evaluate
from alerts.models import EvaluationHead, EvaluationPoint
from portfolio.models import Investment, Portfolio
from roi import snapshots
from tests import factories
from tests.factories import close, now, record, running

LOSING = {"model_api": 9000, "labor_savings": 2000}


@pytest.fixture
def five(db: None, monkeypatch: pytest.MonkeyPatch) -> list[Investment]:
    """Return five investments that lose money, none of them computed; ranges are of two."""
    monkeypatch.setattr(evaluate, "RANGE", 2)
    portfolio = factories.make_portfolio()
    return [losing(portfolio) for _ in range(5)]


def losing(portfolio: Portfolio) -> Investment:
    made = factories.make_investment(portfolio)
    record(portfolio, *running(made, LOSING, last=4))
    close(portfolio, last=4)
    return made


def judged() -> list[int]:
    return sorted(EvaluationPoint.objects.values_list("investment", flat=True))


def times(count: int) -> list[bool]:
    """Return the answers of somebody who has time for so many ranges."""
    return [True] * count + [False] * 9


def test_only_those_asked_for_are_computed_and_judged(five: list[Investment]) -> None:
    first, second, *_ = five
    done = evaluate.advance(ids=[first.pk, second.pk], now=now())
    assert judged() == [first.pk, second.pk]
    assert set(snapshots.find_stale()) == {one.pk for one in five} - {first.pk, second.pk}
    snapshots.recompute(now=now())
    evaluate.evaluate(ids=[five[4].pk], now=now())
    assert judged() == [first.pk, second.pk, five[4].pk]
    assert done.investments == 2


def test_what_every_range_wrote_is_counted(five: list[Investment]) -> None:
    done = evaluate.advance(now=now())
    first = evaluate.Evaluated(1, 2, 3)
    first.add(evaluate.Evaluated(10, 20, 30))
    assert first == evaluate.Evaluated(11, 22, 33)
    assert (done.investments, done.events) == (5, 10)
    assert done.notifications > 0


def test_a_range_is_no_larger_than_it_may_be(five: list[Investment], monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    one = evaluate.evaluate_range
    monkeypatch.setattr(
        evaluate, "evaluate_range", lambda ids, *, now: sizes.append(len(ids)) or one(ids, now=now)
    )
    evaluate.advance(now=now())
    assert sizes == [2, 2, 1]


def test_a_sweep_does_all_that_was_left_and_says_how_many(five: list[Investment]) -> None:
    assert evaluate.sweep(now=now()) == 5
    assert judged() == [one.pk for one in five]
    assert evaluate.sweep(now=now()) == 0


def test_a_sweep_that_is_asked_to_stop_leaves_the_rest_for_the_next(
    five: list[Investment], monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = snapshots.find_stale
    monkeypatch.setattr(snapshots, "find_stale", lambda *, after=0: stale(after=after)[:2])
    answers = iter(times(1))
    assert evaluate.sweep(now=now(), go_on=lambda: next(answers)) == 0
    assert len(stale()) == 3
    # Two ranges are computed; a third finds nothing to compute, and one is judged.
    answers = iter(times(4))
    assert evaluate.sweep(now=now(), go_on=lambda: next(answers)) == 2
    assert (stale(), judged()) == ([], [one.pk for one in five[:2]])
    answers = iter(times(9))
    assert evaluate.sweep(now=now(), go_on=lambda: next(answers)) == 3
    assert judged() == [one.pk for one in five]


def test_a_sweep_asks_for_what_comes_after_the_last_it_did(
    five: list[Investment], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    stale = snapshots.find_stale

    def find_stale(*, after: int = 0) -> list[int]:
        asked.append(after)
        return stale(after=after)

    monkeypatch.setattr(snapshots, "find_stale", find_stale)
    answers = iter(times(9))
    evaluate.sweep(now=now(), go_on=lambda: next(answers))
    assert asked == [0, five[-1].pk]


def test_what_cannot_be_judged_keeps_why(five: list[Investment], monkeypatch: pytest.MonkeyPatch) -> None:
    poison = five[1]
    context_of = evaluate.judging.context_of

    def indigestible(investment: Investment, head: object) -> object:
        if investment == poison:
            raise ValueError("indigestible")
        return context_of(investment, head)  # type: ignore[arg-type]

    monkeypatch.setattr(evaluate.judging, "context_of", indigestible)
    assert evaluate.advance(now=now()).investments == 4
    assert EvaluationHead.objects.get(pk=poison.pk).failure == "ValueError('indigestible')"
