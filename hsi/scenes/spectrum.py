"""Wavelengths and band widths that stand beside a cube, in a file of variables."""

from dataclasses import dataclass

import numpy as np

from hsi.scenes.variables import Store, numbers, text
from hsi.scenes.wavelengths import TO_NANOMETRES, to_nanometres

NAMES = ("wavelength", "wavelengths", "wavelength_nm", "center_wavelength", "center_wavelengths", "lambda", "wl", "wvl")
WIDTHS = ("fwhm", "fwhms", "bandwidth", "bandwidths")
GOOD = ("good_wavelengths", "good_bands", "bbl")
METRES = ("m", "meter", "meters", "metre", "metres")


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
    factor, said = _factor(values, unit)
    notes = tuple(f"{store.path.name}: {note}" for note in said)
    if factor is None:
        return Spectrum(bad_bands=_bad(store, cube, bands), notes=notes)
    widths = _beside(store, cube, WIDTHS, bands)
    fwhm = None
    if widths is not None:
        own = _factor(widths[0], widths[1])[0] if widths[1] else factor
        fwhm = None if own is None else widths[0] * own
    return Spectrum(values * factor, fwhm, _bad(store, cube, bands), notes)


def _factor(values: np.ndarray, unit: str) -> tuple[float | None, tuple[str, ...]]:
    return (1e9, ()) if unit.strip().lower() in METRES else to_nanometres(unit, values)


def _coordinate(store: Store, name: str, bands: int) -> tuple[np.ndarray, str] | None:
    """Values and unit of a coordinate variable, if they are wavelengths and not mere numbers of bands."""
    variable = store.variables.get(name)
    if variable is None or variable.shape != (bands,):
        return None
    unit, own = text(store.attributes(name), "units"), name.rpartition("/")[2].lower()
    spelled = unit.strip().lower()
    if not (spelled in TO_NANOMETRES or spelled in METRES or own in NAMES or own.startswith("wavelength")):
        return None
    values = store.vector(name)
    return None if values is None else (values, unit)


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
        values = store.vector(name)
        if values is not None:
            return values, text(store.attributes(name), "units")
    for attributes in (store.attributes(cube), store.attributes("")):
        for name in attributes:
            if name.lower() in names and len(found := numbers(attributes, name)) == bands:
                return found, text(attributes, "wavelength_units") or text(attributes, f"{name}_units")
    return None


def _bad(store: Store, cube: str, bands: int) -> np.ndarray | None:
    found = _beside(store, cube, GOOD, bands)
    return None if found is None else found[0] == 0
