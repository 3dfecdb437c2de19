"""The numeric arrays of MATLAB files before version 7.3, which are found by the structure of the file and read alone.

"MAT-File Format", MathWorks, levels 4 and 5. Cells, structs, objects, text and sparse matrices are stepped over: scipy,
which reads them, crashes on crafted ones. Nothing is read or unpacked beyond what the shape of an array needs.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hsi.errors import HsiError, shown

# Level 5: types of elements; classes of arrays from 6 to 15 are those of numbers
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
MATRIX, COMPRESSED, SIGNED, UNSIGNED = 14, 15, 5, 6
NUMERIC = range(6, 16)
IS_COMPLEX = 0x08  # among the flags
# Level 4: hundreds of the type are 0 in files of today, tens are the type of the numbers, ones what the matrix is
OLD = ("f8", "f4", "i4", "i2", "u2", "u1")
HEAD = 8192  # bytes that flags, shape and name take; MATLAB's names have 63 at most
LONGEST_NAME = 256


@dataclass(frozen=True)
class Numbers:
    """Where an array of real numbers lies in a file.

    Parameters
    ----------
    shape
        its axes, the first changes fastest.
    dtype
        as stored, which may be narrower than in MATLAB, in the byte order of the file.
    place, length
        the first byte and the number of bytes of what holds it.
    start
        the first byte of its numbers in there, once it is unpacked.
    packed
        whether it is compressed.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    place: int
    length: int
    start: int
    packed: bool

    @property
    def nbytes(self) -> int:
        """Bytes of its numbers."""
        return math.prod(self.shape) * self.dtype.itemsize


def numeric_arrays(path: Path) -> dict[str, Numbers]:
    """Name -> array of real numbers.

    Raises HsiError: no such file; struct.error, ValueError and zlib.error: damage.
    """
    with path.open("rb") as stream:
        start = stream.read(128)
        if 0 in start[:4]:
            variables = _of_level_4(stream)
        elif len(start) == 128 and start[126:] in (b"IM", b"MI"):
            variables = _of_level_5(stream, "<" if start[126:] == b"IM" else ">")
        else:
            raise HsiError(
                f"{path} cannot be read: it is no MATLAB file, or damaged or cut short, fetch or copy it again."
            )
        found: dict[str, Numbers] = {}
        for name, numbers in variables:
            if name in found:
                raise HsiError(f"{path} holds two arrays called '{shown(name)}': save them under different names.")
            found[name] = numbers
        return found


def read_numbers(path: Path, numbers: Numbers) -> np.ndarray:
    """The array, in the order of its file.

    Raises zlib.error and ValueError: damage.
    """
    with path.open("rb") as stream:
        stream.seek(numbers.place)
        if not numbers.packed:
            stream.seek(numbers.start, 1)
            content = stream.read(numbers.nbytes)
        else:
            unpack = zlib.decompressobj()
            end = numbers.start + numbers.nbytes
            content = unpack.decompress(stream.read(numbers.length), end)
            unpack.decompress(unpack.unconsumed_tail, 8)  # what fills the last eight bytes, and compares the checksum
    values = np.frombuffer(content, numbers.dtype, offset=numbers.start if numbers.packed else 0)
    return values.reshape(numbers.shape, order="F")


def _of_level_5(stream: BinaryIO, order: str) -> Iterator[tuple[str, Numbers]]:
    place = 128
    while len(tag := stream.read(8)) == 8:
        kind, length = struct.unpack(f"{order}II", tag)
        content = stream.read(min(length, HEAD))
        packed = kind == COMPRESSED
        if packed:
            content = zlib.decompressobj().decompress(content, HEAD)
            kind, content = struct.unpack(f"{order}I", content[:4])[0], content[8:]
        if kind != MATRIX:
            raise ValueError(f"an element of type {kind} in the place of an array")
        if (found := _head(content, order)) is not None:
            name, shape, dtype, start = found
            yield name, Numbers(shape, dtype, place + 8, length, start + 8 * packed, packed)
        place += 8 + length
        stream.seek(place)
    if place > stream.seek(0, 2):
        raise ValueError(f"the last array needs {place} bytes")


def _head(content: bytes, order: str) -> tuple[str, tuple[int, ...], np.dtype, int] | None:
    """Name, shape, dtype and first byte of the numbers of an array, None where it is none of real numbers."""
    kind, start, length, place = _element(content, 0, order)
    flags = struct.unpack_from(f"{order}I", content, start)[0]
    if kind != UNSIGNED or length != 8:
        raise ValueError("an array without flags")
    if flags & 0xFF not in NUMERIC or flags >> 8 & IS_COMPLEX:
        return None
    kind, start, length, place = _element(content, place, order)
    shape = struct.unpack_from(f"{order}{length // 4}i", content, start)
    if kind != SIGNED or len(shape) < 2 or min(shape) < 0:
        raise ValueError(f"an array of shape {shape}")
    _, start, length, place = _element(content, place, order)
    if length > LONGEST_NAME:
        raise ValueError(f"an array with a name of {length} bytes")
    name = content[start : start + length].decode("latin-1")
    if not name or 0 in shape:  # what MATLAB keeps for itself, and arrays without numbers
        return None
    kind, start, length, _ = _element(content, place, order)
    if kind not in STORED:
        raise ValueError(f"numbers of type {kind}")
    dtype = np.dtype(order + STORED[kind])
    if length != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{length} bytes for an array of shape {shape}")
    return name, shape, dtype, start


def _element(content: bytes, place: int, order: str) -> tuple[int, int, int, int]:
    """Type, first byte and number of bytes of the element at `place`, and the place of the next one."""
    kind, length = struct.unpack_from(f"{order}II", content, place)
    if kind >> 16:  # a short one, in the second half of its own tag
        return kind & 0xFFFF, place + 4, kind >> 16, place + 8
    return kind, place + 8, length, place + 8 + length + -length % 8


def _of_level_4(stream: BinaryIO) -> Iterator[tuple[str, Numbers]]:
    place = 0
    end = stream.seek(0, 2)
    stream.seek(0)
    order = "<" if struct.unpack("<I", stream.read(4))[0] < 5000 else ">"
    while place < end:
        stream.seek(place)
        kind, rows, cols, imaginary, length = struct.unpack(f"{order}5i", stream.read(20))
        order_of_kind, kind = divmod(kind, 1000)
        if order_of_kind != (order == ">") or kind % 10 > 2 or kind // 10 >= len(OLD) or min(rows, cols) < 0:
            raise ValueError(f"a matrix of type {kind} and shape {(rows, cols)}")
        if not 0 < length <= LONGEST_NAME:
            raise ValueError(f"a matrix with a name of {length} bytes")
        name = stream.read(length).rstrip(b"\0").decode("latin-1")
        numbers = Numbers((rows, cols), np.dtype(order + OLD[kind // 10]), place, 20 + length, 20 + length, False)
        place += numbers.start + numbers.nbytes * (2 if imaginary else 1)
        if place > end:
            raise ValueError(f"'{shown(name)}' needs {place} bytes")
        if kind % 10 == 0 and not imaginary:
            yield name, numbers
