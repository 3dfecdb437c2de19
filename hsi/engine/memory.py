"""Memory that is free goes back to the system."""

import ctypes
from functools import cache
from typing import Any


def give_back() -> None:
    """Give back what is free in the heap of the process, wherever it lies; does nothing where the C library cannot.

    What one block of a scene leaves behind fits the next one badly, so that the heap would grow from block to block.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    try:
        return ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):
        return None
