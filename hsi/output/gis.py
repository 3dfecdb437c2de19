"""All that a GIS is handed of a georeferenced map."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hsi.errors import HsiError, NotInstalled
from hsi.georeference import Georeference
from hsi.output import envi, geotiff, qgis

log = logging.getLogger(__name__)

MAP, CONFIDENCE, PROBABILITIES = "map.tif", "confidence.tif", "probabilities.tif"
STYLE, LEGEND, ENVI = "map.qml", "legend.txt", "map_envi.dat"
GEOTIFF = (MAP, f"{MAP}.aux.xml", CONFIDENCE)  # of a run; rasterio writes them
# what a run or a prediction may have left in the folder before
EVERY = (*GEOTIFF, PROBABILITIES, STYLE, LEGEND, ENVI, "map_envi.hdr")


def write_all(
    folder: Path,
    class_map: np.ndarray,
    confidence: np.ndarray | None,
    names: Sequence[str],
    colours: Sequence[str],
    georeference: Georeference | None,
    probabilities: np.ndarray | None = None,
) -> list[str]:
    """Write a map for a GIS, block by block: GeoTIFF, ENVI, a style for QGIS and a legend.

    A map without a georeference gets none of them. Files of these names that an earlier map has left are removed.
    Whatever keeps one file from being made, such as a package that is not installed, is logged; the others are
    written all the same, since the map itself is safe. What the disk refuses is raised: the same command can write it
    once there is space.

    Parameters
    ----------
    class_map
        (rows, cols) integers 0..K, in memory or on disk; 0 where there is no data.
    confidence
        (rows, cols) floats in 0..1, NaN where there is no data; or None.
    names, colours
        of class 1..K, an `unknown` class included; colours as '#rrggbb'.
    probabilities
        (rows, cols, K) floats to be written to probabilities.tif, a band a class; or None.

    Returns
    -------
    names of the files written, in `folder`.

    Raises HsiError: a full disk, or a folder that may not be written.
    """
    for name in EVERY:
        (folder / name).unlink(missing_ok=True)
    if georeference is None:
        return []
    place = georeference
    written: list[Path] = []
    tasks: list[Callable[[], list[Path]]] = [
        lambda: envi.write_envi(folder / ENVI, class_map, place, names, colours),
        lambda: [qgis.write_style(folder / STYLE, names, colours), qgis.write_legend(folder / LEGEND, names, colours)],
        lambda: geotiff.write_map(folder / MAP, class_map, place, names, colours),
    ]
    if confidence is not None:
        tasks.append(lambda: geotiff.write_confidence(folder / CONFIDENCE, confidence, place))
    if probabilities is not None:
        tasks.append(lambda: geotiff.write_probabilities(folder / PROBABILITIES, probabilities, place, names))
    for task in tasks:
        try:
            written += task()
        except NotInstalled as error:
            log.warning("no GeoTIFF is written: %s", error)
            break  # all that follow need it too
        except HsiError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno:
                raise
            log.warning("%s", error)
    return [path.name for path in written]
