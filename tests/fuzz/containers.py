"""Readers of HDF5 and netCDF, and of the products in them."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from scenes.products import test_emit, test_enmap, test_prisma
from scenes.test_netcdf import described
from scenes.test_netcdf import write as write_netcdf

from .doors import BANDS, CUBE, LABELS, WAVELENGTHS, each, inside, read_cube, read_image
from .targets import Target


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


TARGETS = (
    Target("HDF5 cube", hdf5_cubes, read_cube),
    Target("HDF5 labels", hdf5_labels, read_image),
    Target("netCDF-3 cube", netcdf("classic"), read_cube),
    Target("netCDF-3 64 bit cube", netcdf("64-bit"), read_cube),
    Target("netCDF-4 cube", netcdf("netCDF-4"), read_cube),
    Target("PRISMA", prisma, read_cube),
    Target("EnMAP", enmap, inside("ENMAP01-METADATA.XML", read_cube)),
    Target("EMIT", emit, read_cube),
)
