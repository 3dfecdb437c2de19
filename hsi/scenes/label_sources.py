"""Labels of a scene from whatever holds them: an image, masks of one class each, polygons or points."""

from collections.abc import Sequence
from pathlib import Path

from hsi.errors import HsiError
from hsi.scenes.folders import list_rasters
from hsi.scenes.label_image import Grid, LabelImage
from hsi.scenes.label_rasters import read_label_raster
from hsi.scenes.masks import read_masks
from hsi.scenes.polygons import draw_layer

VECTORS = (".gpkg", ".geojson", ".json", ".shp", ".fgb")


def read_labels(
    source: str | Path | Sequence[str | Path],
    grid: Grid,
    *,
    key: str | None = None,
    field: str | None = None,
    all_touched: bool = False,
) -> LabelImage:
    """Read labels and lay them on the scene's grid.

    Parameters
    ----------
    source
        An image of any format (`hsi.scenes.label_rasters`); binary masks, a list or a folder of them
        (`hsi.scenes.masks`); polygons or points: GeoPackage, GeoJSON, shapefile, FlatGeobuf (`hsi.scenes.polygons`).
    key
        The array's name in a .mat, .npz or HDF5 file, or the layer's in a GeoPackage; None takes the only one.
    field
        Of polygons and points: the column that holds their class; None takes the only one.
    all_touched
        Of polygons: label every pixel that they touch, not those alone whose middle they cover.

    Raises
    ------
    HsiError
        What cannot be read, does not lie where the scene does, or options that mean nothing there.
    """
    if isinstance(source, str | Path) and is_vector(source):
        return draw_layer(source, grid, key=key, field=field, all_touched=all_touched)
    if isinstance(source, str | Path) and Path(source).expanduser().is_dir():
        source = list(list_rasters(source, "scene.labels").values())
    if isinstance(source, str | Path) and not Path(source).expanduser().exists():
        raise HsiError(f"{source} does not exist: check scene.labels (now in {Path.cwd()})")
    if field is not None or all_touched:
        option = "scene.all_touched" if field is None else "scene.label_field"
        raise HsiError(f"{option} is for polygons and points, and scene.labels names images: leave it out")
    if isinstance(source, str | Path):
        return read_label_raster(source, grid, key)
    if drawn := [path for path in source if is_vector(path)]:
        raise HsiError(
            f"scene.labels is a list and {drawn[0]} no image: a list is of masks, an image a class; give polygons as "
            "one file, their classes in a column"
        )
    return read_masks(source, grid, key)


def is_vector(path: str | Path) -> bool:
    """Whether a file holds polygons, points or lines, by its suffix."""
    return Path(path).suffix.lower() in VECTORS
