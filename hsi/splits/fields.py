"""Fields: the connected pieces of one class, over corners too. What grows on one of them was sown in one go."""

import numpy as np
from scipy.ndimage import find_objects, label

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
    for k, place in enumerate(find_objects(labels.astype(np.int32)), 1):
        if place is None:
            continue
        pieces, found = label(labels[place] == k, TOUCHING)  # most classes lie in a part of the scene
        fields[place] += np.where(pieces > 0, pieces + count, 0).astype(np.int32)
        count += found
    return fields


def weigh_fields(classes: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """Weights by which every field of a class counts alike, and every class as it did: as many times as it has pixels.

    Parameters
    ----------
    classes
        (N,) int: the class of each pixel.
    fields
        (N,) int: a number for each field, which is of one class, as in `number_fields`.

    Returns
    -------
    weights
        (N,) float64, of mean 1 in each class: pixels of the class / fields of the class / pixels of the field.
    """
    _, first, field, sizes = np.unique(fields, return_index=True, return_inverse=True, return_counts=True)
    _, owner, pixels = np.unique(classes, return_inverse=True, return_counts=True)
    of_class = owner[first]  # of each field
    return np.asarray((pixels / np.bincount(of_class))[owner] / sizes[field])


def pixels_of_fields(members: np.ndarray) -> list[np.ndarray]:
    """The flat pixel numbers, ascending, of each field of one class (rows, cols) bool."""
    numbers, _ = label(members, TOUCHING)
    order = np.argsort(numbers, axis=None, kind="stable")
    return np.split(order, np.cumsum(np.bincount(numbers.ravel()))[:-1])[1:]
