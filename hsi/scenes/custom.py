"""A scene from the user's own files."""

from collections.abc import Sequence
from typing import Any

from hsi.config.values import FilePath, Switch, Text
from hsi.scene import Scene
from hsi.scenes.assemble import assemble_raster
from hsi.scenes.description import describe
from hsi.scenes.formats import read_raster
from hsi.scenes.label_image import Grid
from hsi.scenes.label_sources import read_labels


def load_custom(
    cube: FilePath,
    labels: FilePath | Sequence[FilePath] | None = None,
    cube_key: Text | None = None,
    labels_key: Text | None = None,
    label_field: Text | None = None,
    all_touched: Switch = False,
    **details: Any,
) -> Scene:
    """Load a scene from the user's own files, see `hsi.scenes.formats` and `hsi.scenes.label_sources`.

    Parameters
    ----------
    cube
        file with the cube (rows, cols, bands); relative paths count from the current directory.
    labels
        label image, several masks, or polygons; None for a scene that is only mapped.
    cube_key
        array name in a file of several arrays; None takes the only one with 3 dimensions.
    labels_key
        likewise for the labels, with 2 dimensions; of a GeoPackage the layer.
    label_field
        field of the polygons that names their class.
    all_touched
        take every pixel that a polygon touches, not only those whose middle lies in it.
    details
        fields of `hsi.scenes.description.Description`; what is None is taken from the files, if they say it.

    Raises
    ------
    HsiError
        Any fault in the files or in what was said about them.
    """
    about = describe(**details)  # before the files are read: a large cube takes its time
    raster = read_raster(cube, cube_key, ndim=3)
    image = None
    if labels is not None:
        grid = Grid(raster.array.shape[0], raster.array.shape[1], raster.georeference)
        image = read_labels(labels, grid, key=labels_key, field=label_field, all_touched=all_touched)
    return assemble_raster(raster, image, about)
