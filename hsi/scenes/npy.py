"""NumPy files: .npy, of which only what is asked for is read, and .npz. Pickled objects are refused."""

import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from hsi.errors import HsiError, shown
from hsi.scenes.archives import choose_key
from hsi.scenes.limits import require_held
from hsi.scenes.raster import Raster
from hsi.scenes.raw import Plain, plain_cube

HEAD = 2**16  # bytes that a header may have; that of an image has 128
PACKED_BY = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes; LZMA can ask for gigabytes


@dataclass(frozen=True)
class Header:
    """Of one array: its shape, whether the first axis changes fastest, and the byte at which its numbers start."""

    shape: tuple[int, ...]
    by_columns: bool
    dtype: np.dtype
    start: int


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
        header = _header(stream)
    shape, dtype = header.shape, header.dtype
    if dtype.hasobject:
        raise HsiError(f"{path} holds pickled objects, which could run code and are never opened: save numbers.")
    if dtype.kind not in "iufb":
        raise HsiError(f"{path} holds {shown(dtype)}, which are no real numbers: save the image as such.")
    if len(shape) != 3:
        return Raster(np.load(path, mmap_mode="r", allow_pickle=False), (path,))
    if min(shape) < 1:
        raise HsiError(f"{path} holds an array of shape {shape}, which is empty or damaged: save it again.")
    plain = Plain(path, header.start, shape, dtype, (2, 1, 0) if header.by_columns else (0, 1, 2))
    return Raster(plain_cube(plain, "its header"), (path,))


def read_npz(path: Path, key: str | None, ndim: int, option: str) -> Raster:
    """Read one array of an archive; see `hsi.scenes.archives.choose_key` for the parameters.

    Raises HsiError: what `choose_key` raises, an array that the file cannot hold, or packed in a foreign way.
    """
    with zipfile.ZipFile(path) as archive:
        members = _members(path, archive)
        shapes = {name: header.shape for name, (_, header) in members.items() if header.dtype.kind in "iufcb"}
        chosen = choose_key(path, shapes, key, ndim, option)
        member, header = members[chosen]
        require_held(path, header.shape, header.dtype, name=chosen)
        with archive.open(member) as stream:
            content = stream.read(header.start + math.prod(header.shape) * header.dtype.itemsize)
    values = np.frombuffer(content, header.dtype, offset=header.start)
    array = values.reshape(header.shape, order="F" if header.by_columns else "C")
    return Raster(np.array(array, order="C"), (path,))


def names_in_archive(path: Path) -> tuple[str, ...]:
    """Names of the arrays in an .npz file.

    Raises HsiError: one that has not the bytes that its header promises, or is packed in a foreign way.
    """
    with zipfile.ZipFile(path) as archive:
        return tuple(_members(path, archive))


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, tuple[zipfile.ZipInfo, Header]]:
    """Each array by its name; those of pickled objects are passed over."""
    found = {}
    for member in archive.infolist():
        if not member.filename.endswith(".npy"):
            continue
        with archive.open(member) as stream:
            header = _header(stream)
        if header.dtype.hasobject:
            continue
        name = member.filename.removesuffix(".npy")
        if member.compress_type not in PACKED_BY:
            raise HsiError(f"{path} packs '{shown(name)}' as NumPy never does: save it with numpy.savez_compressed.")
        require_held(path, header.shape, header.dtype, stored=member.file_size - header.start, packed=False, name=name)
        found[name] = member, header
    return found


def _header(stream: IO[bytes]) -> Header:
    """What stands in front of the numbers, which is read in full however long it says that it is."""
    head = io.BytesIO(stream.read(HEAD))
    version = npy_format.read_magic(head)
    # version 3 differs from 2 only in how it spells the names of fields, and arrays with fields are no images
    read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    shape, by_columns, dtype = read(head)
    return Header(tuple(map(int, shape)), by_columns, dtype, head.tell())
