"""What test windows have seen of the training pixels."""

from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter

from hsi.split import TEST, TRAIN, Split


def sees_training(split: Split, window: int) -> np.ndarray:
    """(rows, cols) bool: whether the window around each pixel contains a training pixel.

    A masked window sees its own region only.
    """
    train = split.role == TRAIN
    if split.region is None:
        return maximum_filter(train, size=window, mode="constant", cval=False)
    seen = np.zeros(train.shape, dtype=bool)
    for value in np.unique(split.region):
        inside = split.region == value
        seen |= inside & maximum_filter(train & inside, size=window, mode="constant", cval=False)
    return seen


def audit(split: Split, window: int) -> dict[str, Any]:
    """The leak figures of a run: window, share of test windows with a training pixel, and a sentence that says so."""
    test = split.role == TEST
    share = float(sees_training(split, window)[test].mean())
    if share == 0:
        sentence = f"No test window ({window} x {window} pixels) contains a training pixel."
    else:
        sentence = (
            f"{share:.1%} of the test windows ({window} x {window} pixels) contain at least one training pixel: "
            "the accuracy above says how well this scene is filled in between its labels, not how well another "
            "field or scene would be mapped."
        )
    return {"window": window, "test_windows_with_training_pixel": share, "sentence": sentence}
