"""What every format is read into: an image of one or more bands, and what its files say about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

BLOCK_BYTES = 64 * 2**20  # small beside any machine's memory, large beside the cost of a read


@dataclass(frozen=True, eq=False)
class Raster:
    """An image as its files hold it; nothing is scaled, masked or left out.

    Parameters
    ----------
    array
        (rows, cols, bands) or (rows, cols), the file's own dtype in native byte order; a read-only memory map where
        the format allows one, with the memory order of the file.
    files
        all files read; of an ENVI image the header, then the data file.
    wavelengths
        (bands,) float64, nm, or None.
    bad_bands
        (bands,) bool, True for the bands that the file calls bad, or None; such bands are used like others.
    rgb_bands
        bands for red, green, blue, counted from 0, or None.
    georeference
        map entries of an ENVI header as read, or None.
    nodata
        value that stands for no measurement, or None.
    """

    array: np.ndarray
    files: tuple[Path, ...]
    wavelengths: np.ndarray | None = None
    bad_bands: np.ndarray | None = None
    rgb_bands: tuple[int, int, int] | None = None
    georeference: Mapping[str, object] | None = None
    nodata: float | None = None

    @cached_property
    def valid(self) -> np.ndarray | None:
        """(rows, cols) bool, False where all bands hold `nodata`; None where the file names no such value.

        The first use reads the image through once, block by block.
        """
        if self.nodata is None:
            return None
        mask = np.empty(self.array.shape[:2], dtype=bool)
        for first, last, values in self.blocks():
            measured = ~np.isnan(values) if np.isnan(self.nodata) else values != self.nodata
            mask[first:last] = measured.any(axis=2) if measured.ndim == 3 else measured
        return mask

    def blocks(self, max_bytes: int = BLOCK_BYTES) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yield the image as blocks of whole rows, from the top.

        Parameters
        ----------
        max_bytes
            size of a block at most; a row that is larger comes alone.

        Yields
        ------
        first, last, values: rows first..last-1 as a C-contiguous array (last - first, cols[, bands]).
        """
        rows = self.array.shape[0]
        step = max(1, max_bytes // max(1, self.array[:1].nbytes))
        for first in range(0, rows, step):
            last = min(first + step, rows)
            yield first, last, np.ascontiguousarray(self.array[first:last])

    def load(self) -> np.ndarray:
        """Return the array in memory, C-contiguous: a change to the file no longer changes it."""
        # a map is first copied as it lies, since a disk is best read from one end to the other
        array = np.array(self.array) if isinstance(self.array, np.memmap) else self.array
        return np.ascontiguousarray(array)
