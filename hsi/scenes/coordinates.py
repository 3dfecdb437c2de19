"""Coordinates on the ground, and the pixels of a grid that they fall into."""

import math
from typing import Any

import numpy as np

from hsi.errors import HsiError, NotInstalled, shown
from hsi.georeference import Georeference

Placed = tuple[np.ndarray, np.ndarray]  # (2, 2) linear part and (2,) origin: point = linear @ (col, row) + origin


def has_area(georeference: Georeference) -> bool:
    """Whether pixels have an area by a georeference, and all its numbers are finite."""
    a, b, _, d, e, _ = georeference.transform
    return all(map(math.isfinite, georeference.transform)) and a * e != b * d


def placed(georeference: Georeference, whose: str) -> Placed:
    """Linear part (2, 2) and origin (2,) of a georeference; `whose` names the image in messages.

    Raises HsiError: a transform that maps the image onto a line, or to infinity.
    """
    a, b, c, d, e, f = georeference.transform
    linear, origin = np.array([[a, b], [d, e]], dtype=np.float64), np.array([c, f], dtype=np.float64)
    if not has_area(georeference):
        raise HsiError(
            f"{whose} has the transform {[float(part) for part in georeference.transform]}, by which its pixels "
            "have no area: correct its georeference"
        )
    return linear, origin


def to_pixels(points: np.ndarray, grid: Placed) -> np.ndarray:
    """Columns and rows (N, 2), fractions of pixels included, of points (N, 2) x and y in the grid's own system."""
    linear, origin = grid
    # the origin is taken off first: coordinates have seven digits before the point, and a double has sixteen
    return (points - origin) @ np.linalg.inv(linear).T


def between(one: Placed, other: Placed) -> Placed:
    """Linear part and origin that take columns and rows of `one` grid to those of the `other`.

    Raises HsiError: grids so far apart, or pixels so different, that no number says how.
    """
    with np.errstate(all="ignore"):
        back = np.linalg.inv(other[0])
        linear, origin = back @ one[0], back @ (one[1] - other[1])
    if not (np.isfinite(linear).all() and np.isfinite(origin).all()):
        raise HsiError("the georeferences of two images have no grid in common: correct the one that is wrong")
    return linear, origin


def parse_crs(text: str, whose: str) -> Any:
    """The `pyproj.CRS` of WKT or ``EPSG:<number>``; `whose` names the file in messages.

    Raises HsiError: what is no coordinate reference system. NotInstalled: no pyproj.
    """
    try:
        from pyproj import CRS
        from pyproj.exceptions import CRSError
    except ImportError as error:
        raise NotInstalled(
            'coordinate reference systems are compared by the package pyproj: pip install "hsi[geo]"'
        ) from error
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise HsiError(
            f"{whose} has a coordinate reference system that is not understood ({shown(text)}): correct it, for "
            "instance with gdal_edit.py -a_srs EPSG:<number>"
        ) from error


def same_crs(one: str, other: str, whose: str) -> bool:
    """Whether two descriptions mean one coordinate reference system, however they are written.

    Raises HsiError and NotInstalled as `parse_crs` does, where the descriptions are not the same text.
    """
    if one.strip() == other.strip():
        return True
    first, second = (parse_crs(text, whose) for text in (one, other))
    if first.equals(second, ignore_axis_order=True):
        return True
    number = first.to_epsg()  # names differ between the writers of WKT; this looks at what is meant
    return number is not None and number == second.to_epsg()


def crs_name(text: str | None) -> str:
    """A coordinate reference system as it may stand in a sentence."""
    if text is None:
        return "an unknown coordinate reference system"
    try:
        return shown(parse_crs(text, "it").name)
    except HsiError:
        return shown(text)
