"""What every format is read into: an image of one or more bands, and what its files say about it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hsi.cube import BLOCK_BYTES, Cube, LazyCube, blocks
from hsi.georeference import Georeference
from hsi.scenes.coordinates import has_area


@dataclass(frozen=True, eq=False)
class Raster:
    """An image as its files hold it; nothing is scaled, masked or left out.

    Parameters
    ----------
    array
        (rows, cols, bands) or (rows, cols), the file's own dtype in native byte order; a `LazyCube`, or a read-only
        memory map with the memory order of the file, where the format allows one.
    files
        all files read; of an ENVI image the header, then the data file.
    wavelengths, fwhm
        (bands,) float64, nm, or None: middle and width of each band.
    bad_bands
        (bands,) bool, True for the bands that the file calls bad, or None.
    rgb_bands
        bands for red, green, blue, counted from 0, or None.
    georeference
        where its pixels lie, or None.
    nodata
        value that stands for no measurement, before `gain` and `offset`; or None. NaN never is a measurement.
    gain, offset
        (bands,) float64, or None: the quantity measured is ``array * gain + offset``.
    classes
        label value -> (name, colour '#rrggbb' or None), where the file of a label image says so; or None.
    notes
        what the reader had to decide or found out, a sentence each.
    """

    array: Cube
    files: tuple[Path, ...]
    wavelengths: np.ndarray | None = None
    fwhm: np.ndarray | None = None
    bad_bands: np.ndarray | None = None
    rgb_bands: tuple[int, int, int] | None = None
    georeference: Georeference | None = None
    nodata: float | None = None
    gain: np.ndarray | None = None
    offset: np.ndarray | None = None
    classes: dict[int, tuple[str, str | None]] | None = None
    notes: tuple[str, ...] = ()

    def blocks(self, max_bytes: int = BLOCK_BYTES) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yield the image as blocks of whole rows, see `hsi.cube.blocks`."""
        yield from blocks(self.array, max_bytes)

    def load(self) -> np.ndarray:
        """Return the array in memory, C-contiguous: a change to the file no longer changes it."""
        # a map is first copied as it lies, since a disk is best read from one end to the other
        lies_on_disk = isinstance(self.array, np.memmap | LazyCube)
        return np.ascontiguousarray(np.array(self.array) if lies_on_disk else self.array)

    def measured(self) -> Cube:
        """What was measured: the array itself, or with gain and offset applied (float32, NaN where it holds nodata).

        A `LazyCube` is changed as it is read. `nodata` says nothing about the result where one of the two was applied.
        """
        array, gain, offset = self.array, self.gain, self.offset
        if gain is None and offset is None:
            return array
        if isinstance(array, LazyCube):

            def read(rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
                return self._converted(array.read(rows, cols, bands), slice(None) if bands is None else bands)

            return LazyCube(array.shape, np.dtype(np.float32), read)
        return self._converted(array, slice(None))

    def sound(self) -> "Raster":
        """Without what cannot be: wavelengths below 0, gains that are infinite, pixels of no area. Notes say so."""
        left_out: dict[str, str] = {}
        for name, what in (("wavelengths", "wavelengths"), ("fwhm", "widths")):
            values = getattr(self, name)
            if values is not None and not (np.isfinite(values).all() and (values > 0).all()):
                left_out[name] = f"the {what} of its bands are not all above 0 nm"
        for name, what in (("gain", "gains"), ("offset", "offsets")):
            values = getattr(self, name)
            if values is not None and not np.isfinite(values).all():
                left_out[name] = f"the {what} of its bands are not all finite"
        if self.georeference is not None and not has_area(self.georeference):
            left_out["georeference"] = "the places of its pixels make no area, or lie at infinity"
        said = tuple(f"{self.files[0].name}: {reason}, so they are passed over" for reason in left_out.values())
        nothing: dict[str, Any] = dict.fromkeys(left_out)
        return replace(self, **nothing, notes=(*self.notes, *said)) if left_out else self

    def _converted(self, values: np.ndarray, bands: slice | np.ndarray) -> np.ndarray:
        """Gain and offset of `bands` applied, a row at a time in double precision; float32."""
        result = np.empty(values.shape, np.float32)
        for raw, row in zip(values, result, strict=True):
            with np.errstate(over="ignore", invalid="ignore"):  # of values that are none, such as a nodata of -1.8e308
                exact = raw.astype(np.float64)
                if self.gain is not None:
                    exact *= self.gain[bands]
                if self.offset is not None:
                    exact += self.offset[bands]
                row[...] = exact
            if self.nodata is not None:
                row[raw == self.nodata] = np.nan
        return result
