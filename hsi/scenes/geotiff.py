"""GeoTIFF by rasterio, of which only what is asked for is read; plain TIFF by Pillow where rasterio is not installed.

rasterio is of the extra ``geo``: ``pip install "hsi[geo]"``.
"""

import functools
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from hsi.cube import LazyCube
from hsi.errors import HsiError, NotInstalled
from hsi.georeference import Georeference
from hsi.scenes.gdal_metadata import bad_bands_of, classes_of, rgb_bands_of, sidecar, spectral_of
from hsi.scenes.limits import require_held
from hsi.scenes.raster import Raster
from hsi.scenes.tiff_pages import read_pages, says_more

log = logging.getLogger(__name__)

DECODED = 128 * 2**20  # bytes of decoded tiles that GDAL may keep; its own default is a share of all memory


def read_tiff(path: Path) -> Raster:
    """Open a TIFF file, (rows, cols, bands), whose bands are the samples of a pixel, or pages of equal size.

    Raises HsiError: complex numbers, pages of different sizes, or what needs rasterio where that is not installed;
    other exceptions for what the libraries cannot read.
    """
    if (rasterio := _library()) is None:
        return _without_rasterio(path)
    with _opened(rasterio, path) as dataset:
        described = _described(path, dataset)
        if len(dataset.subdatasets) > 1:  # rasterio sees the first page alone
            pages = read_pages(path)
            return replace(
                pages,
                georeference=described.georeference,
                nodata=described.nodata,
                notes=described.notes,
            )
    return described


def _library() -> ModuleType | None:
    try:
        import rasterio
    except ImportError:
        return None
    # what GDAL has to say comes as exceptions too, and its remarks on odd tags help nobody
    logging.getLogger("rasterio._env").setLevel(logging.CRITICAL)
    return rasterio


def _without_rasterio(path: Path) -> Raster:
    try:
        raster, more = read_pages(path), says_more(path)
    except HsiError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".split("\n")[0]
        raise NotInstalled(
            f"{path} cannot be read by Pillow ({reason}): if it is whole, it needs rasterio, "
            'pip install "hsi[geo]" installs it.'
        ) from error
    if not more:
        return raster
    _say_once()
    return replace(raster, notes=(f"{path.name}: its georeference, nodata and wavelengths are not read",))


@functools.cache
def _say_once() -> None:
    log.warning(
        "GeoTIFF is read without georeference, nodata and wavelengths, since rasterio is not installed: "
        'pip install "hsi[geo]"'
    )


@contextmanager
def _opened(rasterio: ModuleType, path: Path) -> Iterator[Any]:
    """Open for one read: nothing decoded stays in memory, and threads and processes share nothing."""
    with rasterio.Env(GDAL_CACHEMAX=DECODED), warnings.catch_warnings(), _no_tracebacks():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        # no other driver: a file of this name could be a list of addresses to fetch
        with rasterio.open(path, driver="GTiff", sharing=False) as dataset:
            yield dataset


@contextmanager
def _no_tracebacks() -> Iterator[None]:
    """Keep off the terminal that rasterio cannot log a message of GDAL, one that quotes signs outside of UTF-8."""
    before, ignored_before = sys.excepthook, sys.unraisablehook
    # Cython calls both for what its callbacks raise; an exception of ours has left this block before it is shown
    sys.excepthook = lambda *_: None
    sys.unraisablehook = lambda found: None if found.object == "rasterio._env.log_error" else ignored_before(found)
    try:
        yield
    finally:
        sys.excepthook, sys.unraisablehook = before, ignored_before


def _described(path: Path, dataset: Any) -> Raster:
    """What a dataset says, with a cube that is read when it is needed."""
    dtype = np.dtype(dataset.dtypes[0])
    if dtype.kind not in "iuf":
        raise HsiError(f"{path} holds {dtype} numbers, which are no spectra: save the image as real numbers.")
    shape = (dataset.height, dataset.width, dataset.count)
    for rows, cols in set(dataset.block_shapes):  # GDAL unpacks each as a whole, and it may be larger than the image
        require_held(path, (max(rows, shape[0]), max(cols, shape[1]), shape[2]), dtype)
    wavelengths, fwhm, notes = spectral_of(dataset)
    georeference, map_notes = _georeference(dataset)
    nodata, nodata_notes = _nodata(dataset)
    gain, offset = np.array(dataset.scales, np.float64), np.array(dataset.offsets, np.float64)
    scaled = bool(np.isfinite(gain).all() and np.isfinite(offset).all() and gain.all())
    beside = sidecar(path)
    return Raster(
        _lazy(path, shape, dtype),
        (path,) if beside is None else (path, beside.file),
        wavelengths=wavelengths,
        fwhm=fwhm,
        bad_bands=bad_bands_of(dataset),
        rgb_bands=rgb_bands_of(dataset),
        georeference=georeference,
        nodata=nodata,
        gain=gain if scaled and (gain != 1).any() else None,
        offset=offset if scaled and (offset != 0).any() else None,
        classes=classes_of(dataset, () if beside is None else beside.category_names),
        notes=tuple(f"{path.name}: {note}" for note in (*notes, *map_notes, *nodata_notes)),
    )


def _lazy(path: Path, shape: tuple[int, int, int], dtype: np.dtype) -> LazyCube:
    def read(rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
        numbers = np.arange(shape[2]) if bands is None else bands
        block = np.empty((rows.stop - rows.start, cols.stop - cols.start, len(numbers)), dtype)
        if block.size == 0:
            return block
        import rasterio

        with _opened(rasterio, path) as dataset:
            if (dataset.height, dataset.width, dataset.count) != shape or np.dtype(dataset.dtypes[0]) != dtype:
                raise HsiError(f"{path} has been changed since it was opened: start again.")
            window = ((rows.start, rows.stop), (cols.start, cols.stop))
            dataset.read((numbers + 1).tolist(), window=window, out=block.transpose(2, 0, 1))
        return block

    return LazyCube(shape, dtype, read)


def _georeference(dataset: Any) -> tuple[Georeference | None, tuple[str, ...]]:
    crs = dataset.crs.to_wkt() if dataset.crs else None
    if not dataset.transform.is_identity:
        return Georeference(tuple(dataset.transform)[:6], crs), ()
    if dataset.gcps[0] or dataset.rpcs:
        how = "ground control points" if dataset.gcps[0] else "rational polynomials"
        return None, (f"its pixels are placed by {how}, which are not used: warp it to a grid with gdalwarp first",)
    if crs is not None:
        return None, ("it has a coordinate reference system, but nothing places its pixels there",)
    return None, ()


def _nodata(dataset: Any) -> tuple[float | None, tuple[str, ...]]:
    stated = list(dict.fromkeys(str(value) for value in dataset.nodatavals if value is not None))
    if not stated:
        return None, ()
    notes: tuple[str, ...] = ()
    if len(stated) > 1:
        notes = (f"its bands have different nodata values ({', '.join(stated[:5])}), the first is used",)
    return float(stated[0]), notes
