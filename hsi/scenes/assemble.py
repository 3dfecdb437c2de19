"""Where all loaders end: raw arrays, checked, become a scene."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hsi.errors import HsiError
from hsi.files import file_checksum
from hsi.georeference import Georeference
from hsi.scene import Scene
from hsi.scenes.description import Description, describe
from hsi.scenes.labels import name_classes, to_contiguous
from hsi.scenes.valid import treat_nodata


def from_arrays(cube: np.ndarray, labels: np.ndarray | None = None, **details: Any) -> Scene:
    """Make a scene of arrays in memory.

    Parameters
    ----------
    cube
        (rows, cols, bands), integer or floating.
    labels
        (rows, cols), whole numbers >= 0 with 0 for unlabelled; None for a scene that is only mapped.
    details
        fields of `hsi.scenes.description.Description`: name, classes, wavelengths, rgb_bands, ignored_labels,
        invalid.

    Raises HsiError: anything above that does not hold.
    """
    return assemble(np.asarray(cube), None if labels is None else np.asarray(labels), describe(**details))


def assemble(
    cube: np.ndarray,
    labels: np.ndarray | None,
    about: Description,
    *,
    georeference: Georeference | None = None,
    checksums: Mapping[str, str] | None = None,
) -> Scene:
    """Check raw arrays and make a scene of them; where all loaders end.

    Parameters
    ----------
    cube, labels
        see `from_arrays`.
    about
        what is known beside the arrays.
    georeference, checksums
        see `Scene`.

    Raises HsiError: arrays that make no scene, or a description of another one.
    """
    name = about.name
    if cube.ndim != 3 or cube.dtype.kind not in "iuf" or cube.size == 0:
        raise HsiError(
            f"scene {name}: the cube must be (rows, columns, bands) of real numbers, not {cube.dtype} of "
            f"shape {cube.shape}: give another file or key."
        )
    if labels is None:
        labels = np.zeros(cube.shape[:2], dtype=np.int64)
    if labels.shape != cube.shape[:2]:
        raise HsiError(
            f"scene {name}: cube {cube.shape} and labels {labels.shape} differ in rows or columns: "
            "give the files of one scene."
        )
    bands = cube.shape[2]
    spectral = None if about.wavelengths is None else np.asarray(about.wavelengths, dtype=np.float64)
    if spectral is not None and spectral.shape != (bands,):
        raise HsiError(f"scene {name}: {spectral.size} wavelengths for {bands} bands: give one per band, in nm.")
    rgb = _checked_rgb(name, about.rgb_bands, bands)
    indices, values, ignored = to_contiguous(name, labels, about.ignored_labels)
    names, colours = name_classes(name, about.classes, values, ignored)
    # one memory order and byte order, so that equal scenes give equal bytes wherever they come from
    cube = np.ascontiguousarray(cube, dtype=cube.dtype.newbyteorder("="))
    cube, kept = treat_nodata(name, cube, about.invalid)
    if kept.size < bands:
        spectral = None if spectral is None else spectral[kept]
        # a dropped colour band is replaced by its nearest neighbour
        rgb = _checked_rgb(name, rgb and [int(np.abs(kept - band).argmin()) for band in rgb], kept.size)
    return Scene(name, cube, indices, values, names, colours, spectral, georeference, rgb, dict(checksums or {}))


def checksums_of(paths: Sequence[Path]) -> dict[str, str]:
    """Return the SHA-256 of each file, by name; two of one name are told apart by their folders."""
    files = dict.fromkeys(path.absolute() for path in paths)
    names = [path.name for path in files]
    return {
        path.name if names.count(path.name) == 1 else f"{path.parent.name}/{path.name}": file_checksum(path)
        for path in files
    }


def require_classes(scene: Scene) -> None:
    """Check that there is something to learn; predicting does without.

    Raises HsiError: no labelled pixel, or a single class.
    """
    if scene.num_classes == 0:
        raise HsiError(
            f"scene {scene.name}: no pixel is labelled (all labels are 0 or ignored, or there is no label "
            "file), training needs at least two classes: give a label image with scene.labels=."
        )
    if scene.num_classes == 1:
        raise HsiError(
            f"scene {scene.name}: only one class is labelled ('{scene.class_names[0]}'), training needs at "
            "least two: label pixels of another class too."
        )


def _checked_rgb(name: str, rgb_bands: Sequence[int] | None, bands: int) -> tuple[int, int, int] | None:
    if rgb_bands is None:
        return None
    if len(rgb_bands) != 3 or not all(0 <= band < bands for band in rgb_bands):
        raise HsiError(f"scene {name}: rgb_bands must be three bands from 0 to {bands - 1}, not {list(rgb_bands)}.")
    red, green, blue = map(int, rgb_bands)
    return red, green, blue
