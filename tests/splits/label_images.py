"""Small label images of several fields, for property tests."""

import numpy as np
from hypothesis import strategies as st


def paint(seed: int, rows: int, cols: int, classes: int) -> np.ndarray:
    """Rectangles of each class over unlabelled ground; each class keeps 12 pixels of its own or more."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((rows, cols), dtype=np.int64)
    for k in [*range(1, classes + 1)] * 2:
        height, width = rng.integers(2, 7, size=2)
        top, left = rng.integers(rows - height), rng.integers(cols - width)
        labels[top : top + height, left : left + width] = k
    for k in range(1, classes + 1):  # where others have covered it: a strip of its own at the lower edge
        if (labels == k).sum() < 12:
            labels[-2:, 6 * k - 6 : 6 * k] = k
    return labels


label_images = st.builds(
    paint, seed=st.integers(0, 10_000), rows=st.integers(16, 30), cols=st.integers(24, 30), classes=st.integers(2, 4)
)
