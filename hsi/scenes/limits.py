"""The guard of all readers: can a file hold what it declares? It is asked before anything is allocated."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hsi.errors import HsiError, shown

CAP = 256 * 2**20  # bytes that an array may take, however small its compressed file
DENSEST = 100  # bytes that a byte of a larger file becomes at most: real images compress by far less
PIXEL = 8  # bytes that a scene takes for each pixel, whatever its cube holds: its labels are int64


def require_held(
    path: Path, shape: Sequence[int], dtype: np.dtype, *, stored: int | None = None, packed: bool = True, name: str = ""
) -> None:
    """Raise HsiError unless a file can hold an array.

    Parameters
    ----------
    path, name
        the file, and what it calls the array, for messages.
    stored
        bytes that the file has for it; None for all of its own.
    packed
        whether they may be compressed, or left out where they are all the same.
    """
    found = path.stat().st_size if stored is None else stored
    if min(shape, default=1) < 0 or math.prod(shape) * dtype.itemsize > _most(found, packed):
        what = f"'{shown(name)}' has" if name else "it has an image of"
        raise HsiError(_refusal(path, f"{what} shape {tuple(shape)}", found))


def require_pixels(path: Path, rows: int, cols: int, stored: int) -> None:
    """Raise HsiError for a cube of so many pixels that a scene of it takes too much; `stored` as in `require_held`."""
    if rows * cols * PIXEL > _most(stored, packed=True):
        raise HsiError(_refusal(path, f"its image has {rows} x {cols} pixels", stored))


def _most(found: int, packed: bool) -> int:
    """How many bytes an array may take that has `found` bytes in a file."""
    return max(CAP, DENSEST * found) if packed and found else found


def _refusal(path: Path, what: str, found: int) -> str:
    return (
        f"{path} says that {what}, more than its {found} bytes can hold: it is damaged, cut short or was never filled, "
        "fetch or copy it again, or save it without compression."
    )
