"""Which pixels a training step sees, and under which symmetry: pure functions of seed and step.

So resuming needs no generator state.
"""

import numpy as np

from hsi.engine import symmetry


def batch(seed: int, step: int, size: int, count: int) -> np.ndarray:
    """Which of `count` training pixels are in the batch of a step: (size,) int.

    The pixels come in an endless row of shuffled epochs.
    """
    places = np.arange(step * size, (step + 1) * size)
    epochs = places // count
    return np.concatenate(
        [
            np.random.default_rng([seed, epoch]).permutation(count)[places[epochs == epoch] % count]
            for epoch in np.unique(epochs)
        ]
    )


def draw_symmetry(seed: int, step: int) -> int:
    """The symmetry that a whole step sees, one of eight."""
    return int(np.random.default_rng([seed, step, symmetry.COUNT]).integers(symmetry.COUNT))
