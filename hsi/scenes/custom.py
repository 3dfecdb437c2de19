"""A scene from the user's own files."""

import logging
from typing import Any

from hsi.config.values import FilePath, Text
from hsi.scene import Scene
from hsi.scenes.assemble import assemble, checksums_of
from hsi.scenes.description import describe
from hsi.scenes.formats import read_raster

log = logging.getLogger(__name__)


def load_custom(
    cube: FilePath,
    labels: FilePath | None,
    cube_key: Text | None = None,
    labels_key: Text | None = None,
    **details: Any,
) -> Scene:
    """Load a scene from the user's own files: .mat, .npy, .npz, ENVI .hdr or TIFF, see `hsi.scenes.formats`.

    Parameters
    ----------
    cube
        file with the cube (rows, cols, bands); relative paths count from the current directory.
    labels
        file with the label image (rows, cols), or None for a scene that is only mapped.
    cube_key
        array name in a .mat or .npz file; None takes the only one with 3 dimensions.
    labels_key
        likewise for the labels, with 2 dimensions.
    details
        fields of `hsi.scenes.description.Description`; wavelengths and rgb_bands that are None are those of an ENVI
        header, if any.

    Raises HsiError: any fault in the files or in what was said about them.
    """
    describe(**details)  # before the files are read: a large cube takes its time
    raster = read_raster(cube, cube_key, ndim=3)
    truth = None if labels is None else read_raster(labels, labels_key, ndim=2)
    found = {"wavelengths": raster.wavelengths, "rgb_bands": raster.rgb_bands}
    about = describe(**found | {key: value for key, value in details.items() if value is not None})
    return assemble(
        raster.load(),
        None if truth is None else truth.load(),
        about,
        georeference=raster.georeference,
        checksums=checksums_of([*raster.files, *(truth.files if truth else ())]),
    )
