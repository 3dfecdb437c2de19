"""The formats in which images circulate, all read into a `Raster`.

The only place that looks at a file's suffix, and the one that turns what the libraries raise into a sentence. Nothing
here runs code out of a file.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from hsi.cube import Cube, LazyCube
from hsi.errors import HsiError, shown
from hsi.scenes.containers import SUFFIXES, read_container
from hsi.scenes.envi import DATA_SUFFIXES, find_header, read_envi
from hsi.scenes.geotiff import read_tiff
from hsi.scenes.limits import require_held, require_pixels
from hsi.scenes.mat import read_mat
from hsi.scenes.npy import names_in_archive, read_npy, read_npz
from hsi.scenes.products.enmap import metadata_beside, read_enmap
from hsi.scenes.raster import Raster

WITH_NAMES = (".mat", ".npz", *SUFFIXES)
POLYGONS = (".shp", ".gpkg", ".geojson", ".json", ".kml", ".fgb")
LONGEST = 200  # characters of what a library says
READ_HERE = ".mat, .npy, .npz, ENVI .hdr, (Geo)TIFF .tif, HDF5 .h5 or netCDF .nc file"


def read_raster(path: str | Path, key: str | None = None, ndim: int = 3, option: str | None = None) -> Raster:
    """Read one image from a file of any format.

    Parameters
    ----------
    path
        the file; for ENVI its header or its data file. The suffix may be in small or capital letters.
    key
        the array's name in a .mat or .npz file; None takes the only array of the right rank.
    ndim
        3 for a cube (rows, cols, bands), 2 for a label image (rows, cols).
    option
        what messages call the key; None calls it by its name in a scene.

    Returns
    -------
    The raster, with an array of `ndim` dimensions: a label image in memory, a cube as a `LazyCube` where the format
    allows it.

    Raises HsiError: missing, damaged or foreign file, missing or ambiguous key, wrong rank; later too, when a cube is
    read whose file was damaged after this.
    """
    path = Path(path).expanduser()
    option = option or ("scene.cube_key" if ndim == 3 else "scene.labels_key")
    with translated_faults(path):
        raster = _read(path, key, ndim, option).sound()
        return replace(raster, array=_of_rank(path, raster, ndim))


def archive_names(path: str | Path) -> tuple[str, ...]:
    """Names of all arrays in an .npz archive; none for other formats.

    Raises HsiError: missing or damaged file.
    """
    path = Path(path).expanduser()
    with translated_faults(path):
        return names_in_archive(path) if path.suffix.lower() == ".npz" else ()


@contextmanager
def translated_faults(path: Path) -> Iterator[None]:
    """Turn what a library raises over the file at `path` into an HsiError of one sentence."""
    if not path.is_file():
        raise HsiError(f"{path} does not exist or is no file: check the path (now in {Path.cwd()}).")
    with warnings.catch_warnings(), _as_sentence(path):
        warnings.simplefilter("ignore")  # of tags that Pillow passes over
        yield


@contextmanager
def _as_sentence(path: Path) -> Iterator[None]:
    """`translated_faults` for a file that is open: it changes nothing that threads share."""
    try:
        yield
    except HsiError:
        raise
    except MemoryError as error:
        raise HsiError(f"{path} holds more than fits into memory: cut the image into parts.") from error
    except PermissionError as error:
        raise HsiError(f"{path} cannot be read ({error.strerror}): give yourself permission to.") from error
    except Exception as error:  # the libraries answer damage with dozens of unrelated exceptions
        reason = f"{type(error).__name__}: {shown(error, LONGEST)}"
        raise HsiError(
            f"{path} cannot be read ({reason}): it is damaged or cut short, fetch or copy it again."
        ) from error


def _of_rank(path: Path, raster: Raster, ndim: int) -> Cube:
    """The array with `ndim` dimensions, in native byte order; an image of one band is a label image too."""
    array = raster.array
    one_band = ndim == 2 and array.ndim == 3 and array.shape[2] == 1
    if array.ndim != ndim and not one_band:
        layout = "a cube (rows, columns, bands)" if ndim == 3 else "a label image (rows, columns)"
        raise HsiError(f"{path} holds an array of shape {array.shape}, but {layout} is needed: give another array.")
    stored = sum(file.stat().st_size for file in raster.files)
    if ndim == 3:
        require_pixels(path, array.shape[0], array.shape[1], stored)
    if isinstance(array, LazyCube):
        require_held(path, array.shape, array.dtype, stored=stored)
        if ndim == 3:
            return _guarded(path, array)
        array = array[:]
    if one_band:
        array = array[:, :, 0]
    if isinstance(array, np.memmap) or not array.dtype.isnative:
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C", subok=False)
    return array


def _guarded(path: Path, cube: LazyCube) -> LazyCube:
    """The cube, with a sentence for faults that come when it is read."""

    def read(rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
        with _as_sentence(path):
            return cube.read(rows, cols, bands)

    return replace(cube, read=read)


def _read(path: Path, key: str | None, ndim: int, option: str) -> Raster:
    suffix = path.suffix.lower()
    if key is not None and suffix not in WITH_NAMES:
        raise HsiError(f"{path} holds a single array, so the key '{key}' means nothing there: leave the key out.")
    match suffix:
        case ".mat":
            return read_mat(path, key, ndim, option)
        case ".npz":
            return read_npz(path, key, ndim, option)
        case ".npy":
            return read_npy(path)
        case ".hdr":
            return read_envi(path)
        case ".tif" | ".tiff":
            return read_tiff(path) if metadata_beside(path) is None else read_enmap(path)
        case ".xml":
            return read_enmap(path)
        case _ if suffix in SUFFIXES:
            return read_container(path, key, ndim, option)
    if suffix in POLYGONS:
        raise HsiError(f"{path} holds polygons, and an image is needed here: give polygons as scene.labels=.")
    if suffix in DATA_SUFFIXES or find_header(path):
        return read_envi(path)
    raise HsiError(f"{path} has a format that is not read here: give a {READ_HERE}.")
