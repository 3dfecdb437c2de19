"""Leaving out what is unsure, by pixels or by whole fields of the map."""

import numpy as np

from hsi.splits.fields import number_fields


def field_confidence(class_map: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """The mean confidence of the field that each pixel lies in, by which whole fields are left undecided.

    A field is a connected piece of one class of the map, over corners too (`hsi.splits.fields`).

    Parameters
    ----------
    class_map
        (rows, cols) int 1..K, 0 where there is no map.
    confidence
        (rows, cols) float.

    Returns
    -------
    confidence
        (rows, cols) float64, NaN where there is no map.
    """
    fields = number_fields(class_map)
    inside = fields > 0
    sums = np.bincount(fields[inside], confidence[inside], minlength=fields.max() + 1)
    counts = np.bincount(fields[inside], minlength=len(sums))
    return np.where(inside, (sums / np.maximum(counts, 1))[fields], np.nan)
