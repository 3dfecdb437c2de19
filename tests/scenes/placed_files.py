"""Files with a place on the ground, written by rasterio and geopandas."""

import warnings

import geopandas
import numpy as np
import rasterio
from shapely.geometry import Polygon, box

from hsi.georeference import Georeference
from hsi.scenes.label_image import Grid

CRS = "EPSG:32632"
ORIGIN = (500_000.0, 5_400_000.0)
NORTH_UP = (30.0, 0.0, ORIGIN[0], 0.0, -30.0, ORIGIN[1])


def turned(degrees: float, size: float = 30.0, origin=ORIGIN) -> tuple[float, ...]:
    """The transform of a grid that is turned about its corner."""
    c, s = size * np.cos(np.radians(degrees)), size * np.sin(np.radians(degrees))
    return (c, s, origin[0], s, -c, origin[1])


def grid_of(rows: int, cols: int, transform=NORTH_UP, crs: str | None = CRS) -> Grid:
    return Grid(rows, cols, Georeference(tuple(transform), crs))


def write_tiff(path, array, transform=NORTH_UP, crs=CRS, nodata=None):
    """A GeoTIFF of an image (rows, cols) or cube (rows, cols, bands)."""
    bands = np.moveaxis(np.atleast_3d(array), 2, 0)
    how = {"height": bands.shape[1], "width": bands.shape[2], "count": bands.shape[0], "dtype": bands.dtype}
    place = {"crs": crs, "transform": rasterio.Affine(*transform)} if transform else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an image without a place
        with rasterio.open(path, "w", driver="GTiff", nodata=nodata, **how, **place) as file:
            file.write(bands)
    return path


def on_ground(shape, transform=NORTH_UP):
    """A shapely geometry in pixels (x the column, y the row) as one on the ground."""
    import shapely

    a, b, c, d, e, f = transform
    return shapely.transform(
        shape, lambda p: np.stack([a * p[:, 0] + b * p[:, 1] + c, d * p[:, 0] + e * p[:, 1] + f], 1)
    )


def rectangle(top, left, bottom, right) -> Polygon:
    """Rows top..bottom and columns left..right, in pixels."""
    return box(left, top, right, bottom)


def write_layer(path, shapes, crs=CRS, transform=NORTH_UP, to=None, layer=None, **columns):
    """A layer of shapes given in pixels, with columns; `to` another coordinate reference system."""
    table = geopandas.GeoDataFrame(
        columns, geometry=[shape and on_ground(shape, transform) for shape in shapes], crs=crs
    )
    if to:
        table = table.to_crs(to)
    more = {"SPATIAL_INDEX": "NO"} if path.suffix == ".fgb" else {}  # which would sort the features
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a layer without coordinate reference system
        table.to_file(path, **({"layer": layer} if layer else {}), **more)
    return path
