"""Files that hold several arrays, each under a name: which one is meant."""

from collections.abc import Mapping
from pathlib import Path

from hsi.errors import HsiError, shown

LISTED = 30  # names that a sentence has room for


def choose_key(path: Path, shapes: Mapping[str, tuple[int, ...]], key: str | None, ndim: int, option: str) -> str:
    """Return `key`, checked, or the only key whose array is an image of the right rank.

    Parameters
    ----------
    path
        of the file, for messages.
    shapes
        name -> shape of its numeric arrays.
    key
        what the user asked for, or None.
    ndim
        3 for a cube, 2 for a label image.
    option
        what messages call the key.

    Raises
    ------
    HsiError
        No such array, none that fits or several.
    """
    if key is None:
        # MATLAB stores scalars and vectors as 1 x n: they are no candidates for an image.
        fitting = [name for name, shape in shapes.items() if len(shape) == ndim and min(shape) > 1]
        if len(fitting) != 1:
            raise HsiError(
                f"{path} has {len(fitting) or 'no'} arrays with {ndim} dimensions, it holds: {listing(shapes)}; "
                f"name the right one with {option}=."
            )
        key = fitting[0]
    elif key not in shapes:
        raise HsiError(
            f"{path} has no array '{shown(key)}', it holds: {listing(shapes)}; set {option} to one of these."
        )
    return key


def listing(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Names and shapes for a sentence, images before vectors."""
    images_first = sorted(shapes.items(), key=lambda item: -len(item[1]))
    named = [f"{shown(name, 120)} {shape}" for name, shape in images_first[:LISTED]]
    rest = [f"and {len(shapes) - LISTED} more"] if len(shapes) > LISTED else []
    return ", ".join(named + rest) or "no numeric array"
