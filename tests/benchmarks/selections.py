"""The selection of 200 investments beside the bare solver on the same matrices."""

import statistics
import time
from decimal import Decimal

import numpy as np
from scipy.optimize import Bounds, milp

from portfolio.terms import MICRO
from roi.engine.selection import Status, matrix_of, objective_of, select
from roi.engine.selection_terms import Candidate, Limits, constraints_of
from tests.benchmarks.report import Row

INVESTMENTS = 200
ROUNDS = 7


def rows() -> list[Row]:
    """Measure both in turns, so that they meet the same machine."""
    candidates, limits = question()
    select(candidates, limits)
    wholes, bares = [], []
    for _ in range(ROUNDS):
        wholes.append(_whole(candidates, limits))
        bares.append(_bare(candidates, limits))
    whole, bare = statistics.median(wholes), statistics.median(bares)
    return [
        Row("reallocation: 200 investments", whole * 1000, "ms"),
        Row("reallocation: bare milp on the same matrices", bare * 1000, "ms"),
        Row("reallocation: selection / bare milp", whole / bare, "ratio", "<= 1.5"),
    ]


def question() -> tuple[list[Candidate], Limits]:
    """Return investments with groups, needs, a reserve and capacity; the same ones every time."""
    draw = np.random.default_rng(20)
    costs = (draw.lognormal(11, 0.8, INVESTMENTS) * MICRO).astype(np.int64).tolist()
    values = (np.array(costs) * draw.normal(0.6, 0.8, INVESTMENTS)).astype(np.int64).tolist()
    capacities = draw.integers(50, 2_000, INVESTMENTS).tolist()
    candidates = [
        Candidate(
            code=f"I{at:03}",
            cost=costs[at],
            value=values[at],
            capacity=capacities[at],
            is_exploration=at % 5 == 0,
            is_must_fund=at % 40 == 7,
            needs=(f"I{at - 1:03}",) if at % 9 == 4 else (),
            group=f"G{at // 20}" if at % 10 == 3 else "",
        )
        for at in range(INVESTMENTS)
    ]
    limits = Limits(budget=sum(costs) // 3, capacity=sum(capacities) // 3, reserve_share=Decimal("0.1"))
    return candidates, limits


def _whole(candidates: list[Candidate], limits: Limits) -> float:
    began = time.perf_counter()
    found = select(candidates, limits)
    seconds = time.perf_counter() - began
    if found.status is not Status.OPTIMAL:
        raise RuntimeError(f"The selection ended {found.status} with a gap of {found.gap}.")
    return seconds


def _bare(candidates: list[Candidate], limits: Limits) -> float:
    objective, _ = objective_of(candidates)
    matrix = matrix_of(candidates, constraints_of(candidates, limits))
    began = time.perf_counter()
    milp(
        objective,
        integrality=np.ones(len(candidates), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=matrix,
        options={"mip_rel_gap": 0.0, "presolve": False},
    )
    return time.perf_counter() - began
