"""MATLAB files, .mat of versions 4 to 7.3."""

from pathlib import Path

import h5py
import numpy as np
import scipy.io

from hsi.scenes.archives import choose_key
from hsi.scenes.raster import Raster

# What scipy.io.whosmat calls the numeric arrays; cells, structs, text and objects are nothing we could use.
NUMERIC = {"double", "single", "logical"} | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}


def read_mat(path: Path, key: str | None, ndim: int, option: str) -> Raster:
    """Read one array; see `hsi.scenes.archives.choose_key` for the parameters."""
    array = (_read_hdf5 if h5py.is_hdf5(path) else _read_until_v7)(path, key, ndim, option)
    return Raster(np.ascontiguousarray(array), (path,))


def _read_until_v7(path: Path, key: str | None, ndim: int, option: str) -> np.ndarray:
    shapes = {name: shape for name, shape, kind in scipy.io.whosmat(path) if kind in NUMERIC}
    chosen = choose_key(path, shapes, key, ndim, option)
    array: np.ndarray = scipy.io.loadmat(path, variable_names=[chosen])[chosen]
    return array


def _read_hdf5(path: Path, key: str | None, ndim: int, option: str) -> np.ndarray:
    """Version 7.3, which is HDF5 with the axes in reverse order (MATLAB counts columns first)."""
    with h5py.File(path, "r") as file:
        shapes = {
            name: item.shape[::-1]
            for name, item in file.items()
            # text is stored as uint16, told apart by the attribute alone
            if isinstance(item, h5py.Dataset)
            and item.dtype.kind in "iufb"
            and item.attrs.get("MATLAB_class", b"") != b"char"
        }
        array: np.ndarray = file[choose_key(path, shapes, key, ndim, option)][()].T
    return array
