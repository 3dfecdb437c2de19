"""Who trains, who validates, who tests.

A `Split` gives each pixel one role, so no pixel can have two. It is saved with every run, and its hash ties each
result to the pixels it was measured on. The ways to split a scene are in `hsi.splits`, one a file; what they share,
counting, is here.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from hsi import files
from hsi.errors import HsiError
from hsi.splits.distance import distance_to

UNUSED, TRAIN, VALIDATION, TEST = range(4)


@dataclass(frozen=True)
class Split:
    """Roles of the pixels.

    Parameters
    ----------
    role
        (rows, cols) uint8: 0 unused, 1 train, 2 validation, 3 test.
    region
        (rows, cols) uint8 or None: windows are masked to the region of their middle pixel.
    notes
        What the split had to decide, a sentence each, for instance about classes that are too small.
    """

    role: np.ndarray
    region: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    def pixels(self, role: int) -> np.ndarray:
        """Flat numbers (N,) int64 of the pixels with this role, ascending."""
        return np.flatnonzero(self.role == role)

    def part(self, rows: slice, cols: slice) -> "Split":
        """The split of a part of the scene."""
        return Split(self.role[rows, cols], None if self.region is None else self.region[rows, cols], self.notes)

    @cached_property
    def to_training(self) -> np.ndarray:
        """The distance (rows, cols) int32 of each pixel to the nearest that trains, of any region, as `distance_to`."""
        return distance_to(self.role == TRAIN)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over shape, roles and regions, in hexadecimal."""
        digest = hashlib.sha256(repr(self.role.shape).encode())
        digest.update(np.ascontiguousarray(self.role, dtype=np.uint8).tobytes())
        if self.region is not None:
            digest.update(np.ascontiguousarray(self.region, dtype=np.uint8).tobytes())
        return digest.hexdigest()


def save_split(path: Path, split: Split) -> None:
    """Write role, region (an empty array where there is none) and hash."""
    region = np.empty(0, np.uint8) if split.region is None else split.region
    files.write_arrays(path, role=split.role, region=region, hash=np.array(split.hash))


def load_split(path: Path) -> Split:
    """Read a split that a run has saved.

    Raises HsiError: a missing or damaged file, or one whose hash does not match.
    """
    role, region, written = files.read_arrays(path, "role", "region", "hash")
    if any(image.dtype != np.uint8 for image in (role, region)) or role.ndim != 2 or region.ndim > 2:
        raise HsiError(f"{path} holds no roles of pixels: it is damaged, repeat the run with force=true")
    split = Split(role, region if region.size else None)
    if str(written) != split.hash:
        raise HsiError(f"{path} was changed after it was written: its hash does not match its roles")
    return split
