"""Readers of polygons, splits and tiles."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
import scipy.io
from PIL import Image
from scenes.placed_files import NORTH_UP, rectangle, write_layer, write_tiff
from shapely.geometry import MultiPolygon, Point

from hsi.cube import blocks
from hsi.georeference import Georeference
from hsi.scenes.tiles import load_tiles
from hsi.splits.regions import regions_split
from hsi.splits.roles import Split, save_split
from hsi.splits.tiles import read_list

from .doors import (
    CUBE,
    IN_MEMORY,
    LABELS,
    check,
    each,
    inside,
    read_image,
    read_split,
)
from .targets import Target

SHAPES = [rectangle(0, 0, 3, 3), rectangle(2, 2, 6, 5), MultiPolygon([rectangle(6, 0, 7, 2), rectangle(6, 3, 8, 6)])]
CROPS = {"crop": ["corn", "soil", "tree"]}


def layers(suffix: str) -> Callable[[Path], list[Path]]:
    """Polygons in the system of the scene, and in another one; points; a shapefile is a folder."""

    def write(folder: Path) -> list[Path]:
        points = [Point(1.5, 1.5), Point(2.5, 4.5), Point(4, 7)]
        cases = {"own": (SHAPES, {}), "other": (SHAPES, {"to": "EPSG:4326"}), "points": (points, {})}
        found = []
        for name, (shapes, how) in cases.items():
            own = folder / name / "layer"
            own.mkdir(parents=True)
            write_layer(own / f"fields.{suffix}", shapes, **how, **CROPS)
            found.append(own)
        return found

    return write


def splits_of_runs(folder: Path) -> list[Path]:
    labels = LABELS.astype(np.int64)
    role = np.where(labels > 0, np.arange(labels.size).reshape(labels.shape) % 3 + 1, 0).astype(np.uint8)
    return each(
        folder,
        whole_npz=lambda path: save_split(path, Split(role)),
        regions_npz=lambda path: save_split(path, regions_split(labels, train=0.5)),
        bare_npz=lambda path: np.savez(path, role=role),
    )


def split_images(folder: Path) -> list[Path]:
    mask = np.where(np.arange(LABELS.size).reshape(LABELS.shape) % 2, LABELS, 0).astype(np.uint8)
    own = folder / "masks"
    own.mkdir(parents=True)
    Image.fromarray(mask).save(own / "mask.tif", compression="tiff_lzw")
    scipy.io.savemat(own / "mask.mat", {"mask": mask}, do_compression=True)
    np.save(own / "mask.npy", mask)
    return [own]


def read_split_images(folder: Path) -> None:
    """All three, so that each has its turn to be damaged."""
    for name in ("mask.tif", "mask.mat", "mask.npy"):
        read_split(folder / name, content="training", classes={1: 1, 2: 2, 3: 3})


def lists(folder: Path) -> list[Path]:
    def write(path: Path, *lines: list[str], delimiter: str = ",") -> None:
        with path.open("w", newline="") as stream:
            csv.writer(stream, delimiter=delimiter).writerows(lines)

    return each(
        folder,
        plain_csv=lambda path: write(path, ["a"], ["b.tif"], ["folder/c"]),
        table_csv=lambda path: write(path, ["area", "tile"], ["1", "a"], ["2", 'b, "old"'], delimiter=";"),
    )


def read_names(path: Path) -> None:
    names = read_list(path)
    assert names
    assert all(names)


def tile_folders(folder: Path) -> list[Path]:
    own = folder / "tiles"
    (own / "cubes").mkdir(parents=True)
    (own / "labels").mkdir()
    for name, rows in (("a", slice(0, 4)), ("b", slice(4, 8))):
        place = Georeference(NORTH_UP).moved(rows.start, 0).transform
        write_tiff(own / "cubes" / f"{name}.tif", CUBE[rows], place, nodata=7)
        write_tiff(own / "labels" / f"{name}_gt.tif", LABELS[rows], place)
    shutil.copytree(own, folder / "other" / "tiles")
    for file in (folder / "other" / "tiles" / "cubes").iterdir():
        with rasterio.open(file) as plain:
            np.save(file.with_suffix(".npy"), np.moveaxis(plain.read(), 0, 2))
        file.unlink()
    return [own, folder / "other" / "tiles"]


def read_tiles(folder: Path) -> None:
    scene = load_tiles(folder / "cubes", folder / "labels", memory_gb=IN_MEMORY)
    check(scene)
    for _ in blocks(scene.cube):
        pass


TARGETS = (
    Target("GeoJSON", layers("geojson"), inside("fields.geojson", read_image)),
    Target("GeoPackage", layers("gpkg"), inside("fields.gpkg", read_image)),
    Target("shapefile", layers("shp"), inside("fields.shp", read_image)),
    Target("FlatGeobuf", layers("fgb"), inside("fields.fgb", read_image)),
    Target("split of a run", splits_of_runs, read_split),
    Target("training masks", split_images, read_split_images),
    Target("list of tiles", lists, read_names),
    Target("folder of tiles", tile_folders, read_tiles),
)
