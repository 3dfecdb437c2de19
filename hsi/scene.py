"""A scene: the cube, its labels, and what is known about both.

Class labels are 1..K without gaps here, whatever the file has; `label_values` keeps the file's own numbers. Where
scenes come from is in `hsi.scenes`, which checks all of them in the same way.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Scene:
    """A hyperspectral scene in memory.

    Parameters
    ----------
    name
        short name, as in conf/scene/.
    cube
        (rows, cols, bands), C-contiguous, the file's own dtype in native byte order.
    labels
        (rows, cols) int64; 0 unlabelled, 1..K the classes.
    label_values
        the file's own value of class 1..K.
    class_names, colours
        of class 1..K; colours as '#rrggbb'.
    wavelengths
        (bands,) float64, nm, or None.
    georeference
        map entries of an ENVI header as read, or None.
    rgb_bands
        bands for red, green, blue of the false-colour image, counted from 0, or None.
    checksums
        file name -> 'sha256:<hex>' of every file read.
    """

    name: str
    cube: np.ndarray
    labels: np.ndarray
    label_values: tuple[int, ...]
    class_names: tuple[str, ...]
    colours: tuple[str, ...]
    wavelengths: np.ndarray | None
    georeference: Mapping[str, object] | None
    rgb_bands: tuple[int, int, int] | None
    checksums: Mapping[str, str]

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


def scene_hash(scene: Scene) -> str:
    """SHA-256 over cube, labels and class names, in hexadecimal: what was classified, wherever it came from."""
    digest = hashlib.sha256(repr((scene.cube.shape, scene.cube.dtype.str, scene.class_names)).encode())
    digest.update(np.ascontiguousarray(scene.cube).data)
    digest.update(np.ascontiguousarray(scene.labels, dtype=np.int64).data)
    return digest.hexdigest()
