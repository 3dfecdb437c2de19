"""EnMAP of the German Aerospace Center: a folder with '*-METADATA.XML' beside '*-SPECTRAL_IMAGE.TIF', levels 1C and 2A.

DLR, "EnMAP Ground Segment, HSI Product Specification Level 1/Level 2", EN-PCV-ICD-2009-2. The image comes as GeoTIFF,
its bands are described in the metadata. Level 1B, with one image for each detector, has no map grid.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from hsi.errors import HsiError, shown
from hsi.scenes.geotiff import read_tiff
from hsi.scenes.raster import Raster

METADATA, IMAGE = "-METADATA.XML", "-SPECTRAL_IMAGE"
ENDINGS = (".TIF", ".TIFF", "_COG.TIF", "_COG.TIFF")
LONGEST = 64 * 2**20  # bytes of metadata; a real one has about one million
BAND = "specific/bandCharacterisation/bandID"
DETECTORS = ("specific/vnirProductQuality", "specific/swirProductQuality")


@dataclass(frozen=True, eq=False)
class Bands:
    """What the metadata say: of each band its number in the product and four values, (bands,); and the background."""

    number: np.ndarray
    wavelengths: np.ndarray
    fwhm: np.ndarray
    gain: np.ndarray
    offset: np.ndarray
    expected: np.ndarray
    level: str
    nodata: float | None


def metadata_beside(path: Path) -> Path | None:
    """The metadata of the product that an image belongs to, or None; both names start alike."""
    name = path.name.upper()
    ending = next((ending for ending in ENDINGS if name.endswith(IMAGE + ending)), None)
    if ending is None:
        return None
    return _sibling(path, path.name[: len(name) - len(IMAGE + ending)], (METADATA,))


def read_enmap(path: Path) -> Raster:
    """Read the image of a product, in digital numbers with a gain and an offset to reflectance (1C: radiance).

    Parameters
    ----------
    path
        the metadata or the image; each finds the other.

    Raises
    ------
    HsiError
        The other file is missing, the metadata are not those of EnMAP, or describe other bands than the image
        has.
    """
    if path.suffix.upper() == ".XML":
        metadata, image = path, image_beside(path)
    else:
        image, found = path, metadata_beside(path)
        if found is None:
            raise HsiError(f"{path} has no metadata '*{METADATA}' beside it: copy the whole folder of the product.")
        metadata = found
    bands = read_metadata(metadata)
    raster = read_tiff(image)
    count = raster.array.shape[2] if raster.array.ndim == 3 else 1
    chosen = np.arange(len(bands.number))
    if len(chosen) != count:  # some images hold only the bands that were to be expected
        chosen = np.flatnonzero(np.isin(bands.number, bands.expected))
    if len(chosen) != count:
        raise HsiError(
            f"{metadata} describes {len(bands.number)} bands but {image.name} has {count}: they are of different "
            "products, copy the whole folder again."
        )
    note = f"{image.name} is EnMAP level {bands.level}: wavelengths, gain and offset are those of {metadata.name}"
    return replace(
        raster,
        files=(metadata, *raster.files),
        wavelengths=bands.wavelengths[chosen],
        fwhm=bands.fwhm[chosen],
        gain=bands.gain[chosen],
        offset=bands.offset[chosen],
        nodata=raster.nodata if bands.nodata is None else bands.nodata,
        notes=(*raster.notes, note),
    )


def read_metadata(path: Path) -> Bands:
    """Read the description of the bands.

    Entities, by which few lines of XML grow to gigabytes or name other files, are refused before anything is parsed.

    Raises HsiError: no XML, too large, a document type or entities, or no description of the bands.
    """
    if path.stat().st_size > LONGEST:
        raise HsiError(
            f"{path} has more than {LONGEST} bytes, which no metadata of EnMAP have: give those of a product."
        )
    content = path.read_bytes()
    # in the encodings of two bytes a sign, '<' and '!' stand apart
    bare = content.replace(b"\x00", b"").upper()
    if b"<!DOCTYPE" in bare or b"<!ENTITY" in bare:
        raise HsiError(
            f"{path} declares a document type or entities, which metadata of EnMAP never do: fetch it again."
        )
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise HsiError(
            f"{path} is no XML ({shown(error)}): it is damaged or cut short, fetch or copy it again."
        ) from error
    described = root.findall(BAND)
    if not described:
        raise HsiError(f"{path} has no {BAND}, as the metadata of EnMAP do: give '*{METADATA}' of a product.")
    try:
        values = np.array([_values(band, place) for place, band in enumerate(described, 1)])
        expected = [
            int(word)
            for detector in DETECTORS
            for word in (root.findtext(f"{detector}/expectedChannelsList") or "").split(",")
            if word.strip()
        ]
        background = root.findtext("specific/backgroundValue")
        nodata = None if background is None else float(background)
    except (TypeError, ValueError) as error:
        raise HsiError(f"{path} describes a band by what is no number ({shown(error)}): fetch it again.") from error
    if not np.isfinite(values).all() or (values[:, 1:3] <= 0).any():
        raise HsiError(f"{path} gives a band no wavelength or no width: it is damaged, fetch it again.")
    level = shown(root.findtext("base/level") or "", 10) or "unknown"
    number, wavelengths, fwhm, gain, offset = values[np.argsort(values[:, 0], kind="stable")].T
    return Bands(number, wavelengths, fwhm, gain, offset, np.array(expected, np.int64), level, nodata)


def image_beside(path: Path) -> Path:
    """The image that metadata belong to.

    Raises HsiError: there is none, or one image for each detector, as of level 1B.
    """
    if not path.name.upper().endswith(METADATA):
        raise HsiError(f"{path} is no metadata of EnMAP, whose names end in '{METADATA}': give that file or the image.")
    start = path.name[: -len(METADATA)]
    found = _sibling(path, start, tuple(IMAGE + ending for ending in ENDINGS))
    if found is not None:
        return found
    if _sibling(path, start, tuple(f"{IMAGE}_VNIR{ending}" for ending in ENDINGS)) is not None:
        raise HsiError(
            f"{path} is of level 1B, whose two images have no common grid: give a product of level 1C or 2A."
        )
    raise HsiError(f"{path} has no image '{start}{IMAGE}.TIF' beside it: copy the whole folder of the product.")


def _sibling(path: Path, start: str, endings: tuple[str, ...]) -> Path | None:
    """The file beside `path` with that start and one of those endings, capitals or not."""
    wanted = {start.upper() + ending for ending in endings}
    return min((file for file in path.parent.iterdir() if file.name.upper() in wanted), default=None)


def _values(band: ElementTree.Element, place: int) -> list[float]:
    names = ("wavelengthCenterOfBand", "FWHMOfBand", "GainOfBand", "OffsetOfBand")
    return [float(band.get("number", place)), *(float(band.findtext(name) or "nan") for name in names)]
