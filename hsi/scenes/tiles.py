"""A folder of tiles, with label tiles of matching names, as one scene."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hsi.config.values import FilePath, Folder, Switch, Text
from hsi.cube import Cube, LazyCube
from hsi.errors import HsiError
from hsi.scene import Scene
from hsi.scenes.assemble import assemble_raster
from hsi.scenes.description import describe
from hsi.scenes.folders import list_rasters
from hsi.scenes.formats import read_raster
from hsi.scenes.label_image import Grid, LabelImage
from hsi.scenes.label_rasters import read_label_raster
from hsi.scenes.label_sources import read_labels
from hsi.scenes.limits import require_pixels
from hsi.scenes.mosaic import Layout, compose, lay_out
from hsi.scenes.raster import Raster

MAPPED, IN_MEMORY = 256, 2  # tiles that are kept open
SAME_BAND = 0.05  # nm
MOST_NOTES = 5  # of the files; a thousand tiles say the same thing


def load_tiles(
    cubes: Folder,
    labels: FilePath | None = None,
    cube_key: Text | None = None,
    labels_key: Text | None = None,
    label_field: Text | None = None,
    all_touched: Switch = False,
    **details: Any,
) -> Scene:
    """Load a folder of tiles as one scene.

    Tiles that lie on one grid on the ground are put at their true positions; others lie under each other, 64 rows
    without data between them. Nothing is put together in memory before it is asked for.

    Parameters
    ----------
    cubes
        folder of cubes (rows, cols, bands) of the same bands, in any format; of ENVI images the headers are listed.
    labels
        folder of label images whose names are those of the cubes, or the same with one and the same ending such as
        ``_gt``; or one file of labels on the ground: polygons, or an image; or None for a scene that is only mapped.
    cube_key, labels_key, label_field, all_touched, details
        as in `hsi.scenes.custom.load_custom`.

    Raises
    ------
    HsiError
        A folder without tiles, tiles of different bands, a label tile without a cube, and any fault in the
        files.
    """
    about = describe(**details)  # before the files are read: a large cube takes its time
    files = list_rasters(cubes, "scene.cubes")
    names = tuple(files)
    heads, sizes, mapped = _heads(list(files.values()), cube_key)
    layout = lay_out(sizes, [head.georeference for head in heads], names)
    require_pixels(Path(cubes), *layout.shape, sum(path.stat().st_size for head in heads for path in head.files))
    numbers = layout.paint(range(1, len(names) + 1), np.int32)
    raster = _raster(files, heads, layout, cube_key, mapped)
    raster = replace(raster, notes=(*_told(layout, numbers), *raster.notes))
    if labels is None:
        image = None
    elif Path(labels).expanduser().is_dir():
        if label_field is not None or all_touched:
            raise HsiError(
                "scene.label_field and scene.all_touched are for polygons, and scene.labels is a folder of images: "
                "leave them out"
            )
        image = _label_tiles(labels, names, heads, layout, labels_key)
    else:
        grid = Grid(*layout.shape, layout.georeference)
        image = read_labels(labels, grid, key=labels_key, field=label_field, all_touched=all_touched)
    return assemble_raster(raster, image, about, tiles=numbers, tile_names=names)


def match_labels(cubes: Sequence[str], labels: Sequence[str]) -> dict[str, str]:
    """Name of a cube -> name of its label tile, which is the same or has one more ending, such as ``_gt``.

    All label tiles have the same ending; the cubes may have one of their own, such as ``_image``.

    Raises HsiError: a label tile without a cube.
    """
    best: dict[str, str] = {}
    for own in dict.fromkeys(("", _common_ending(cubes))):
        stems = {name.removesuffix(own): name for name in cubes}
        endings = {label[len(stem) :] for label in labels[:20] for stem in stems if label.startswith(stem)}
        for ending in sorted(endings, key=lambda text: (len(text), text)):
            found = {label.removesuffix(ending): label for label in labels if label.endswith(ending)}
            pairs = {stems[stem]: label for stem, label in found.items() if stem in stems}
            best = max(best, pairs, key=len)  # of equals the first, with the shortest ending
    if stray := [label for label in labels if label not in best.values()]:
        raise HsiError(
            f"{len(stray)} label tiles of scene.labels have no cube in scene.cubes, the first is {stray[0]}: name the "
            "label tiles as the cubes, or with one ending such as _gt after their names"
        )
    return best


def _common_ending(names: Sequence[str]) -> str:
    endings = {found[0] if (found := re.search(r"[_\-. ][A-Za-z]+$", name)) else "" for name in names}
    return endings.pop() if len(endings) == 1 else ""


def _heads(paths: Sequence[Path], key: str | None) -> tuple[list[Raster], list[tuple[int, int]], bool]:
    """What the files say, without their pixels; rows and columns; whether pixels can be read a few at a time.

    Raises HsiError: tiles of different bands, wavelengths or scales.
    """
    heads: list[Raster] = []
    sizes: list[tuple[int, int]] = []
    mapped = True
    for path in paths:
        raster = read_raster(path, key, ndim=3)
        rows, cols, bands = raster.array.shape
        if not min(rows, cols, bands) or raster.array.dtype.kind not in "iuf":
            raise HsiError(
                f"{path} holds {raster.array.dtype} of shape {raster.array.shape}, which is no cube: take it out"
            )
        mapped &= isinstance(raster.array, np.memmap | LazyCube)
        sizes.append((rows, cols))
        heads.append(replace(raster, array=np.empty((0, 0, bands), dtype=raster.array.dtype)))
        _require_same(heads[0], heads[-1], paths[0].name, path)
    return heads, sizes, mapped


def _require_same(first: Raster, other: Raster, name: str, path: Path) -> None:
    """Raise HsiError for tiles whose bands are not the same."""
    bands, more = first.array.shape[2], other.array.shape[2]
    if bands != more:
        raise HsiError(f"{path} has {more} bands and {name} has {bands}: the tiles of a scene have the same bands")
    if first.wavelengths is not None and other.wavelengths is not None:
        off = np.abs(first.wavelengths - other.wavelengths)
        if not (off <= SAME_BAND).all():
            band = int(off.argmax())
            raise HsiError(
                f"{path} has band {band + 1} at {other.wavelengths[band]:g} nm and {name} at "
                f"{first.wavelengths[band]:g} nm: the tiles of a scene have the same bands"
            )
    for one, another in ((first.gain, other.gain), (first.offset, other.offset)):
        if (one is None) != (another is None) or (
            one is not None and another is not None and not np.array_equal(one, another)
        ):
            raise HsiError(f"{path} and {name} have different scales or offsets: bring the tiles to one scale")


def _raster(files: dict[str, Path], heads: Sequence[Raster], layout: Layout, key: str | None, mapped: bool) -> Raster:
    """The cube of all tiles and what is known about it."""
    paths = list(files.values())

    @lru_cache(maxsize=MAPPED if mapped else IN_MEMORY)
    def read(number: int) -> Cube:
        return read_raster(paths[number], key, ndim=3).array

    dtype = np.result_type(*[head.array.dtype for head in heads])
    declared = [head.nodata for head in heads if head.nodata is not None]
    fill = _as(dtype, declared[0] if declared else np.nan if dtype.kind == "f" else 0)
    bad = [head.bad_bands for head in heads if head.bad_bands is not None]
    return Raster(
        compose(layout, read, [head.nodata for head in heads], heads[0].array.shape[2], fill),
        tuple(path for head in heads for path in head.files),
        wavelengths=_first(head.wavelengths for head in heads),
        fwhm=_first(head.fwhm for head in heads),
        bad_bands=np.any(bad, axis=0) if bad else None,
        rgb_bands=_first(head.rgb_bands for head in heads),
        georeference=layout.georeference,
        nodata=declared[0] if declared else None,
        gain=heads[0].gain,
        offset=heads[0].offset,
        notes=_few(note for head in heads for note in head.notes),
    )


def _as(dtype: np.dtype, value: float) -> np.generic:
    """A value as a scalar of a type; 0 where the type does not hold it."""
    with np.errstate(all="ignore"):
        limits = np.iinfo(dtype) if dtype.kind in "iu" else None
        fits = limits is None or (limits.min <= value <= limits.max and value == int(value))
        return dtype.type(value if fits else 0)


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _few(notes: Iterable[str]) -> tuple[str, ...]:
    different = list(dict.fromkeys(notes))
    more = len(different) - MOST_NOTES
    return (*different[:MOST_NOTES], *((f"{more} more notes of this kind on other tiles",) if more > 0 else ()))


def _told(layout: Layout, numbers: np.ndarray) -> list[str]:
    """How the tiles lie, in sentences."""
    count, (rows, cols) = len(layout.sizes), layout.shape
    if layout.georeference is None:
        return [f"{count} tiles lie under each other, in {rows} x {cols} pixels: {layout.reason}"]
    notes = [f"{count} tiles lie at their true positions, in {rows} x {cols} pixels"]
    if twice := sum(height * width for height, width in layout.sizes) - int((numbers > 0).sum()):
        notes.append(f"{twice:,} pixels of tiles lie under other tiles: the first by name counts")
    return notes


def _label_tiles(
    folder: str | Path, names: Sequence[str], heads: Sequence[Raster], layout: Layout, key: str | None
) -> LabelImage:
    """Labels of all tiles; those without a label tile are unlabelled.

    Raises HsiError: a label tile without a cube, or of another grid; one value with two names.
    """
    files = list_rasters(folder, "scene.labels")
    pairs = match_labels(names, list(files))
    images: list[LabelImage | None] = []
    classes: dict[int, tuple[str, str | None]] = {}
    for name, head, size in zip(names, heads, layout.sizes, strict=True):
        image = read_label_raster(files[pairs[name]], Grid(*size, head.georeference), key) if name in pairs else None
        for value, named in (image.classes or {} if image else {}).items():
            if classes.setdefault(value, named)[0] != named[0]:
                raise HsiError(
                    f"{files[pairs[name]]} calls label {value} {named[0]}, and another tile {classes[value][0]}: give "
                    "the same labels the same meaning"
                )
        images.append(image)
    notes = _few(note for image in images if image for note in image.notes)
    if missing := [name for name in names if name not in pairs]:
        more = f" and {len(missing) - MOST_NOTES} more" if len(missing) > MOST_NOTES else ""
        notes = (
            f"{len(missing)} of {len(names)} tiles have no label tile and are unlabelled "
            f"({', '.join(missing[:MOST_NOTES])}{more})",
            *notes,
        )
    found = [image for image in images if image]
    whole = all(image.labels.dtype.kind in "iub" for image in found)
    return LabelImage(
        layout.paint([image.labels if image else 0 for image in images], np.int64 if whole else np.float64),
        classes or None,
        None,
        tuple(path for image in found for path in image.files),
        notes,
    )
