"""NumPy files: .npy, of which only what is asked for is read, and .npz. Pickled objects are refused."""

import zipfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from hsi.errors import HsiError, shown
from hsi.scenes.archives import choose_key
from hsi.scenes.raster import Raster
from hsi.scenes.raw import Plain, plain_cube


def read_npy(path: Path) -> Raster:
    """Open the array of a .npy file; of one with three dimensions only what is asked for is read.

    Raises HsiError: an archive, pickled objects, or a file that is shorter than its header promises; ValueError,
    OSError: damage.
    """
    with path.open("rb") as stream:
        if zipfile.is_zipfile(stream):
            raise HsiError(
                f"{path} is an archive of several arrays, not a .npy file: rename it to .npz, or save the one "
                "array with numpy.save."
            )
        stream.seek(0)
        shape, by_columns, dtype = _header(stream)
        start = stream.tell()
    if dtype.hasobject:
        raise HsiError(f"{path} holds pickled objects, which could run code and are never opened: save numbers.")
    if dtype.kind not in "iufb":
        raise HsiError(f"{path} holds {shown(dtype)}, which are no real numbers: save the image as such.")
    if len(shape) != 3:
        return Raster(np.load(path, mmap_mode="r", allow_pickle=False), (path,))
    if min(shape) < 1:
        raise HsiError(f"{path} holds an array of shape {shape}, which is empty or damaged: save it again.")
    plain = Plain(path, start, shape, dtype, (2, 1, 0) if by_columns else (0, 1, 2))
    return Raster(plain_cube(plain, "its header"), (path,))


def read_npz(path: Path, key: str | None, ndim: int, option: str) -> Raster:
    """Read one array of an archive; see `hsi.scenes.archives.choose_key` for the parameters."""
    shapes = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if member.endswith(".npy"):
                with archive.open(member) as stream:
                    shape, _, dtype = _header(stream)
                if dtype.kind in "iufcb":
                    shapes[member.removesuffix(".npy")] = shape
    chosen = choose_key(path, shapes, key, ndim, option)
    with np.load(path, allow_pickle=False) as archive:
        return Raster(np.ascontiguousarray(archive[chosen]), (path,))


def names_in_archive(path: Path) -> tuple[str, ...]:
    """Names of the arrays in an .npz file."""
    with zipfile.ZipFile(path) as archive:
        return tuple(member.removesuffix(".npy") for member in archive.namelist())


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether the first axis changes fastest, and dtype."""
    version = npy_format.read_magic(stream)
    # version 3 differs from 2 only in how it spells the names of fields, and arrays with fields are no images
    read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    header: tuple[tuple[int, ...], bool, np.dtype] = read(stream)
    return header
