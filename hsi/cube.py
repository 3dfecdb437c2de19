"""Cubes that lie in memory, and cubes of which only what is asked for is read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BLOCK_BYTES = 64 * 2**20  # small beside any machine's memory, large beside the cost of a read

Read = Callable[[slice, slice, "np.ndarray | None"], np.ndarray]


@dataclass(frozen=True, eq=False)
class LazyCube:
    """A cube that is read as it is needed; it is sliced like an array, and each slice is an array in memory.

    Parameters
    ----------
    shape
        (rows, cols, bands).
    dtype
        of what is read, in native byte order.
    read
        called with rows and cols, slices of step 1 inside the scene, and bands, (N,) int64 numbers in ascending order
        or None for all of them; gives a fresh array (rows, cols, bands) of `dtype`, C-contiguous.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype
    read: Read

    @property
    def ndim(self) -> int:
        """Three."""
        return 3

    @property
    def nbytes(self) -> int:
        """Bytes that the cube would take in memory."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize

    def __getitem__(self, key: Any) -> np.ndarray:
        """``cube[rows]``, ``cube[rows, cols]``, ``cube[rows, cols, bands]``: slices; bands may also be numbers."""
        rows, cols, bands = (*(key if isinstance(key, tuple) else (key,)), slice(None), slice(None))[:3]
        if not isinstance(rows, slice) or not isinstance(cols, slice):
            raise TypeError("rows and columns of a cube on disk are given as slices")
        wanted = None if isinstance(bands, slice) and bands == slice(None) else np.arange(self.shape[2])[bands]
        inside, thinned = _first_last(cols, self.shape[1])
        numbers = range(self.shape[0])[rows]
        if numbers.step == 1:
            block = self._bands(slice(numbers.start, max(numbers.stop, numbers.start)), inside, wanted)
        else:  # a few rows of many
            parts = [self._bands(slice(row, row + 1), inside, wanted) for row in numbers]
            block = np.concatenate(parts) if parts else self._bands(slice(0, 0), inside, wanted)
        return block[:, thinned]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All of it, in memory."""
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def _bands(self, rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
        if bands is None or (bands.ndim == 1 and (np.diff(bands) > 0).all()):
            return self.read(rows, cols, bands)
        ascending, place = np.unique(bands, return_inverse=True)
        return np.ascontiguousarray(self.read(rows, cols, ascending)[:, :, place])


Cube = np.ndarray | LazyCube


def blocks(cube: Cube, max_bytes: int = BLOCK_BYTES) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield a cube (rows, cols, bands), or an image (rows, cols), as blocks of whole rows, from the top.

    Parameters
    ----------
    max_bytes
        size of a block at most; a row that is larger comes alone.

    Yields
    ------
    first, last, values: rows first..last-1 as a C-contiguous array (last - first, cols[, bands]).
    """
    rows = cube.shape[0]
    step = max(1, max_bytes // max(1, cube.nbytes // max(1, rows)))
    for first in range(0, rows, step):
        last = min(first + step, rows)
        yield first, last, np.ascontiguousarray(cube[first:last])


def spectra_at(cube: Cube, pixels: Sequence[int] | np.ndarray) -> np.ndarray:
    """Spectra (N, bands) of pixels given by their flat numbers, ``row * cols + col``."""
    rows, cols = np.divmod(np.asarray(pixels, dtype=np.int64), cube.shape[1])
    if not isinstance(cube, LazyCube):
        return cube[rows, cols]
    found = np.empty((len(rows), cube.shape[2]), dtype=cube.dtype)
    for row in np.unique(rows):
        here = rows == row
        left, right = cols[here].min(), cols[here].max() + 1
        found[here] = cube[int(row) : int(row) + 1, int(left) : int(right)][0, cols[here] - left]
    return found


def select_bands(cube: Cube, kept: np.ndarray) -> Cube:
    """The cube with the bands `kept`, (N,) int64 in ascending order; a cube on disk stays there."""
    if len(kept) == cube.shape[2]:
        return cube
    if not isinstance(cube, LazyCube):
        return np.ascontiguousarray(cube[:, :, kept])

    def read(rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
        return cube.read(rows, cols, kept if bands is None else kept[bands])

    return LazyCube((*cube.shape[:2], len(kept)), cube.dtype, read)


def crop(cube: Cube, rows: slice, cols: slice) -> Cube:
    """A part of the cube, rows and columns as slices of step 1; a cube on disk stays there."""
    if not isinstance(cube, LazyCube):
        return np.ascontiguousarray(cube[rows, cols])
    (top, bottom, _), (left, right, _) = rows.indices(cube.shape[0]), cols.indices(cube.shape[1])

    def read(rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
        return cube.read(slice(rows.start + top, rows.stop + top), slice(cols.start + left, cols.stop + left), bands)

    return LazyCube((bottom - top, right - left, cube.shape[2]), cube.dtype, read)


def changed(
    cube: LazyCube, change: Callable[[np.ndarray], np.ndarray], bands: int | None = None, dtype: Any = None
) -> LazyCube:
    """A cube on disk whose spectra are changed as they are read.

    Parameters
    ----------
    change
        from (rows, cols, all bands of `cube`) to (rows, cols, `bands`), pixel by pixel.
    bands, dtype
        of what it gives; None where they stay.
    """
    goal = np.dtype(dtype or cube.dtype)

    def read(rows: slice, cols: slice, wanted: np.ndarray | None) -> np.ndarray:
        values = change(cube.read(rows, cols, None)).astype(goal, copy=False)
        return np.ascontiguousarray(values if wanted is None else values[:, :, wanted])

    return LazyCube((*cube.shape[:2], bands or cube.shape[2]), goal, read)


def _first_last(part: slice, length: int) -> tuple[slice, slice]:
    """A slice of step 1 that holds what `part` asks for, and what is to be taken of it."""
    start, stop, step = part.indices(length)
    if step < 1:
        raise TypeError("columns of a cube on disk are read from left to right")
    return slice(start, max(start, stop)), slice(None, None, step)
