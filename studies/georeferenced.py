"""Indian Pines in the formats of a GIS: ``python -m studies.georeferenced FOLDER``.

The published files say nothing of where the scene lies. The georeference that is written here is INVENTED: UTM zone 16
north, a made-up corner, and the 20 m pixels of the instrument. It is for trying formats out, not for maps.

FOLDER gets the whole scene as ENVI (``indian_pines.hdr``) and GeoTIFF (``indian_pines.tif``); its labels as a GeoTIFF
(``labels.tif``) and as polygons with a column ``class`` (``fields.gpkg``); and its two halves, ``west.hdr`` with
``west_labels.tif``, and ``east.tif`` with ``east_labels.tif``.
"""

import argparse
import sys
from pathlib import Path

import geopandas
import numpy as np
import rasterio
from rasterio.features import shapes
from rasterio.transform import Affine
from shapely.geometry import shape
from spectral.io import envi

import hsi
from hsi.scene import Scene

INVENTED = "EPSG:32616"
CORNER = (500_000.0, 4_480_000.0)  # invented too
PIXEL = 20.0  # m, of the instrument
HALF = 73  # columns of the western half


def write_envi(path: Path, cube: np.ndarray, transform: Affine) -> None:
    """Write (rows, cols, bands) with its place on the ground."""
    place = ["UTM", "1", "1", transform.c, transform.f, transform.a, -transform.e, "16", "North", "WGS-84"]
    crs = rasterio.crs.CRS.from_string(INVENTED).to_wkt()
    entries = {"map info": [*map(str, place), "units=Meters"]}
    envi.save_image(str(path), cube, dtype=cube.dtype, interleave="bil", metadata=entries, force=True)
    with path.open("a", encoding="ascii") as header:  # spectral would take the commas out of it
        header.write(f"coordinate system string = {{{crs}}}\n")


def write_tiff(path: Path, image: np.ndarray, transform: Affine) -> None:
    """Write (rows, cols) or (rows, cols, bands)."""
    bands = image[None] if image.ndim == 2 else np.moveaxis(image, 2, 0)
    count, rows, cols = bands.shape
    profile = {"driver": "GTiff", "count": count, "height": rows, "width": cols, "dtype": image.dtype}
    with rasterio.open(path, "w", **profile, crs=INVENTED, transform=transform, compress="deflate") as file:
        file.write(bands)


def write_polygons(path: Path, scene: Scene, transform: Affine) -> None:
    """Write each field as a polygon with the name of its class."""
    labels = scene.labels.astype(np.uint8)
    found = [(shape(outline), int(value)) for outline, value in shapes(labels, labels > 0, 8, transform)]
    names = [scene.class_names[value - 1] for _, value in found]
    table = geopandas.GeoDataFrame({"class": names}, geometry=[outline for outline, _ in found], crs=INVENTED)
    table.to_file(path, driver="GPKG")


def write(folder: Path, scene: Scene) -> None:
    """Write all files."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = Affine(PIXEL, 0, CORNER[0], 0, -PIXEL, CORNER[1])
    east = whole * Affine.translation(HALF, 0)
    values = np.asarray(scene.label_values)
    cube = np.asarray(scene.cube)
    labels = np.where(scene.labels > 0, values[scene.labels - 1], 0).astype(np.uint8)
    write_envi(folder / "indian_pines.hdr", cube, whole)
    write_tiff(folder / "indian_pines.tif", cube, whole)
    write_tiff(folder / "labels.tif", labels, whole)
    write_polygons(folder / "fields.gpkg", scene, whole)
    write_envi(folder / "west.hdr", np.ascontiguousarray(cube[:, :HALF]), whole)
    write_tiff(folder / "west_labels.tif", labels[:, :HALF], whole)
    write_tiff(folder / "east.tif", cube[:, HALF:], east)
    write_tiff(folder / "east_labels.tif", labels[:, HALF:], east)


def main(words: list[str] | None = None) -> None:
    """Write the files; the scene is fetched where it is missing."""
    parser = argparse.ArgumentParser("studies.georeferenced", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="where the files go")
    folder = parser.parse_args(words).folder
    write(folder, hsi.load("indian_pines"))
    print(f"Indian Pines with an invented georeference ({INVENTED}): {folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
