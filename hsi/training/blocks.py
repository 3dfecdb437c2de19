"""Batches out of one block of the scene, so that a step's trunk runs over that block in place of the scene.

A block is drawn as often as it holds training pixels, so over the steps the mean of the losses is that of batches from
the whole scene. What it costs is their spread: the pixels of a block are more alike.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hsi.training.batches import batch

WHICH, WHO = 2, 3  # keep these draws apart from each other, and from those of `batches` and `spectral`


class Extent(NamedTuple):
    """Rows top to bottom - 1 and columns left to right - 1 of a scene."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left


@dataclass(frozen=True)
class Blocks:
    """The blocks of a scene that hold training pixels.

    Parameters
    ----------
    extents
        Where they lie.
    members
        For each, which of the training pixels lie in it: (n,) int, in their order.
    """

    extents: tuple[Extent, ...]
    members: tuple[np.ndarray, ...]

    def draw(self, seed: int, step: int, size: int) -> tuple[Extent, np.ndarray]:
        """Where a step trains, and on which training pixels (at most `size`,) int: a function of seed and step.

        In as many steps as there are blocks, each comes as often as its share of the training pixels says, rounded up
        or down. A single block gives the batches of `hsi.training.batches.batch`.
        """
        count = len(self.members)
        if count == 1:
            return self.extents[0], batch(seed, step, size, len(self.members[0]))
        cycle, place = divmod(step, count)
        rng = np.random.default_rng([seed, cycle, WHICH])
        points = (rng.random() + rng.permutation(count)) / count
        bounds = np.cumsum([len(each) for each in self.members])
        chosen = int(np.searchsorted(bounds[:-1], points[place] * bounds[-1], side="right"))
        who = np.random.default_rng([seed, step, WHO]).permutation(self.members[chosen])
        return self.extents[chosen], who[:size]


def cut_into_blocks(pixels: np.ndarray, rows: int, cols: int, side: int) -> Blocks:
    """Cut a scene into equal blocks of at most `side` rows and columns, for training pixels (N,), flat numbers."""
    tops, lefts = (_bounds(length, side) for length in (rows, cols))
    down, across = (
        np.searchsorted(bounds, places, side="right") - 1
        for bounds, places in ((tops, pixels // cols), (lefts, pixels % cols))
    )
    number = down * (len(lefts) - 1) + across
    held = np.unique(number)
    extents = (divmod(int(each), len(lefts) - 1) for each in held)
    return Blocks(
        tuple(Extent(*map(int, (*tops[i : i + 2], *lefts[j : j + 2]))) for i, j in extents),
        tuple(np.flatnonzero(number == each) for each in held),
    )


def _bounds(length: int, side: int) -> np.ndarray:
    parts = math.ceil(length / side)
    return np.arange(parts + 1) * length // parts
