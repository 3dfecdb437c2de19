"""Statistics against published examples, tables by hand, and properties."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hsi.evaluation import statistics
from hsi.evaluation.blocks import block_bootstrap

# Cushny and Peebles 1905, hours of sleep gained: the example of Student's own paper. R: t.test(extra ~ group, paired)
SLEEP = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
# Hollander and Wolfe 1973, p. 29: depression before and after; R: wilcox.test(paired) gives V = 40, p = 0.03906
BEFORE = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
AFTER = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
# Demsar 2006, table 6: AUC of C4.5 and three variants of it on 14 data sets. The paper ranks a tie of rounded values
# in its last row but one as 2 and 3, by digits that it does not print: 0.97501 does the same.
DEMSAR = pd.DataFrame(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.97501, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ],
    columns=["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"],
)


def test_paired_t_of_students_sleep_data():
    found = statistics.compare_paired(SLEEP)
    assert found.difference.mean == pytest.approx(1.58)
    assert (found.difference.low, found.difference.high) == pytest.approx((0.7001142, 2.4598858), abs=1e-7)
    assert found.p_t == pytest.approx(0.002833, abs=5e-7)


def test_wilcoxon_of_hollander_and_wolfe():
    assert statistics.compare_paired(BEFORE - AFTER).p_wilcoxon == pytest.approx(0.03906, abs=5e-6)


def test_spread_by_hand():
    """1, 2, 3: sd 1, t(2, 97.5 %) = 4.302653, so 2 +- 4.302653 / sqrt(3)."""
    found = statistics.spread([1, 2, 3])
    assert (found.n, found.mean, found.sd) == (3, 2, 1)
    assert found.high == pytest.approx(2 + 4.302653 / 3**0.5, abs=1e-6)
    assert found.low == pytest.approx(4 - found.high)


def test_one_run_has_no_spread_and_no_test():
    assert statistics.spread([0.9]) == statistics.Spread(1, 0.9, None, None, None)
    assert statistics.compare_paired([0.1]).p_t is None


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_copies_are_not_repetitions(value):
    """Two deterministic models on one split differ alike for each seed: that is one pair, and no p value."""
    found = statistics.compare_paired([value + rounding for rounding in (0, 1e-16, 0, 0, 0)])
    assert found.difference.mean == pytest.approx(value)
    assert (found.p_t, found.p_wilcoxon, found.seeds_needed, found.detectable) == (None, None, None, None)


def test_five_pairs_of_one_sign_are_the_least_that_wilcoxon_gives():
    assert statistics.compare_paired([0.1, 0.2, 0.3, 0.4, 0.5]).p_wilcoxon == pytest.approx(2 / 2**5)


@pytest.mark.parametrize(("effect", "pairs"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_seeds_needed_are_those_of_cohens_effects(effect, pairs):
    """G*Power 3: paired t, two-sided 0.05, power 0.8: 199, 34 and 15 pairs for small, medium and large effects."""
    assert statistics.seeds_needed(effect) == pairs


def test_more_seeds_than_anyone_has():
    assert statistics.seeds_needed(0.01) is None
    assert statistics.seeds_needed(0.0887) == 1000  # the last that is counted
    assert statistics.seeds_needed(0.0886) is None
    assert statistics.seeds_needed(50) == 2


def test_detectable_difference_is_the_inverse_of_the_seeds_needed():
    found = statistics.compare_paired(SLEEP)
    sd = np.std(SLEEP, ddof=1)
    assert statistics.seeds_needed(found.detectable / sd) == len(SLEEP)


def test_a_comparison_the_other_way_round_has_the_same_p_values():
    one, other = (statistics.compare_paired(sign * SLEEP) for sign in (1, -1))
    assert (one.difference.n, one.difference.sd) == (10, pytest.approx(np.std(SLEEP, ddof=1)))
    assert other.difference.mean == -one.difference.mean
    assert one.seeds_needed == other.seeds_needed == 7  # of 1.58 / 1.23 standard deviations
    assert (one.p_t, one.p_wilcoxon) == pytest.approx((other.p_t, other.p_wilcoxon))
    assert one.detectable == pytest.approx(other.detectable) == pytest.approx(0.9977 * one.difference.sd, rel=1e-3)


@pytest.mark.parametrize(("n", "effect"), [(2, 10.65), (3, 3.275), (34, 0.5), (199, 0.2)])
def test_detectable_effects(n, effect):
    """The last two are Cohen's, as above; with two pairs it takes ten standard deviations."""
    values = np.linspace(-1, 1, n)
    found = statistics.compare_paired(values)
    assert found.detectable == pytest.approx(effect * np.std(values, ddof=1), rel=0.012)


def test_copies_to_rounding_are_told_from_small_differences():
    assert statistics.compare_paired([0, 1e-13]).p_t is None
    assert statistics.compare_paired([0, 1e-11, 2e-11]).p_t is not None
    found = statistics.compare_paired([0.1])
    assert (found.difference, found.p_wilcoxon) == (statistics.spread([0.1]), None)
    assert (found.seeds_needed, found.detectable) == (None, None)


def test_holm_by_hand():
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling."""
    np.testing.assert_allclose(statistics.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([]).size == 0


@settings(max_examples=20)  # statsmodels collects garbage at each call
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_no_correction_and_bonferroni(p_values):
    adjusted = statistics.holm(p_values)
    assert (adjusted >= np.array(p_values) - 1e-12).all()
    assert (adjusted <= np.minimum(1, len(p_values) * np.array(p_values)) + 1e-12).all()


def pixels(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = [both, first, second, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def test_mcnemar_of_agrestis_approval_ratings():
    """Agresti, Categorical Data Analysis, table 10.1: 86 and 150 discordant; (|86 - 150| - 1)^2 / 236 = 16.818."""
    found = statistics.mcnemar(*pixels(794, 86, 150, 570))
    assert (found.only_first, found.only_second) == (86, 150)
    assert found.p == pytest.approx(4.115e-5, rel=1e-3)


def test_mcnemar_is_exact_where_few_pixels_differ():
    """One against five: 2 (1 + 6) / 2^6."""
    assert statistics.mcnemar(*pixels(10, 1, 5, 3)).p == pytest.approx(14 / 64)
    assert statistics.mcnemar(*pixels(10, 0, 0, 3)).p == 1


@pytest.mark.parametrize(("first", "second", "p"), [(12, 12, 1), (4, 20, 0.0015439), (5, 20, 0.0051101)])
def test_mcnemar_is_exact_below_25_discordant_pixels(first, second, p):
    """Four of 24: 2 (1 + 24 + 276 + 2024 + 10626) / 2^24. Five of 25: chi square (|5 - 20| - 1)^2 / 25 = 7.84."""
    found, swapped = (statistics.mcnemar(*pixels(9, *pair, 9)) for pair in ((first, second), (second, first)))
    assert found.p == pytest.approx(p, rel=1e-4)
    assert found.p == swapped.p


def test_mcnemar_counts_pixels_not_places():
    found = statistics.mcnemar(np.array([[True, False], [True, True]]), np.array([[False, False], [False, True]]))
    assert (found.only_first, found.only_second, found.p) == (2, 0, 0.5)


@given(st.integers(0, 999), st.integers(1, 6))
def test_blocks_are_squares_that_hold_test_pixels(seed, side):
    """Over a scene that is wider than high; pixels of one square, and none else, share a fate."""
    rng = np.random.default_rng(seed)
    test = rng.random((9, 23)) < 0.2
    test[0, 0] = True
    first, second = rng.random((2, 9, 23)) < 0.5
    found = block_bootstrap(first, second, test, side, seed=seed)
    squares = {(row // side, col // side) for row, col in np.argwhere(test)}
    assert (found.blocks, found.side) == (len(squares), side)
    assert found.difference == pytest.approx(first[test].mean() - second[test].mean())
    assert found.low <= found.high
    gain, place = first.astype(float) - second, np.indices(test.shape) // side
    gains = [gain[test & (place[0] == row) & (place[1] == col)].mean() for row, col in squares]
    assert min(gains) - 1e-12 <= found.low
    assert found.high <= max(gains) + 1e-12


def test_the_interval_of_a_seed_is_always_the_same_and_of_2000_draws():
    """Two squares, one of +1 and one of 0, are drawn 00, 01, 10, 11: means of 0, 0.5 and 1, all within 95 %."""
    first, second = np.array([[True, False]]), np.array([[False, False]])
    found = block_bootstrap(first, second, np.ones((1, 2), bool), 1)
    assert (found.difference, found.low, found.high) == (0.5, 0, 1)
    rng = np.random.default_rng(3)
    first, second = rng.random((2, 8, 8)) < 0.5
    everywhere = np.ones((8, 8), bool)
    one, other, third = (block_bootstrap(first, second, everywhere, 2, *s) for s in ((), (0,), (1,)))
    assert one == other != third
    drawn = np.random.default_rng(0).integers(16, size=(2000, 16))
    gain = (first.astype(float) - second).reshape(4, 2, 4, 2).mean(axis=(1, 3)).ravel()
    np.testing.assert_allclose([one.low, one.high], np.quantile(gain[drawn].mean(axis=1), [0.025, 0.975]))


def test_block_of_one_pixel_is_the_ordinary_bootstrap():
    """The mean of n values in {-1, 0, 1} has the standard error sd / sqrt(n)."""
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 60, 60)) < np.array([0.8, 0.7])[:, None, None]
    found = block_bootstrap(first, second, np.ones((60, 60), bool), side=1)
    gain = first.astype(float) - second
    assert found.difference == pytest.approx(gain.mean())
    assert found.blocks == 3600
    assert found.high - found.low == pytest.approx(2 * 1.96 * gain.std() / 60, rel=0.08)


def test_blocks_widen_the_interval_of_copied_neighbours():
    """Every 5 x 5 square holds one draw 25 times over: pixels claim a fifth of the true width, blocks do not."""
    rng = np.random.default_rng(0)
    first, second = (np.kron(part, np.ones((5, 5))).astype(bool) for part in rng.random((2, 12, 12)) < 0.7)
    everywhere = np.ones((60, 60), bool)
    naive, honest = (block_bootstrap(first, second, everywhere, side) for side in (1, 5))
    assert (honest.high - honest.low) / (naive.high - naive.low) == pytest.approx(5, rel=0.15)
    assert honest.blocks == 144


def test_only_test_pixels_count():
    right, wrong = np.ones((6, 6), bool), np.zeros((6, 6), bool)
    test = np.zeros((6, 6), bool)
    test[:3] = True
    found = block_bootstrap(np.where(test, right, wrong), wrong, test, side=2)
    assert (found.difference, found.low, found.high, found.blocks) == (1, 1, 1, 6)


def test_friedman_and_nemenyi_of_demsar():
    found = statistics.rank(DEMSAR)
    assert found.ranks[DEMSAR.columns].round(3).tolist() == [3.143, 2.0, 2.893, 1.964]
    assert found.critical_difference == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 14)), abs=5e-4)
    # with these ranks the paper's chi square, without correction for ties, is 9.28 and F is 3.69
    chi_square = 12 * 14 / (4 * 5) * ((found.ranks**2).sum() - 4 * 5**2 / 4)
    assert chi_square == pytest.approx(9.28, abs=0.005)
    assert statistics.iman_davenport(chi_square, 14, 4) == pytest.approx(0.0197, abs=5e-4)  # F(3, 39) = 3.69
    assert found.p_friedman < 0.0258  # chi square of 9.28 with 3 degrees; correcting for ties raises it


@pytest.mark.parametrize(
    ("k", "quantile"), list(enumerate([2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164], start=3))
)
def test_nemenyi_quantiles_of_demsars_table_5(k, quantile):
    assert statistics.critical_difference(6, k) == pytest.approx(quantile * np.sqrt(k * (k + 1) / 36), abs=1e-3)


@given(st.integers(0, 1000), st.integers(2, 8), st.integers(3, 6))
def test_nemenyi_and_the_critical_difference_agree(seed, n, k):
    found = statistics.rank(pd.DataFrame(np.random.default_rng(seed).random((n, k))))
    for i in range(k):
        for j in range(i):
            apart = abs(found.ranks[i] - found.ranks[j])
            if abs(apart - found.critical_difference) > 1e-3:
                assert (found.nemenyi.loc[i, j] < 0.05) == (apart > found.critical_difference)


def test_ranks_by_hand():
    """Two pairs of blocks that rank b and c either way."""
    scores = pd.DataFrame([[9, 5, 1], [8, 3, 2], [7, 1, 2], [9, 4, 4.5]], columns=["a", "b", "c"]).iloc[:, [2, 0, 1]]
    found = statistics.rank(scores)
    assert found.ranks.to_dict() == {"a": 1, "b": 2.5, "c": 2.5}
    assert found.ranks.index[0] == "a"
    assert found.n == 4
    chi_square = 12 * 4 / (3 * 4) * ((1 - 2) ** 2 + 2 * 0.5**2)
    assert found.p_friedman == pytest.approx(np.exp(-chi_square / 2))  # two degrees
    assert found.p_iman_davenport == pytest.approx(stats.f.sf(3 * chi_square / (4 * 2 - chi_square), 2, 6))
    assert found.critical_difference == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 4)), abs=1e-3)
    assert list(found.nemenyi.columns) == ["c", "a", "b"]


def test_equal_scores_rank_equal():
    found = statistics.rank(pd.DataFrame(np.ones((4, 3))))
    assert found.p_friedman == 1
    assert (found.ranks == 2).all()


def test_same_order_everywhere_is_certain():
    assert statistics.iman_davenport(4 * 2, 4, 3) == 0
