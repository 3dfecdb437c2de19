"""Where two descriptions of a run differ: what was written, and what was found again."""

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from hsi.errors import shown
from hsi.runs.identity import flatten

TOLERANCE = 1e-9  # of figures that were written as decimal numbers
LONGEST = 64  # signs of a value in a message: a hash


def differences(written: Mapping[str, Any], found: Mapping[str, Any], besides: Collection[str] = ()) -> Iterator[str]:
    """A line for each key that is not as it was found, nested ones as dotted words.

    Numbers agree within 1e-9. Keys of the top that are named in `besides` only have to be there.
    """
    for key in sorted({*map(str, written)} ^ {*found}):
        yield f"{shown(key)} is missing" if key in found else f"{shown(key)} is there, which no run writes"
    both = [key for key in found if key in written]
    ours, theirs = (flatten({key: tree[key] for key in both if key not in besides}) for tree in (found, written))
    for key in sorted(ours | theirs):
        if (key in ours) != (key in theirs) or not agree(theirs[key], ours[key]):
            yield f"{shown(key)}: {_told(key, theirs)} written, {_told(key, ours)} found"
    for key in besides:
        if key in both and type(written[key]) is not type(found[key]):
            yield f"{key}: {shown(written[key], LONGEST)} written, which is no value of a run"


def agree(written: Any, found: Any, tolerance: float = TOLERANCE) -> bool:
    """Whether two values of a JSON file are the same, numbers within a tolerance (relative and absolute)."""
    if isinstance(written, list) and isinstance(found, list):
        return len(written) == len(found) and all(agree(w, f, tolerance) for w, f in zip(written, found, strict=True))
    if isinstance(written, dict) and isinstance(found, dict):
        return written.keys() == found.keys() and all(agree(written[key], found[key], tolerance) for key in written)
    if isinstance(written, bool) or isinstance(found, bool):
        return written is found
    if isinstance(written, int | float) and isinstance(found, int | float):
        return math.isclose(written, found, rel_tol=tolerance, abs_tol=tolerance)
    return bool(written == found)


def _told(key: str, flat: Mapping[str, Any]) -> str:
    return shown(flat[key], LONGEST) if key in flat else "nothing"
