"""Readers of scenes, labels and splits."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import rasterio
import scipy.io
from PIL import Image
from scenes.placed_files import NORTH_UP, grid_of, rectangle, turned, write_layer, write_tiff
from scenes.products import test_emit, test_enmap, test_prisma
from scenes.test_netcdf import described
from scenes.test_netcdf import write as write_netcdf
from shapely.geometry import MultiPolygon, Point
from spectral.io import envi

from hsi.cube import blocks
from hsi.georeference import Georeference
from hsi.scene import Scene
from hsi.scenes.assemble import assemble_raster
from hsi.scenes.custom import load_custom
from hsi.scenes.description import describe
from hsi.scenes.label_sources import read_labels
from hsi.scenes.raster import Raster
from hsi.scenes.tiles import load_tiles
from hsi.splits.from_file import split_from_file
from hsi.splits.regions import regions_split
from hsi.splits.roles import Split, save_split
from hsi.splits.tiles import read_list

from .targets import Target

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


def npy_cubes(folder: Path) -> list[Path]:
    return each(
        folder,
        rows_npy=lambda path: np.save(path, CUBE),
        columns_npy=lambda path: np.save(path, np.asfortranarray(CUBE.astype(">i2"))),
        float_npy=lambda path: np.save(path, CUBE.astype(np.float32) / 1000),
    )


def npy_labels(folder: Path) -> list[Path]:
    return each(
        folder,
        rows_npy=lambda path: np.save(path, LABELS),
        columns_npy=lambda path: np.save(path, np.asfortranarray(LABELS.astype(np.float64))),
    )


def npz_cubes(folder: Path) -> list[Path]:
    return each(
        folder,
        packed_npz=lambda path: np.savez_compressed(path, cube=CUBE, labels=LABELS),
        plain_npz=lambda path: np.savez(path, cube=CUBE.astype(">f4")),
    )


def mat_cubes(folder: Path) -> list[Path]:
    """The last holds a cell array, a struct, text, a sparse matrix and complex numbers beside the cube."""
    cell = np.array([CUBE[0].astype(float), "text", np.zeros((2, 2))], dtype=object)
    mixed = {
        "cells": cell,
        "settings": {"gain": 2.0, "name": "sensor", "parts": cell},
        "cube": CUBE,
        "text": "some text",
        "sparse": scipy.sparse.eye_array(5, format="csc"),
        "complex": np.ones((3, 3), complex),
        "yes": np.ones((4, 4), bool),
    }
    return each(
        folder,
        plain_mat=lambda path: scipy.io.savemat(path, {"cube": CUBE}),
        packed_mat=lambda path: scipy.io.savemat(path, {"cube": CUBE, "labels": LABELS}, do_compression=True),
        mixed_mat=lambda path: scipy.io.savemat(path, mixed),
        mixed_packed_mat=lambda path: scipy.io.savemat(path, mixed, do_compression=True),
    )


def mat_matrices(folder: Path) -> list[Path]:
    beside = {"nRow": ROWS, "nCol": COLS, "Y": CUBE.transpose(1, 0, 2).reshape(-1, BANDS).T}
    return each(
        folder,
        plain_mat=lambda path: scipy.io.savemat(path, beside),
        packed_mat=lambda path: scipy.io.savemat(path, beside, do_compression=True),
    )


def mat_4(folder: Path) -> list[Path]:
    arrays = {"labels": LABELS.astype(float), "text": "some text", "sparse": scipy.sparse.eye_array(3, format="csc")}
    return each(
        folder,
        one_mat=lambda path: scipy.io.savemat(path, {"labels": LABELS.astype(float)}, format="4"),
        all_mat=lambda path: scipy.io.savemat(path, arrays, format="4"),
    )


def write_v73(path: Path, **layout: object) -> None:
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in (("cube", CUBE.T), ("nRow", np.full((1, 1), float(ROWS)))):
            file.create_dataset(name, data=array, **(layout if name == "cube" else {}))
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
        file["note"] = np.array([[104], [105]], dtype=np.uint16)
        file["note"].attrs["MATLAB_class"] = np.bytes_("char")
        file["#refs#/a"] = np.zeros((2, 2, 2))
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(512, b" "))


def mat_73(folder: Path) -> list[Path]:
    return each(
        folder,
        plain_mat=write_v73,
        packed_mat=lambda path: write_v73(path, chunks=(3, 3, 4), compression="gzip", shuffle=True),
        null_mat=lambda path: write_null(path),
    )


def write_null(path: Path) -> None:
    write_v73(path)
    with h5py.File(path, "a") as file:
        file["nothing"] = h5py.Empty("f8")
        file.create_dataset("scalar", data=3.0)


def envi_cubes(folder: Path) -> list[Path]:
    place = ["UTM", "1", "1", "500000", "5400000", "30", "30", "32", "North", "WGS-84", "units=Meters", "rotation=20"]
    about = {
        "map info": place,
        "coordinate system string": [rasterio.crs.CRS.from_epsg(32632).to_wkt()],
        "wavelength": [f"{value:.1f}" for value in WAVELENGTHS],
        "fwhm": ["10.0"] * BANDS,
        "wavelength units": "Nanometers",
        "bbl": [1, 1, 0, *[1] * (BANDS - 3)],
        "default bands": [4, 3, 1],
        "data ignore value": -9999,
        "reflectance scale factor": 10000,
    }
    gains = {"data gain values": ["0.5"] * BANDS, "data offset values": ["1.0"] * BANDS, "file compression": 0}
    names = {"band names": [f"Band {n} ({value:.1f} Nanometers)" for n, value in enumerate(WAVELENGTHS)]}
    projected = {
        "map info": ["Transverse Mercator", 1, 1, 0, 0, 20, 20, "WGS-84", "units=Meters"],
        "projection info": [3, 6378137, 6356752.3, 45, 9, 500000, 100, 0.9996, "WGS-84", "Transverse Mercator"],
    }
    found = []
    for interleave, more in (("bsq", about), ("bil", about | gains), ("bip", names | projected)):
        own = folder / interleave / "scene"
        own.mkdir(parents=True)
        array = CUBE.astype(">i2" if interleave == "bil" else np.uint16)
        envi.save_image(str(own / "a.hdr"), array, dtype=array.dtype, interleave=interleave, metadata=more)
        found.append(own)
    return found


def envi_classes(folder: Path) -> list[Path]:
    about = {"class names": ["none", "corn", "soil", "tree"], "class lookup": [0, 0, 0, 255, 0, 0, 0, 9, 9, 1, 2, 3]}
    (folder / "scene").mkdir(parents=True)
    envi.save_classification(str(folder / "scene" / "a.hdr"), LABELS, metadata=about)
    return [folder / "scene"]


def tiff_cubes(folder: Path) -> list[Path]:
    def write(path: Path, dtype: str = "uint16", **how: object) -> None:
        write_tiff(path, CUBE.astype(dtype), nodata=7)
        with rasterio.open(path) as plain:
            profile, values = plain.profile | how, plain.read()
        with rasterio.open(path, "w", **profile) as file:
            file.write(values)
            file.scales, file.offsets = [1e-4] * BANDS, [0.5] * BANDS
            file.update_tags(bbl="{1,1,0,1,1,1,1}", default_bands="{4,3,1}")
            for number, wavelength in enumerate(WAVELENGTHS, 1):
                file.update_tags(number, wavelength=f"{wavelength:.1f}", wavelength_units="Nanometers", fwhm="10")

    tiled = {"tiled": True, "blockxsize": 16, "blockysize": 16}
    return each(
        folder,
        plain_tif=write,
        tiled_tif=lambda path: write(path, compress="deflate", predictor=2, **tiled),
        lzw_tif=lambda path: write(path, "int16", compress="lzw", interleave="pixel"),
        float_tif=lambda path: write(path, "float32", compress="zstd", bigtiff="YES"),
    )


def tiff_pages(folder: Path) -> list[Path]:
    def write(path: Path, **how: object) -> None:
        first, *rest = (Image.fromarray(CUBE[:, :, band].astype(np.int32)) for band in range(BANDS))
        first.save(path, save_all=True, append_images=rest, **how)

    return each(folder, plain_tif=write, packed_tif=lambda path: write(path, compression="tiff_adobe_deflate"))


def tiff_with_sidecar(folder: Path) -> list[Path]:
    text = (
        "<PAMDataset><SRS>EPSG:32632</SRS><Metadata><MDI key='wavelength_units'>nm</MDI></Metadata>"
        "<PAMRasterBand band='1'><NoDataValue>9</NoDataValue><Offset>0.5</Offset><Scale>2</Scale><CategoryNames>"
        "<Category>none</Category><Category>corn</Category></CategoryNames></PAMRasterBand></PAMDataset>"
    )
    own = folder / "scene"
    own.mkdir(parents=True)
    write_tiff(own / "a.tif", CUBE)
    (own / "a.tif.aux.xml").write_text(text)
    return [own]


def tiff_labels(folder: Path) -> list[Path]:
    def coloured(path: Path) -> None:
        write_tiff(path, LABELS, nodata=3)
        with rasterio.open(path, "r+") as file:
            file.write_colormap(1, {1: (255, 0, 0, 255), 2: (0, 9, 0, 255)})

    return each(
        folder,
        coloured_tif=coloured,
        turned_tif=lambda path: write_tiff(path, np.kron(LABELS, np.ones((3, 3), np.uint8)), turned(10, 14)),
        float_tif=lambda path: write_tiff(path, LABELS.astype(np.float32), nodata=np.nan),
        pillow_tif=lambda path: Image.fromarray(LABELS).save(path, compression="packbits"),
    )


def mask_folders(folder: Path) -> list[Path]:
    own = folder / "masks"
    own.mkdir(parents=True)
    write_tiff(own / "corn.tif", (LABELS == 1).astype("u1"))
    np.save(own / "soil.npy", LABELS == 2)
    scipy.io.savemat(own / "tree.mat", {"mask": (LABELS == 3).astype(np.uint8)})
    return [own]


def hdf5_cubes(folder: Path) -> list[Path]:
    def write(path: Path, **layout: object) -> None:
        with h5py.File(path, "w") as file:
            cube = file.create_dataset("group/cube", data=CUBE.transpose(2, 0, 1), **layout)
            for axis, name in enumerate(("bands", "y", "x")):
                cube.dims[axis].label = name
            cube.attrs.update({"_FillValue": np.uint16(9), "scale_factor": 1e-4, "note": "any"})
            file["group/wavelength"] = WAVELENGTHS
            file["group/wavelength"].attrs["units"] = "nm"
            file["group/fwhm"], file["group/bbl"] = np.full(BANDS, 10.0), np.ones(BANDS, np.uint8)
            file["text"], file["link"] = "some text", h5py.SoftLink("/group/cube")
            file["classes"] = np.zeros(3, dtype=[("a", "f4"), ("b", "i2")])

    return each(
        folder,
        plain_h5=write,
        packed_h5=lambda path: write(path, chunks=(2, 3, 4), compression="gzip", shuffle=True, fletcher32=True),
        lzf_h5=lambda path: write(path, chunks=(7, 8, 6), compression="lzf"),
    )


def hdf5_labels(folder: Path) -> list[Path]:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file["labels"] = LABELS
            file["labels"].attrs.update({"flag_values": np.arange(4, dtype="u1"), "flag_meanings": "no corn soil tree"})

    return each(folder, plain_h5=write)


def netcdf(format: str) -> Callable[[Path], list[Path]]:
    def write(folder: Path) -> list[Path]:
        parameters = {"grid_mapping_name": "transverse_mercator", "longitude_of_central_meridian": 9.0}
        without_wkt = {"crs": ((), None, parameters | {"latitude_of_projection_origin": 0.0})}
        return each(
            folder,
            all_nc=lambda path: write_netcdf(path, format, described()),
            parameters_nc=lambda path: write_netcdf(path, format, described(**without_wkt)),
            bare_nc=lambda path: write_netcdf(path, format, described(crs=None, wavelength=None, fwhm=None)),
        )

    return write


def prisma(folder: Path) -> list[Path]:
    return each(
        folder,
        reflectance_he5=test_prisma.write,
        radiance_he5=lambda path: test_prisma.write(path, "1"),
        offset_he5=lambda path: test_prisma.write(path, L2ScaleVnirMin=-0.1),
    )


def enmap(folder: Path) -> list[Path]:
    (folder / "product").mkdir(parents=True)
    test_enmap.write(folder / "product", start="ENMAP01")
    return [folder / "product"]


def emit(folder: Path) -> list[Path]:
    return each(
        folder,
        plain_nc=test_emit.write,
        packed_nc=lambda path: test_emit.write(path, chunks=(2, 3, 4), compression="gzip"),
    )


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
    Target("npy cube", npy_cubes, read_cube),
    Target("npy labels", npy_labels, read_image),
    Target("npz cube", npz_cubes, read_cube),
    Target("mat 5 cube", mat_cubes, read_cube),
    Target("mat 5 matrix", mat_matrices, read_cube),
    Target("mat 4 labels", mat_4, read_image),
    Target("mat 7.3 cube", mat_73, read_cube),
    Target("ENVI cube", envi_cubes, inside("a.hdr", read_cube)),
    Target("ENVI classes", envi_classes, inside("a.hdr", read_image)),
    Target("GeoTIFF cube", tiff_cubes, read_cube),
    Target("TIFF pages", tiff_pages, read_cube),
    Target("TIFF with .aux.xml", tiff_with_sidecar, inside("a.tif", read_cube)),
    Target("GeoTIFF labels", tiff_labels, read_image),
    Target("masks", mask_folders, read_image),
    Target("HDF5 cube", hdf5_cubes, read_cube),
    Target("HDF5 labels", hdf5_labels, read_image),
    Target("netCDF-3 cube", netcdf("classic"), read_cube),
    Target("netCDF-3 64 bit cube", netcdf("64-bit"), read_cube),
    Target("netCDF-4 cube", netcdf("netCDF-4"), read_cube),
    Target("PRISMA", prisma, read_cube),
    Target("EnMAP", enmap, inside("ENMAP01-METADATA.XML", read_cube)),
    Target("EMIT", emit, read_cube),
    Target("GeoJSON", layers("geojson"), inside("fields.geojson", read_image)),
    Target("GeoPackage", layers("gpkg"), inside("fields.gpkg", read_image)),
    Target("shapefile", layers("shp"), inside("fields.shp", read_image)),
    Target("FlatGeobuf", layers("fgb"), inside("fields.fgb", read_image)),
    Target("split of a run", splits_of_runs, read_split),
    Target("training masks", split_images, read_split_images),
    Target("list of tiles", lists, read_names),
    Target("folder of tiles", tile_folders, read_tiles),
)
