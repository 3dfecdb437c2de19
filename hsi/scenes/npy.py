"""NumPy files: .npy, mapped into memory, and .npz. Pickled objects are refused."""

import zipfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from hsi.errors import HsiError
from hsi.scenes.archives import choose_key
from hsi.scenes.raster import Raster


def read_npy(path: Path) -> Raster:
    """Map the array of a .npy file into memory; nothing is read yet.

    Raises HsiError: an archive, or pickled objects; ValueError, OSError: damage.
    """
    with path.open("rb") as stream:
        if zipfile.is_zipfile(stream):
            raise HsiError(
                f"{path} is an archive of several arrays, not a .npy file: rename it to .npz, or save the one "
                "array with numpy.save."
            )
        stream.seek(0)
        if _header(stream)[1].hasobject:
            raise HsiError(f"{path} holds pickled objects, which could run code and are never opened: save numbers.")
    return Raster(npy_format.open_memmap(path, mode="r"), (path,))


def read_npz(path: Path, key: str | None, ndim: int, option: str) -> Raster:
    """Read one array of an archive; see `hsi.scenes.archives.choose_key` for the parameters."""
    shapes = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if member.endswith(".npy"):
                with archive.open(member) as stream:
                    shape, dtype = _header(stream)
                if dtype.kind in "iufcb":
                    shapes[member.removesuffix(".npy")] = shape
    chosen = choose_key(path, shapes, key, ndim, option)
    with np.load(path, allow_pickle=False) as archive:
        return Raster(np.ascontiguousarray(archive[chosen]), (path,))


def names_in_archive(path: Path) -> tuple[str, ...]:
    """Names of the arrays in an .npz file."""
    with zipfile.ZipFile(path) as archive:
        return tuple(member.removesuffix(".npy") for member in archive.namelist())


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = npy_format.read_magic(stream)
    # version 3 differs from 2 only in how it spells the names of fields, and arrays with fields are no images
    read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    shape, _, dtype = read(stream)
    return shape, dtype
