"""Maps as ENVI classification files: a header .hdr, and the values beside it.

Format: "ENVI Header Files" in the documentation of ENVI (NV5 Geospatial Software). Its 'map info' knows pixels of two
sizes that are turned as a whole; what the rotation means is taken from GDAL, which agrees with ENVI on it.
"""

import logging
import re
from collections.abc import Sequence
from math import atan2, degrees, hypot, isfinite
from pathlib import Path

import numpy as np

from hsi import files
from hsi.cube import blocks
from hsi.errors import HsiError, NotInstalled, shown
from hsi.evaluation.ground import read_crs
from hsi.georeference import Georeference
from hsi.output.geotiff import checked, map_type
from hsi.output.qgis import rgba
from hsi.output.streams import whole_file

log = logging.getLogger(__name__)

UNCLASSIFIED = "Unclassified"  # ENVI's own name of 0
CODES = {"uint8": 1, "uint16": 12}  # ENVI's 'data type'
LITTLE_ENDIAN = 0
BLOCK_BYTES = 2**24
# signs that end a name or a list, which no ENVI header can quote
REPLACED = str.maketrans({",": ";", "{": "(", "}": ")"})
UTM = re.compile(r'["_ ](WGS|NAD)[ _]?(?:19)?(?:84|83)(?: / |_)UTM[ _]zone[ _](\d{1,2})([NS])"', re.IGNORECASE)
UTM_CODE = re.compile(r"EPSG:32([67])(\d\d)", re.IGNORECASE)
GEOGRAPHIC = re.compile(r"(WGS|North_American|NAD)[_ ]?(?:19)?8[34]", re.IGNORECASE)
DATUMS = {"W": "WGS-84", "N": "North America 1983"}
FOOT = 0.3048


def write_envi(
    path: Path, class_map: np.ndarray, georeference: Georeference | None, names: Sequence[str], colours: Sequence[str]
) -> list[Path]:
    """Write a class map as uint8, or uint16 above 255 classes, to `path` and its header to the .hdr beside it.

    Equal maps give equal bytes. Without rasterio, a coordinate reference system that is given as ``EPSG:<number>``
    stands in the header only if it is UTM, or longitude and latitude, on WGS 84.

    Parameters
    ----------
    path
        of the values, such as ``map_envi.dat``.
    class_map
        (rows, cols) integers 0..K, in memory or on disk; 0 is no class.
    names, colours
        of class 1..K; colours as '#rrggbb'. Commas and braces of names become semicolons and parentheses.

    Returns
    -------
    the files written.

    Raises
    ------
    HsiError: values above K, or a file that cannot be written.
    """
    dtype = map_type(names)
    with whole_file(path) as partial, partial.open("wb") as stream:
        for _, _, values in blocks(class_map, BLOCK_BYTES):
            stream.write(checked(values, names).astype(dtype.newbyteorder("<"), copy=False).tobytes())
    header = path.with_suffix(".hdr")
    rows, cols = class_map.shape
    looks = [0, 0, 0, *(level for colour in colours for level in rgba(colour)[:3])]
    lines = [
        "ENVI",
        "description = {classes 1 and up; 0: no data}",
        f"samples = {cols}",
        f"lines = {rows}",
        "bands = 1",
        "header offset = 0",
        "file type = ENVI Classification",
        f"data type = {CODES[dtype.name]}",
        "interleave = bsq",
        f"byte order = {LITTLE_ENDIAN}",
        "data ignore value = 0",
        "band names = {class}",
        f"classes = {len(names) + 1}",
        f"class names = {{{', '.join([UNCLASSIFIED, *(shown(name).translate(REPLACED) for name in names)])}}}",
        f"class lookup = {{{', '.join(map(str, looks))}}}",
        *([] if georeference is None else _place(georeference)),
    ]
    files.write(header, "\n".join(lines) + "\n")
    return [path, header]


def _place(georeference: Georeference) -> list[str]:
    """The lines 'map info' and 'coordinate system string'; none for pixels that they cannot describe."""
    a, b, c, d, e, f = georeference.transform
    width, height = hypot(a, d), hypot(b, e)
    angle = degrees(atan2(d, a))
    # Half a turn is read as a mirror image by GDAL, so nobody can tell what it means.
    upright = abs(a * b + d * e) <= 1e-6 * width * height and a * e - b * d < 0 and abs(abs(angle) - 180) > 1e-6
    if not all(map(isfinite, georeference.transform)) or not upright:
        log.warning("an ENVI header cannot describe pixels that are sheared or mirrored: it gets no georeference")
        return []
    wkt, metres = _crs(georeference.crs)
    name, after = _name_of(georeference.crs, wkt)
    if metres is not None and name != "Geographic Lat/Lon":
        after += ["units=Meters"] if metres == 1 else ["units=Feet"] if metres == FOOT else []
    if abs(angle) > 1e-9:
        after.append(f"rotation={angle!r}")
    info = [name, "1", "1", repr(c), repr(f), repr(width), repr(height), *after]
    lines = [f"map info = {{{', '.join(info)}}}"]
    return [*lines, f"coordinate system string = {{{wkt}}}"] if wkt else lines


def _crs(text: str | None) -> tuple[str, float | None]:
    """WKT as ENVI has it, Esri's, in one line, and the metres in its unit; '' and None for what is not known."""
    if text is None:
        return "", None
    try:
        crs = read_crs(text)
        return crs.to_wkt(version="WKT1_ESRI"), None if crs.is_geographic else float(crs.units_factor[1])
    except NotInstalled:
        return "" if text.upper().startswith("EPSG:") else " ".join(text.split()), None
    except HsiError as error:
        log.warning("%s", error)
        return "", None
    except Exception:  # of rasterio: Esri has no word for it, or it has no unit
        return " ".join(crs.to_wkt().split()), None


def _name_of(crs: str | None, wkt: str) -> tuple[str, list[str]]:
    """The projection in the words of 'map info', and what follows after the sizes of pixels."""
    code = UTM_CODE.fullmatch(crs or "")
    if code and 1 <= int(code[2]) <= 60:
        return "UTM", [str(int(code[2])), "North" if code[1] == "6" else "South", DATUMS["W"]]
    if wkt.startswith("PROJ") and (found := UTM.search(wkt)):
        return "UTM", [found[2], "North" if found[3].upper() == "N" else "South", DATUMS[found[1].upper()[0]]]
    if wkt.startswith("GEOG") or (crs or "").upper() == "EPSG:4326":
        datum = GEOGRAPHIC.search(wkt or "WGS 84")
        return "Geographic Lat/Lon", [DATUMS[datum[1].upper()[0]]] if datum else []
    named = re.search(r'PROJECTION\["([^"]+)"', wkt)
    return (named[1].replace("_", " ") if named else "Arbitrary"), []
