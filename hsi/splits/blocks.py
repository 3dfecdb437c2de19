"""A chequerboard of blocks, each with a side of its own."""

import numpy as np

from hsi.config.values import Count, Folds, Index, Seed, ShareOrZero
from hsi.splits.regions import fold_roles
from hsi.splits.roles import Split
from hsi.splits.sides import split_by_side


def blocks_split(
    labels: np.ndarray,
    *,
    block: Count = 16,
    folds: Folds = 2,
    fold: Index = 0,
    per_class: Count | None = None,
    validation: ShareOrZero = 0,
    seed: Seed | None = 0,
) -> Split:
    """Divide the scene into square blocks, each on one side; windows keep to their side.

    Block (i, j) belongs to fold (i + j) mod `folds`; two folds are a chequerboard. Blocks instead of single pixels are
    the advice of Roberts et al., "Cross-validation strategies for data with temporal, spatial, hierarchical, or
    phylogenetic structure", Ecography 2017; windows are masked to their side as in Nalepa, Myller, Kawulok,
    "Validating Hyperspectral Image Segmentation", GRSL 2019.

    Blocks know no classes: those that miss the train or the test side are left out and named in the notes.

    Parameters
    ----------
    labels
        (rows, cols) int, 0 unlabelled, 1..K.
    block
        Side of a block in pixels; those at the scene's border are smaller.
    folds, fold
        Number of folds, and the one (from 0) that tests; the others train.
    per_class
        Training pixels of each class, drawn from the train side, whose rest stays unused; None takes all.
    validation
        Anything above 0 makes the fold after the testing one validate; it takes three folds.
    seed
        Shifts the grid by up to a block in both directions, alike for every `fold`; None leaves its corner on the
        scene's. Also of the draw of `per_class`.
    """
    _, roles = fold_roles(folds, fold, validation)
    shift = (0, 0) if seed is None else np.random.default_rng(seed).integers(block, size=2)
    row, col = (np.arange(n) + s for n, s in zip(labels.shape, shift, strict=True))
    side = np.array(roles, dtype=np.uint8)[(row[:, None] // block + col // block) % folds]
    return split_by_side(labels, side, region=side, per_class=per_class, seed=seed or 0)
