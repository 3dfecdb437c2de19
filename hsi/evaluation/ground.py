"""What a pixel measures on the ground: its area, the metres and the directions of its sides."""

import re
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from hsi.errors import HsiError, NotInstalled, shown
from hsi.georeference import Georeference

# WGS 84: EPSG:7030. Other ellipsoids of today differ by less than 1e-6, those of 1900 by less than 1e-3, in area.
AXIS, FLATTENING = 6_378_137.0, 1 / 298.257223563
E2 = FLATTENING * (2 - FLATTENING)
E = np.sqrt(E2)
AUTHORITY = re.compile(r"\b(AUTHORITY|ID)\[|^EPSG:", re.IGNORECASE)
SURE = 90  # of 100, how far a coordinate reference system must be like the one of a code to be taken for it
WORTH_SAYING = 0.01  # of the area, by which a projection may err


@dataclass(frozen=True, eq=False)
class Ground:
    """A georeference whose units are known.

    Parameters
    ----------
    georeference
        with finite, invertible transform.
    crs
        its coordinate reference system, of rasterio.
    unit
        metres to the unit of coordinates, radians where they are longitude and latitude.
    geographic
        whether they are.
    """

    georeference: Georeference
    crs: Any
    unit: float
    geographic: bool

    def areas(self, first: int, last: int, cols: int) -> np.ndarray:
        """Square metres of the pixels of rows first..last-1: (1, 1), (rows, 1) or (rows, cols), whatever differs.

        Of longitude and latitude on the ellipsoid; in a projection as it draws them, see `distortion`. Raises HsiError
        for latitudes beyond the poles.
        """
        a, b, _, d, e, f = self.georeference.transform
        if not self.geographic:
            return np.full((1, 1), abs(a * e - b * d) * self.unit**2)
        if b == d == 0:
            zones = zone(_latitudes((np.arange(first, last + 1) * e + f) * self.unit))
            return (abs(a) * self.unit * np.abs(np.diff(zones)))[:, None]
        rows, columns = np.arange(first, last)[:, None] + 0.5, np.arange(cols)[None] + 0.5
        east, north = _metres_a_radian(_latitudes((d * columns + e * rows + f) * self.unit))
        return abs(a * e - b * d) * self.unit**2 * east * north

    def steps(self, row: float, col: float) -> np.ndarray:
        """Where one step along a row and one along a column lead at a place of the scene.

        Returns
        -------
        (2, 2) float64 in metres: east and north of a column further, then, in the second column, of a row further.
        North is that of the meridian, not that of the grid.

        Raises
        ------
        HsiError: a latitude beyond the poles.
        """
        a, b, _, d, e, _ = self.georeference.transform
        linear = np.array([[a, b], [d, e]]) * self.unit
        if self.geographic:
            east, north = _metres_a_radian(_latitudes(np.array(self.georeference.at(row, col)[1] * self.unit)))
            return np.array([[east], [north]]) * linear
        return linear if (found := self._projected_steps(row, col)) is None else found

    def distortion(self, rows: int, cols: int) -> float:
        """By how much the projection makes areas larger than they are, at the middle of the scene: 0 for not at all."""
        real = abs(np.linalg.det(self.steps(rows / 2, cols / 2)))
        return 0.0 if self.geographic else float(self.areas(0, 1, 1)[0, 0] / real - 1)

    def _projected_steps(self, row: float, col: float) -> np.ndarray | None:
        """`steps` by longitude and latitude of three points; None where the projection does not lead there."""
        places = [
            self.georeference.at(row, col),
            self.georeference.at(row, col + 1),
            self.georeference.at(row + 1, col),
        ]
        try:
            lon, lat = rasterio().warp.transform(self.crs, "EPSG:4326", *map(list, zip(*places, strict=True)))
        except Exception:  # a coordinate system of its own, or a point beyond the edge of the projection
            return None
        east, north = _metres_a_radian(np.radians(lat[0]))
        turned = (np.diff([[lon[0]] * 2, lon[1:]], axis=0)[0] + 180) % 360 - 180
        found = np.radians([turned * east, (np.array(lat[1:]) - lat[0]) * north])
        return found if np.isfinite(found).all() and np.linalg.det(found) else None


def ground_of(georeference: Georeference | None) -> Ground | None:
    """What is known of the ground; None without a coordinate reference system.

    Raises
    ------
    NotInstalled: rasterio, which knows coordinate reference systems, is missing.
    HsiError: a coordinate reference system or transform that is none.
    """
    if georeference is None or georeference.crs is None:
        return None
    a, b, _, d, e, _ = georeference.transform
    if not np.isfinite(georeference.transform).all() or not 0 < abs(a * e - b * d) < np.inf:
        raise HsiError(
            f"the transform {shown(georeference.transform)} of the scene leads to no pixels on the ground: correct its "
            "georeference"
        )
    crs = read_crs(georeference.crs)
    try:
        unit = float(crs.units_factor[1])
    except Exception as error:  # rasterio's own, for a system without axes
        raise HsiError(f"the CRS {shown(georeference.crs)} of the scene has no unit: give it another") from error
    if not (np.isfinite(unit) and unit > 0):
        raise HsiError(f"the CRS {shown(georeference.crs)} of the scene has no unit: give it another")
    return Ground(georeference, crs, unit, bool(crs.is_geographic))


def read_crs(text: str) -> Any:
    """The coordinate reference system of rasterio, out of WKT or ``EPSG:<number>``.

    Raises NotInstalled and HsiError as `ground_of` does.
    """
    library = rasterio()
    try:
        with library.Env():  # which keeps GDAL's own words from the terminal
            crs = library.crs.CRS.from_user_input(text)
            # Esri's WKT, as in ENVI headers, names no authority; GDAL gives it the code that it is equal to, too.
            code = None if AUTHORITY.search(text) else crs.to_epsg(confidence_threshold=SURE)
            return crs if code is None else library.crs.CRS.from_epsg(code)
    except Exception as error:
        raise HsiError(
            f"the CRS {shown(text)} of the scene is none that is known: give WKT or EPSG:<number>"
        ) from error


def rasterio() -> ModuleType:
    """Import rasterio; NotInstalled says what is missing."""
    try:
        import rasterio
        import rasterio.crs
        import rasterio.shutil
        import rasterio.warp
    except ImportError as error:
        raise NotInstalled('GeoTIFF and areas in hectares need the package rasterio: pip install "hsi[geo]"') from error
    return rasterio


def zone(latitude: np.ndarray) -> np.ndarray:
    """Square metres to the radian of longitude between the equator and a latitude in radians, negative in the south.

    In closed form on the ellipsoid: Snyder, "Map projections: a working manual", 1987, equation 3-12, times half the
    square of the major axis.
    """
    sine = np.sin(latitude)
    q = (1 - E2) * (sine / (1 - E2 * sine**2) + np.arctanh(E * sine) / E)
    return AXIS**2 / 2 * q


def _latitudes(radians: np.ndarray) -> np.ndarray:
    if np.abs(radians).max() > np.pi / 2 + 1e-9:
        raise HsiError(
            f"the scene reaches to a latitude of {np.degrees(radians.flat[np.abs(radians).argmax()]):g} degrees: its "
            "coordinates are none of a geographic CRS, give the right one"
        )
    return radians


def _metres_a_radian(latitude: Any) -> tuple[Any, Any]:
    """Metres to the radian of longitude and to that of latitude, at a latitude in radians: Snyder 4-20 and 4-18."""
    root = np.sqrt(1 - E2 * np.sin(latitude) ** 2)
    return AXIS * np.abs(np.cos(latitude)) / root, AXIS * (1 - E2) / root**3
