"""Files of several variables, HDF5 and netCDF: products by their own layout, all else by the name of a variable."""

from dataclasses import replace
from pathlib import Path

import h5py

from hsi.errors import HsiError
from hsi.scenes.grid import grid_of
from hsi.scenes.hdf5 import hdf5_store
from hsi.scenes.netcdf import MAGIC, classic_store
from hsi.scenes.products.emit import read_emit
from hsi.scenes.products.prisma import read_prisma
from hsi.scenes.raster import Raster
from hsi.scenes.spectrum import spectrum_of
from hsi.scenes.variables import Store, choose_variable, plain_raster

SUFFIXES = (".h5", ".hdf5", ".he5", ".nc", ".nc4", ".cdf")


def read_container(path: Path, key: str | None, ndim: int, option: str) -> Raster:
    """Read one variable, or a product; see `hsi.scenes.archives.choose_key` for the parameters.

    A cube is read as it is needed. Which of its axes are rows, columns and bands is said by the names of its
    dimensions, else they are taken in this order; what the file says about wavelengths, fill value, packing and place
    comes with it. Without a key, products of PRISMA and EMIT are read as wholes.

    Raises HsiError: neither HDF5 nor netCDF, a damaged or crafted file, a missing or ambiguous key.
    """
    store = _store(path)
    if ndim == 3:
        product = read_prisma(store, key) or (read_emit(store) if key is None else None)
        if product is not None:
            return product
    name = choose_variable(store, key, ndim, option)
    raster, order = plain_raster(store, name, ndim)
    if len(order) < 2:
        return raster
    georeference, notes = grid_of(store, name, (order[0], order[1]))
    raster = replace(raster, georeference=georeference, notes=(*raster.notes, *notes))
    if ndim == 2 or len(order) != 3:
        return raster
    spectrum = spectrum_of(store, name, order[2])
    return replace(
        raster,
        wavelengths=spectrum.wavelengths,
        fwhm=spectrum.fwhm,
        bad_bands=spectrum.bad_bands,
        notes=(*raster.notes, *spectrum.notes),
    )


def _store(path: Path) -> Store:
    with path.open("rb") as stream:
        begins = stream.read(len(MAGIC))
    if begins == MAGIC:
        return classic_store(path)
    if h5py.is_hdf5(path):
        return hdf5_store(path)
    raise HsiError(
        f"{path} is neither HDF5 nor netCDF, whatever its name says, or it is damaged or cut short: fetch or copy it "
        "again, or write it as GeoTIFF or ENVI."
    )
