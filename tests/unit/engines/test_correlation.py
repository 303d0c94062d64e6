"""Correlations with and without gaps, their repair and their summary."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_assets.engines.correlation import BLOCK, correlations
from sigmasight_assets.engines.correlation_summary import clusters, complete_names, effective_number, summarize
from sigmasight_assets.engines.nearest_correlation import nearest_correlation


def returns(seed: int, n: int = 12, gaps: float = 0.0, gapped: slice = slice(None)) -> np.ndarray:
    random = np.random.default_rng(seed)
    panel = 0.0005 + random.normal(0, 0.01, (90, n)) + random.normal(0, 0.01, (90, 1))
    part = panel[:, gapped]
    part[random.random(part.shape) < gaps] = np.nan
    return panel


@pytest.mark.parametrize(("gaps", "gapped"), [(0.0, slice(None)), (0.1, slice(None)), (0.2, slice(0, None, 3))])
def test_correlations_equal_those_of_pandas(gaps: float, gapped: slice) -> None:
    panel = returns(1, n=40, gaps=gaps, gapped=gapped)
    found = correlations(panel)
    np.testing.assert_allclose(found.matrix, pd.DataFrame(panel).corr(min_periods=30), atol=1e-14)
    present = (~np.isnan(panel)).astype(int)
    np.testing.assert_array_equal(found.common, present.T @ present)


def test_more_series_than_a_block_have_the_same_correlations() -> None:
    panel = returns(2, n=2 * BLOCK + 30, gaps=0.05, gapped=slice(0, None, 2))
    np.testing.assert_allclose(correlations(panel).matrix, pd.DataFrame(panel).corr(min_periods=30), atol=1e-13)


def test_an_absent_pair_is_missing_and_not_zero() -> None:
    """Defect 41: 29 common rows are too few."""
    panel = returns(3, n=4)
    panel[:61, 1] = np.nan
    found = correlations(panel)
    assert found.common[0, 1] == 29
    assert np.isnan(found.matrix[1]).all()
    assert np.isfinite(found.matrix[np.ix_([0, 2, 3], [0, 2, 3])]).all()
    panel[60, 1] = 0.01
    assert np.isfinite(correlations(panel).matrix).all()


def test_two_long_series_that_hardly_meet_are_an_absent_pair_only_among_themselves() -> None:
    panel = returns(4, n=3)
    panel[:50, 0] = np.nan
    panel[60:, 1] = np.nan
    found = correlations(panel).matrix
    assert np.isnan(found[0, 1])
    assert np.isfinite(found[0, 2])
    assert found[0, 0] == 1.0


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_a_series_that_stands_still_has_no_correlation(gaps: float) -> None:
    panel = returns(5, n=4, gaps=gaps)
    panel[:, 2] = np.where(np.isnan(panel[:, 2]), np.nan, 0.001)
    found = correlations(panel).matrix
    assert np.isnan(found[2]).all()
    assert np.isfinite(np.delete(np.delete(found, 2, 0), 2, 1)).all()


@given(seed=st.integers(0, 10_000), gaps=st.sampled_from([0.0, 0.1]))
@settings(max_examples=20, deadline=None)
def test_a_pair_does_not_depend_on_the_others(seed: int, gaps: float) -> None:
    panel = returns(seed, gaps=gaps)
    order = np.random.default_rng(seed).permutation(12)[:7]
    np.testing.assert_allclose(correlations(panel[:, order]).matrix, correlations(panel).matrix[np.ix_(order, order)], atol=1e-13)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_nearest_correlation_is_a_correlation_matrix_and_the_identity_on_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    noise = random.uniform(-1, 1, (8, 8))
    broken = np.clip((noise + noise.T) / 2 + 0.4, -1, 1)
    np.fill_diagonal(broken, 1.0)
    found = nearest_correlation(broken)
    assert np.linalg.eigvalsh(found)[0] > -1e-10
    np.testing.assert_array_equal(np.diag(found), 1.0)
    np.testing.assert_array_equal(found, found.T)
    good = np.corrcoef(returns(seed), rowvar=False)
    np.testing.assert_allclose(nearest_correlation(good), good, atol=1e-12)


def test_a_matrix_that_gaps_made_indefinite_is_repaired_and_says_so() -> None:
    """Defect 42."""
    broken = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    found = summarize(broken, np.ones(3))
    assert found.repaired
    assert found.min_eigenvalue < -0.5
    assert np.linalg.eigvalsh(found.matrix)[0] > -1e-8
    sound = np.corrcoef(returns(6), rowvar=False)
    kept = summarize(sound, np.ones(12))
    assert not kept.repaired
    np.testing.assert_array_equal(kept.matrix, sound)


def test_effective_number_of_equal_uncorrelated_names_is_their_number_and_of_copies_one() -> None:
    assert effective_number(np.eye(4), np.full(4, 250.0)) == pytest.approx(4.0)
    assert effective_number(np.ones((4, 4)), np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(1.0)
    assert effective_number(np.eye(2), np.array([3.0, 1.0])) == pytest.approx(1 / (0.75**2 + 0.25**2))


def test_average_is_unweighted_over_the_known_pairs() -> None:
    matrix = np.array([[1.0, 0.5, np.nan], [0.5, 1.0, 0.1], [np.nan, 0.1, 1.0]])
    found = summarize(matrix, np.array([5.0, 3.0, 1.0]))
    assert found.average == pytest.approx(0.3)
    assert found.complete.tolist() == [0, 1]  # the lightest side of the absent pair is left out of the rest
    assert found.effective_number == pytest.approx(1 / ((25 + 9 + 2 * 15 * 0.5) / 64))


def test_names_without_any_pair_go_first() -> None:
    matrix = np.eye(4)
    matrix[1], matrix[:, 1] = np.nan, np.nan
    assert complete_names(matrix, np.array([1.0, 100.0, 2.0, 3.0])).tolist() == [0, 2, 3]
    nothing = summarize(np.full((2, 2), np.nan), np.ones(2))
    assert np.isnan(nothing.average)
    assert np.isnan(nothing.effective_number)


def test_clusters_are_connected_components_and_always_end() -> None:
    """Defect 43: a chain joins what no pair joins directly; a ring of links has one cluster; names alone are none."""
    matrix = np.eye(7)
    for i, j in [(0, 1), (1, 2), (2, 0), (2, 3), (5, 6)]:
        matrix[i, j] = matrix[j, i] = 0.7
    matrix[3, 4] = matrix[4, 3] = 0.699
    found = clusters(matrix, np.array([1.0, 1, 1, 1, 9, 5, 5]))
    assert [group.tolist() for group in found] == [[5, 6], [0, 1, 2, 3]]
    assert clusters(np.eye(3), np.ones(3)) == []
    assert len(clusters(np.ones((300, 300)), np.ones(300))) == 1


def test_an_absent_pair_and_a_strong_negative_one_link_nothing() -> None:
    matrix = np.array([[1.0, np.nan, -0.95], [np.nan, 1.0, 0.2], [-0.95, 0.2, 1.0]])
    assert clusters(matrix, np.ones(3)) == []
