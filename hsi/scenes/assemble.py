"""Where all loaders end: raw arrays, checked, become a scene."""

from collections.abc import Mapping, Sequence

import numpy as np

from hsi.errors import HsiError
from hsi.scene import Scene
from hsi.scenes.labels import name_classes, to_contiguous
from hsi.scenes.valid import handle_invalid


def assemble(
    name: str,
    cube: np.ndarray,
    labels: np.ndarray | None,
    *,
    classes: Sequence[str] | Mapping[str, str] | None = None,
    rgb_bands: Sequence[int] | None = None,
    ignored_labels: Sequence[int] = (),
    invalid: str = "error",
    wavelengths: Sequence[float] | np.ndarray | None = None,
    georeference: Mapping[str, object] | None = None,
    checksums: Mapping[str, str] | None = None,
) -> Scene:
    """Check raw arrays and make a scene of them; where all loaders end.

    Parameters
    ----------
    name
        of the scene.
    cube
        (rows, cols, bands), integer or floating.
    labels
        (rows, cols), integral numbers >= 0 with 0 for unlabelled; None for no labels at all.
    classes
        see `load_custom`; may name the ignored labels or leave them out.
    rgb_bands
        see `Scene`.
    ignored_labels
        label values that become 0.
    invalid
        what to do with NaN and infinite values, see `hsi.scenes.valid`.
    wavelengths
        (bands,), nm.
    georeference
        see `Scene`.
    checksums
        see `Scene`.

    Raises HsiError: anything above that does not hold.
    """
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
    spectral = None if wavelengths is None else np.asarray(wavelengths, dtype=np.float64)
    if spectral is not None and spectral.shape != (bands,):
        raise HsiError(f"scene {name}: {spectral.size} wavelengths for {bands} bands: give one per band, in nm.")
    rgb = _checked_rgb(name, rgb_bands, bands)
    indices, values, ignored = to_contiguous(name, labels, ignored_labels)
    names, colours = name_classes(name, classes, values, ignored)
    cube, kept = handle_invalid(name, cube, invalid)
    if kept.size < bands:
        spectral = None if spectral is None else spectral[kept]
        # a dropped colour band is replaced by its nearest neighbour
        rgb = _checked_rgb(name, rgb and [int(np.abs(kept - band).argmin()) for band in rgb], kept.size)
    return Scene(name, cube, indices, values, names, colours, spectral, georeference, rgb, dict(checksums or {}))


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
