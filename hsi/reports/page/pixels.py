"""What a page knows of every pixel: images that its script colours, chances, distances, spectra.

Large scenes are thinned: by rows and columns down to `MOST_PIXELS`, by bands down to `MOST_VALUES` numbers in all
spectra. `about_pixels` says so, and the page repeats it.
"""

from math import ceil
from typing import Any

import numpy as np

from hsi.cube import blocks
from hsi.evaluation.leakage import distance_to
from hsi.mapping.scene_map import map_type
from hsi.plots.maps import false_colour
from hsi.plots.thinned import places, thin
from hsi.reports.page.packing import packed, rounded
from hsi.reports.page.shown import Shown
from hsi.scene import Scene
from hsi.splits.roles import TRAIN

MOST_PIXELS = 400_000
MOST_VALUES = 12_000_000  # of 1 byte: Indian Pines has 4.2 million
LEADING = 5  # classes whose probabilities are shown
WHOLE = 10_000  # stands for a probability of 1
FAR = np.iinfo(np.uint16).max  # a distance that is no smaller, or none
STEPS = 255  # of a quantised value, from the lowest to the highest of its band


def pixel_data(shown: Shown) -> tuple[dict[str, Any], str]:
    """What the page's script has to know of the pixels, for JSON, and the elements that hold their arrays."""
    scene, made = shown.scene, shown.prediction
    side = side_of(scene.rows, scene.cols, MOST_PIXELS)
    small, class_map = thin(scene, made.class_map, side)
    kept = places(scene.rows, scene.cols, side)
    classes, chances = leading(
        class_map, made.confidence[kept], None if made.probabilities is None else made.probabilities[kept]
    )
    bands, values = _spectra(small)
    low, high, codes = quantised(values, class_map > 0)
    kind = map_type(int(class_map.max(initial=0)) + 1)
    arrays = {
        "map": class_map.astype(kind),
        "truth": small.labels.astype(kind),
        "role": shown.split.role[kept],
        "distance": np.minimum(distance_to(shown.split.role == TRAIN)[kept], FAR).astype(np.uint16),
        "colour": np.round(255 * false_colour(small)).astype(np.uint8),
        "leading": np.moveaxis(classes, 2, 0).astype(kind),
        "chances": np.moveaxis(chances, 2, 0),
        "spectra": codes,
    }
    about = {
        "rows": small.rows,
        "cols": small.cols,
        "step": kept[0].step,
        "wide": kind is np.uint16,
        "leading": classes.shape[2],
        "far": FAR,
        "whole": WHOLE,
        "bands": bands.tolist(),
        "allBands": scene.bands,
        "wavelengths": None if scene.wavelengths is None else rounded(scene.wavelengths[bands]),
        "low": rounded(low),
        "high": rounded(high),
        "means": _means(values, small),
    }
    return about, "".join(packed(name, array) for name, array in arrays.items())


def side_of(rows: int, cols: int, most: int) -> int:
    """The longest side of a thinned scene: every k-th row and column, the least k that leaves `most` pixels at most."""
    step = 1
    while ceil(rows / step) * ceil(cols / step) > most:
        step += 1
    return ceil(max(rows, cols) / step)


def leading(
    class_map: np.ndarray, confidence: np.ndarray, probabilities: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The classes of the highest probabilities of each pixel, that of the map first, and these probabilities.

    Parameters
    ----------
    class_map, confidence, probabilities
        (rows, cols), (rows, cols) and (rows, cols, K) or None, see `hsi.mapping.scene_map.Prediction`.

    Returns
    -------
    classes, chances
        (rows, cols, N) integers, 1..K or 0 without data, and uint16, of which `WHOLE` are a probability of 1. N is
        `LEADING`, or K where there are fewer classes, or 1 where only the confidence is known.
    """
    sure = np.nan_to_num(confidence)[:, :, None]
    if probabilities is None:
        return class_map[:, :, None], np.round(WHOLE * sure).astype(np.uint16)
    among = np.nan_to_num(probabilities.astype(np.float32))
    count = min(LEADING, among.shape[2])
    first = np.clip(class_map.astype(np.int64) - 1, 0, among.shape[2] - 1)[:, :, None]
    ranked = among.copy()
    np.put_along_axis(ranked, first, np.inf, axis=2)  # half precision may tie what the map tells apart
    order = np.argsort(-ranked, axis=2, kind="stable")[:, :, :count]
    chances = np.take_along_axis(among, order, axis=2)
    chances[:, :, :1] = sure  # in full precision
    classes = np.where(class_map[:, :, None] > 0, order + 1, 0)
    return classes, np.round(WHOLE * np.clip(chances, 0, 1)).astype(np.uint16)


def quantised(values: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectra (rows, cols, bands) as a byte a value, for where `valid` (rows, cols): half a step of 255 is the error.

    Returns
    -------
    low, high, codes
        (bands,) float, the values that 0 and 255 stand for; and (rows, cols, bands) uint8, each the difference to the
        band before it modulo 256, since those compress better.
    """
    bands = values.shape[2]
    flat = values[valid] if valid.any() else np.zeros((1, bands), values.dtype)
    low, high = flat.min(axis=0).astype(np.float64), flat.max(axis=0).astype(np.float64)
    span = np.where(high > low, high - low, 1)
    scaled = np.where(valid[:, :, None], (values - low.astype(values.dtype)) / span.astype(values.dtype), 0)
    codes = np.rint(STEPS * np.clip(scaled, 0, 1)).astype(np.uint8)
    return low, high, np.diff(codes, axis=2, prepend=np.uint8(0))


def _spectra(small: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Which bands are shown, and the values (rows, cols, those bands) float32 of a thinned scene."""
    every = max(1, ceil(small.rows * small.cols * small.bands / MOST_VALUES))
    bands = np.arange(0, small.bands, every)
    values = np.empty((small.rows, small.cols, len(bands)), np.float32)
    for first, last, block in blocks(small.cube):
        values[first:last] = block[:, :, bands]
    return bands, np.nan_to_num(values, copy=False)


def _means(values: np.ndarray, small: Scene) -> list[list[Any] | None]:
    """The mean spectrum of the labelled pixels of class 1..K; None of a class without any."""
    found: list[list[Any] | None] = []
    for number in range(1, small.num_classes + 1):
        members = values[small.labels == number]
        found.append(rounded(members.mean(axis=0, dtype=np.float64)) if len(members) else None)
    return found
