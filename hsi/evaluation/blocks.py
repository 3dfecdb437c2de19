"""Intervals of accuracies on one scene, whose neighbouring pixels are alike: by resampled blocks of pixels.

Apart from `hsi.evaluation.statistics`, whose libraries take seconds to import: every run needs this.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ALPHA = 0.05  # of all tests; intervals hold 1 - ALPHA
DRAWS = 2000  # of the bootstrap
AT_ONCE = 2**22  # numbers that the bootstrap draws in one go: a cap on memory, which changes no figure
LEAST_BLOCK = 16  # pixels; fields of agricultural scenes are about as wide, whatever the window
FEWEST_BLOCKS = 10  # of which a ratio's lower part is made, for an interval: with fewer, draws may hold none at all


@dataclass(frozen=True)
class BlockInterval:
    """Difference of two maps' accuracies (first - second) and its 95 % interval over resampled blocks."""

    difference: float
    low: float
    high: float
    blocks: int
    side: int


def block_bootstrap(
    first_right: np.ndarray, second_right: np.ndarray, test: np.ndarray, side: int, seed: int = 0
) -> BlockInterval:
    """Bootstrap the difference in overall accuracy by blocks of pixels.

    The scene is tiled with squares of `side` pixels; squares that hold test pixels are drawn with replacement, so that
    neighbours stay together (Hall, "Resampling a Coverage Pattern", Stochastic Processes and their Applications 20,
    1985; percentile interval of Efron and Tibshirani 1993). Dependence that reaches farther than a block is not seen.
    All arrays are (rows, cols) bool.
    """
    gain, size = _sums_of_blocks((first_right.astype(float) - second_right, np.ones(test.shape)), test, side)
    drawn = _redrawn(np.stack([gain, size]), seed)
    low, high = np.quantile(drawn[0] / drawn[1], [ALPHA / 2, 1 - ALPHA / 2])
    return BlockInterval(float(gain.sum() / size.sum()), float(low), float(high), len(size), side)


def skill(oa: float, oa_reference: float) -> float | None:
    """What a map adds to a reference, as a share of what that left: (OA - reference) / (1 - reference).

    1 for a perfect map, 0 for one as good as the reference, below 0 for a worse one; None where nothing was left.
    """
    return None if oa_reference == 1 else (oa - oa_reference) / (1 - oa_reference)


def skill_interval(
    right: np.ndarray, reference_right: np.ndarray, test: np.ndarray, side: int, seed: int = 0
) -> tuple[float, float] | None:
    """The 95 % interval of `skill`, by the blocks of `block_bootstrap`; both parts of the ratio by the same draws.

    All arrays are (rows, cols) bool. None where fewer than `FEWEST_BLOCKS` blocks hold a pixel that the reference has
    wrong. Draws that hold none say nothing of the ratio and are left out.
    """
    gain = right.astype(float) - reference_right
    sums = np.stack(_sums_of_blocks((gain, ~reference_right), test, side))
    if (sums[1] > 0).sum() < FEWEST_BLOCKS:
        return None
    gained, left = _redrawn(sums, seed)
    low, high = np.quantile(gained[left > 0] / left[left > 0], [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


def _sums_of_blocks(values: Sequence[np.ndarray], test: np.ndarray, side: int) -> list[np.ndarray]:
    """Sums (blocks,) float64 of each of `values`, (rows, cols), over the test pixels of each block that holds some."""
    rows, cols = np.nonzero(test)
    _, block = np.unique(rows // side * test.shape[1] + cols // side, return_inverse=True)
    return [np.bincount(block, each[test]) for each in values]


def _redrawn(sums: np.ndarray, seed: int) -> np.ndarray:
    """Totals (figures, DRAWS) of blocks drawn with replacement, as many as there are, of `sums` (figures, blocks)."""
    draw, blocks = np.random.default_rng(seed), sums.shape[1]
    totals = np.empty((len(sums), DRAWS))
    for first in range(0, DRAWS, step := max(1, AT_ONCE // blocks)):
        drawn = draw.integers(blocks, size=(min(step, DRAWS - first), blocks))
        totals[:, first : first + step] = [each[drawn].sum(1) for each in sums]
    return totals
