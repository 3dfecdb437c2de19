"""Labels from polygons and points: drawn on the scene's grid, and which polygon each pixel comes from."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import label
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hsi.errors import HsiError, NotInstalled
from hsi.scenes.label_image import Grid, LabelImage
from hsi.scenes.layers import listed, read_layer
from hsi.scenes.shapes import POINT, POLYGON, Parts, parts_in_scene

TOUCHING = 0.01  # pixels: corners that were snapped onto an edge in one projection miss it by a hair in another
FAR = 1e6  # pixels from the scene, beyond which a polygon is cut before it is drawn


def draw_layer(
    source: str | Path, grid: Grid, *, key: str | None = None, field: str | None = None, all_touched: bool = False
) -> LabelImage:
    """Read polygons and points with a class each, and draw them on the scene's grid.

    A polygon labels the pixels whose middle it covers, or with `all_touched` all that it touches; a point labels its
    pixel. Pixels claimed by two classes are unlabelled.

    `polygons` of the result numbers what was drawn by itself: a multi-part feature counts as its parts; parts of one
    class that overlap, touch or claim the same pixel are one, and so are points of one class whose pixels touch, if
    only at corners. The numbers follow the order of the file.

    Parameters
    ----------
    key, field
        see `hsi.scenes.layers.read_layer`.

    Raises
    ------
    HsiError
        What `read_layer` raises; a scene without a place on the ground; lines; a layer that does not overlap
        the scene or labels no pixel. NotInstalled: no geopandas or rasterio.
    """
    path = Path(source).expanduser()
    layer = read_layer(path, key, field)
    notes: list[str] = []
    parts = parts_in_scene(layer, path, grid, notes)
    unit = _units(parts, grid)
    pixels, of_part = _pixels(parts, grid, all_touched)
    unit = _merged(unit, parts.values, pixels, of_part)
    _tell_uncovered(parts, unit, of_part, all_touched, path, notes)
    labels, polygons = _drawn(parts, unit, pixels, of_part, grid, notes)
    notes.insert(
        0,
        f"{path.name}: {int(polygons.max()):,} separate polygons or groups of points of "
        f"{len(np.unique(labels[labels != 0]))} classes, out of {len(np.unique(parts.features)):,} features",
    )
    return LabelImage(labels, layer.classes, polygons, layer.files, tuple(notes))


def _units(parts: Parts, grid: Grid) -> np.ndarray:
    """(N,) number of the polygon, or group of touching points, that each part belongs to, by the order of the parts."""
    import shapely

    polygon = np.flatnonzero(shapely.get_type_id(parts.shapes) == POLYGON)
    shapes = parts.shapes[polygon]
    one, other = polygon[shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=TOUCHING)]
    same = parts.values[one] == parts.values[other]
    links = [np.stack([one[same], other[same]])]
    point = np.flatnonzero(shapely.get_type_id(parts.shapes) == POINT)
    row, col = _pixel_of(parts.shapes[point])
    for value in np.unique(parts.values[point]):
        chosen = parts.values[point] == value
        marked = np.zeros(grid.shape, dtype=bool)
        marked[row[chosen], col[chosen]] = True
        group = label(marked, np.ones((3, 3)))[0][row[chosen], col[chosen]]
        _, first = np.unique(group, return_index=True)
        links.append(np.stack([point[chosen], point[chosen][first[group - 1]]]))
    return _joined(len(parts.shapes), np.concatenate(links, axis=1))


def _pixel_of(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import shapely

    return np.floor(shapely.get_y(points)).astype(np.int64), np.floor(shapely.get_x(points)).astype(np.int64)


def _joined(count: int, links: np.ndarray) -> np.ndarray:
    """(count,) number of the component of each of `count` things, given pairs (2, M), numbered by first appearance."""
    graph = coo_array((np.ones(links.shape[1], dtype=bool), (links[0], links[1])), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    return _renumbered(component)


def _renumbered(numbers: np.ndarray) -> np.ndarray:
    """(N,) int64: 0 for the number that comes first, 1 for the next new one, and so on."""
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _pixels(parts: Parts, grid: Grid, all_touched: bool) -> tuple[np.ndarray, np.ndarray]:
    """Flat numbers (M,) of the pixels that the parts cover, and (M,) which part; a pixel comes once for each part."""
    import shapely

    covered = []
    for shape, kind in zip(parts.shapes, shapely.get_type_id(parts.shapes), strict=True):
        if kind == POINT:
            row, col = _pixel_of(shape)
            covered.append(np.atleast_1d(row * grid.cols + col))
        else:
            covered.append(covered_pixels(shape, grid, all_touched))
    return np.concatenate(covered), np.repeat(np.arange(len(covered)), [len(pixels) for pixels in covered])


def covered_pixels(polygon: Any, grid: Grid, all_touched: bool = False) -> np.ndarray:
    """Flat numbers (N,) int64, ascending, of the pixels of a grid whose middle a polygon covers, or that it touches.

    Parameters
    ----------
    polygon
        a shapely polygon in pixels, see `Parts`.
    """
    import shapely

    try:
        from rasterio import Affine
        from rasterio.features import rasterize
    except ImportError as error:
        raise NotInstalled('polygons are drawn by the package rasterio: pip install "hsi[geo]"') from error
    if np.abs(polygon.bounds).max() > FAR + max(grid.shape):
        polygon = shapely.clip_by_rect(polygon, -FAR / 2, -FAR / 2, grid.cols + FAR / 2, grid.rows + FAR / 2)
    left, top, right, bottom = polygon.bounds
    # a pixel more on each side: a border that runs between two pixels may touch either
    first_col, first_row = max(0, int(np.floor(left)) - 1), max(0, int(np.floor(top)) - 1)
    cols = min(grid.cols, int(np.ceil(right)) + 1) - first_col
    rows = min(grid.rows, int(np.ceil(bottom)) + 1) - first_row
    if rows < 1 or cols < 1:
        return np.empty(0, dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that pixels as coordinates are no georeference
        drawn = rasterize(
            [(polygon, 1)],
            out_shape=(rows, cols),
            transform=Affine.translation(first_col, first_row),
            all_touched=all_touched,
            dtype="uint8",
        )
    row, col = np.nonzero(drawn)
    pixels: np.ndarray = (row + first_row) * grid.cols + col + first_col
    return pixels


def _merged(unit: np.ndarray, values: np.ndarray, pixels: np.ndarray, of_part: np.ndarray) -> np.ndarray:
    """Units (N,) of the parts, those of one class joined that claim the same pixel."""
    order = np.lexsort((pixels, values[of_part]))
    part, pixel = of_part[order], pixels[order]
    shared = (pixel[1:] == pixel[:-1]) & (values[part[1:]] == values[part[:-1]])
    joined = _joined(len(unit), np.stack([unit[part[1:][shared]], unit[part[:-1][shared]]]))
    return joined[unit]


def _tell_uncovered(
    parts: Parts, unit: np.ndarray, of_part: np.ndarray, all_touched: bool, path: Path, notes: list[str]
) -> None:
    """Name the polygons that cover no pixel."""
    lost = ~np.isin(unit, unit[of_part])
    if not lost.any():
        return
    where = "no pixel" if all_touched else "the middle of no pixel"
    advice = "draw them larger" if all_touched else "draw them larger, or set scene.all_touched=true"
    count = len(np.unique(unit[lost]))
    sentence = f"{count:,} polygons of {path.name} cover {where} ({listed(parts.features[lost])}): {advice}"
    if lost.all():
        raise HsiError(sentence)
    notes.append(sentence)


def _drawn(
    parts: Parts, unit: np.ndarray, pixels: np.ndarray, of_part: np.ndarray, grid: Grid, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Labels (rows, cols) int64 and polygons (rows, cols) int32; pixels that two classes claim are in neither."""
    labels, polygons = np.zeros(grid.shape, dtype=np.int64), np.zeros(grid.shape, dtype=np.int32)
    values = parts.values[of_part]
    labels.ravel()[pixels] = values
    clashes = np.unique(pixels[labels.ravel()[pixels] != values])
    clashing = np.isin(pixels, clashes)
    labels.ravel()[clashes] = 0
    if len(clashes):
        notes.append(
            f"{len(clashes):,} pixels are claimed by two classes ({listed(parts.features[of_part[clashing]])}): they "
            "are unlabelled"
        )
    # by the order of the parts, so that the numbers are those of the file's order
    polygons.ravel()[pixels[~clashing]] = _renumbered(unit[of_part[~clashing]]) + 1
    return labels, polygons
