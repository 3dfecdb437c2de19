"""Spread and tests of repeated runs, by scipy, statsmodels and scikit-posthocs.

`None` stands wherever too few runs leave a figure undefined.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import scikit_posthocs
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from hsi.evaluation.blocks import ALPHA

POWER = 0.8  # with which a difference is to be found, for the number of seeds needed
MOST_SEEDS = 1000  # beyond this, nobody repeats a training
FEW = 25  # discordant pixels below which McNemar's test is exact


@dataclass(frozen=True)
class Spread:
    """Mean of n values, their standard deviation (n - 1) and the t interval of the mean."""

    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None


def spread(values: Sequence[float] | np.ndarray) -> Spread:
    """Summarise values (n,); a single one has no spread."""
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return Spread(n, mean, None, None, None)
    sd = float(np.std(values, ddof=1))
    reach = float(stats.t.ppf(1 - ALPHA / 2, n - 1)) * sd / n**0.5
    return Spread(n, mean, sd, mean - reach, mean + reach)


@dataclass(frozen=True)
class Paired:
    """Two settings on the same n splits and seeds.

    Parameters
    ----------
    difference
        Spread of first - second.
    p_t, p_wilcoxon
        Two-sided p values of the paired t test and of Wilcoxon's signed rank test; None for a single pair and where
        all differences are equal, as those of two deterministic models on one split: these are copies, not repetitions.
    seeds_needed
        Smallest number of pairs with which a paired t test at 0.05, without correction for several comparisons, would
        find the observed difference in 80 % of studies, were it the true one; None beyond 1000.
    detectable
        The difference that n pairs would find so.
    """

    difference: Spread
    p_t: float | None
    p_wilcoxon: float | None
    seeds_needed: int | None
    detectable: float | None


def compare_paired(differences: Sequence[float] | np.ndarray) -> Paired:
    """Test the differences (n,) of pairs against 0."""
    values = np.asarray(differences, dtype=np.float64)
    found = spread(values)
    if found.sd is None:
        return Paired(found, None, None, None, None)
    if np.ptp(values) < 1e-12:  # to rounding: the seeds change nothing, so n pairs are one pair, n times over
        return Paired(found, None, None, None, None)
    return Paired(
        difference=found,
        p_t=float(stats.ttest_1samp(values, 0).pvalue),
        p_wilcoxon=float(stats.wilcoxon(values).pvalue),
        seeds_needed=seeds_needed(abs(found.mean) / found.sd),
        detectable=_detectable_effect(found.n) * found.sd,
    )


def seeds_needed(effect: float) -> int | None:
    """Pairs that a paired t test needs for an effect (mean / standard deviation of the differences), see `Paired`."""
    power = TTestPower().power
    numbers = range(2, MOST_SEEDS + 1)
    place = bisect_left(numbers, POWER, key=lambda n: float(np.nan_to_num(power(effect, n, ALPHA), nan=1.0)))
    return numbers[place] if place < len(numbers) else None


@cache  # comparisons have the same few n, and the power is slow
def _detectable_effect(n: int) -> float:
    """The effect that n pairs find with `POWER`: between 0 and 100 standard deviations."""
    effects = np.geomspace(1e-2, 1e2, 2000)  # steps of half a per cent
    powers = np.nan_to_num(TTestPower().power(effects, n, ALPHA), nan=1.0)
    return float(effects[min(int(np.searchsorted(powers, POWER)), len(effects) - 1)])


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjusted p values (n,) of n comparisons made at once (Holm, Scandinavian Journal of Statistics 6, 1979)."""
    return multipletests(p_values, method="holm")[1] if len(p_values) else np.empty(0)


@dataclass(frozen=True)
class McNemar:
    """Pixels that only the first, or only the second map has right, and the p value of their being as many."""

    only_first: int
    only_second: int
    p: float


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> McNemar:
    """McNemar's test of two maps on the same pixels, (N,) bool each.

    McNemar, Psychometrika 12, 1947; exact below 25 discordant pixels, else chi square with continuity correction. It
    takes the pixels as independent. Neighbours are not, so its p value is too small: see `hsi.evaluation.blocks`.
    """
    only_first, only_second = int((first_right & ~second_right).sum()), int((~first_right & second_right).sum())
    table = [[0, only_first], [only_second, 0]]  # pixels on which both agree say nothing
    found = statsmodels_mcnemar(table, exact=only_first + only_second < FEW, correction=True)
    return McNemar(only_first, only_second, float(found.pvalue))


@dataclass(frozen=True)
class Ranking:
    """Many settings ranked on the same splits and seeds.

    Parameters
    ----------
    ranks
        Mean rank of each setting, 1 the best.
    n
        Splits and seeds that all settings share.
    p_friedman, p_iman_davenport
        p values of no setting differing: Friedman's chi square (ties corrected), and its less conservative F.
    nemenyi
        (k, k) p values of every pair.
    critical_difference
        Mean ranks farther apart than this differ at 0.05.

    References
    ----------
    Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 2006. There each block is a data
    set; here it is a split and seed of one scene, so the conclusion holds for that scene.
    """

    ranks: pd.Series
    n: int
    p_friedman: float
    p_iman_davenport: float
    nemenyi: pd.DataFrame
    critical_difference: float


def rank(scores: pd.DataFrame) -> Ranking:
    """Rank scores (n blocks, k settings), higher is better; n from 2, k from 3 on."""
    n, k = scores.shape
    if np.ptp(scores.to_numpy(), axis=1).max() == 0:
        chi_square, p = 0.0, 1.0  # ties everywhere: scipy's statistic is 0 / 0
    else:
        chi_square, p = map(float, stats.friedmanchisquare(*scores.to_numpy().T))
    return Ranking(
        ranks=scores.rank(axis=1, ascending=False).mean().sort_values(),
        n=n,
        p_friedman=p,
        p_iman_davenport=iman_davenport(chi_square, n, k),
        nemenyi=scikit_posthocs.posthoc_nemenyi_friedman(scores),
        critical_difference=critical_difference(n, k),
    )


def iman_davenport(chi_square: float, n: int, k: int) -> float:
    """p value of F = (n - 1) chi2 / (n (k - 1) - chi2) with k - 1 and (k - 1)(n - 1) degrees (Demšar 2006, eq. 7)."""
    left = n * (k - 1) - chi_square
    f = (n - 1) * chi_square / left if left > 1e-12 else np.inf  # the same order in every block
    return float(stats.f.sf(f, k - 1, (k - 1) * (n - 1)))


def critical_difference(n: int, k: int) -> float:
    """Nemenyi's critical difference of mean ranks of k settings over n blocks (Demšar 2006, eq. 8)."""
    quantile = stats.studentized_range.ppf(1 - ALPHA, k, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(k * (k + 1) / (6 * n)))
