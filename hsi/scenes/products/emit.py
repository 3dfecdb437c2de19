"""EMIT of NASA: netCDF-4 files of levels 1B (radiance) and 2A (reflectance).

Green et al., "EMIT L2A Estimated Surface Reflectance and Uncertainty and Masks 60 m V001", NASA LP DAAC, 2022,
doi:10.5067/EMIT/EMITL2ARFL.001, and its User Guide. The cube lies as the instrument scanned it, (downtrack,
crosstrack, bands). A lookup table says for each pixel of a map grid which pixel of the scan it shows, counted from 1;
0 stands for none.
"""

import numpy as np

from hsi.cube import BLOCK_BYTES, LazyCube
from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.scenes.grid import gdal_transform
from hsi.scenes.raster import Raster
from hsi.scenes.variables import Store, lazy_cube, number, numbers, text

CUBES = ("reflectance", "radiance")
TABLES = ("location/glt_y", "location/glt_x")
BANDS = "sensor_band_parameters/"
FILL = -9999.0


def read_emit(store: Store) -> Raster | None:
    """Read the cube on its map grid, through the lookup table, row by row as it is needed.

    Returns
    -------
    The raster, float32, `nodata` where the table has no pixel; None if this is no EMIT product.

    Raises HsiError: a product that lacks what its guide promises.
    """
    name = next((name for name in CUBES if name in store.variables), None)
    root = store.attributes("")
    if name is None or any(table not in store.variables for table in TABLES) or "geotransform" not in root:
        return None
    scan = store.variables[name]
    shapes = {store.variables[table].shape for table in TABLES}
    transform = gdal_transform(numbers(root, "geotransform"))
    if len(scan.shape) != 3 or len(shapes) != 1 or len(next(iter(shapes))) != 2 or transform is None:
        raise _fault(store, "a cube, two lookup tables of one size and a geotransform that do not fit each other")
    fill = number(store.attributes(name), "_FillValue")
    fill = FILL if fill is None else fill
    wavelengths, fwhm, good = (
        _per_band(store, which, scan.shape[2]) for which in ("wavelengths", "fwhm", "good_wavelengths")
    )
    cube = through_table(store, lazy_cube(store, name, (0, 1, 2)), fill)
    return Raster(
        cube,
        (store.path,),
        wavelengths=wavelengths,
        fwhm=fwhm,
        bad_bands=None if good is None else good == 0,
        georeference=Georeference(transform, text(root, "spatial_ref") or None),
        nodata=fill,
        notes=(
            f"{store.path.name} is an EMIT product: its {name} is put on the map grid of {cube.shape[0]} x "
            f"{cube.shape[1]} pixels by its lookup table; scene.cube_key={name} reads it as it was scanned",
        ),
    )


def through_table(store: Store, scan: LazyCube, fill: float) -> LazyCube:
    """The cube on the map grid; of the scan only the part is read that the pixels asked for show."""
    for table in TABLES:
        store.check(table)
    rows_of_all, cols_of_all = store.variables[TABLES[0]].shape

    def read(rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
        down, across = (store.read(table, (rows, cols)).astype(np.int64) - 1 for table in TABLES)
        shows = (down >= 0) & (across >= 0)
        if (down[shows] >= scan.shape[0]).any() or (across[shows] >= scan.shape[1]).any():
            raise _fault(store, "a lookup table that leads out of its cube")
        count = scan.shape[2] if bands is None else len(bands)
        shape, down, across = (*down.shape, count), down.ravel(), across.ravel()
        values = np.full((down.size, count), fill, scan.dtype)
        pixel = max(1, count * scan.dtype.itemsize)
        todo = np.flatnonzero(shows)
        todo = todo[np.argsort(down[todo], kind="stable")]
        while len(todo):
            part = _fitting(down[todo], across[todo], BLOCK_BYTES // pixel)
            y, x = down[todo[:part]], across[todo[:part]]
            box = scan.read(slice(y.min(), y.max() + 1), slice(x.min(), x.max() + 1), bands)
            values[todo[:part]] = box[y - y.min(), x - x.min()]
            todo = todo[part:]
        return values.reshape(shape)

    return LazyCube((rows_of_all, cols_of_all, scan.shape[2]), scan.dtype, read)


def _fitting(down: np.ndarray, across: np.ndarray, area: int) -> int:
    """How many of the first pixels, in the order of their rows in the scan, lie in a box of at most `area` pixels.

    At least those of the first row.
    """
    height = down - down[0] + 1
    width = np.maximum.accumulate(across) - np.minimum.accumulate(across) + 1
    ends = np.flatnonzero(np.diff(down, append=down[-1] + 1)) + 1  # after the last pixel of each row
    fits = ends[(height * width)[ends - 1] <= area]
    return int(fits[-1] if len(fits) else ends[0])


def _per_band(store: Store, name: str, bands: int) -> np.ndarray | None:
    variable = store.variables.get(BANDS + name)
    if variable is None or variable.dtype is None or variable.shape != (bands,):
        return None
    return store.whole(BANDS + name).astype(np.float64)


def _fault(store: Store, what: str) -> HsiError:
    return HsiError(f"{store.path} looks like an EMIT product but has {what}: it is damaged, fetch it again.")
