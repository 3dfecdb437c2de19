"""Where the pixels of a scene lie on the ground."""

from dataclasses import dataclass

Transform = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Georeference:
    """Places of pixels in a coordinate reference system.

    Parameters
    ----------
    transform
        a, b, c, d, e, f of ``x = a * col + b * row + c`` and ``y = d * col + e * row + f`` for corners of pixels: the
        upper left corner of the scene is at row 0, column 0. This is the order of rasterio, not that of GDAL.
    crs
        the coordinate reference system as WKT or as ``EPSG:<number>``; None where the files do not say.
    """

    transform: Transform
    crs: str | None = None

    def at(self, row: float, col: float) -> tuple[float, float]:
        """x and y of a corner; the middle of pixel (row, col) is at (row + 0.5, col + 0.5)."""
        a, b, c, d, e, f = self.transform
        return a * col + b * row + c, d * col + e * row + f

    def moved(self, row: int, col: int) -> "Georeference":
        """The georeference of the part of the scene whose first pixel is (row, col)."""
        a, b, _, d, e, _ = self.transform
        x, y = self.at(row, col)
        return Georeference((a, b, x, d, e, y), self.crs)
