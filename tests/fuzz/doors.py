"""How scenes, labels and splits are read, and what the small valid files hold."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scenes.placed_files import NORTH_UP, grid_of

from hsi.cube import blocks
from hsi.georeference import Georeference
from hsi.scene import Scene
from hsi.scenes.assemble import assemble_raster
from hsi.scenes.custom import load_custom
from hsi.scenes.description import describe
from hsi.scenes.label_sources import read_labels
from hsi.scenes.raster import Raster
from hsi.splits.from_file import split_from_file

ROWS, COLS, BANDS = 8, 6, 7
CHANCE = np.random.default_rng(0)
CUBE = CHANCE.integers(1, 4000, (ROWS, COLS, BANDS)).astype(np.uint16)
LABELS = CHANCE.integers(0, 4, (ROWS, COLS)).astype(np.uint8)
WAVELENGTHS = np.linspace(450, 2400, BANDS)
HELD = Raster(CUBE, (), georeference=Georeference(NORTH_UP, "EPSG:32632"))
GRID = grid_of(ROWS, COLS)
IN_MEMORY = 0.1  # GB: larger cubes are read block by block


def read_cube(path: Path, **more: object) -> None:
    """As ``scene=custom`` does, and then all of its numbers, and again without the scene's look at them."""
    scene = load_custom(path, memory_gb=IN_MEMORY, **more)
    check(scene)
    for _, _, values in blocks(scene.cube):
        assert values.dtype == scene.cube.dtype


def check(scene: Scene) -> None:
    """What is silently wrong would make no error, but numbers that cannot be."""
    bands = scene.bands
    assert scene.labels.shape == scene.valid.shape == scene.cube.shape[:2]
    assert scene.cube.dtype.kind in "iuf"
    for values in (scene.wavelengths, scene.fwhm):
        assert values is None or (values.shape == (bands,) and np.isfinite(values).all() and (values > 0).all())
    assert scene.rgb_bands is None or all(0 <= band < bands for band in scene.rgb_bands)
    assert scene.labels.max() <= scene.num_classes
    assert len(set(scene.class_names)) == scene.num_classes == len(scene.label_values)
    if scene.georeference is not None:
        a, b, _, d, e, _ = scene.georeference.transform
        assert np.isfinite(scene.georeference.transform).all()
        assert a * e != b * d
    assert all("\n" not in note for note in scene.notes)


def read_image(path: Path, **more: object) -> None:
    """Labels of a scene in memory."""
    check(assemble_raster(HELD, read_labels(path, GRID, **more), describe()))


def read_split(path: Path, **more: object) -> None:
    split = split_from_file(LABELS.astype(np.int64), path=path, **more)
    assert split.role.dtype == np.uint8
    assert split.role.max() <= 3
    assert (split.role[LABELS == 0] == 0).all()


def inside(name: str, read: Callable[..., None], **more: object) -> Callable[[Path], None]:
    """A reader of a folder, which opens the file of that name in it."""
    return lambda folder: read(folder / name, **more)


def each(folder: Path, **writers: Callable[[Path], object]) -> list[Path]:
    """Files in folders of their own, all of one name: pieces of one can take the place of those in another."""
    found = []
    for name, write in writers.items():
        stem, _, suffix = name.rpartition("_")
        (folder / stem).mkdir()
        write(folder / stem / f"image.{suffix}")
        found.append(folder / stem / f"image.{suffix}")
    return found
