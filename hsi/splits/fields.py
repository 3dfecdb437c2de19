"""Fields: the connected pieces of one class, over corners too. What grows on one of them was sown in one go."""

import numpy as np
from scipy.ndimage import label

TOUCHING = np.ones((3, 3), dtype=int)  # pixels of one field touch, if only at corners


def number_fields(labels: np.ndarray) -> np.ndarray:
    """Number the fields of a label image from 1 on, class after class.

    Parameters
    ----------
    labels
        (rows, cols) int, 0 unlabelled, 1..K.

    Returns
    -------
    fields
        (rows, cols) int32, 0 where unlabelled.
    """
    fields, count = np.zeros(labels.shape, dtype=np.int32), 0
    for k in np.setdiff1d(labels, 0):
        pieces, found = label(labels == k, TOUCHING)
        fields += np.where(pieces > 0, pieces + count, 0).astype(np.int32)
        count += found
    return fields


def pixels_of_fields(members: np.ndarray) -> list[np.ndarray]:
    """The flat pixel numbers, ascending, of each field of one class (rows, cols) bool."""
    numbers, _ = label(members, TOUCHING)
    order = np.argsort(numbers, axis=None, kind="stable")
    return np.split(order, np.cumsum(np.bincount(numbers.ravel()))[:-1])[1:]
