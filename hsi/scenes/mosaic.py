"""Tiles put together: where each lies, and one cube that reads of each what a block needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hsi.cube import Cube, LazyCube
from hsi.georeference import Georeference
from hsi.scene import is_missing
from hsi.scenes.coordinates import between, placed, same_crs

GAP = 64  # rows: no window of up to 129 pixels sees two tiles that lie under each other
OFF_GRID = 0.01  # of a pixel: what the transforms of tiles cut from one image may differ by
FARTHEST = 2**31  # pixels from the first tile
LEAST_FILLED = 0.25  # of the area around all tiles; with less they lie too far apart for one image


@dataclass(frozen=True)
class Layout:
    """Where tiles lie in one image.

    Parameters
    ----------
    shape
        rows and columns of the image.
    corners
        row and column of the first pixel of each tile.
    sizes
        rows and columns of each tile.
    georeference
        of the image, where the tiles lie at their true positions.
    reason
        why they do not, or "".
    """

    shape: tuple[int, int]
    corners: tuple[tuple[int, int], ...]
    sizes: tuple[tuple[int, int], ...]
    georeference: Georeference | None = None
    reason: str = ""

    def parts(self) -> list[tuple[slice, slice]]:
        """Rows and columns of each tile."""
        return [
            (slice(row, row + height), slice(col, col + width))
            for (row, col), (height, width) in zip(self.corners, self.sizes, strict=True)
        ]

    def paint(self, values: Sequence[np.ndarray | int], dtype: np.dtype | type) -> np.ndarray:
        """An image (rows, cols) of what each tile holds, one value or an image; where they overlap, the first wins."""
        image = np.zeros(self.shape, dtype=dtype)
        for part, value in reversed(list(zip(self.parts(), values, strict=True))):
            image[part] = value
        return image


def lay_out(sizes: Sequence[tuple[int, int]], places: Sequence[Georeference | None], names: Sequence[str]) -> Layout:
    """Put tiles at their true positions where their georeferences share a grid, else under each other.

    Parameters
    ----------
    sizes
        rows and columns of each tile.
    places, names
        the georeference of each, and its name for messages.
    """
    corners, reason = _true_corners(sizes, places, names)
    if corners is not None:
        start = corners.min(axis=0)
        rows, cols = (int(end) for end in (corners + sizes).max(axis=0) - start)
        area = sum(height * width for height, width in sizes)
        if area >= LEAST_FILLED * rows * cols:
            moved = places[0].moved(int(start[0]), int(start[1])) if places[0] else None
            return Layout((rows, cols), tuple((int(r), int(c)) for r, c in corners - start), tuple(sizes), moved)
        reason = f"they fill {area / (rows * cols):.1%} of the area around them"
    tops = np.concatenate([[0], np.cumsum([height + GAP for height, _ in sizes])])
    return Layout(
        (int(tops[-1]) - GAP, max(width for _, width in sizes)),
        tuple((int(top), 0) for top in tops[:-1]),
        tuple(sizes),
        None,
        reason,
    )


def _true_corners(
    sizes: Sequence[tuple[int, int]], places: Sequence[Georeference | None], names: Sequence[str]
) -> tuple[np.ndarray | None, str]:
    """(N, 2) row and column of each tile on the grid of the first; or None, and why there is no such grid."""
    first = places[0]
    if first is None:
        return None, f"{names[0]} has no georeference"
    grid = placed(first, names[0])
    corners = np.zeros((len(sizes), 2), dtype=np.int64)
    for number, (size, place, name) in enumerate(zip(sizes, places, names, strict=True)):
        if place is None:
            return None, f"{name} has no georeference"
        if place.crs != first.crs and not (place.crs and first.crs and same_crs(first.crs, place.crs, name)):
            return None, f"{name} has another coordinate reference system than {names[0]}"
        linear, origin = between(placed(place, name), grid)
        if np.abs(origin).max() > FARTHEST:
            return None, f"{name} lies too far from {names[0]}"
        if np.abs(linear - np.eye(2)).max() * max(size) > OFF_GRID:
            return None, f"{name} has another resolution or orientation than {names[0]}"
        if np.abs(origin - origin.round()).max() > OFF_GRID:
            return None, f"the pixels of {name} lie between those of {names[0]}"
        corners[number] = origin.round()[::-1]
    return corners, ""


def compose(
    layout: Layout, read: Callable[[int], Cube], nodata: Sequence[float | None], bands: int, fill: np.generic
) -> LazyCube:
    """One cube of all tiles, which reads of each what is asked for; where they overlap, the first wins.

    Parameters
    ----------
    read
        gives the cube (rows, cols, bands) of the tile of a number from 0 on.
    nodata
        what stands for no measurement in each tile; `fill` takes its place.
    fill
        the value of pixels in no tile, of the dtype of the result.
    """

    def block(rows: slice, cols: slice, wanted: np.ndarray | None) -> np.ndarray:
        count = bands if wanted is None else len(wanted)
        values = np.full((rows.stop - rows.start, cols.stop - cols.start, count), fill, dtype=fill.dtype)
        for number in reversed(range(len(layout.corners))):
            (top, left), (height, width) = layout.corners[number], layout.sizes[number]
            first, last = max(rows.start, top), min(rows.stop, top + height)
            left_end, right_end = max(cols.start, left), min(cols.stop, left + width)
            if first >= last or left_end >= right_end:
                continue
            place = np.s_[first - top : last - top, left_end - left : right_end - left]
            part = np.asarray(read(number)[(*place, slice(None) if wanted is None else wanted)])
            target = values[first - rows.start : last - rows.start, left_end - cols.start : right_end - cols.start]
            target[...] = part
            own = nodata[number]
            if own is not None and own != fill:
                target[is_missing(part, own)] = fill
        return values

    return LazyCube((*layout.shape, bands), fill.dtype, block)
