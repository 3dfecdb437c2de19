"""MATLAB files, .mat of versions 4 to 7.3."""

from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np

from hsi.errors import HsiError, shown
from hsi.scenes.archives import choose_key
from hsi.scenes.hdf5 import hdf5_store
from hsi.scenes.limits import require_held
from hsi.scenes.matlab import numeric_arrays, read_numbers
from hsi.scenes.raster import Raster
from hsi.scenes.variables import lazy_cube, require_own, slow_reading, text

IN_MEMORY = 512 * 2**20  # bytes of a cube of version 7.3 that is read at once; a larger one stays on disk
ROWS = {"nrow", "nrows", "rows", "lines", "nlines"}
COLS = {"ncol", "ncols", "cols", "columns", "samples", "nsamples"}

Shapes = Mapping[str, tuple[int, ...]]
Load = Callable[[str], np.ndarray]


def read_mat(path: Path, key: str | None, ndim: int, option: str) -> Raster:
    """Read one array; see `hsi.scenes.archives.choose_key` for the parameters.

    A matrix of bands and pixels, with the numbers of rows and columns in variables such as nRow and nCol beside it, is
    made a cube in MATLAB's order, columns first: pixel p is row p % nRow, column p // nRow. So circulate Jasper Ridge
    and Samson.
    """
    if h5py.is_hdf5(path):
        return _read_hdf5(path, key, ndim, option)
    arrays = numeric_arrays(path)

    def load(name: str) -> np.ndarray:
        require_held(path, arrays[name].shape, arrays[name].dtype, packed=arrays[name].packed, name=name)
        return read_numbers(path, arrays[name])

    return _in_memory(path, {name: numbers.shape for name, numbers in arrays.items()}, load, key, ndim, option)


def _in_memory(path: Path, shapes: Shapes, load: Load, key: str | None, ndim: int, option: str) -> Raster:
    grid = _matrix_and_grid(path, shapes, load, key) if ndim == 3 else None
    if grid is not None:
        name, rows, cols = grid
        choose_key(path, shapes, name, 2, option)
        return _cube_of_matrix(path, name, load(name), rows, cols)
    return Raster(np.array(load(choose_key(path, shapes, key, ndim, option)), order="C"), (path,))


def _matrix_and_grid(path: Path, shapes: Shapes, load: Load, key: str | None) -> tuple[str, int, int] | None:
    """The matrix that is to become a cube, and its rows and columns; None where there is nothing of the kind.

    Raises HsiError: the matrix that was named has another number of pixels.
    """
    sizes = [_only(shapes, load, names) for names in (ROWS, COLS)]
    if None in sizes or (key is None and any(len(shape) == 3 and min(shape) > 1 for shape in shapes.values())):
        return None
    rows, cols = (size for size in sizes if size is not None)
    if key is not None:
        if len(shapes.get(key, ())) != 2 or min(shapes[key]) < 2:
            return None
        if rows * cols not in shapes[key]:
            raise HsiError(
                f"{path}: '{shown(key)}' of shape {shapes[key]} is no matrix of the {rows} x {cols} = {rows * cols} "
                "pixels that the file speaks of: correct the numbers of rows and columns, or name another array."
            )
        return key, rows, cols
    fitting = [name for name, shape in shapes.items() if len(shape) == 2 and min(shape) > 1 and rows * cols in shape]
    return (fitting[0], rows, cols) if len(fitting) == 1 else None


def _only(shapes: Shapes, load: Load, names: set[str]) -> int | None:
    """The whole number that stands in the file under one of the names, or None."""
    found = [name for name, shape in shapes.items() if name.lower() in names and set(shape) == {1}]
    value = float(load(found[0]).ravel()[0]) if len(found) == 1 else 0.0
    return int(value) if value >= 1 and value.is_integer() else None


def _cube_of_matrix(path: Path, name: str, matrix: np.ndarray, rows: int, cols: int) -> Raster:
    if matrix.shape == (rows * cols, rows * cols):
        raise HsiError(
            f"{path}: '{shown(name)}' has as many bands as pixels, {rows * cols}, so which are which cannot be told: "
            "save the cube with three axes."
        )
    if matrix.shape[1] == rows * cols:  # bands x pixels
        matrix = matrix.T
    cube = matrix.reshape(cols, rows, matrix.shape[1]).transpose(1, 0, 2)
    note = (
        f"{path.name}: the matrix '{shown(name)}' is made a cube of {rows} rows x {cols} columns x {matrix.shape[1]} "
        "bands in MATLAB's order, one column of the image after the other"
    )
    return Raster(np.ascontiguousarray(cube), (path,), notes=(note,))


def _read_hdf5(path: Path, key: str | None, ndim: int, option: str) -> Raster:
    """Version 7.3, which is HDF5 with the axes in reverse order (MATLAB counts columns first)."""
    store = hdf5_store(path, nested=False)
    # text is stored as uint16, told apart by the attribute alone
    shapes = {
        name: variable.shape[::-1]
        for name, variable in store.variables.items()
        if variable.dtype is not None and text(store.attributes(name), "MATLAB_class") != "char"
    }
    require_own(store, shapes, key, ndim)
    if _matrix_and_grid(path, shapes, store.whole, key) is None or ndim != 3:
        chosen = choose_key(path, shapes, key, ndim, option)
        cube = lazy_cube(store, chosen, (2, 1, 0)) if len(shapes[chosen]) == 3 else None
        if cube is not None and cube.nbytes > IN_MEMORY:
            slow = slow_reading(path, store.variables[chosen], (2, 1, 0), cube.nbytes)
            return Raster(cube, (path,), notes=() if slow is None else (slow,))
    return _in_memory(path, shapes, lambda name: store.whole(name).T, key, ndim, option)
