"""Maps as cloud-optimised GeoTIFF, by rasterio: tiles, overviews, colours, and class names beside it.

Layout: https://cogeo.org, by the driver COG of GDAL. TIFF has no place for class names where a GIS looks; GDAL,
QGIS and ArcGIS read them from GDAL's own sidecar, ``map.tif.aux.xml`` (PAM: gdal.org, "Persistent Auxiliary Metadata"),
which also holds a raster attribute table. Equal maps give equal bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from hsi import files
from hsi.cube import BLOCK_BYTES
from hsi.errors import HsiError, shown
from hsi.evaluation.ground import rasterio, read_crs
from hsi.georeference import Georeference
from hsi.output.qgis import NO_DATA, TRANSPARENT, rgba
from hsi.output.streams import scratch_file, whole_file

SIDE = 512  # pixels of a tile
CACHE_MB = 64  # of GDAL's blocks; its own choice is a share of the machine's memory
# columns of a raster attribute table, with their GDALRATFieldUsage and GDALRATFieldType (0 integer, 2 text)
COLUMNS = {"Value": (5, 0), "Class": (2, 2), "Red": (6, 0), "Green": (7, 0), "Blue": (8, 0), "Alpha": (9, 0)}


def write_map(
    path: Path, class_map: np.ndarray, georeference: Georeference, names: Sequence[str], colours: Sequence[str]
) -> list[Path]:
    """Write a class map as uint8, or uint16 above 255 classes, and its names beside it.

    Overviews show the most frequent class of the pixels that they stand for. 0, which is no class, is nodata.

    Parameters
    ----------
    class_map
        (rows, cols) integers 0..K, in memory or on disk.
    names, colours
        of class 1..K; colours as '#rrggbb'.

    Returns
    -------
    the files written.

    Raises
    ------
    NotInstalled: rasterio is missing. HsiError: an unknown CRS, values above K, a file that cannot be written.
    """
    dtype = map_type(names)
    palette = {0: TRANSPARENT, **{value: rgba(colour) for value, colour in enumerate(colours, 1)}}

    def block(first: int, last: int) -> np.ndarray:
        return checked(class_map[first:last], names).astype(dtype, copy=False)[None]

    profile = {"count": 1, "dtype": dtype.name, "nodata": 0}
    with _geotiff(path, class_map.shape[:2], georeference, profile, "MODE") as file:
        file.write_colormap(1, palette)
        file.set_band_description(1, "class")
        _fill(file, block)
    beside = path.with_name(f"{path.name}.aux.xml")
    files.write(beside, category_names(names, colours))
    return [path, beside]


def write_confidence(path: Path, confidence: np.ndarray, georeference: Georeference) -> list[Path]:
    """Write the probability of the mapped class as float32: (rows, cols) in 0..1, NaN where there is no data.

    Returns and raises as `write_map`.
    """
    profile = {"count": 1, "dtype": "float32", "nodata": np.nan}
    with _geotiff(path, confidence.shape[:2], georeference, profile, "AVERAGE") as file:
        file.set_band_description(1, "probability of the mapped class")
        _fill(file, lambda first, last: np.asarray(confidence[first:last], dtype=np.float32)[None])
    return [path]


def write_probabilities(
    path: Path, probabilities: np.ndarray, georeference: Georeference, names: Sequence[str]
) -> list[Path]:
    """Write (rows, cols, K) probabilities, NaN where there is no data, as float32: a band a class, with its name.

    Returns and raises as `write_map`.
    """
    profile = {"count": probabilities.shape[2], "dtype": "float32", "nodata": np.nan}
    with _geotiff(path, probabilities.shape[:2], georeference, profile, "AVERAGE") as file:
        for band, name in enumerate(names, 1):
            file.set_band_description(band, shown(name))
        _fill(file, lambda first, last: np.moveaxis(np.asarray(probabilities[first:last], dtype=np.float32), 2, 0))
    return [path]


def map_type(names: Sequence[str]) -> np.dtype:
    """The dtype that a map of these classes is written in."""
    return np.dtype(np.uint8 if len(names) <= np.iinfo(np.uint8).max else np.uint16)


def checked(values: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """A part of a class map as it is; HsiError where it has a class without a name."""
    if values.size and not (values.min() >= 0 and values.max() <= len(names)):
        raise HsiError(
            f"the map has values from {values.min()} to {values.max()} where its {len(names)} classes are 1 to "
            f"{len(names)}: give the names and colours of all of them"
        )
    return np.asarray(values)


def category_names(names: Sequence[str], colours: Sequence[str]) -> str:
    """The text of ``map.tif.aux.xml``: names by value from 0 on, and the same with colours as a table."""
    listed = [(NO_DATA, (0, 0, 0, 0)), *zip(map(shown, names), map(rgba, colours), strict=True)]
    root = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(root, "PAMRasterBand", band="1")
    categories = ElementTree.SubElement(band, "CategoryNames")
    table = ElementTree.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    for index, (title, (usage, kind)) in enumerate(COLUMNS.items()):
        column = ElementTree.SubElement(table, "FieldDefn", index=str(index))
        for tag, text in (("Name", title), ("Type", str(kind)), ("Usage", str(usage))):
            ElementTree.SubElement(column, tag).text = text
    for value, (name, colour) in enumerate(listed):
        ElementTree.SubElement(categories, "Category").text = name
        row = ElementTree.SubElement(table, "Row", index=str(value))
        for field in (value, name, *colour):
            ElementTree.SubElement(row, "F").text = str(field)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


@contextmanager
def _geotiff(
    path: Path, shape: tuple[int, ...], georeference: Georeference, profile: dict[str, Any], overviews: str
) -> Iterator[Any]:
    """A tiled file to be filled, of which the cloud-optimised one at `path` is made; `overviews`: how those are."""
    library = rasterio()
    crs = None if georeference.crs is None else read_crs(georeference.crs)
    place = {"crs": crs, "transform": library.Affine(*georeference.transform), "height": shape[0], "width": shape[1]}
    tiles = {"driver": "GTiff", "tiled": True, "blockxsize": SIDE, "blockysize": SIDE, "interleave": "band"}
    made = {"driver": "COG", "BLOCKSIZE": SIDE, "OVERVIEW_RESAMPLING": overviews, "COMPRESS": "DEFLATE"}
    if profile["dtype"] == "float32":
        made["PREDICTOR"] = "FLOATING_POINT"
    # GDAL would write sidecars of its own beside the files that are renamed and removed.
    with (
        whole_file(path) as partial,
        scratch_file(path, "tiles") as draft,
        library.Env(GDAL_PAM_ENABLED="NO", GDAL_CACHEMAX=CACHE_MB),
        _failure_told(),
    ):
        with library.open(draft, "w", BIGTIFF="IF_SAFER", **tiles, **place, **profile) as file:
            yield file
        library.shutil.copy(draft, partial, BIGTIFF="IF_SAFER", **made)
        with library.open(partial) as file:
            # GDAL writes the last bytes as it closes a file, when it no longer tells of a full disk.
            file.read(window=((shape[0] - 1, shape[0]), (shape[1] - 1, shape[1])))


@contextmanager
def _failure_told() -> Iterator[None]:
    """Turn what rasterio raises, some of it private to it, into the error of a file system."""
    try:
        yield
    except Exception as error:
        if not (isinstance(error, SystemError) or type(error).__module__.startswith("rasterio.")):
            raise  # and a SystemError is what it makes of an error that GDAL does not explain
        raise OSError(shown(error)) from error


def _fill(file: Any, block: Callable[[int, int], np.ndarray]) -> None:
    """Write rows first..last-1 as `block` gives them, (bands, rows, cols), as many at a time as a block may hold."""
    width = file.width * file.count * np.dtype(file.dtypes[0]).itemsize
    step = max(1, min(SIDE, BLOCK_BYTES // width))
    for first in range(0, file.height, step):
        last = min(first + step, file.height)
        file.write(block(first, last), window=((first, last), (0, file.width)))
