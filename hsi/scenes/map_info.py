"""The georeference in an ENVI header: 'map info', 'projection info' and 'coordinate system string'.

Their fields are those of "ENVI Header Files" in the documentation of ENVI (NV5 Geospatial Software).
"""

import math
import re
from collections.abc import Mapping, Sequence

from hsi.errors import shown
from hsi.georeference import Georeference
from hsi.scenes.envi_header import listed

# datum, letters and digits alone -> EPSG codes: geographic; UTM zone 0 north, its zones; UTM zone 0 south
DATUMS: dict[str, tuple[int, int | None, range, int | None]] = {
    "wgs84": (4326, 32600, range(1, 61), 32700),
    "wgs72": (4322, 32200, range(1, 61), 32300),
    "etrs89": (4258, 25800, range(28, 39), None),
    "nad83": (4269, 26900, range(1, 24), None),
    "northamerica1983": (4269, 26900, range(1, 24), None),
    "nad27": (4267, 26700, range(1, 23), None),
    "northamerica1927": (4267, 26700, range(1, 23), None),
}
# type of projection -> its name in WKT, and which parameter the fields from 3 on are
PROJECTIONS = {
    "3": (
        "Transverse_Mercator",
        ("latitude_of_origin", "central_meridian", "false_easting", "false_northing", "scale_factor"),
    ),
    "4": (
        "Lambert_Conformal_Conic_2SP",
        (
            "latitude_of_origin",
            "central_meridian",
            "false_easting",
            "false_northing",
            "standard_parallel_1",
            "standard_parallel_2",
        ),
    ),
    "9": (
        "Albers_Conic_Equal_Area",
        (
            "latitude_of_center",
            "longitude_of_center",
            "false_easting",
            "false_northing",
            "standard_parallel_1",
            "standard_parallel_2",
        ),
    ),
    "11": (
        "Lambert_Azimuthal_Equal_Area",
        ("latitude_of_center", "longitude_of_center", "false_easting", "false_northing"),
    ),
}
METRES = ("", "meters", "metres", "meter", "metre", "m")
LONGEST_WKT = 50_000


def read_georeference(header: Mapping[str, str]) -> tuple[Georeference | None, tuple[str, ...]]:
    """Where the pixels of an ENVI image lie, None where its header does not say; and notes for the user.

    A coordinate reference system that is not understood leaves the transform without one.
    """
    fields = listed(header, "map info")
    if not fields:
        return None, ()
    transform = _transform(fields)
    if transform is None:
        return None, (
            f"the georeference is passed over, since its 'map info' is not understood: {shown(', '.join(fields))}",
        )
    wkt = header.get("coordinate system string", "").replace("\n", "").replace("\r", "").strip()
    if wkt and is_crs(wkt):
        return Georeference(transform, wkt), ()
    crs = _crs(fields, listed(header, "projection info"))
    if _local(wkt):
        return Georeference(transform, crs), ()
    notes: tuple[str, ...] = ("the 'coordinate system string' of the header is not understood",) if wkt else ()
    if crs is None and _plain(fields[0]) not in ("arbitrary", ""):
        notes += (f"its coordinate reference system is not understood: {shown(', '.join([fields[0], *fields[7:]]))}",)
    return Georeference(transform, crs), notes


def is_crs(wkt: str) -> bool:
    """Whether a text looks like the WKT of a place on the Earth, and rasterio, where it is installed, reads it."""
    kind = re.match(r"\s*(?:PROJ|GEOG|GEOD|COMPD|COMPOUND|BOUND)[A-Z_]*\s*\[", wkt)
    if kind is None or len(wkt) > LONGEST_WKT:
        return False
    try:
        from rasterio import Env
        from rasterio.crs import CRS
        from rasterio.errors import CRSError
    except ImportError:
        return True
    try:
        with Env():  # which keeps GDAL's own words from the terminal
            return bool(CRS.from_wkt(wkt))
    except CRSError:
        return False


def _local(wkt: str) -> bool:
    """Whether it is the WKT of coordinates that say nothing of a place on the Earth."""
    return wkt.startswith(("LOCAL_CS", "ENGCRS", "ENGINEERINGCRS"))


def _transform(fields: Sequence[str]) -> tuple[float, float, float, float, float, float] | None:
    """Of the tie point (pixel counted from 1, its upper left corner), the pixel's sizes, and the rotation.

    The rotation is that of the image, counterclockwise, in degrees: along a row x and y change by
    ``width * (cos, sin)``, down a column by ``height * (sin, -cos)``. 180 is GDAL's word for an image whose first row
    is the southernmost.
    """
    try:
        col, row, x, y, width, height = (float(field) for field in fields[1:7])
        angle = math.radians(float(_option(fields, "rotation") or 0))
    except ValueError:
        return None
    if abs(math.degrees(angle)) == 180:
        width, height, angle = width, -height, 0.0
    a, d = width * math.cos(angle), width * math.sin(angle)
    b, e = height * math.sin(angle), -height * math.cos(angle)
    transform = (a, b, x - a * (col - 1) - b * (row - 1), d, e, y - d * (col - 1) - e * (row - 1))
    return transform if all(map(math.isfinite, transform)) and a * e != b * d else None


def _crs(fields: Sequence[str], projection: Sequence[str]) -> str | None:
    """'EPSG:<number>' or WKT; None for what is not understood."""
    name, units = _plain(fields[0]), (_option(fields, "units") or "").lower()
    values = [field for field in fields[7:] if "=" not in field]
    if name == "utm" and len(values) >= 3 and units in METRES:
        return _utm(*values[:3])
    if name.startswith("geographiclat") and units in ("", "degrees"):
        datum = DATUMS.get(_plain(values[0]) if values else "")
        return f"EPSG:{datum[0]}" if datum else None
    return _projected(projection)


def _utm(zone: str, half: str, datum: str) -> str | None:
    known = DATUMS.get(_plain(datum))
    if known is None or not zone.isdecimal():
        return None
    first = {"north": known[1], "n": known[1], "south": known[3], "s": known[3]}.get(half.lower())
    return f"EPSG:{first + int(zone)}" if first is not None and int(zone[:4]) in known[2] else None


def _projected(fields: Sequence[str]) -> str | None:
    """The WKT of a 'projection info': type, the axes a and b of the ellipsoid, parameters, datum, name."""
    if not fields or fields[0] not in PROJECTIONS or (_option(fields, "units") or "").lower() not in METRES:
        return None
    projection, names = PROJECTIONS[fields[0]]
    rest = [field for field in fields[3 + len(names) :] if "=" not in field]
    try:
        major, minor, *values = (float(field) for field in fields[1 : 3 + len(names)])
    except ValueError:
        return None
    if len(values) != len(names) or not 0 < minor <= major or not all(map(math.isfinite, (major, *values))):
        return None
    datum = _plain(rest[0]) if rest else ""
    flattening = major / (major - minor) if minor < major else 0.0
    wgs84 = 'DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]]'
    own = f'DATUM["{datum or "unknown"}",SPHEROID["unknown",{major!r},{flattening!r}]]'
    parameters = ",".join(f'PARAMETER["{name}",{value!r}]' for name, value in zip(names, values, strict=True))
    wkt = (
        f'PROJCS["{_plain(rest[1]) if len(rest) > 1 else "unnamed"}",GEOGCS["{datum or "unknown"}",'
        f'{wgs84 if datum == "wgs84" else own},PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],'
        f'PROJECTION["{projection}"],{parameters},UNIT["metre",1]]'
    )
    return wkt if is_crs(wkt) else None


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())[:60]


def _option(fields: Sequence[str], name: str) -> str | None:
    """The value of a field such as 'units=Meters'."""
    for field in fields:
        key, sign, value = field.partition("=")
        if sign and key.strip().lower() == name:
            return value.strip()
    return None
