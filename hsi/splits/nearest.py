"""The class of the nearest training pixel: all that position says of a pixel, without a spectrum.

Distances are Euclidean, in pixels; of classes that are equally near, the lower one counts.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from hsi.splits.roles import TRAIN, Split


@dataclass(frozen=True, eq=False)
class Places:
    """Pixels whose classes are known, ready to be asked for the nearest.

    Parameters
    ----------
    tree
        Over rows, columns, and a height that grows with the class, see `places_of`.
    classes
        (N,) int: the class of each.
    """

    tree: KDTree
    classes: np.ndarray

    def nearest(self, asked: np.ndarray) -> np.ndarray:
        """The class (M,) of the place nearest to each of `asked`, (M, 2) whole numbers: row and column."""
        _, found = self.tree.query(np.column_stack([asked, np.zeros(len(asked))]))
        return self.classes[found]


def places_of(places: np.ndarray, classes: np.ndarray) -> Places:
    """Known pixels, (N, 2) rows and columns in whole numbers, with their classes (N,) int.

    Each pixel is lifted a little above the plane, by less than 1 and the higher the higher its class. Squared distances
    in the plane are whole numbers, so the lift decides ties and nothing else. It is a multiple of a power of two, so
    that no sum is rounded as long as a squared distance times the squared number of classes stays below 2^50.
    """
    rank = np.unique(classes, return_inverse=True)[1]
    lift = rank / 2.0 ** np.ceil(np.log2(rank.max() + 2))
    return Places(KDTree(np.column_stack([places, lift])), classes)


def nearest_classes(split: Split, labels: np.ndarray, asked: np.ndarray | None = None) -> np.ndarray:
    """The map that position alone draws: the class of the training pixel nearest to each pixel.

    The regions of a split mask windows; here there is none, so that they count for nothing.

    Parameters
    ----------
    labels
        (rows, cols) int, 1..K where labelled.
    asked
        (rows, cols) bool, or None for all: the pixels that are wanted.

    Returns
    -------
    class_map
        (rows, cols) of the type of `labels`, 0 where not asked.
    """
    wanted = np.ones(labels.shape, dtype=bool) if asked is None else asked
    train = split.role == TRAIN
    class_map = np.zeros_like(labels)
    class_map[wanted] = places_of(np.argwhere(train), labels[train]).nearest(np.argwhere(wanted))
    return class_map
