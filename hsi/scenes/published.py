"""The published scenes, fetched where they are missing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from hsi.config.build import check_value
from hsi.config.values import Folder, Name, Positive
from hsi.scene import Scene
from hsi.scenes.assemble import assemble_raster
from hsi.scenes.description import describe
from hsi.scenes.download import obtain
from hsi.scenes.formats import read_raster
from hsi.scenes.label_image import LabelImage

PARTS = {"file": str, "key": str, "checksum": str | None, "sources": list[str]}


def load_published(
    name: Name,
    data_dir: Folder,
    cube: Mapping[str, Any],
    labels: Mapping[str, Any],
    band_centres: Sequence[Positive] | None = None,
    band_range: Annotated[Sequence[Positive], Field(min_length=2, max_length=2)] | None = None,
    **details: Any,
) -> Scene:
    """Load one of the published scenes, fetching its files if need be.

    Parameters
    ----------
    name
        of the scene, and of its folder in `data_dir`.
    data_dir
        cache of scene files, see `hsi.scenes.download.obtain`.
    cube, labels
        `file`, `key` in it, `checksum`, `sources` of each.
    band_centres
        (bands,), nm, of the cube's bands, or None: not known, as in the configuration of runs of earlier versions.
    band_range
        the first and the last of them, where nothing else is published; then the scene's wavelengths are nominal.
    details
        fields of `hsi.scenes.description.Description`.

    Raises
    ------
    HsiError
        A file that cannot be had, is damaged or not the published one, or a value that is not allowed.
    """
    about = describe(**{"name": name, "wavelengths": band_centres, **details})
    cube_path, labels_path = (
        obtain(part["file"], part["checksum"], part["sources"], Path(data_dir).expanduser(), name)
        for part in (_checked(cube, "scene.cube"), _checked(labels, "scene.labels"))
    )
    image = read_raster(cube_path, cube["key"], ndim=3)
    truth = read_raster(labels_path, labels["key"], ndim=2)
    scene = assemble_raster(image, LabelImage(truth.load(), files=truth.files), about)
    if band_range is None:
        return scene
    first, last = band_range
    spread = np.linspace(first, last, image.array.shape[2])
    return replace(scene, wavelengths=spread if scene.kept_bands is None else spread[scene.kept_bands], nominal=True)


def _checked(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    return {key: check_value(hint, part.get(key), f"{place}.{key}") for key, hint in PARTS.items()}
