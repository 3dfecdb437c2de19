"""What GDAL's metadata say of the bands and values of an image: wavelengths, bad bands, colours, classes.

Its domains and names: "Raster Data Model" and "ENVI .hdr Labelled Raster" in the documentation of GDAL. GDAL merges
what a file .aux.xml beside the image says; rasterio hands on all of it but the names of classes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from hsi.scenes.class_table import class_table
from hsi.scenes.wavelengths import from_names, numbers, spectral_axis

WAVELENGTH = ("wavelength", "wavelengths", "center_wavelength", "central_wavelength", "centre_wavelength")
WIDTH = ("fwhm", "bandwidth", "band_width")
UNIT = ("wavelength_units", "wavelength_unit", "wavelengths_units", "wavelengths_unit")
LARGEST = 16 * 2**20  # bytes of an .aux.xml

Tags = Mapping[str, str]


@dataclass(frozen=True)
class Sidecar:
    """The file .aux.xml beside an image, and the names of the label values 0, 1, ... that it gives."""

    file: Path
    category_names: tuple[str, ...]


def spectral_of(dataset: Any) -> tuple[np.ndarray | None, np.ndarray | None, tuple[str, ...]]:
    """Wavelengths and widths of the bands of a rasterio dataset in nm, (bands,) float64 or None, and notes."""
    bands = [_lowered(dataset.tags(band)) for band in dataset.indexes]
    imagery = [_lowered(dataset.tags(band, ns="IMAGERY")) for band in dataset.indexes]
    whole = _whole(dataset)
    wavelengths, fwhm = None, None
    notes: tuple[str, ...] = ()
    for stated, widths, unit in _stated(bands, whole, imagery):
        middle, width, said = spectral_axis(stated, widths, unit, dataset.count)
        if wavelengths is None and middle is not None:
            wavelengths, notes = middle, said
        elif not notes:
            notes = said
        fwhm = width if fwhm is None else fwhm
    if wavelengths is None:
        named = [whole.get(f"band_{band}") for band in dataset.indexes]
        for names in ([_first(tags, WAVELENGTH) for tags in bands], dataset.descriptions, named):
            wavelengths, said = from_names(names)
            if wavelengths is not None:
                notes = said
                break
    return wavelengths, fwhm, notes


def bad_bands_of(dataset: Any) -> np.ndarray | None:
    """(bands,) bool, True for those that a bad band list (bbl) calls bad, or None."""
    good = numbers(_parts(_whole(dataset).get("bbl", "")))
    return good == 0 if good is not None and good.size == dataset.count else None


def rgb_bands_of(dataset: Any) -> tuple[int, int, int] | None:
    """Bands for red, green and blue, counted from 0, or None."""
    stated = numbers(_parts(_whole(dataset).get("default_bands", "")))
    if stated is not None and stated.size == 3 and stated.min() >= 1 and stated.max() <= dataset.count:
        red, green, blue = (int(number) - 1 for number in stated)
        return red, green, blue
    meant = [colour.name for colour in dataset.colorinterp]
    if not {"red", "green", "blue"} <= set(meant):
        return None
    return meant.index("red"), meant.index("green"), meant.index("blue")


def classes_of(dataset: Any, names: tuple[str, ...]) -> dict[int, tuple[str, str | None]] | None:
    """Label value -> (name, colour), of the names of categories and the colour table; None without either.

    A colour table alone gives names such as 'class 3' to its values that have a colour of their own, not a shade of
    grey: such tables are for display, and have 256 entries whatever the image holds.
    """
    if dataset.count != 1:
        return None
    try:
        table = dataset.colormap(1)
    except ValueError:  # there is none
        table = {}
    colours = [table.get(value, ()) for value in range(max(table, default=-1) + 1)]
    if not names:
        coloured = [len(set(colour[:3])) > 1 and colour[3] > 0 for colour in colours]
        names = tuple(f"class {value}" if own else "" for value, own in enumerate(coloured))
    return class_table(names, colours)


def sidecar(image: Path) -> Sidecar | None:
    """What the file .aux.xml beside an image says beyond statistics, which programs write there when they show it."""
    file = image.with_name(image.name + ".aux.xml")
    if not file.is_file() or file.stat().st_size > LARGEST:
        return None
    try:
        text = file.read_text("utf-8-sig")
        # without a document type there are no entities that could grow
        if "<!" in re.sub(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>", "", text, flags=re.DOTALL):
            return None
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, UnicodeDecodeError, ValueError):
        return None  # GDAL too passes over it
    names = tuple((item.text or "").strip() for item in root.findall("./PAMRasterBand[1]/CategoryNames/Category"))
    for item in root.iter():
        if item.tag in ("CategoryNames", "SRS", "GeoTransform", "NoDataValue", "Description", "Offset", "Scale") or (
            item.tag == "MDI" and not item.get("key", "").startswith("STATISTICS_")
        ):
            return Sidecar(file, names)
    return None


def _stated(
    bands: Sequence[Tags], whole: Tags, imagery: Sequence[Tags]
) -> Iterator[tuple[np.ndarray | None, np.ndarray | None, str | None]]:
    """Wavelengths, widths and their unit, from the most exact source to the least."""
    unit = _first(whole, UNIT)
    yield _of_bands(bands, WAVELENGTH), _of_bands(bands, WIDTH), _first(bands[0], UNIT) or unit
    yield numbers(_parts(_first(whole, WAVELENGTH))), numbers(_parts(_first(whole, WIDTH))), unit
    # GDAL rounds these to nm where it translates from ENVI
    yield _of_bands(imagery, ("central_wavelength_um",)), _of_bands(imagery, ("fwhm_um",)), "um"


def _whole(dataset: Any) -> Tags:
    """Metadata of the whole image; those that GDAL took from an ENVI header win."""
    return _lowered(dataset.tags()) | _lowered(dataset.tags(ns="ENVI"))


def _lowered(tags: Tags) -> dict[str, str]:
    return {key.lower().replace(" ", "_"): value for key, value in tags.items()}


def _first(tags: Tags, names: tuple[str, ...]) -> str:
    return next((tags[name] for name in names if name in tags), "")


def _of_bands(bands: Sequence[Tags], names: tuple[str, ...]) -> np.ndarray | None:
    return numbers([_first(tags, names) for tags in bands])


def _parts(text: str) -> list[str]:
    """The parts of '{1, 2, 3}', '1;2;3' or '1 2 3'."""
    return re.sub(r"[\[\](){},;]", " ", text).split()
