"""The files that docs/your_own_scene.md names, small and invented: fields of four crops, in UTM zone 32 north."""

from pathlib import Path

import geopandas
import h5py
import numpy as np
import rasterio
from rasterio.transform import Affine
from scipy.io import netcdf_file, savemat
from shapely.geometry import Point, box
from spectral.io import envi

CRS = "EPSG:32632"
CROPS = ("barley", "maize", "meadow", "wheat")
NODATA = -9999
ROWS, COLS, PIXEL = 40, 36, 10.0  # m
EAST, NORTH = 600_000.0, 5_300_000.0
WAVELENGTHS = np.linspace(420, 2420, 40)  # nm
DEAD = (19, 20)  # bands that the header calls bad
FIELD, STEP = 5, 6  # pixels of a field, and from one field to the next
COVER = np.array([0, 0.35, 0.55, 0.75, 0.95])  # of the ground by plants, bare soil first


def transform(row: int = 0, col: int = 0) -> Affine:
    """Of a part of the scene that begins at this pixel."""
    return Affine(PIXEL, 0, EAST + col * PIXEL, 0, -PIXEL, NORTH - row * PIXEL)


def crops(seed: int) -> np.ndarray:
    """(ROWS, COLS) uint8: crop 1..4 of the fields, 0 on the tracks between them."""
    down, across = np.arange(ROWS)[:, None], np.arange(COLS)
    fields = (ROWS // STEP + 1, COLS // STEP + 1)
    grown = np.random.default_rng(seed).permutation(np.arange(np.prod(fields)) % len(CROPS)).reshape(fields) + 1
    return np.where((down % STEP < FIELD) & (across % STEP < FIELD), grown[down // STEP, across // STEP], 0).astype(
        "u1"
    )


def strip(image: np.ndarray, seed: int) -> np.ndarray:
    """(rows, cols, bands) int16, 10,000 times the reflectance; the strip is tilted, so two corners are NODATA."""
    rng = np.random.default_rng(seed)
    along = (WAVELENGTHS - WAVELENGTHS[0]) / np.ptp(WAVELENGTHS)
    soil, leaf = 0.1 + 0.25 * along, 0.04 + 0.42 * (1 - 0.45 * along) / (1 + np.exp((720 - WAVELENGTHS) / 25))
    cover = COVER[image][..., None]
    cube = ((1 - cover) * soil + cover * leaf) * (1 + 0.03 * rng.standard_normal(cover.shape))
    cube += 0.006 * rng.standard_normal(cube.shape)
    values = np.clip(10_000 * cube, 1, 12_000).astype(np.int16)
    values[:, :, list(DEAD)] = 0
    row, col = np.indices(image.shape)
    values[(3 * col + row < 12) | (3 * (COLS - 1 - col) + ROWS - 1 - row < 12)] = NODATA
    return values


def polygons(image: np.ndarray) -> geopandas.GeoDataFrame:
    """Three fields of four, drawn a little inside their edges; a speck below a pixel, and a part with another crop."""
    corners = [(row, col) for row in range(0, ROWS - FIELD, STEP) for col in range(0, COLS - FIELD + 1, STEP)]
    corners = [place for number, place in enumerate(corners) if number % 4 != 3]
    shapes = [_square(row, col) for row, col in corners]
    names = [CROPS[image[place] - 1] for place in corners]
    speck, second = box(EAST + 101, NORTH - 104, EAST + 104, NORTH - 101), shapes[7].buffer(-15)
    other = next(name for name in CROPS if name != names[7])
    drawn = {"surveyor": "A. Miller", "crop": [*names, "wheat", other]}
    return geopandas.GeoDataFrame(drawn, geometry=[*shapes, speck, second], crs=CRS)


def _square(row: int, col: int) -> object:
    left, top, side = EAST + col * PIXEL + 2, NORTH - row * PIXEL - 2, FIELD * PIXEL - 4
    return box(left, top - side, left + side, top)


def write_envi(path: Path, cube: np.ndarray) -> None:
    """Header and data file, .hdr and .img."""
    place = ["UTM", "1", "1", f"{EAST}", f"{NORTH}", f"{PIXEL}", f"{PIXEL}", "32", "North", "WGS-84", "units=Meters"]
    about = {
        "map info": place,
        "wavelength": [f"{wavelength:.1f}" for wavelength in WAVELENGTHS],
        "wavelength units": "Nanometers",
        "bbl": ["0" if band in DEAD else "1" for band in range(len(WAVELENGTHS))],
        "data ignore value": NODATA,
        "reflectance scale factor": 10_000,
    }
    envi.save_image(str(path), cube, dtype=cube.dtype, interleave="bil", ext="img", metadata=about)


def write_tiff(
    path: Path, image: np.ndarray, place: Affine, nodata: float, wavelengths: np.ndarray = WAVELENGTHS
) -> None:
    """A GeoTIFF of (rows, cols), or of (rows, cols, bands) with scale and wavelengths."""
    bands = np.atleast_3d(image)
    size = {"height": bands.shape[0], "width": bands.shape[1], "count": bands.shape[2], "dtype": bands.dtype}
    with rasterio.open(path, "w", driver="GTiff", crs=CRS, transform=place, nodata=nodata, **size) as file:
        file.write(bands.transpose(2, 0, 1))
        if image.ndim == 3:
            file.scales = [1e-4] * len(wavelengths)
            for number, wavelength in enumerate(wavelengths, 1):
                file.update_tags(number, wavelength=f"{wavelength:.1f}", wavelength_units="Nanometers")


def write_others(folder: Path, image: np.ndarray, cube: np.ndarray) -> None:
    """The scene again, in other formats and with other labels."""
    down, across = np.nonzero(image)
    chosen = slice(0, None, 7)
    pixels = list(zip(down[chosen], across[chosen], strict=True))
    places = [Point(EAST + (col + 0.5) * PIXEL, NORTH - (row + 0.5) * PIXEL) for row, col in pixels]
    names = [CROPS[image[pixel] - 1] for pixel in pixels]
    geopandas.GeoDataFrame({"crop": names}, geometry=places, crs=CRS).to_file(folder / "points.gpkg")
    for number, name in enumerate(CROPS, 1):
        write_tiff(folder / f"{name}.tif", (image == number).astype("u1"), transform(), 255)
    write_tiff(folder / "labels.tif", image, transform(), 0)
    with h5py.File(folder / "cube.h5", "w") as file:
        file["radiance"], file["reflectance"] = cube * 2, cube
    with netcdf_file(folder / "cube.nc", "w") as file:
        for name, size in zip(("y", "x", "band"), cube.shape, strict=True):
            file.createDimension(name, size)
        file.createVariable("reflectance", "i2", ("y", "x", "band"))[:] = cube
    matrix = cube.transpose(1, 0, 2).reshape(-1, cube.shape[2]).T  # bands x pixels, columns of the image first
    savemat(folder / "jasper.mat", {"Y": matrix, "nRow": ROWS, "nCol": COLS})
    for kind, values, nodata in (("tiles", cube, NODATA), ("tile_labels", image, 0)):
        (folder / kind).mkdir()
        ending = "" if kind == "tiles" else "_gt"
        for row in (0, ROWS // 2):
            for col in (0, COLS // 2):
                part = values[row : row + ROWS // 2, col : col + COLS // 2]
                write_tiff(folder / kind / f"r{row}_c{col}{ending}.tif", part, transform(row, col), nodata)


def write_all(folder: Path) -> None:
    """Every file that the page names."""
    image, later = crops(0), crops(1)
    cube = strip(image, 2)
    write_envi(folder / "field.hdr", cube)
    polygons(image).to_crs("EPSG:4326").to_file(folder / "fields.gpkg")
    write_tiff(folder / "next.tif", strip(later, 3), transform(), NODATA)
    write_tiff(folder / "next_labels.tif", later, transform(), 0)
    write_others(folder, image, cube)
