"""A map of one class, which says more of the model or of the scene's units than of the ground."""

from collections.abc import Sequence

import numpy as np

from hsi.cube import blocks

NEARLY_ALL = 0.99  # of the mapped pixels


def notes_on(class_map: np.ndarray, confidence: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    """A sentence where nearly all of a map is one class, else none.

    Parameters
    ----------
    class_map, confidence
        (rows, cols), see `hsi.mapping.scene_map.Prediction`; they may lie on disk.
    names
        Of the classes 1, 2...
    """
    counts = np.zeros(len(names) + 1, dtype=np.int64)
    for _, _, part in blocks(class_map):
        counts += np.bincount(part.ravel(), minlength=len(counts))
    of_class = counts[1:]  # 0 stands for pixels without data
    most = int(of_class.argmax())
    share = of_class[most] / max(of_class.sum(), 1)
    if share < NEARLY_ALL:
        return ()
    parts = ((part == most + 1, confidence[first:last]) for first, last, part in blocks(class_map))
    mean = sum(float(sure[inside].sum(dtype=np.float64)) for inside, sure in parts) / of_class[most]
    return (
        f"{share:.1%} of the mapped pixels are called {names[most]}, with a confidence of {mean:.3f} on average: a map "
        "of one class is seldom right, look at it and at the units and bands of the scene",
    )
