"""Files of named variables, HDF5 and netCDF: what is known of each variable, and the raster that one becomes.

Conventions read here: dimension scales and labels (HDF5 High Level Library, "Dimension Scale Specification"), and the
netCDF Climate and Forecast conventions, version 1.11, for fill values (2.5.1), packed data (8.1) and flags (3.5).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hsi.cube import BLOCK_BYTES, LazyCube
from hsi.errors import HsiError, shown
from hsi.scenes.archives import choose_key
from hsi.scenes.raster import Raster

Attributes = Mapping[str, Any]

BANDS = {"band", "bands", "lambda", "spectral", "channel", "channels", "wl", "wvl", "nbands", "number_of_bands"}
ROWS = {"y", "lat", "latitude", "row", "rows", "line", "lines", "northing", "downtrack"}
COLS = {"x", "lon", "longitude", "col", "cols", "column", "columns", "sample", "samples", "easting", "crosstrack"}
INTERLEAVES = {"bip": (0, 1, 2), "bil": (0, 2, 1), "bsq": (1, 2, 0)}
NODATA = ("_FillValue", "missing_value", "nodata", "no_data", "nodata_value", "Data_Ignore_Value", "data_ignore_value")
ONLY_A_DIMENSION = "This is a netCDF dimension but not a netCDF variable"  # what netCDF-4 writes for one without values
SLOW = 8  # times that a cube is read in all, by blocks of rows, before it is worth a note


@dataclass(frozen=True)
class Variable:
    """An array in a file.

    Parameters
    ----------
    shape
        its axes as the file has them.
    dtype
        in native byte order; None for what is no array of numbers.
    dims
        name of each axis, '' where the file gives none.
    coordinates
        for each axis the variable that holds its coordinates, '' for none.
    chunks
        shape of the pieces in which it is stored, or None.
    """

    shape: tuple[int, ...]
    dtype: np.dtype | None
    dims: tuple[str, ...]
    coordinates: tuple[str, ...]
    chunks: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class Store:
    """A file of variables; it is open only while it is read.

    Parameters
    ----------
    variables
        name -> variable; the names have no slash in front.
    refused
        name -> why it is not read, the end of a sentence.
    attributes
        gives those of a variable, or of the file for ''.
    check
        raises HsiError for a variable that the file cannot hold; called before the first read of it.
    read
        called with a name and a slice of step 1 for each axis; gives a fresh array in native byte order, with the axes
        of the file. Raises HsiError where the file is damaged.
    """

    path: Path
    variables: Mapping[str, Variable]
    refused: Mapping[str, str]
    attributes: Callable[[str], Attributes]
    check: Callable[[str], None]
    read: Callable[[str, tuple[slice, ...]], np.ndarray]

    def whole(self, name: str) -> np.ndarray:
        """All of a variable, checked."""
        self.check(name)
        return self.read(name, tuple(slice(0, length) for length in self.variables[name].shape))

    def vector(self, name: str) -> np.ndarray | None:
        """A variable (N,) beside an image, float64; None where there is no such, or nothing was written to it."""
        variable = self.variables.get(name)
        if variable is None or variable.dtype is None or len(variable.shape) != 1:
            return None
        if text(self.attributes(name), "NAME").startswith(ONLY_A_DIMENSION):
            return None
        try:
            self.check(name)
        except HsiError:
            return None
        return self.whole(name).astype(np.float64)


def choose_variable(store: Store, key: str | None, ndim: int, option: str) -> str:
    """Return the name of the variable that is meant; see `hsi.scenes.archives.choose_key`."""
    key = None if key is None else key.strip("/")
    shapes = {name: variable.shape for name, variable in store.variables.items() if variable.dtype is not None}
    require_own(store, shapes, key, ndim)
    chosen = choose_key(store.path, shapes, key, ndim, option)
    store.check(chosen)
    return chosen


def require_own(store: Store, shapes: Mapping[str, tuple[int, ...]], key: str | None, ndim: int) -> None:
    """Raise HsiError for a key that leads out of the file, and for a file of which all images lie elsewhere."""
    for name, reason in store.refused.items():
        if key is not None and f"{key.strip('/')}/".startswith(f"{name}/"):
            raise HsiError(f"{store.path}: '{shown(name)}' {reason}.")
    if key is None and store.refused and not any(len(shape) == ndim and min(shape) > 1 for shape in shapes.values()):
        name, reason = next(iter(store.refused.items()))
        raise HsiError(f"{store.path} has no arrays with {ndim} dimensions of its own: '{shown(name)}' {reason}.")


def axis_order(variable: Variable, attributes: Attributes) -> tuple[tuple[int, ...], str | None]:
    """Which axes of the file are rows, columns and bands, and the sentence that says so if they are moved.

    Names of dimensions and an attribute 'interleave' count, sizes never do; without either the order is that of the
    file.
    """
    names = [name.rpartition("/")[2].lower() for name in variable.dims]
    plain = tuple(range(len(variable.shape)))
    spectral = [axis for axis, name in enumerate(names) if name in BANDS or name.startswith("wavelength")]
    order = plain
    if len(plain) == 3 and len(spectral) == 1:
        order = (*(axis for axis in plain if axis != spectral[0]), spectral[0])
    elif len(plain) == 3 and not spectral:
        order = INTERLEAVES.get(text(attributes, "interleave").lower(), plain)
    if len(plain) > 1 and names[order[0]] in COLS and names[order[1]] in ROWS:
        order = (order[1], order[0], *order[2:])
    if order == plain:
        return order, None
    called = ", ".join(shown(name) or "?" for name in names) if any(names) else text(attributes, "interleave").lower()
    roles = ("rows", "columns", "bands")[: len(plain)]
    told = ", ".join(f"{role} axis {axis + 1}" for role, axis in zip(roles, order, strict=True))
    return order, f"the file calls its axes {called}: {told}"


def lazy_cube(store: Store, name: str, order: tuple[int, ...]) -> LazyCube:
    """A variable with three axes as a cube whose rows, columns and bands are the axes `order`; it is checked."""
    store.check(name)
    variable = store.variables[name]
    back = np.argsort(order)

    def read(rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
        wanted, inside = span(bands, variable.shape[order[2]])
        parts = (rows, cols, wanted)
        values = store.read(name, tuple(parts[place] for place in back)).transpose(order)
        return np.ascontiguousarray(values if inside is None else values[:, :, inside])

    rows, cols, bands = (variable.shape[axis] for axis in order)
    return LazyCube((rows, cols, bands), require_numbers(store, name), read)


def span(bands: np.ndarray | None, count: int) -> tuple[slice, np.ndarray | None]:
    """The slice of bands to be read for those asked for, and which of it those are; None for all of it."""
    if bands is None:
        return slice(0, count), None
    if not len(bands):
        return slice(0, 0), None
    return slice(int(bands[0]), int(bands[-1]) + 1), bands - bands[0]


def require_numbers(store: Store, name: str) -> np.dtype:
    """Return the dtype of a variable; HsiError if it has none."""
    dtype = store.variables[name].dtype
    if dtype is None:
        raise HsiError(f"{store.path}: '{shown(name)}' is no array of numbers: it is damaged or no such product.")
    return dtype


def slow_reading(path: Path, variable: Variable, order: tuple[int, ...], nbytes: int) -> str | None:
    """The sentence for a cube whose pieces reach over so many rows that each block of rows reads most of the file."""
    if variable.chunks is None or nbytes <= BLOCK_BYTES:
        return None
    rows = variable.shape[order[0]]
    per_block = max(1.0, rows * BLOCK_BYTES / nbytes)
    times = min(rows, variable.chunks[order[0]]) / per_block
    if times < SLOW:
        return None
    pieces = "x".join("64" for _ in variable.shape)
    return (
        f"{path.name} stores the cube in pieces of {variable.chunks[order[0]]} rows, which makes reading by blocks of "
        f"rows about {times:.0f} times slower: 'h5repack -l CHUNK={pieces}' writes a faster copy"
    )


def plain_raster(store: Store, name: str, ndim: int) -> tuple[Raster, tuple[int, ...]]:
    """A variable with its fill value, its packing and its flags, and the axes of the file that became its own."""
    variable, attributes = store.variables[name], store.attributes(name)
    order, note = axis_order(variable, attributes)
    notes = () if note is None else (f"{store.path.name}: {note}",)
    nodata = next((value for key in NODATA if (value := number(attributes, key)) is not None), None)
    if ndim == 2 or len(variable.shape) != 3:
        require_numbers(store, name)
        values = np.ascontiguousarray(store.whole(name).transpose(order))
        return Raster(values, (store.path,), nodata=nodata, classes=_flags(attributes), notes=notes), order
    cube = lazy_cube(store, name, order)
    if (slow := slow_reading(store.path, variable, order, cube.nbytes)) is not None:
        notes = (*notes, slow)
    gain, offset = (_per_band(attributes, key, cube.shape[2]) for key in ("scale_factor", "add_offset"))
    if (gain is None) != (offset is None):
        gain = np.ones(cube.shape[2]) if gain is None else gain
        offset = np.zeros(cube.shape[2]) if offset is None else offset
    return Raster(cube, (store.path,), nodata=nodata, gain=gain, offset=offset, notes=notes), order


def numbers(attributes: Attributes, key: str) -> np.ndarray:
    """An attribute as (N,) float64; empty where it is missing or no finite numbers."""
    value = np.asarray(attributes.get(key, ())).ravel()
    try:
        if value.dtype.kind == "S":  # NumPy's own reading of bytes would take b'1' for a number of another kind
            value = np.char.decode(value, "utf-8")
        found = value.astype(np.float64) if value.dtype.kind in "iufbU" else np.empty(0)
    except ValueError:
        found = np.empty(0)
    return found if np.isfinite(found).all() else np.empty(0)


def number(attributes: Attributes, key: str) -> float | None:
    """An attribute that is one finite number, or None."""
    found = numbers(attributes, key)
    return float(found[0]) if len(found) == 1 else None


def text(attributes: Attributes, key: str) -> str:
    """An attribute that is text, '' where it is missing or something else."""
    value = attributes.get(key, "")
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.strip("\x00 \n") if isinstance(value, str) else ""


def _per_band(attributes: Attributes, key: str, bands: int) -> np.ndarray | None:
    found = numbers(attributes, key)
    return np.broadcast_to(found, bands).copy() if len(found) in (1, bands) else None


def _flags(attributes: Attributes) -> dict[int, tuple[str, str | None]] | None:
    values, names = numbers(attributes, "flag_values"), text(attributes, "flag_meanings").split()
    if not len(values) or len(values) != len(names):
        return None
    return {int(value): (shown(name), None) for value, name in zip(values, names, strict=True)}
