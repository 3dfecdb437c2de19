"""NumPy files: .npy, of which only what is asked for is read, and .npz. Pickled objects are refused."""

import math
import zipfile
from pathlib import Path

import numpy as np

from hsi.errors import HsiError, shown
from hsi.files import PACKED_BY, NpyHeader, array_of, npy_header
from hsi.scenes.archives import choose_key
from hsi.scenes.limits import require_held
from hsi.scenes.raster import Raster
from hsi.scenes.raw import Plain, plain_cube

MOST = 10_000  # files in an archive, each of which is looked at
HEAD = 2**16  # bytes that are read for a header, however long it says that it is; that of an image has 128


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
        header = npy_header(stream.read(HEAD))
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
    return Raster(array_of(content), (path,))


def names_in_archive(path: Path) -> tuple[str, ...]:
    """Names of the arrays in an .npz file.

    Raises HsiError: one that has not the bytes that its header promises, or is packed in a foreign way.
    """
    with zipfile.ZipFile(path) as archive:
        return tuple(_members(path, archive))


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, tuple[zipfile.ZipInfo, NpyHeader]]:
    """Each array by its name; those of pickled objects are passed over."""
    found = {}
    if len(archive.infolist()) > MOST:
        raise HsiError(f"{path} holds more than {MOST:,} files: copy the arrays that matter into a new archive.")
    for member in archive.infolist():
        if not member.filename.endswith(".npy"):
            continue
        with archive.open(member) as stream:
            header = npy_header(stream.read(HEAD))
        if header.dtype.hasobject:
            continue
        name = member.filename.removesuffix(".npy")
        if member.compress_type not in PACKED_BY:
            raise HsiError(f"{path} packs '{shown(name)}' as NumPy never does: save it with numpy.savez_compressed.")
        require_held(path, header.shape, header.dtype, stored=member.file_size - header.start, packed=False, name=name)
        found[name] = member, header
    return found
