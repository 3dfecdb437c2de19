"""Label images, on the scene's grid or on another one of the same coordinate reference system."""

from pathlib import Path

import numpy as np

from hsi.errors import HsiError
from hsi.scenes.coordinates import Placed, between, crs_name, placed, same_crs
from hsi.scenes.formats import read_raster
from hsi.scenes.label_image import Grid, LabelImage
from hsi.scenes.raster import Raster

PIXELS = 2**18  # of the scene at a time: their places take a few megabytes
ROUNDING = 1e-6  # of a pixel: what coordinates of seven digits before the point lose
ENVI_DATA = (".img", ".dat", ".bsq", ".bil", ".bip", ".raw")


def read_label_raster(path: str | Path, grid: Grid, key: str | None = None) -> LabelImage:
    """Read a label image of any format and lay it on the scene's grid.

    An image of the scene's size is taken as it is, unless both have a georeference and lie elsewhere. One that lies on
    another grid of the same coordinate reference system is resampled: each scene pixel gets the value of the label
    pixel in which its middle lies, 0 outside. Nodata and NaN become 0. Notes say all of this.

    Parameters
    ----------
    path, key
        see `hsi.scenes.formats.read_raster`.

    Raises
    ------
    HsiError
        What `read_raster` raises; another size without georeference; another coordinate reference system; an
        image that lies beside the scene.
    """
    path = Path(path).expanduser()
    raster = read_raster(path, key, ndim=2)
    notes = list(raster.notes)
    values = _on_grid(raster, path, grid, notes)
    return LabelImage(
        _without_nodata(values, raster.nodata, path.name, notes), raster.classes, None, raster.files, tuple(notes)
    )


def nearest(array: np.ndarray, place: Placed, shape: tuple[int, int]) -> tuple[np.ndarray, int]:
    """Resample an image by nearest neighbour.

    Parameters
    ----------
    array
        (rows, cols), or what is sliced like it.
    place
        takes column and row of a pixel of the result to those of `array`.
    shape
        rows and columns of the result.

    Returns
    -------
    The image `shape` of the dtype of `array`, 0 outside; the number of its pixels that lie outside.
    """
    linear, origin = place
    rows, cols = array.shape[:2]
    result = np.zeros(shape, dtype=array.dtype)
    outside = 0
    step = max(1, PIXELS // shape[1])
    across = np.arange(shape[1]) + 0.5
    for first in range(0, shape[0], step):
        down = np.arange(first, min(first + step, shape[0]))[:, None] + 0.5
        col, row = (
            np.floor(linear[axis, 0] * across + linear[axis, 1] * down + origin[axis] + ROUNDING) for axis in (0, 1)
        )
        inside = (col >= 0) & (col < cols) & (row >= 0) & (row < rows)
        outside += int((~inside).sum())
        if inside.any():
            found_row, found_col = row[inside].astype(np.int64), col[inside].astype(np.int64)
            top = int(found_row.min())
            part = np.asarray(array[top : int(found_row.max()) + 1]).reshape(-1, cols)
            result[first : first + len(down)][inside] = part[found_row - top, found_col]
    return result, outside


def short_name(path: Path) -> str:
    """The name of an image without its suffix; that of an ENVI header may follow the suffix of its data file."""
    inner = Path(path.stem)
    return inner.stem if path.suffix.lower() == ".hdr" and inner.suffix.lower() in ENVI_DATA else path.stem


def _on_grid(raster: Raster, path: Path, grid: Grid, notes: list[str]) -> np.ndarray:
    rows, cols = raster.array.shape[:2]
    here, there = grid.georeference, raster.georeference
    if here is None or there is None:
        if (rows, cols) != grid.shape:
            lacking = "the labels have" if here else "the scene has" if there else "neither has"
            raise HsiError(
                f"{path} has {rows} x {cols} pixels, the scene {grid.rows} x {grid.cols} (rows x columns), and "
                f"{lacking} {'a' if lacking.startswith('neither') else 'no'} georeference by which they could be "
                "resampled: give the labels of this scene"
            )
        return raster.load()
    if here.crs is None or there.crs is None:
        if here.crs != there.crs:
            notes.append(
                f"{path.name if here.crs else 'the scene'} names no coordinate reference system: taken to be in "
                f"{crs_name(here.crs or there.crs)}, as {'the scene is' if here.crs else f'{path.name} is'}"
            )
    elif not same_crs(here.crs, there.crs, f"{path} or the scene"):
        raise HsiError(
            f"{path} is in {crs_name(there.crs)}, the scene in {crs_name(here.crs)}: bring the labels to the scene's "
            "coordinate reference system first, for instance with gdalwarp -r near -t_srs"
        )
    place = between(placed(here, "the scene"), placed(there, str(path)))
    if (rows, cols) == grid.shape and _is_identity(place, grid):
        return raster.load()
    values, outside = nearest(raster.array, place, grid.shape)  # type: ignore[arg-type]
    if outside == values.size:
        raise HsiError(f"{path} lies beside the scene, no pixel of which is in it: give the labels of this scene")
    beyond = f"; {outside:,} pixels of the scene lie outside it and are unlabelled" if outside else ""
    notes.append(
        f"{path.name} is resampled to the grid of the scene by nearest neighbour, from {rows} x {cols} pixels to "
        f"{grid.rows} x {grid.cols}{beyond}"
    )
    return values


def _is_identity(place: Placed, grid: Grid) -> bool:
    """Whether the middle of every pixel lies in the pixel of the same number: it does where those at the corners do."""
    linear, origin = place
    corners = np.array([(col, row) for col in (0, grid.cols - 1) for row in (0, grid.rows - 1)])
    return bool((np.floor((corners + 0.5) @ linear.T + origin + ROUNDING) == corners).all())


def _without_nodata(values: np.ndarray, nodata: float | None, name: str, notes: list[str]) -> np.ndarray:
    """The labels with 0 for nodata and NaN."""
    empty = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
    if nodata:
        empty |= values == nodata
    if not empty.any():
        return values
    notes.append(f"{int(empty.sum()):,} pixels of {name} hold no label ({nodata or float('nan'):g}): unlabelled")
    return np.where(empty, 0, values).astype(values.dtype)
