"""Large scenes made small enough to look at, by leaving out rows and columns."""

from dataclasses import replace
from math import ceil

import numpy as np

from hsi.cube import Cube, LazyCube
from hsi.georeference import Georeference
from hsi.scene import Scene

SIDE = 1500  # pixels: more than a picture of a scene shows


def places(rows: int, cols: int, side: int = SIDE) -> tuple[slice, slice]:
    """Every k-th row and column of an image, so that at most `side` are left."""
    step = ceil(max(rows, cols) / side)
    return slice(None, None, step), slice(None, None, step)


def thin(scene: Scene, class_map: np.ndarray, side: int = SIDE) -> tuple[Scene, np.ndarray]:
    """Every k-th row and column of a scene and its map, see `places`; small scenes stay as they are.

    Pixels that the map leaves out, where it is 0, hold no data. Of a cube on disk only what is drawn is read.
    """
    kept = places(scene.rows, scene.cols, side)
    step = kept[0].step
    drawn = np.ascontiguousarray(class_map[kept])
    shown = replace(
        scene,
        cube=_thin(scene.cube, step),
        labels=scene.labels[kept],
        georeference=scene.georeference and _coarser(scene.georeference, step),
        valid=drawn > 0,
        polygons=None,
        tiles=None,
    )
    return shown, drawn


def _thin(cube: Cube, step: int) -> Cube:
    if step == 1 or not isinstance(cube, LazyCube):
        return cube[::step, ::step]

    def read(rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
        chosen = slice(None) if bands is None else bands
        there = (slice(step * part.start, step * part.stop, step) for part in (rows, cols))
        return np.ascontiguousarray(cube[(*there, chosen)])

    size = tuple(len(range(0, length, step)) for length in cube.shape[:2])
    return LazyCube((size[0], size[1], cube.shape[2]), cube.dtype, read)


def _coarser(georeference: Georeference, step: int) -> Georeference:
    a, b, c, d, e, f = georeference.transform
    return replace(georeference, transform=(a * step, b * step, c, d * step, e * step, f))
