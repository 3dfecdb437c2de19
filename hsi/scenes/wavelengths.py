"""Wavelengths as files state them: as lists of numbers with a unit, or in the names of bands."""

import re
from collections.abc import Sequence

import numpy as np

from hsi.errors import shown

TO_NANOMETRES = {
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 1.0),
    # two signs for micro: that of physics, and the Greek letter
    **dict.fromkeys(("um", "\u00b5m", "\u03bcm", "micron", "microns"), 1000.0),
    **dict.fromkeys(("micrometer", "micrometers", "micrometre", "micrometres"), 1000.0),
    **dict.fromkeys(("angstrom", "angstroms"), 0.1),
}
UNSAID = ("", "unknown", "none")
_UNITS = "|".join(sorted(map(re.escape, TO_NANOMETRES), key=len, reverse=True))
_WITH_UNIT = re.compile(rf"(?<![\d.])(\d+(?:\.\d*)?|\.\d+)\s*({_UNITS})(?![^\W\d_])", re.IGNORECASE)
_BARE = re.compile(r"(?:.*\()?\s*(\d+\.\d+)\s*\)?\s*", re.DOTALL)  # '543.21', or 'Band 12 (543.21)'
LONGEST_NAME = 300


def numbers(texts: Sequence[str]) -> np.ndarray | None:
    """Numbers written as text, (N,) float64; None if there is none, or one that is no finite number."""
    try:
        values = np.array([float(text) for text in texts], dtype=np.float64)
    except ValueError:
        return None
    return values if values.size and np.isfinite(values).all() else None


def to_nanometres(unit: str | None, wavelengths: np.ndarray) -> tuple[float | None, tuple[str, ...]]:
    """What to multiply wavelengths and widths of bands by for nm.

    Parameters
    ----------
    unit
        as the file spells it; None where it does not say.
    wavelengths
        (bands,) float64, whose size tells a unit that is not given.

    Returns
    -------
    The factor, None for units that are no wavelength such as wavenumbers; and notes for the user.
    """
    spelled = (unit or "").strip().lower()
    if spelled in TO_NANOMETRES:
        return TO_NANOMETRES[spelled], ()
    if spelled in UNSAID:
        # No optical sensor measures at 100 µm, nor below 100 nm: the size tells the unit.
        factor, name = (1000.0, "µm") if wavelengths.max() < 100 else (1.0, "nm")
        return factor, (f"no wavelength unit is given, by their size they are {name}",)
    return None, (f"wavelengths in '{shown(unit)}' are not used, only nm and µm are understood",)


def spectral_axis(
    wavelengths: np.ndarray | None, fwhm: np.ndarray | None, unit: str | None, bands: int
) -> tuple[np.ndarray | None, np.ndarray | None, tuple[str, ...]]:
    """Wavelengths and widths of bands in nm.

    Parameters
    ----------
    wavelengths, fwhm
        float64 in the file's unit, or None.
    unit
        of both, None where the file does not say.
    bands
        how many bands the image has; lists of another length are passed over.

    Returns
    -------
    (bands,) float64 each, or None; and notes for the user.
    """
    notes: list[str] = []
    lists = {"wavelengths": wavelengths, "widths (fwhm)": fwhm}
    for name, values in lists.items():
        if values is not None and values.shape != (bands,):
            notes.append(f"{values.size} {name} are given for {bands} bands, so they are passed over")
            lists[name] = None
    middle, width = lists.values()
    known = middle if middle is not None else width
    if known is None or (middle is None and (unit or "").strip().lower() in UNSAID):
        return None, None, tuple(notes)
    factor, said = to_nanometres(unit, known)
    if factor is None:
        return None, None, (*notes, *said)
    return (
        None if middle is None else middle * factor,
        None if width is None else width * factor,
        (*notes, *said),
    )


def from_names(names: Sequence[str | None]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Wavelengths out of the names of bands, such as 'Band 12 (543.21 Nanometers)' or '0.5432 um'.

    Returns
    -------
    (bands,) float64 in nm, None unless every name holds one; and notes for the user. A number without a unit counts
    only with a fraction, alone or in brackets at the end.
    """
    texts = [(name or "")[:LONGEST_NAME].strip() for name in names]
    found = [_WITH_UNIT.search(text) for text in texts]
    if found and all(found):
        pairs = [match.groups() for match in found if match]
        return np.array([float(value) * TO_NANOMETRES[unit.lower()] for value, unit in pairs]), ()
    bare = [_BARE.fullmatch(text) for text in texts]
    if bare and all(bare):
        values = np.array([float(match[1]) for match in bare if match])
        factor, notes = to_nanometres(None, values)
        return (None if factor is None else values * factor), notes
    return None, ()
