"""A class map, its names and places, and what GDAL says of a file, for the tests of what a GIS is handed."""

import importlib
from xml.etree import ElementTree

import numpy as np
import pytest

from hsi.georeference import Georeference

rasterio = pytest.importorskip("rasterio")
importlib.import_module("rasterio.shutil")

NAMES = ("Corn", "Grass & <Trees>", 'Drives, "Steel": Towers ÄÖ', "unknown")
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#808080")
UPRIGHT = (20.0, 0.0, 5e5, 0.0, -20.0, 4.5e6)
TURNED = (12.0, 16.0, 5e5, 16.0, -12.0, 4.5e6)
PLACE = Georeference(UPRIGHT, "EPSG:32616")
OWN = (
    'PROJCS["mine",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433]],PROJECTION["Lambert_Azimuthal_Equal_Area"],PARAMETER["latitude_of_center",47],'
    'PARAMETER["longitude_of_center",8.5],PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1]]'
)


def made_map(rows: int = 700, cols: int = 1100, classes: int = 4, dtype: type = np.uint8) -> np.ndarray:
    """Fields of 7 x 9 pixels with all values 0..classes."""
    random = np.random.default_rng(0)
    fields = random.integers(0, classes + 1, (rows // 7 + 1, cols // 9 + 1))
    return fields.repeat(7, axis=0).repeat(9, axis=1)[:rows, :cols].astype(dtype)


def names_in(path) -> list[str | None]:
    """What GDAL takes for the class names, by the copy that it makes of all it knows of a file."""
    virtual = path.with_suffix(".vrt")
    rasterio.shutil.copy(path, virtual, driver="VRT")
    found = ElementTree.parse(virtual).getroot().findall("VRTRasterBand/CategoryNames/Category")
    virtual.unlink()
    return [each.text for each in found]
