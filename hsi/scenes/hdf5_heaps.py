"""Global heaps of HDF5 files, in which texts of attributes lie: whether the library can read them to an end.

HDF5 File Format Specification, version 3.0, III.E. The library looks for ever for the end of a heap whose objects do
not fill it, and there is no way to stop it.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from hsi.errors import HsiError

SIGNATURE = b"GCOL\x01\0\0\0"
HEAD = 16  # bytes of a heap, and of an object in it
BLOCK = 2**20  # bytes that are read at once
MOST = 2_000_000  # objects that are looked at


def require_sound_heaps(path: Path) -> None:
    """Raise HsiError for a file with a heap whose objects do not fill it, or with more objects than any file has."""
    looked = 0
    with path.open("rb") as stream:
        for place in _places(stream):
            for sound in _objects(stream, place):
                looked += 1
                if not sound or looked > MOST:
                    raise HsiError(
                        f"{path} cannot be read (the heap of texts at byte {place} has no end): it is damaged, "
                        "fetch or copy it again."
                    )


def _places(stream: BinaryIO) -> Iterator[int]:
    """Where heaps begin, wherever in the file."""
    start, kept = 0, b""
    while True:
        stream.seek(start)
        block = stream.read(BLOCK)
        if not block:
            return
        text = kept + block
        found = text.find(SIGNATURE)
        while found >= 0:
            yield start - len(kept) + found
            found = text.find(SIGNATURE, found + 1)
        kept = text[-len(SIGNATURE) + 1 :]
        start += len(block)


def _objects(stream: BinaryIO, place: int) -> Iterator[bool]:
    """For each object of a heap whether another one can follow it, or the end does."""
    stream.seek(place + len(SIGNATURE))
    left = struct.unpack("<Q", stream.read(8).ljust(8, b"\0"))[0] - HEAD
    place += HEAD
    while left >= HEAD:
        stream.seek(place)
        if len(head := stream.read(HEAD)) < HEAD:
            return  # the file ends first, which the library does see
        number, size = struct.unpack("<H6xQ", head)
        taken = size if number == 0 else HEAD + size + -size % 8
        yield taken == left if number == 0 else taken <= left
        place, left = place + taken, left - taken
