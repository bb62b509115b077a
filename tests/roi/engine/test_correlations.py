"""Correlated drivers: the stated dependence is drawn, and contradictions are refused with a way out."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from roi.engine import correlations
from roi.engine.correlations import CorrelationError, Correlations, correlate, from_matrix, parse
from roi.engine.result import Floats

IMPOSSIBLE = {("a", "b"): 0.9, ("b", "c"): 0.9, ("c", "a"): -0.9}


def independent(columns: int) -> Floats:
    drawn: Floats = stats.qmc.Sobol(columns, rng=5).random_base2(13)
    return drawn


def test_stated_correlations_are_drawn_and_the_margins_stay_uniform() -> None:
    stated = Correlations({("c", "a"): 0.7, ("a", "b"): -0.4})
    u = independent(4)
    drawn = correlate(u, names=["a", "b", "c", "d"], correlations=stated)
    scores = stats.norm.ppf(drawn)
    found = np.corrcoef(scores.T)
    assert [found[0, 2], found[0, 1], found[1, 2]] == pytest.approx([0.7, -0.4, 0.0], abs=0.01)
    assert (drawn[:, 3] == u[:, 3]).all()
    for column in drawn.T:
        assert np.quantile(column, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.01)
    ranks = stats.spearmanr(drawn[:, 0], drawn[:, 2]).statistic
    assert ranks == pytest.approx(6 / np.pi * np.arcsin(0.35), abs=0.01)


def test_no_correlation_changes_nothing() -> None:
    u = independent(2)
    assert correlate(u, names=["a", "b"], correlations=Correlations({})) == pytest.approx(u)
    assert correlate(u, names=["a", "b"], correlations=Correlations({("a", "b"): 0.0})) == pytest.approx(u)


def test_certain_probabilities_stay_numbers() -> None:
    stated = Correlations({("a", "b"): 0.5, ("b", "c"): 0.0})
    drawn = correlate(
        np.array([[0.0, 0.5, 1.0], [1.0, 0.0, 0.5]]), names=["a", "b", "c"], correlations=stated
    )
    assert np.isfinite(drawn).all()
    assert drawn[0] == pytest.approx([0, 0, 1], abs=0.001)


def test_contradictions_are_refused_with_the_pairs_and_a_way_out() -> None:
    with pytest.raises(CorrelationError) as refused:
        Correlations(IMPOSSIBLE | {("d", "e"): 0.5})
    says = str(refused.value)
    assert "at once: a and b 0.9, b and c 0.9, c and a -0.9. " in says
    assert "With the others as they are, a and b could lie between -0.99 and -0.63." in says
    assert "They can hold when each is multiplied by 0.55." in says


def test_the_advice_is_accepted_and_what_lies_beyond_is_not() -> None:
    scaled = {pair: 0.55 * value for pair, value in IMPOSSIBLE.items()}
    assert Correlations(scaled).names == ("a", "b", "c")
    for value in (-0.63, -0.99):
        assert Correlations(IMPOSSIBLE | {("a", "b"): value}).names == ("a", "b", "c")
    with pytest.raises(CorrelationError):
        Correlations({pair: 0.56 * value for pair, value in IMPOSSIBLE.items()})
    with pytest.raises(CorrelationError):
        Correlations(IMPOSSIBLE | {("a", "b"): -0.61})


pairs = st.dictionaries(
    st.sampled_from([("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]),
    st.floats(-0.99, 0.99),
    min_size=1,
)


@settings(max_examples=150, deadline=None)
@given(pairs)
def test_what_is_accepted_can_be_drawn_and_advice_always_works(stated: dict[tuple[str, str], float]) -> None:
    try:
        assert np.linalg.cholesky(Correlations(stated).matrix()).shape[0] >= 2
    except CorrelationError as refused:
        factor = re.search(r"multiplied by ([\d.]+)\.$", str(refused))
        assert factor
        assert Correlations({pair: float(factor[1]) * value for pair, value in stated.items()}).names
        between = re.search(r"are, (\w) and (\w) could lie between (\S+) and (\S+)\. ", str(refused))
        if between:
            for end in between.group(3, 4):
                assert Correlations(stated | {(between[1], between[2]): float(end)}).names


def test_a_matrix_says_the_same_as_its_pairs() -> None:
    matrix = [[1, 0.5, 0], [0.5, 1, -0.2], [0, -0.2, 1]]
    found = from_matrix(["b", "a", "c"], matrix)
    assert found == Correlations({("b", "a"): 0.5, ("a", "c"): -0.2})
    assert found.matrix() == pytest.approx(np.array([[1, 0.5, -0.2], [0.5, 1, 0], [-0.2, 0, 1]]))


@pytest.mark.parametrize(
    ("names", "matrix", "sentence"),
    [
        (["a", "b"], [[1, 0.5]], "2 drivers need a matrix of 2 rows and columns"),
        (["a", "a"], [[1, 0], [0, 1]], "each driver named once"),
        (["a", "b"], [[1, 0.5], [0.4, 1]], "symmetric"),
        (["a", "b"], [[1, 0.5], [0.5, 2]], "1 on its diagonal"),
        (["a", "b"], [[1, 1], [1, 1]], "must lie inside -1 to 1; 1 does not"),
    ],
)
def test_what_is_no_correlation_matrix_is_refused(
    names: list[str], matrix: list[list[float]], sentence: str
) -> None:
    with pytest.raises(CorrelationError, match=sentence):
        from_matrix(names, matrix)


def test_pairs_are_named_once_and_with_another() -> None:
    with pytest.raises(CorrelationError, match="a cannot be correlated with itself"):
        Correlations({("a", "a"): 0.5})
    with pytest.raises(CorrelationError, match="b and a are correlated twice"):
        Correlations({("a", "b"): 0.5, ("b", "a"): 0.5})
    with pytest.raises(CorrelationError, match="must lie inside"):
        Correlations({("a", "b"): float("nan")})
    with pytest.raises(CorrelationError, match="no distribution for b, so nothing"):
        correlate(independent(1), names=["a"], correlations=Correlations({("a", "b"): 0.5}))


def test_plain_values_are_read() -> None:
    assert parse([{"drivers": ["a", "b"], "r": 0.5}]) == Correlations({("a", "b"): 0.5})
    for stated in ({"drivers": ["a"], "r": 0.5}, {"drivers": "ab", "r": 0.5}, {"pair": ["a", "b"], "r": 1}):
        with pytest.raises(CorrelationError, match="A correlation is written"):
            parse([stated])
    for value in ("0.5", True, None):
        with pytest.raises(CorrelationError, match="correlation of a and b must be a number"):
            parse([{"drivers": ["a", "b"], "r": value}])
    with pytest.raises(CorrelationError, match="twice"):
        correlations.parse([{"drivers": ["a", "b"], "r": 0.1}, {"drivers": ["a", "b"], "r": 0.2}])
