"""The polygons and points of a layer in pixels of a scene: simple, valid, with the class of their feature."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hsi.errors import HsiError, shown
from hsi.georeference import Georeference
from hsi.scenes.coordinates import crs_name, parse_crs, placed, to_pixels
from hsi.scenes.label_image import Grid
from hsi.scenes.layers import Layer, listed

FARTHEST = 1e15  # of coordinates; the Earth has 4e7 metres around it

POINT, LINE, RING, POLYGON = range(4)  # shapely's numbers


@dataclass(frozen=True, eq=False)
class Parts:
    """Simple polygons and points in pixels of the scene.

    Parameters
    ----------
    shapes
        (N,) of shapely: x the column, y the row; the middle of pixel (row, col) is at (col + 0.5, row + 0.5).
    features
        (N,) int64, the number of the feature that each is part of.
    values
        (N,) int64, the label value of each.
    """

    shapes: np.ndarray
    features: np.ndarray
    values: np.ndarray

    def only(self, chosen: np.ndarray) -> "Parts":
        """Those with these numbers, or for which (N,) bool holds."""
        return Parts(self.shapes[chosen], self.features[chosen], self.values[chosen])


def parts_in_scene(layer: Layer, path: Path, grid: Grid, notes: list[str]) -> Parts:
    """The simple polygons and points of a layer that have a class and overlap the scene, in its pixels.

    What is left out, mended or reprojected is said in `notes`.

    Raises HsiError: a scene without a place on the ground; lines; no class at all; a layer beside the scene.
    """
    if grid.georeference is None:
        raise HsiError(
            f"{path} holds places on the ground and the scene has none: give the cube with its georeference, as "
            "GeoTIFF or as ENVI with map info"
        )
    parts = _parts(layer, path, notes)
    found = _inside(_on_grid(parts, layer, path, grid.georeference, notes), path, grid)
    if len(beyond := np.setdiff1d(parts.features, found.features)):
        notes.append(f"{len(beyond):,} features of {path.name} lie outside the scene ({listed(beyond)})")
    return found


def _parts(layer: Layer, path: Path, notes: list[str]) -> Parts:
    """The simple polygons and points of the features that have a class, valid, in the layer's coordinates."""
    import shapely

    if not len(layer.features):
        raise HsiError(f"{path} holds no feature: draw polygons or points in it")
    unclassed = layer.values == 0
    if unclassed.all():
        raise HsiError(
            f"{path}: none of its {len(unclassed):,} features has a class: fill the column in, or choose another one "
            "with scene.label_field="
        )
    if unclassed.any():
        notes.append(
            f"{int(unclassed.sum()):,} of {len(unclassed):,} features of {path.name} have no class and label nothing "
            f"({listed(layer.features[unclassed])})"
        )
    empty = (shapely.is_missing(layer.geometries) | shapely.is_empty(layer.geometries)) & ~unclassed
    if empty.any():
        notes.append(
            f"features of {path.name} without a geometry that can be read label nothing "
            f"({listed(layer.features[empty])})"
        )
    whole = Parts(layer.geometries, layer.features, layer.values).only(~unclassed & ~empty)
    parts = _taken_apart(Parts(shapely.force_2d(whole.shapes), whole.features, whole.values))
    if not len(parts.shapes):
        raise HsiError(f"{path} holds no geometry that can be read: draw the polygons or points again")
    kinds = shapely.get_type_id(parts.shapes)
    if (lines := np.isin(kinds, (LINE, RING))).any():
        raise HsiError(
            f"{path} holds lines ({listed(parts.features[lines])}), which cover no pixels: draw polygons or points, or "
            "turn the lines into polygons with a buffer"
        )
    return _mended(parts, path, notes)


def _taken_apart(parts: Parts) -> Parts:
    """Multi-part shapes and collections, also nested ones, as their parts."""
    import shapely

    while (shapely.get_type_id(parts.shapes) > POLYGON).any():
        shapes, source = shapely.get_parts(parts.shapes, return_index=True)
        parts = Parts(shapes, parts.features[source], parts.values[source])
    return parts


def _mended(parts: Parts, path: Path, notes: list[str]) -> Parts:
    """Polygons that cross themselves made valid; what is left of them without area is dropped."""
    import shapely

    points, source = shapely.get_coordinates(parts.shapes, return_index=True)
    wrong = ~shapely.is_valid(parts.shapes) & _near(points, source, len(parts.shapes))
    if not wrong.any():
        return parts
    shapes = parts.shapes.copy()
    shapes[wrong] = shapely.make_valid(shapes[wrong])
    taken = _taken_apart(Parts(shapes, np.arange(len(shapes)), parts.values))
    was = taken.features  # numbers of the parts before mending
    kept = ~wrong[was] | (shapely.get_type_id(taken.shapes) == POLYGON)
    notes.append(f"polygons of {path.name} that cross themselves were mended ({listed(parts.features[wrong])})")
    lost = wrong & ~np.isin(np.arange(len(shapes)), was[kept])
    if lost.any():
        sentence = f"polygons of {path.name} without area label nothing ({listed(parts.features[lost])})"
        if lost.all():
            raise HsiError(f"{sentence}: draw them again")
        notes.append(sentence)
    return Parts(taken.shapes, parts.features[was], taken.values).only(kept)


def _on_grid(parts: Parts, layer: Layer, path: Path, place: Georeference, notes: list[str]) -> Parts:
    """The parts in pixels of the scene, without those that its coordinate reference system does not reach."""
    import shapely

    convert = _conversion(layer.crs, place.crs, path, notes)
    points, source = shapely.get_coordinates(parts.shapes, return_index=True)
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore")  # of coordinates beyond the projection
        moved = to_pixels(convert(points), placed(place, "the scene"))
    near = _near(moved, source, len(parts.shapes))
    found = parts.only(near)
    return replace(found, shapes=shapely.set_coordinates(found.shapes, moved[near[source]]))


def _near(points: np.ndarray, source: np.ndarray, count: int) -> np.ndarray:
    """(count,) bool: which shapes have no corner at infinity, or so far off that products of coordinates are.

    `source`, (N,), is the shape that each of the points (N, 2) belongs to.
    """
    far = ~(np.abs(points) < FARTHEST).all(axis=1)  # NaN is
    return ~np.isin(np.arange(count), source[far])


def _conversion(layer_crs: Any, scene_crs: str | None, path: Path, notes: list[str]) -> Any:
    """What takes points (N, 2) of the layer to the scene's coordinate reference system."""
    if layer_crs is None:
        notes.append(f"{path.name} names no coordinate reference system: taken to be in that of the scene")
        return lambda points: points
    if scene_crs is None:
        raise HsiError(
            f"{path} is in {layer_crs.name} and the scene names no coordinate reference system: give the cube one, for "
            "instance with gdal_edit.py -a_srs EPSG:<number>"
        )
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    goal = parse_crs(scene_crs, "the scene")
    if layer_crs.equals(goal, ignore_axis_order=True):
        return lambda points: points
    notes.append(f"{path.name} is brought from {layer_crs.name} to {goal.name}, the system of the scene")
    try:
        transformer = Transformer.from_crs(layer_crs, goal, always_xy=True)
    except ProjError as error:
        raise HsiError(
            f"{path} is in {shown(layer_crs.name)}, from which no way leads to {shown(goal.name)}, the system of the "
            "scene: correct the coordinate reference system of one of them"
        ) from error
    return lambda points: np.stack(transformer.transform(points[:, 0], points[:, 1]), axis=1)


def _inside(parts: Parts, path: Path, grid: Grid) -> Parts:
    """The parts that overlap the scene."""
    import shapely

    left, top, right, bottom = shapely.bounds(parts.shapes).T
    found = (left < grid.cols) & (right >= 0) & (top < grid.rows) & (bottom >= 0)
    if not found.any():
        where = crs_name(grid.georeference.crs if grid.georeference else None)
        raise HsiError(
            f"{path} does not overlap the scene, which is in {where}: check the coordinate reference systems of both, "
            "and that the layer is of this place"
        )
    return parts.only(found)
