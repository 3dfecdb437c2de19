"""Where all loaders end: a raster with its labels, checked and surveyed, becomes a scene."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hsi.cube import Cube, LazyCube, select_bands
from hsi.errors import HsiError
from hsi.files import file_checksum
from hsi.scene import Scene
from hsi.scenes.description import Description, describe
from hsi.scenes.label_image import LabelImage
from hsi.scenes.labels import Classes, name_classes, to_contiguous, without_data
from hsi.scenes.raster import Raster
from hsi.scenes.survey import Survey, fill_gaps, survey

log = logging.getLogger(__name__)


def from_arrays(cube: np.ndarray, labels: np.ndarray | None = None, *, as_is: bool = False, **details: Any) -> Scene:
    """Make a scene of arrays in memory.

    Parameters
    ----------
    cube
        (rows, cols, bands), integer or floating.
    labels
        (rows, cols), whole numbers >= 0 with 0 for unlabelled; None for a scene that is only mapped.
    as_is
        take every band and every pixel for data.
    details
        fields of `hsi.scenes.description.Description`: name, classes, wavelengths, nodata, ...

    Raises
    ------
    HsiError
        Anything above that does not hold.
    """
    image = None if labels is None else LabelImage(np.asarray(labels))
    return assemble_raster(Raster(np.asarray(cube), ()), image, describe(**details), as_is=as_is)


def assemble_raster(
    raster: Raster,
    labels: LabelImage | None,
    about: Description,
    *,
    tiles: np.ndarray | None = None,
    tile_names: tuple[str, ...] = (),
    as_is: bool = False,
) -> Scene:
    """Check a raster and its labels and make a scene of them; where all loaders end.

    Parameters
    ----------
    about
        what is known beside the files; what it leaves open is taken from them.
    tiles, tile_names
        see `Scene`.
    as_is
        take every band and every pixel for data.

    Raises
    ------
    HsiError
        Arrays that make no scene, or a description of another one.
    """
    cube, nodata = _values(raster, about)
    spectral, rgb = _bands(raster, about)
    labels = _of_shape(labels, cube.shape, about.name)
    classes = _classes(labels, about)
    found = _everything(cube) if as_is else survey(cube, about, nodata, spectral, raster.bad_bands)
    if about.invalid == "interpolate" and not as_is:
        cube = fill_gaps(cube, nodata)
    if tiles is not None and found.valid is not None:
        found = replace(found, valid=found.valid & (tiles > 0))
    classes, lost = (classes, []) if found.valid is None else without_data(classes, found.valid)
    kept, notes = found.kept, (*raster.notes, *labels.notes, *found.notes, *lost)
    for note in notes:
        log.info("%s: %s.", about.name, note)
    return Scene(
        name=about.name,
        cube=select_bands(cube, kept),
        labels=classes.indices,
        label_values=classes.values,
        class_names=classes.names,
        colours=classes.colours,
        wavelengths=None if spectral is None else spectral[kept],
        georeference=raster.georeference,
        # a colour band that is left out is replaced by its nearest neighbour
        rgb_bands=rgb and tuple(int(np.abs(kept - band).argmin()) for band in rgb),  # type: ignore[arg-type]
        checksums=checksums_of([*raster.files, *labels.files]),
        valid=found.valid,
        nodata=nodata,
        fwhm=None if raster.fwhm is None else raster.fwhm[kept],
        kept_bands=kept if kept.size < cube.shape[2] else None,
        file_bands=cube.shape[2],
        polygons=None if labels.polygons is None else np.where(classes.indices > 0, labels.polygons, 0),
        tiles=tiles,
        tile_names=tile_names,
        notes=notes,
    )


def _of_shape(labels: LabelImage | None, shape: tuple[int, ...], name: str) -> LabelImage:
    """The labels, none where there are none; refused where they are of another scene."""
    labels = labels or LabelImage(np.zeros(shape[:2], dtype=np.int64))
    if labels.labels.shape != shape[:2]:
        raise HsiError(
            f"scene {name}: cube {shape} and labels {labels.labels.shape} differ in rows or columns: give the files of "
            "one scene."
        )
    return labels


def _everything(cube: Cube) -> Survey:
    return Survey(np.arange(cube.shape[2]), np.ones(cube.shape[:2], dtype=bool))


def _values(raster: Raster, about: Description) -> tuple[Cube, float | None]:
    """The cube, in memory if it fits there, and what stands for no measurement in it."""
    array, nodata = raster.array, raster.nodata if about.nodata is None else about.nodata
    if array.ndim != 3 or array.dtype.kind not in "iuf" or 0 in array.shape:
        raise HsiError(
            f"scene {about.name}: the cube must be (rows, columns, bands) of real numbers, not {array.dtype} of "
            f"shape {array.shape}: give another file or key."
        )
    if about.scaled and (raster.gain is not None or raster.offset is not None):
        raster = replace(raster, nodata=nodata)
        array, nodata = raster.measured(), None  # NaN by now
    if isinstance(array, LazyCube):
        return (array if array.nbytes > about.memory_gb * 1e9 else np.asarray(array)), nodata
    # one memory order and byte order, so that equal scenes give equal bytes wherever they come from
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")), nodata


def _bands(raster: Raster, about: Description) -> tuple[np.ndarray | None, tuple[int, int, int] | None]:
    """Wavelengths and colour bands: those that the user gives, else those of the file."""
    bands = raster.array.shape[2]
    spectral = raster.wavelengths if about.wavelengths is None else np.asarray(about.wavelengths, dtype=np.float64)
    if spectral is not None and spectral.shape != (bands,):
        raise HsiError(f"scene {about.name}: {spectral.size} wavelengths for {bands} bands: give one per band, in nm.")
    rgb = raster.rgb_bands if about.rgb_bands is None else about.rgb_bands
    if rgb is None:
        return spectral, None
    if len(rgb) != 3 or not all(0 <= band < bands for band in rgb):
        raise HsiError(f"scene {about.name}: rgb_bands must be three bands from 0 to {bands - 1}, not {list(rgb)}.")
    red, green, blue = map(int, rgb)
    return spectral, (red, green, blue)


def _classes(labels: LabelImage, about: Description) -> Classes:
    """Classes 1..K with names and colours: those that the user gives, else those of the file."""
    indices, values, ignored = to_contiguous(about.name, labels.labels, about.ignored_labels)
    names, colours = name_classes(about.name, about.classes, values, ignored)
    if about.classes is None and labels.classes:
        told = [labels.classes.get(value, (name, None)) for value, name in zip(values, names, strict=True)]
        if len({name for name, _ in told}) == len(told):  # names of a file may be repeated
            names = tuple(name for name, _ in told)
        colours = tuple(own or colour for (_, own), colour in zip(told, colours, strict=True))
    return Classes(indices, values, names, colours)


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
            "file), training needs at least two classes: give labels with scene.labels=."
        )
    if scene.num_classes == 1:
        raise HsiError(
            f"scene {scene.name}: only one class is labelled ('{scene.class_names[0]}'), training needs at "
            "least two: label pixels of another class too."
        )
