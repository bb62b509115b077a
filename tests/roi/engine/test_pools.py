"""Benefit pools: shares add up to the cap, whatever is claimed; and each rule is what it says."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi.engine import pools
from roi.engine.pools import PoolError, SharingRule

claims = st.dictionaries(st.sampled_from("ABCDEF"), st.integers(-(10**9), 10**12), min_size=1, max_size=6)
caps = st.integers(0, 3 * 10**12)


@given(claims, caps, st.sampled_from(SharingRule))
def test_what_is_kept_is_the_smaller_of_cap_and_claims(
    given_claims: dict[str, int], cap: int, rule: SharingRule
) -> None:
    found = pools.share(given_claims, cap=cap, rule=rule)
    positive = {member: claim for member, claim in given_claims.items() if claim > 0}
    assert sum(found.kept[member] for member in positive) == min(cap, sum(positive.values()))
    for member, claim in given_claims.items():
        assert found.kept[member] == claim if claim <= 0 else 0 <= found.kept[member] <= claim
        assert found.overlap[member] == claim - found.kept[member]


@given(
    st.integers(-(10**15), 10**15), st.dictionaries(st.text(max_size=2), st.integers(0, 10**12), min_size=1)
)
def test_parts_add_up_and_stay_within_one_of_their_share(total: int, weights: dict[str, int]) -> None:
    parts = pools.share_out(total, weights)
    assert sum(parts.values()) == total
    whole = sum(weights.values())
    if whole:
        assert all(abs(parts[key] - Fraction(total * weights[key], whole)) < 1 for key in weights)


def test_pro_rata_follows_the_claims() -> None:
    found = pools.share({"A": 300, "B": 100}, cap=200, rule=SharingRule.PRO_RATA)
    assert (found.kept, found.overlap) == ({"A": 150, "B": 50}, {"A": 150, "B": 50})


def test_who_was_approved_first_keeps_all_of_it() -> None:
    found = pools.share({"B": 100, "A": 300}, cap=200, rule=SharingRule.APPROVAL_ORDER)
    assert found.kept == {"B": 100, "A": 100}


def test_three_equal_claims_lose_nothing_to_rounding() -> None:
    found = pools.share({"A": 100, "B": 100, "C": 100}, cap=100, rule=SharingRule.PRO_RATA)
    assert found.kept == {"A": 34, "B": 33, "C": 33}


@given(st.dictionaries(st.sampled_from("ABCD"), st.integers(1, 1000), min_size=1), st.integers(0, 3000))
def test_shapley_is_the_mean_over_all_orders(given_claims: dict[str, int], cap: int) -> None:
    orders = list(permutations(given_claims))
    mean = dict.fromkeys(given_claims, Fraction(0))
    for order in orders:
        left = cap
        for member in order:
            gain = min(given_claims[member], left)
            mean[member] += Fraction(gain, len(orders))
            left -= gain
    found = pools.share(given_claims, cap=cap, rule=SharingRule.SHAPLEY)
    assert all(abs(found.kept[member] - mean[member]) < 1 for member in given_claims)


def test_shapley_of_the_bankruptcy_problem_is_as_published() -> None:
    """O'Neill's random arrival for claims of 100, 200 and 300 on an estate of 200: 33 1/3, 83 1/3, 83 1/3."""
    claims = {"A": 100_000, "B": 200_000, "C": 300_000}
    found = pools.share(claims, cap=200_000, rule=SharingRule.SHAPLEY)
    assert found.kept == {"A": 33_334, "B": 83_333, "C": 83_333}


def test_what_cannot_be_shared_is_refused_with_a_sentence() -> None:
    with pytest.raises(PoolError, match="negative"):
        pools.share({"A": 1}, cap=-1, rule=SharingRule.PRO_RATA)
    many = {str(number): 10 for number in range(13)}
    with pytest.raises(PoolError, match="at most 12"):
        pools.share(many, cap=5, rule=SharingRule.SHAPLEY)
