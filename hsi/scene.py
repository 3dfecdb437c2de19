"""A scene: the cube, its labels, and what is known about both.

Class labels are 1..K without gaps here, whatever the file has; `label_values` keeps the file's own numbers. Where
scenes come from is in `hsi.scenes`, which checks all of them in the same way.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hsi.cube import Cube, blocks, crop
from hsi.georeference import Georeference

IMAGES = ("labels", "valid", "polygons", "tiles")  # fields of a scene that are images (rows, cols)
LEAST_BANDS = 5  # from here on, a pixel with one and the same value in all bands is no measurement


@dataclass(frozen=True, eq=False)
class Scene:
    """A hyperspectral scene, in memory or on disk.

    Parameters
    ----------
    name
        short name, as in conf/scene/.
    cube
        (rows, cols, bands), native byte order: a C-contiguous array, or a `LazyCube` of which only what is asked for
        is read. Bands that hold no data are left out.
    labels
        (rows, cols) int64; 0 unlabelled, 1..K the classes.
    label_values
        the file's own value of class 1..K.
    class_names, colours
        of class 1..K; colours as '#rrggbb'.
    wavelengths
        (bands,) float64, nm, or None.
    georeference
        where its pixels lie, or None.
    rgb_bands
        bands for red, green, blue of the false-colour image, counted from 0, or None.
    checksums
        file name -> 'sha256:<hex>' of every file read.
    valid
        (rows, cols) bool: which pixels hold data; the others are never labelled. None where nobody has looked yet: then
        `read` looks at what it reads.
    nodata
        value that stands for no measurement, or None; NaN and infinity never are one.
    fwhm
        (bands,) float64, nm, or None: the width of each band.
    kept_bands
        (bands,) int64, which of the `file_bands` bands of its files these are, counted from 0; None for all of them.
    file_bands
        bands of its files; None for as many as the cube has.
    polygons
        (rows, cols) int32, or None: which polygon (or group of touching points) a labelled pixel was drawn with, from
        1 on; 0 elsewhere.
    tiles
        (rows, cols) int32, or None: which of `tile_names` a pixel belongs to, from 1 on; 0 elsewhere.
    nominal
        whether its wavelengths are only about right, for figures: no sensor is held against another by them.
    notes
        what was found out about it, a sentence each: pixels without data, bands left out, polygons that overlap.
    """

    name: str
    cube: Cube
    labels: np.ndarray
    label_values: tuple[int, ...]
    class_names: tuple[str, ...]
    colours: tuple[str, ...]
    wavelengths: np.ndarray | None
    georeference: Georeference | None
    rgb_bands: tuple[int, int, int] | None
    checksums: Mapping[str, str]
    valid: np.ndarray | None = None
    nodata: float | None = None
    fwhm: np.ndarray | None = None
    kept_bands: np.ndarray | None = None
    file_bands: int | None = None
    polygons: np.ndarray | None = None
    tiles: np.ndarray | None = None
    tile_names: tuple[str, ...] = ()
    nominal: bool = False
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.cube.shape[0]

    @property
    def cols(self) -> int:
        """Number of columns."""
        return self.cube.shape[1]

    @property
    def bands(self) -> int:
        """Number of bands."""
        return self.cube.shape[2]

    @property
    def num_classes(self) -> int:
        """Number of classes K; 0 for a scene without labels."""
        return len(self.label_values)

    @property
    def class_counts(self) -> np.ndarray:
        """Labelled pixels of class 1..K, (K,) int64."""
        return np.bincount(self.labels.ravel(), minlength=self.num_classes + 1)[1:]

    @property
    def no_data(self) -> dict[str, Any]:
        """How many pixels hold no data, and which bands of its files were left out, counted from 0."""
        every = range(self.file_bands or self.bands)
        kept = set(every if self.kept_bands is None else self.kept_bands.tolist())
        empty = 0 if self.valid is None else int((~self.valid).sum())
        return {"pixels": empty, "bands": [band for band in every if band not in kept]}

    def part(self, rows: slice, cols: slice) -> "Scene":
        """A part of the scene, with all its classes; rows and columns as slices of step 1."""
        images = {name: image for name in IMAGES if (image := getattr(self, name)) is not None}
        cut: dict[str, Any] = {name: image[rows, cols] for name, image in images.items()}
        moved = self.georeference and self.georeference.moved(rows.start or 0, cols.start or 0)
        return replace(self, cube=crop(self.cube, rows, cols), georeference=moved, **cut)

    def read(self, rows: slice, cols: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """Values (rows, cols, bands) of a part of the scene, and which of its pixels hold data, (rows, cols) bool."""
        values = self.cube[rows, cols]
        return values, holds_data(values, self.nodata) if self.valid is None else self.valid[rows, cols]


def is_missing(values: np.ndarray, nodata: float | None = None) -> np.ndarray:
    """Which values, of an array of any shape, are NaN, infinite or `nodata`: bool, of the same shape."""
    missing: np.ndarray = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
    if nodata is not None and not np.isnan(nodata):
        # a file of float32 says its nodata value in decimals, or in double precision
        with np.errstate(over="ignore"):
            missing |= values == (values.dtype.type(nodata) if values.dtype.kind == "f" else nodata)
    return missing


def holds_data(values: np.ndarray, nodata: float | None = None) -> np.ndarray:
    """Which pixels of (rows, cols, bands) hold data, (rows, cols) bool.

    Those do not of which a value is missing, or of which all values are the same: no spectrum is constant, and files
    that declare no value for it fill their margins with one. Of fewer than `LEAST_BANDS` bands, grey is a colour.
    """
    found = np.asarray(~is_missing(values, nodata).any(axis=2))
    if values.shape[2] >= LEAST_BANDS:
        found &= (values != values[:, :, :1]).any(axis=2)
    return found


def scene_hash(scene: Scene) -> str:
    """SHA-256 over cube, labels and class names, in hexadecimal: what was classified, wherever it came from."""
    digest = hashlib.sha256(repr((scene.cube.shape, scene.cube.dtype.str, scene.class_names)).encode())
    for _, _, values in blocks(scene.cube):
        digest.update(values.data)
    digest.update(np.ascontiguousarray(scene.labels, dtype=np.int64).data)
    return digest.hexdigest()
