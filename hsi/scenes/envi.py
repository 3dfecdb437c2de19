"""ENVI images: a header .hdr with the data file beside it, which is mapped into memory."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from spectral.io import envi

from hsi.errors import HsiError
from hsi.scenes.raster import Raster

log = logging.getLogger(__name__)


def read_envi(path: Path) -> Raster:
    """Map an ENVI image into memory, (rows, cols, bands) whatever the interleave; scale factors are not applied.

    Raises HsiError: no usable header, a spectral library, or a data file that is shorter than promised.
    """
    image = _open(path)
    if not hasattr(image, "nbands"):
        raise HsiError(f"{path} is a spectral library, not an image: give the header of an image.")
    if min(image.nrows, image.ncols, image.nbands) < 1 or image.offset < 0:
        raise HsiError(
            f"{path}: lines={image.nrows}, samples={image.ncols}, bands={image.nbands}, header offset={image.offset} "
            "is no image: correct the header."
        )
    needed = image.offset + image.nrows * image.ncols * image.nbands * np.dtype(image.dtype).itemsize
    data = Path(image.filename)
    if (found := data.stat().st_size) < needed:
        raise HsiError(f"{data} has {found} bytes where {path.name} promises {needed}: copy it again.")
    array = image.open_memmap(interleave="bip")
    header = image.metadata
    georeference = {
        key: header[key] for key in ("map info", "projection info", "coordinate system string") if key in header
    }
    try:
        nodata = float(header["data ignore value"]) if "data ignore value" in header else None
        default = header.get("default bands", [])
        rgb = tuple(int(float(band)) - 1 for band in default) if len(default) == 3 else None
        wavelengths = _to_nanometres(path, header)
    except (TypeError, ValueError) as error:
        raise HsiError(
            f"{path}: wavelength, default bands or data ignore value are no numbers ({error}): correct the header."
        ) from error
    return Raster(
        array,
        (path, data),
        wavelengths=wavelengths,
        bad_bands=_bad_bands(path, header, image.nbands),
        rgb_bands=rgb,  # type: ignore[arg-type]
        georeference=georeference or None,
        nodata=nodata,
    )


def _open(path: Path) -> Any:
    try:
        return envi.open(str(path))
    except Exception as error:  # spectral lets ValueError, KeyError, TypeError of a bad header through
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise HsiError(f"{path} is no usable ENVI header ({reason}): check it and the data file beside it.") from error


def _bad_bands(path: Path, header: Mapping[str, Any], bands: int) -> np.ndarray | None:
    if "bbl" not in header:
        return None
    try:
        good = np.array(header["bbl"], dtype=np.float64)
    except ValueError:
        good = np.empty(0)
    if good.shape != (bands,):
        log.warning("%s: the bad band list (bbl) is not one number per band; it is passed over", path)
        return None
    return good == 0


def _to_nanometres(path: Path, header: Mapping[str, Any]) -> np.ndarray | None:
    if "wavelength" not in header:
        return None
    values = np.array(header["wavelength"], dtype=np.float64)
    unit = str(header.get("wavelength units", "unknown")).strip().lower()
    if unit in ("nanometers", "nanometres", "nm"):
        return values
    if unit in ("micrometers", "micrometres", "microns", "um", "µm"):
        return values * 1000
    if unit == "unknown":
        # No optical sensor measures at 100 µm, nor below 100 nm: the size tells the unit.
        factor = 1000 if values.max() < 100 else 1
        log.warning("%s gives no wavelength unit; taken as %s", path, "µm" if factor == 1000 else "nm")
        return values * factor
    log.warning("%s: wavelengths in '%s' are not used, only nm and µm are understood", path, unit)
    return None
