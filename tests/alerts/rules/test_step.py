"""Every cell of the state table, at and around the counts that matter."""

import pytest

from alerts.rules.base import VerdictKind
from alerts.rules.lifecycle import Position, step
from alerts.rules.trajectory import State

N, P, F, R = State.NORMAL, State.PENDING, State.FIRING, State.RECOVERING
BREACH, BAND, CLEAR, NODATA, ERROR = VerdictKind

TABLE = [
    (Position(N), BREACH, Position(P, 1)),
    (Position(N), BAND, Position(N)),
    (Position(N), CLEAR, Position(N)),
    (Position(N), NODATA, Position(N, 0, 1)),
    (Position(N), ERROR, Position(N)),
    (Position(P, 1), BREACH, Position(P, 2)),
    (Position(P, 2), BREACH, Position(F)),
    (Position(P, 2), BAND, Position(N)),
    (Position(P, 2), CLEAR, Position(N)),
    (Position(P, 2), NODATA, Position(P, 2, 1)),
    (Position(P, 2, 1), NODATA, Position(P, 2, 2)),
    (Position(P, 2, 2), NODATA, Position(N, 0, 3)),
    (Position(P, 2, 2), ERROR, Position(P, 2, 2)),
    (Position(P, 1, 2), BREACH, Position(P, 2, 0)),
    (Position(F), BREACH, Position(F)),
    (Position(F), BAND, Position(F)),
    (Position(F), CLEAR, Position(R, 1)),
    (Position(F, 0, 9), NODATA, Position(F, 0, 10)),
    (Position(F), ERROR, Position(F)),
    (Position(R, 1), BREACH, Position(F)),
    (Position(R, 1), BAND, Position(F)),
    (Position(R, 1), CLEAR, Position(R, 2)),
    (Position(R, 2), CLEAR, Position(N)),
    (Position(R, 2, 9), NODATA, Position(R, 2, 10)),
    (Position(R, 2), ERROR, Position(R, 2)),
]


@pytest.mark.parametrize(("before", "kind", "after"), TABLE)
def test_state_table(before: Position, kind: VerdictKind, after: Position) -> None:
    assert step(before, kind, for_months=3, keep_months=3, max_gap=2) == after


def test_the_table_is_exhaustive() -> None:
    assert {(before.state, kind) for before, kind, _ in TABLE} == {(s, k) for s in State for k in VerdictKind}


def test_for_one_fires_and_keep_one_resolves_at_once() -> None:
    assert step(Position(), BREACH, for_months=1, keep_months=1) == Position(F)
    assert step(Position(F), CLEAR, for_months=1, keep_months=1) == Position(N)
