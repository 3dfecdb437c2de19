"""PRISMA of the Italian Space Agency: HDF-EOS5 files (.he5) of levels 1, 2B, 2C and 2D.

ASI, "PRISMA Products Specification Document", PRS-DOC-PR-SDS-01, issue 2.3, 2020. Two detectors, VNIR and SWIR, whose
cubes have the axes (rows, bands, columns) and whose bands run from long to short wavelengths and overlap around
950 nm. A band that was not recorded has the wavelength 0.
"""

from dataclasses import dataclass

import numpy as np

from hsi.cube import LazyCube, changed
from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.scenes.raster import Raster
from hsi.scenes.variables import Attributes, Store, lazy_cube, number, numbers

LEVELS = ("2D", "2C", "2B", "1")
FIELDS = "HDFEOS/SWATHS/PRS_L{}_HCO/Data Fields/{}_Cube"  # HCO: the hyperspectral cubes, co-registered
DETECTORS = ("VNIR", "SWIR")
PIXEL = 30.0  # metres
LARGEST = 65535  # of the digital numbers
AXES = (0, 2, 1)


@dataclass(frozen=True, eq=False)
class Detector:
    """The cube of one detector, and of each of its bands middle and width in nm, gain and offset, (bands,) float64."""

    cube: LazyCube
    wavelengths: np.ndarray
    fwhm: np.ndarray
    gain: np.ndarray
    offset: np.ndarray


def read_prisma(store: Store, key: str | None = None) -> Raster | None:
    """Read both cubes as one, its bands in the order of their wavelengths; those that were not recorded are left out.

    Parameters
    ----------
    key
        name of one of the two cubes, to read it alone, or None.

    Returns
    -------
    The raster, in digital numbers with a gain and an offset to reflectance (level 1: radiance, W / (m² sr µm)), or in
    reflectance where the offsets of the detectors differ; None if this is no PRISMA product, or the key names
    something else in it. Only level 2D is georeferenced. Single zeros are measurements, dark ones in the bands where
    water absorbs; pixels of the margin are 0 in all bands.

    Raises HsiError: a product that lacks what the specification promises.
    """
    level = next((level for level in LEVELS if FIELDS.format(level, "VNIR") in store.variables), None)
    if level is None:
        return None
    wanted = [name for name in DETECTORS if key is None or key.strip("/") == FIELDS.format(level, name)]
    if not wanted:
        return None
    attributes = store.attributes("")
    detectors = [_detector(store, attributes, level, name) for name in wanted]
    if len({detector.cube.shape[:2] for detector in detectors}) != 1:
        raise _fault(store, "cubes of different numbers of rows and columns")
    wavelengths = np.concatenate([detector.wavelengths for detector in detectors])
    order = np.argsort(wavelengths, kind="stable")
    order = order[wavelengths[order] > 0]
    if not len(order):
        raise _fault(store, "no band with a wavelength")
    fwhm, gain, offset = (
        np.concatenate([getattr(detector, field) for detector in detectors])[order]
        for field in ("fwhm", "gain", "offset")
    )
    cube = _ordered([detector.cube for detector in detectors], order)
    scaled = len(set(offset)) > 1  # then its margin, 0 in both detectors, would become two values
    georeference = _georeference(attributes, cube.shape) if level == "2D" else None
    notes = [
        f"{store.path.name} is PRISMA level {level}: {len(order)} bands of {' and '.join(wanted)} in the order of "
        f"their wavelengths, {len(wavelengths) - len(order)} that were not recorded are left out"
    ]
    if georeference is None:
        notes.append(f"{store.path.name} has no map grid, only level 2D does: its map will have no georeference")
    return Raster(
        _measured(cube, gain, offset) if scaled else cube,
        (store.path,),
        wavelengths=wavelengths[order],
        fwhm=fwhm if (fwhm > 0).all() else None,
        georeference=georeference,
        gain=None if scaled else gain,
        offset=None if scaled else offset,
        notes=tuple(notes),
    )


def _detector(store: Store, attributes: Attributes, level: str, name: str) -> Detector:
    field = FIELDS.format(level, name)
    variable = store.variables.get(field)
    if variable is None or len(variable.shape) != 3 or variable.dtype is None:
        raise _fault(store, f"no cube '{field}'")
    bands = variable.shape[1]
    title = name.capitalize()
    wavelengths, fwhm = (numbers(attributes, f"List_{kind}_{title}") for kind in ("Cw", "Fwhm"))
    if len(wavelengths) != bands:
        raise _fault(store, f"no list 'List_Cw_{title}' of {bands} wavelengths")
    gain, offset = _scale(store, attributes, level, title)
    return Detector(
        lazy_cube(store, field, AXES),
        wavelengths,
        fwhm if len(fwhm) == bands else np.zeros(bands),
        np.full(bands, gain),
        np.full(bands, offset),
    )


def _scale(store: Store, attributes: Attributes, level: str, title: str) -> tuple[float, float]:
    """Gain and offset from digital numbers to reflectance, or to radiance."""
    names = (
        [f"ScaleFactor_{title}", f"Offset_{title}"]
        if level == "1"
        else [f"L2Scale{title}{end}" for end in ("Min", "Max")]
    )
    first, second = (number(attributes, name) for name in names)
    if first is None or second is None or (level == "1" and first == 0):
        raise _fault(store, f"no numbers '{names[0]}' and '{names[1]}'")
    return (1 / first, -second) if level == "1" else ((second - first) / LARGEST, first)


def _ordered(cubes: list[LazyCube], order: np.ndarray) -> LazyCube:
    """Bands `order` of cubes behind each other, as one cube."""
    starts = np.cumsum([0, *(cube.shape[2] for cube in cubes)])
    source = np.searchsorted(starts, order, side="right") - 1
    rows_of_all, cols_of_all, _ = cubes[0].shape
    dtype = np.result_type(*(cube.dtype for cube in cubes))

    def read(rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
        wanted = np.arange(len(order)) if bands is None else bands
        values = np.empty((rows.stop - rows.start, cols.stop - cols.start, len(wanted)), dtype)
        for which, cube in enumerate(cubes):
            here = np.flatnonzero(source[wanted] == which)
            own = order[wanted[here]] - starts[which]
            ascending = np.argsort(own)
            if len(here):
                values[:, :, here[ascending]] = cube.read(rows, cols, own[ascending])
        return values

    return LazyCube((rows_of_all, cols_of_all, len(order)), dtype, read)


def _measured(cube: LazyCube, gain: np.ndarray, offset: np.ndarray) -> LazyCube:
    """Gain and offset applied, float32; NaN for pixels that are 0 in all bands, which hold no data."""

    def change(values: np.ndarray) -> np.ndarray:
        quantity = (values * gain + offset).astype(np.float32)
        quantity[(values == 0).all(axis=2)] = np.nan
        return quantity

    return changed(cube, change, dtype=np.float32)


def _georeference(attributes: Attributes, shape: tuple[int, int, int]) -> Georeference | None:
    """The grid of level 2D in UTM.

    The corners are middles of pixels in some versions of the processor and corners of pixels in others: the distance
    between them tells, since pixels have 30 m.
    """
    left, top = (number(attributes, f"Product_ULcorner_{axis}") for axis in ("easting", "northing"))
    right, bottom = (number(attributes, f"Product_LRcorner_{axis}") for axis in ("easting", "northing"))
    epsg = number(attributes, "Epsg_Code")
    if left is None or top is None:
        return None
    half = PIXEL / 2
    if right is not None and bottom is not None:
        spans_edges = abs(right - left - shape[1] * PIXEL) < half and abs(top - bottom - shape[0] * PIXEL) < half
        half = 0.0 if spans_edges else half
    return Georeference(
        (PIXEL, 0.0, left - half, 0.0, -PIXEL, top + half), None if epsg is None else f"EPSG:{epsg:.0f}"
    )


def _fault(store: Store, lack: str) -> HsiError:
    return HsiError(f"{store.path} looks like a PRISMA product but has {lack}: it is damaged, fetch it again.")
