"""How far pixels lie from others, as windows count: the larger of the differences in rows and in columns."""

import numpy as np
from scipy.ndimage import distance_transform_cdt

NONE = np.iinfo(np.int32).max  # the distance where there is nothing to be near to


def distance_to(pixels: np.ndarray, region: np.ndarray | None = None) -> np.ndarray:
    """Chebyshev distance of every pixel to the nearest of `pixels`; `NONE` where there is none.

    Parameters
    ----------
    pixels
        (rows, cols) bool.
    region
        (rows, cols) or None: only pixels of the same region count.

    Returns
    -------
    distance
        (rows, cols) int32.
    """
    distance = np.full(pixels.shape, NONE, dtype=np.int32)
    for inside in [np.ones_like(pixels)] if region is None else [region == value for value in np.unique(region)]:
        if (pixels & inside).any():
            distance[inside] = distance_transform_cdt(~(pixels & inside), metric="chessboard")[inside]
    return distance
