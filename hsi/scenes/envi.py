"""ENVI images: a header .hdr with the data file beside it, of which only what is asked for is read."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hsi.errors import HsiError, shown
from hsi.scenes.class_table import class_table
from hsi.scenes.envi_header import listed, numbers_of, read_header, whole
from hsi.scenes.map_info import read_georeference
from hsi.scenes.raster import Raster
from hsi.scenes.raw import Plain, plain_cube
from hsi.scenes.wavelengths import from_names, spectral_axis

DTYPES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX = (6, 9)
# axes of (rows, cols, bands), the one that changes last in front
ORDERS = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}
DATA_SUFFIXES = ("", ".img", ".dat", ".bsq", ".bil", ".bip", ".raw")  # a file that has one is taken for ENVI
OTHER_SUFFIXES = (".bin", ".hyspex", ".rfl", ".cube")  # may also be the data file of a header
NO_IMAGES = {"envi spectral library": "a spectral library", "envi meta file": "a list of other files", "tiff": "a TIFF"}


def read_envi(path: Path) -> Raster:
    """Open an ENVI image, (rows, cols, bands) whatever the interleave, of which the header or the data file is given.

    Raises HsiError: no usable header, a spectral library, complex or compressed numbers, or a data file that is
    missing or shorter than promised.
    """
    is_header = path.suffix.lower() == ".hdr"
    header_path = path if is_header else header_beside(path)
    header = read_header(header_path)
    kind = header.get("file type", "").strip().lower()
    if kind in NO_IMAGES:
        raise HsiError(
            f"{header_path} is the header of {NO_IMAGES[kind]}, not of an ENVI image: give that of an image."
        )
    data = data_beside(path) if is_header else path
    plain = _layout(header_path, header, data)
    cube = plain_cube(plain, header_path.name)  # which the file can hold: lists of as many values as bands follow
    bands = plain.shape[2]
    nodata = numbers_or_nan(header_path, header, "data ignore value")
    wavelengths, fwhm, spectral_notes = _spectral(header_path, header, bands)
    gain, offset, gain_notes = _gain(header_path, header, bands)
    bad_bands, band_notes = _bad_bands(header, bands)
    rgb_bands, rgb_notes = _rgb_bands(header_path, header, bands)
    georeference, map_notes = read_georeference(header)
    return Raster(
        cube,
        (header_path, data),
        wavelengths=wavelengths,
        fwhm=fwhm,
        bad_bands=bad_bands,
        rgb_bands=rgb_bands,
        georeference=georeference,
        nodata=nodata,
        gain=gain,
        offset=offset,
        classes=_classes(header),
        notes=tuple(
            f"{header_path.name}: {note}"
            for note in (*spectral_notes, *gain_notes, *band_notes, *rgb_notes, *map_notes)
        ),
    )


def find_header(data: Path) -> Path | None:
    """The header of a data file: x.img.hdr or x.hdr beside x.img; None where there is none."""
    named = _header_names(data)
    candidates = (*named, *(name.with_suffix(".HDR") for name in named))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def header_beside(data: Path) -> Path:
    """`find_header`; HsiError where there is none."""
    if (header := find_header(data)) is not None:
        return header
    names = " or ".join(dict.fromkeys(name.name for name in _header_names(data)))
    raise HsiError(
        f"{data} would be the data file of an ENVI image, but its header {names} is not beside it: copy it there."
    )


def _header_names(data: Path) -> list[Path]:
    return [data.with_name(data.name + ".hdr"), data.with_suffix(".hdr")]


def data_beside(header: Path) -> Path:
    """The data file of a header: x, x.img and the like beside x.hdr, x.img beside x.img.hdr.

    Raises HsiError: there is none.
    """
    stem = header.with_suffix("")
    for suffix in (*DATA_SUFFIXES, *OTHER_SUFFIXES):
        for spelled in (suffix, suffix.upper()):
            if (data := stem.with_name(stem.name + spelled)).is_file():
                return data
    listing = ", ".join(stem.name + suffix for suffix in DATA_SUFFIXES)
    raise HsiError(f"{header} has no data file beside it ({listing}): copy it there, or give the data file itself.")


def _layout(path: Path, header: Mapping[str, str], data: Path) -> Plain:
    """Check what says how the numbers lie in the data file."""
    shape = (whole(path, header, "lines"), whole(path, header, "samples"), whole(path, header, "bands"))
    start = whole(path, header, "header offset", 0)
    if min(shape) < 1 or start < 0:
        raise HsiError(
            f"{path}: lines={shape[0]}, samples={shape[1]}, bands={shape[2]}, header offset={start} is no image: "
            "correct the header."
        )
    code = whole(path, header, "data type")
    if code not in DTYPES:
        what = "complex numbers, which are no spectra" if code in COMPLEX else "no type of ENVI's format"
        raise HsiError(f"{path}: data type={code} means {what}: save the image as real numbers.")
    order = whole(path, header, "byte order", 0 if code == 1 else None)
    interleave = header.get("interleave", "").strip().lower()
    if order not in (0, 1) or interleave not in ORDERS:
        raise HsiError(
            f"{path}: byte order={order}, interleave={shown(interleave) or 'none'} is not read here: byte order is 0 "
            "or 1, and interleave bsq, bil or bip; correct the header."
        )
    if whole(path, header, "file compression", 0):
        raise HsiError(f"{path}: its data file is compressed (file compression=1): save it without compression.")
    if any(value.strip("0 ") for key in ("major", "minor") for value in listed(header, f"{key} frame offsets")):
        raise HsiError(f"{path}: frame offsets, bytes between the lines, are not read here: save it without them.")
    dtype = np.dtype(("<" if order == 0 else ">") + DTYPES[code])
    return Plain(data, start, shape, dtype, ORDERS[interleave])


def numbers_or_nan(path: Path, header: Mapping[str, str], name: str) -> float | None:
    """A single number, which may be NaN.

    Raises HsiError: it is no number.
    """
    try:
        return float(header[name]) if name in header else None
    except ValueError:
        raise HsiError(f"{path}: '{name} = {shown(header[name])}' is no number: correct the header.") from None


def _spectral(
    path: Path, header: Mapping[str, str], bands: int
) -> tuple[np.ndarray | None, np.ndarray | None, tuple[str, ...]]:
    """Wavelengths and widths in nm."""
    stated, widths = numbers_of(path, header, "wavelength"), numbers_of(path, header, "fwhm")
    wavelengths, fwhm, notes = spectral_axis(stated, widths, header.get("wavelength units"), bands)
    if stated is None and len(names := listed(header, "band names")) == bands:
        wavelengths, said = from_names(names)
        notes += said
    return wavelengths, fwhm, notes


def _gain(
    path: Path, header: Mapping[str, str], bands: int
) -> tuple[np.ndarray | None, np.ndarray | None, tuple[str, ...]]:
    """Gain and offset of every band; those of radiance win over the factor of reflectance."""
    notes: list[str] = []
    found: list[np.ndarray | None] = []
    for name, neutral in (("data gain values", 1), ("data offset values", 0)):
        values = numbers_of(path, header, name)
        if values is not None and values.shape != (bands,):
            notes.append(f"'{name}' has {values.size} numbers for {bands} bands, so it is passed over")
            values = None
        found.append(None if values is None or (values == neutral).all() else values)
    gain, offset = found
    factor = numbers_or_nan(path, header, "reflectance scale factor")
    if factor is not None and not 0 < factor < np.inf:
        raise HsiError(f"{path}: 'reflectance scale factor = {factor:g}' must be above 0: correct the header.")
    if gain is None and offset is None and factor not in (None, 1):
        gain = np.full(bands, 1 / factor)
    return gain, offset, tuple(notes)


def _bad_bands(header: Mapping[str, str], bands: int) -> tuple[np.ndarray | None, tuple[str, ...]]:
    if not (texts := listed(header, "bbl")):
        return None, ()
    try:
        good = np.array(texts, dtype=np.float64)
    except ValueError:
        good = np.empty(0)
    if good.shape != (bands,):
        return None, ("the bad band list (bbl) is not one number per band; it is passed over",)
    return good == 0, ()


def _rgb_bands(
    path: Path, header: Mapping[str, str], bands: int
) -> tuple[tuple[int, int, int] | None, tuple[str, ...]]:
    """Bands for red, green, blue, which ENVI counts from 1."""
    numbers = numbers_of(path, header, "default bands")
    if numbers is None or numbers.size != 3:
        return None, ()
    if numbers.min() < 1 or numbers.max() > bands:
        return None, (f"'default bands' are not between 1 and {bands}, so they are passed over",)
    red, green, blue = (int(number) - 1 for number in numbers)
    return (red, green, blue), ()


def _classes(header: Mapping[str, str]) -> dict[int, tuple[str, str | None]] | None:
    if header.get("file type", "").strip().lower() != "envi classification":
        return None
    texts = listed(header, "class lookup")
    levels = [int(text) if text.isdecimal() and len(text) < 4 else -1 for text in texts]
    return class_table(listed(header, "class names"), list(zip(*[iter(levels)] * 3, strict=False)))
