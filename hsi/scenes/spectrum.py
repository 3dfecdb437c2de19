"""Wavelengths and band widths that stand beside a cube, in a file of variables."""

from dataclasses import dataclass

import numpy as np

from hsi.errors import shown
from hsi.scenes.variables import Store, numbers, text

NAMES = ("wavelength", "wavelengths", "wavelength_nm", "center_wavelength", "center_wavelengths", "lambda", "wl", "wvl")
WIDTHS = ("fwhm", "fwhms", "bandwidth", "bandwidths")
GOOD = ("good_wavelengths", "good_bands", "bbl")
UNITS = {
    "nm": 1.0,
    "nanometer": 1.0,
    "nanometre": 1.0,
    "um": 1e3,
    "µm": 1e3,  # the micro sign
    "μm": 1e3,  # the Greek letter
    "micrometer": 1e3,
    "micrometre": 1e3,
    "micron": 1e3,
    "m": 1e9,
    "meter": 1e9,
    "metre": 1e9,
}


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What a file says about the bands of a cube, each (bands,) or None; wavelengths and fwhm in nm."""

    wavelengths: np.ndarray | None = None
    fwhm: np.ndarray | None = None
    bad_bands: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def spectrum_of(store: Store, cube: str, axis: int) -> Spectrum:
    """Look for wavelengths, widths and good bands of the variable `cube`, whose bands are its axis `axis`.

    Wavelengths are those of the coordinate variable of the axis, else of a vector of the right length called so, the
    nearest to the cube in the tree of groups, else of an attribute of the cube or the file.
    """
    bands = store.variables[cube].shape[axis]
    coordinate = store.variables[cube].coordinates[axis]
    found = _coordinate(store, coordinate, bands)
    if found is None:
        found = _beside(store, cube, NAMES, bands)
    if found is None:
        return Spectrum(bad_bands=_bad(store, cube, bands))
    values, unit = found
    factor, note = unit_factor(values, unit, store.path.name)
    notes = () if note is None else (note,)
    if factor is None or not (np.isfinite(values).all() and (values > 0).all()):
        return Spectrum(bad_bands=_bad(store, cube, bands), notes=notes)
    widths = _beside(store, cube, WIDTHS, bands)
    fwhm = None
    if widths is not None and (widths[0] > 0).all():
        fwhm = widths[0] * UNITS.get(_singular(widths[1]), factor)
    return Spectrum(values * factor, fwhm, _bad(store, cube, bands), notes)


def unit_factor(values: np.ndarray, unit: str, where: str) -> tuple[float | None, str | None]:
    """What wavelengths are to be multiplied by to be nm, None if that is unknown; and the sentence that says so."""
    if not unit and len(values):
        # No optical sensor measures at 100 µm, nor below 100 nm: the size tells the unit.
        factor = 1e3 if values.max() < 100 else 1.0
        return factor, f"{where} gives no wavelength unit; taken as {'µm' if factor == 1e3 else 'nm'}"
    if _singular(unit) not in UNITS:
        return None, f"{where}: wavelengths in '{shown(unit)}' are not used, only nm and µm are understood"
    return UNITS[_singular(unit)], None


def _singular(unit: str) -> str:
    unit = unit.strip().lower()
    return unit[:-1] if len(unit) > 2 and unit.endswith("s") else unit


def _coordinate(store: Store, name: str, bands: int) -> tuple[np.ndarray, str] | None:
    """Values and unit of a coordinate variable, if they are wavelengths and not mere numbers of bands."""
    variable = store.variables.get(name)
    if variable is None or variable.dtype is None or variable.shape != (bands,):
        return None
    attributes = store.attributes(name)
    if text(attributes, "NAME").startswith("This is a netCDF dimension but not a netCDF variable"):
        return None
    own = name.rpartition("/")[2].lower()
    if _singular(text(attributes, "units")) in UNITS or own in NAMES or own.startswith("wavelength"):
        return store.whole(name).astype(np.float64), text(attributes, "units")
    return None


def _beside(store: Store, cube: str, names: tuple[str, ...], bands: int) -> tuple[np.ndarray, str] | None:
    """Values and unit of the nearest vector, or attribute, of one of the names."""
    place = cube.rpartition("/")[0]
    fitting = [
        name
        for name, variable in store.variables.items()
        if name.rpartition("/")[2].lower() in names and variable.dtype is not None and variable.shape == (bands,)
    ]
    above = [name for name in fitting if f"{place}/".startswith(f"{name.rpartition('/')[0]}/".lstrip("/"))]
    if above or len(fitting) == 1:
        name = max(above or fitting, key=lambda name: (name.count("/"), -names.index(name.rpartition("/")[2].lower())))
        return store.whole(name).astype(np.float64), text(store.attributes(name), "units")
    for attributes in (store.attributes(cube), store.attributes("")):
        for name in attributes:
            if name.lower() in names and len(values := numbers(attributes, name)) == bands:
                unit = text(attributes, "wavelength_units") or text(attributes, f"{name}_units")
                return values, unit
    return None


def _bad(store: Store, cube: str, bands: int) -> np.ndarray | None:
    found = _beside(store, cube, GOOD, bands)
    return None if found is None else found[0] == 0
