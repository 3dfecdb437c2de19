"""What of a cube is data: which bands, and which pixels. One look at all of it, block by block.

A *value* is missing where it is NaN, infinite or the file's nodata value. A *band* holds no data where the file calls
it bad, where the user leaves its wavelength out, or where all that is not missing is one and the same value. A *pixel*
holds no data where all its values are missing or the same; where only some are missing, `Description.invalid` decides:
``mask`` takes it for a pixel without data, ``interpolate`` fills in along the spectrum, ``drop`` leaves out the bands
concerned, ``error`` refuses the scene.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hsi.cube import Cube, LazyCube, blocks, changed
from hsi.errors import HsiError
from hsi.scene import LEAST_BANDS, holds_data, is_missing
from hsi.scenes.description import Description

# Where water vapour absorbs nearly all light, in nm: around 1380 and 1880 (Gao, Heidebrecht, Goetz, "Derivation of
# scaled surface reflectances from AVIRIS data", Remote Sensing of Environment 44, 1993).
WATER = ((1340.0, 1440.0), (1800.0, 1960.0))
NAMED = 10  # bands in a sentence


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found.

    Parameters
    ----------
    kept
        (N,) int64: bands that hold data, counted from 0.
    valid
        (rows, cols) bool: pixels that hold data, once `fill_gaps` has been at work where it is asked for; None where
        nobody has looked.
    notes
        what is left out and why, a sentence each.
    """

    kept: np.ndarray
    valid: np.ndarray | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Look:
    """Counts of one pass over some bands of a cube."""

    empty: np.ndarray  # (rows, cols) bool: all values missing or the same
    partial: np.ndarray  # (rows, cols) bool: some values missing, and not empty
    constant: np.ndarray  # (bands,) bool: at most one value occurs in pixels that are not empty
    gaps: np.ndarray  # (bands,) int64: missing values in pixels that are not empty


def survey(
    cube: Cube, about: Description, nodata: float | None, wavelengths: np.ndarray | None, bad: np.ndarray | None
) -> Survey:
    """Look at all of a cube.

    Raises HsiError: no band or no pixel is left, or values are missing and `about.invalid` is ``error``.

    Parameters
    ----------
    cube
        (rows, cols, bands), real numbers.
    about
        `name`, `drop_bands` and `invalid` of it count.
    nodata
        value that stands for no measurement, or None.
    wavelengths
        (bands,) nm, or None.
    bad
        (bands,) bool: bands that the file calls bad, or None.
    """
    if about.drop_bands == "model":  # it looks itself, once it has chosen its bands
        return Survey(np.arange(cube.shape[2]), None)
    kept, notes = _chosen_bands(cube.shape[2], about, wavelengths, bad)
    look = _look(cube, kept, nodata)
    if about.drop_bands != "none":
        while look.constant.any() and not look.empty.all():
            without = kept[look.constant]
            notes.append(f"{_bands(without)} without data or constant, left out")
            kept = kept[~look.constant]
            if kept.size == 0:
                raise HsiError(f"scene {about.name}: no band holds more than one value: check file and key.")
            look = _look(cube, kept, nodata)
    if look.empty.all():
        raise HsiError(
            f"scene {about.name}: no pixel holds data (all values are nodata{_value(nodata)}, NaN, or the same in all "
            "bands): check file, key and scene.nodata."
        )
    if look.partial.any() and about.invalid == "drop":
        gone = kept[look.gaps > 0]
        notes.append(f"{_bands(gone)} with missing values, left out (scene.invalid=drop)")
        kept = kept[look.gaps == 0]
        if kept.size == 0:
            raise HsiError(
                f"scene {about.name}: every band has missing values, so scene.invalid=drop leaves none: use mask or "
                "interpolate."
            )
        look = _look(cube, kept, nodata)
    valid = ~look.empty
    if (count := int(look.empty.sum())) > 0:
        notes.append(f"{count:,} of {look.empty.size:,} pixels hold no data ({_why(nodata)}): they are not mapped")
    if look.partial.any():
        notes.append(_treat_partial(look, kept, about))
        if about.invalid == "mask":
            valid &= ~look.partial
    if not valid.any():
        raise HsiError(
            f"scene {about.name}: every pixel lacks some band: fill the gaps with scene.invalid=interpolate, or leave "
            "out the bands with scene.invalid=drop."
        )
    return Survey(kept, valid, tuple(notes))


def fill_gaps(cube: Cube, nodata: float | None) -> Cube:
    """Replace missing values linearly, by band number, from the pixel's other bands; beyond the ends by the nearest.

    Pixels without any value stay as they are. A cube on disk stays there.
    """
    if isinstance(cube, LazyCube):
        return changed(cube, lambda values: _filled(values, nodata))
    return _filled(cube, nodata)


def _filled(cube: np.ndarray, nodata: float | None) -> np.ndarray:
    missing = is_missing(cube, nodata)
    bands = np.arange(cube.shape[2])
    filled = cube.copy()
    for row, col in np.argwhere(missing.any(axis=2) & ~missing.all(axis=2)):
        gaps = missing[row, col]
        found = np.interp(bands[gaps], bands[~gaps], cube[row, col, ~gaps])
        filled[row, col, gaps] = found.round() if cube.dtype.kind in "iu" else found
    return filled


def _chosen_bands(
    bands: int, about: Description, wavelengths: np.ndarray | None, bad: np.ndarray | None
) -> tuple[np.ndarray, list[str]]:
    """Bands that neither the file nor the user leaves out, and what to say of the others."""
    keep = np.ones(bands, dtype=bool)
    notes: list[str] = []
    if about.drop_bands == "none":
        return np.arange(bands), notes
    if bad is not None and bad.any():
        keep &= ~bad
        notes.append(f"{_bands(np.flatnonzero(bad))} bad according to the file, left out")
    ranges: Sequence[Sequence[float]] = ()
    if about.drop_bands == "water":
        ranges = WATER
    elif not isinstance(about.drop_bands, str):
        ranges = about.drop_bands
    if ranges and wavelengths is None:
        raise HsiError(
            f"scene {about.name}: scene.drop_bands names wavelengths, and the bands have none: give scene.wavelengths."
        )
    for low, high in ranges:
        if low > high:
            raise HsiError(f"scene.drop_bands: the range {low:g} to {high:g} nm is empty: give the lower end first.")
        assert wavelengths is not None
        inside = keep & (wavelengths >= low) & (wavelengths <= high)
        keep &= ~inside
        if inside.any():
            notes.append(f"{_bands(np.flatnonzero(inside))} from {low:g} to {high:g} nm, left out")
    if not keep.any():
        raise HsiError(
            f"scene {about.name}: none of {bands} bands is left: see scene.drop_bands and the bad bands of the file."
        )
    return np.flatnonzero(keep), notes


def _look(cube: Cube, kept: np.ndarray, nodata: float | None) -> _Look:
    rows, cols, bands = cube.shape
    empty, partial = np.zeros((2, rows, cols), dtype=bool)
    low, high = np.full(len(kept), np.inf), np.full(len(kept), -np.inf)
    gaps = np.zeros(len(kept), dtype=np.int64)
    for first, last, values in blocks(cube):
        values = values if len(kept) == bands else values[:, :, kept]
        data = holds_data(values, nodata)
        if not data.all():
            odd = values[~data]  # (N, bands): empty or partial
            missing = is_missing(odd, nodata)
            none = missing.all(axis=1)
            if len(kept) >= LEAST_BANDS:
                lowest, highest = (pick(np.where(missing, -fill, odd), axis=1) for pick, fill in LIMITS)
                none |= lowest == highest
            empty[first:last][~data], partial[first:last][~data] = none, ~none
            with np.errstate(invalid="ignore"):  # of NaN that signal
                part = np.where(missing, np.nan, odd.astype(np.float64))[~none]
            gaps += missing[~none].sum(axis=0)
            low, high = np.fmin(low, _least(part, np.fmin)), np.fmax(high, _least(part, np.fmax))
        if data.any():
            whole = values if data.all() else values[data]
            axes = tuple(range(whole.ndim - 1))
            low, high = np.fmin(low, whole.min(axis=axes)), np.fmax(high, whole.max(axis=axes))
    several = rows * cols - int(empty.sum()) > 1
    return _Look(empty, partial, ~(high > low) if several else ~np.isfinite(low), gaps)


LIMITS = ((np.min, -np.inf), (np.max, np.inf))  # of values, those that are missing set aside


def _least(part: np.ndarray, pick: np.ufunc) -> np.ndarray:
    """The least or greatest of each column of (N, bands), NaN left aside; NaN where there is none."""
    return pick.reduce(part, axis=0, initial=np.nan)


def _treat_partial(look: _Look, kept: np.ndarray, about: Description) -> str:
    """Say what becomes of pixels that lack some bands; raise where they are refused."""
    where = kept[look.gaps > 0]
    finding = f"{int(look.partial.sum()):,} pixels lack values in {_bands(where)}"
    if about.invalid == "error":
        row, col = np.argwhere(look.partial)[0]
        raise HsiError(
            f"scene {about.name}: {finding}, the first at row {row}, column {col}: set scene.invalid=mask to leave out "
            "these pixels, interpolate to fill the gaps along the spectrum, or drop to leave out these bands."
        )
    if about.invalid == "interpolate":
        return f"{finding}: filled in along the spectrum (scene.invalid=interpolate)"
    return f"{finding}: not mapped (scene.invalid=interpolate fills them, drop leaves out the bands)"


def _bands(numbers: np.ndarray) -> str:
    listed = ", ".join(map(str, numbers[:NAMED])) + (", ..." if len(numbers) > NAMED else "")
    return f"{len(numbers)} band{'s' if len(numbers) != 1 else ''} ({listed}; from 0)"


def _value(nodata: float | None) -> str:
    return "" if nodata is None else f" ({nodata:g})"


def _why(nodata: float | None) -> str:
    return "NaN or one value in all bands" if nodata is None else f"nodata {nodata:g}, NaN or one value in all bands"
