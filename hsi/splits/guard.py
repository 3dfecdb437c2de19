"""A guard between train and test, wide enough that their windows share no pixel."""

import numpy as np
from scipy.ndimage import distance_transform_cdt

from hsi.config.values import Count, Seed, Share, ShareOrZero, Window
from hsi.splits.regions import fields_to_sides, side_shares
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION, Split
from hsi.splits.sides import split_by_side

DIRECTIONS = 24  # of the straight cuts that are tried, every 15 degrees


def guard_split(
    labels: np.ndarray,
    *,
    patch_size: Window,
    distance: Count | None = None,
    train: Share = 0.5,
    per_class: Count | None = None,
    validation: ShareOrZero = 0,
    seed: Seed = 0,
) -> Split:
    """Keep training and validation pixels at least `distance` away from every test pixel.

    Several ways to part the scene are tried: whole fields to one side (`hsi.splits.regions`), and straight cuts in
    `DIRECTIONS` directions, each cut dividing the labelled pixels in the proportions asked for. From each, the
    training and validation pixels too near to a test pixel are taken out; the way that keeps most classes is taken,
    of equals the one with most training pixels. Fields serve narrow guards, straight cuts wide ones.

    A buffer around test pixels is the remedy of Roberts et al., "Cross-validation strategies for data with temporal,
    spatial, hierarchical, or phylogenetic structure", Ecography 2017; here the window decides its width. Windows are
    not masked.

    Parameters
    ----------
    labels
        (rows, cols) int, 0 unlabelled, 1..K.
    patch_size
        Side of a window in pixels.
    distance
        Least Chebyshev distance in pixels: the larger of the differences in rows and in columns. None takes
        `patch_size`: no window shares a pixel with one of the other kind; ``patch_size // 2 + 1`` is enough
        for test windows without a training pixel.
    train, validation
        Shares before the guard.
    per_class
        Training pixels of each class, drawn from those that are left; None takes all.
    seed
        Of the choice of fields and of that draw.

    Raises
    ------
    HsiError
        When fewer than two classes keep both training and test pixels.
    """
    width = patch_size if distance is None else distance
    fields = fields_to_sides(labels, train=train, validation=validation, seed=seed)
    ways = [("whole fields", fields), *_straight_cuts(labels, *side_shares(train, validation))]
    guarded = [_guarded(np.where(labels > 0, side, UNUSED), width) for _, side in ways]
    best = max(range(len(ways)), key=lambda w: _worth(labels, guarded[w]))  # the first of equals
    name, side = ways[best]
    lost = (guarded[best] != side) & (labels > 0)
    note = (
        f"sides by {name}; {(lost & (side == TRAIN)).sum()} training and {(lost & (side == VALIDATION)).sum()} "
        f"validation pixels nearer than {width} pixels to a test pixel are unused"
    )
    return split_by_side(labels, guarded[best], region=None, per_class=per_class, seed=seed, notes=(note,))


def _straight_cuts(labels: np.ndarray, shares: np.ndarray, roles: list[int]) -> list[tuple[str, np.ndarray]]:
    """Sides (rows, cols) uint8 of parallel strips across each direction, in the order of the roles."""
    rows, cols = np.indices(labels.shape)
    cuts = []
    for angle in np.arange(DIRECTIONS) * 360 / DIRECTIONS:
        along = rows * np.sin(np.radians(angle)) + cols * np.cos(np.radians(angle))
        borders = np.quantile(along[labels > 0], np.cumsum(shares)[:-1])
        cuts.append((f"a straight cut at {angle:g} degrees", np.array(roles, np.uint8)[np.digitize(along, borders)]))
    return cuts


def _guarded(side: np.ndarray, width: int) -> np.ndarray:
    """Take out the training and validation pixels nearer than `width` to a test pixel."""
    near = distance_transform_cdt(side != TEST, metric="chessboard") < width
    return np.where(near & (side != TEST), UNUSED, side)


def _worth(labels: np.ndarray, role: np.ndarray) -> tuple[int, int]:
    """Classes that keep both training and test pixels, and the training pixels of these."""
    trained, tested = (np.bincount(labels[role == r], minlength=labels.max() + 1) for r in (TRAIN, TEST))
    kept = (trained > 0) & (tested > 0)
    return int(kept.sum()), int(trained[kept].sum())
