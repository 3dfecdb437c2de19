"""Cubes that lie in a file as plain numbers, in any order of their axes.

They are read piece by piece, not mapped into memory: pages of a map count as memory of the process, and a file that is
cut while it is mapped ends the process.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

import numpy as np

from hsi.cube import LazyCube
from hsi.errors import HsiError

CHUNK = 4 * 2**20  # bytes read at once: a disk is busy with them, and the memory does not notice
SHORT_LINE = 16 * 2**10  # bytes that are read faster than jumped over


@dataclass(frozen=True)
class Plain:
    """Where the numbers of a cube lie.

    Parameters
    ----------
    file, offset
        the file, and the byte at which they start.
    shape
        (rows, cols, bands).
    dtype
        in the byte order of the file.
    order
        axes of `shape` as they lie in the file, the one that changes last in front: (2, 0, 1) is band by band.
    """

    file: Path
    offset: int
    shape: tuple[int, int, int]
    dtype: np.dtype
    order: tuple[int, int, int]


def plain_cube(plain: Plain, promised_by: str) -> LazyCube:
    """The cube in a file, of which only what is asked for is read.

    Parameters
    ----------
    promised_by
        what says that it is there, for messages.

    Raises
    ------
    HsiError
        The file is shorter than that; later too, where it is cut after this.
    """
    needed = plain.offset + math.prod(plain.shape) * plain.dtype.itemsize
    if (found := plain.file.stat().st_size) < needed:
        raise HsiError(
            f"{plain.file} has {found} bytes where {promised_by} promises {needed}: it is damaged or cut short, fetch "
            "or copy it again."
        )

    def read(rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
        return _read(plain, rows, cols, np.arange(plain.shape[2]) if bands is None else bands)

    return LazyCube(plain.shape, plain.dtype.newbyteorder("="), read)


def _read(plain: Plain, rows: slice, cols: slice, bands: np.ndarray) -> np.ndarray:
    wanted = (np.arange(rows.start, rows.stop), np.arange(cols.start, cols.stop), bands)
    block = np.empty([len(numbers) for numbers in wanted], plain.dtype.newbyteorder("="))
    if block.size == 0:
        return block
    as_in_file = block.transpose(plain.order)
    outer, middle, inner = (wanted[axis] for axis in plain.order)
    _, lines, length = (plain.shape[axis] for axis in plain.order)
    first, last = int(inner[0]), int(inner[-1]) + 1
    line_bytes = length * plain.dtype.itemsize
    if line_bytes <= SHORT_LINE or 2 * (last - first) >= length:
        first, last, at_once = 0, length, max(1, CHUNK // line_bytes)
    else:
        at_once = 1  # line by line, only the part that is asked for
    chosen = slice(inner[0] - first, inner[-1] - first + 1) if _gapless(inner) else inner - first
    with plain.file.open("rb", buffering=0) as stream:
        for place, number in enumerate(outer.tolist()):
            for start, stop in _runs(middle, at_once):
                line = number * lines + int(middle[start])
                stream.seek(plain.offset + (line * length + first) * plain.dtype.itemsize)
                values = _next_values(stream, plain, (stop - start, last - first))
                as_in_file[place, start:stop] = values[:, chosen]
    return block


def _gapless(numbers: np.ndarray) -> bool:
    return int(numbers[-1]) - int(numbers[0]) + 1 == len(numbers)


def _runs(numbers: np.ndarray, longest: int) -> Iterator[tuple[int, int]]:
    """Cut ascending numbers where one is left out, and after `longest`: start and stop of each part."""
    gaps = [0, *(np.flatnonzero(np.diff(numbers) != 1) + 1).tolist(), len(numbers)]
    for start, stop in itertools.pairwise(gaps):
        for part in range(start, stop, longest):
            yield part, min(part + longest, stop)


def _next_values(stream: RawIOBase, plain: Plain, shape: tuple[int, int]) -> np.ndarray:
    values = np.empty(shape, plain.dtype)
    rest = values.reshape(-1).view(np.uint8).data
    while len(rest):
        if not (count := stream.readinto(rest)):
            raise HsiError(
                f"{plain.file} has become shorter since it was opened: it is damaged or cut short, fetch or copy it "
                "again."
            )
        rest = rest[count:]
    return values
