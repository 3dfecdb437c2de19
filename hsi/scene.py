"""A scene: the cube, its labels, and what is known about both.

Every loader ends in `assemble`, so that all scenes pass the same checks. Class labels are 1..K without gaps
here, whatever the file has; `label_values` keeps the file's own numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hsi.download import file_checksum, obtain
from hsi.errors import HsiError
from hsi.invalid import handle_invalid
from hsi.labels import name_classes, to_contiguous
from hsi.readers import EnviHeader, envi_data_file, read_array, read_envi_header


@dataclass(frozen=True, eq=False)
class Scene:
    """A hyperspectral scene in memory.

    Parameters
    ----------
    name
        short name, as in conf/scene/.
    cube
        (rows, cols, bands), the file's own dtype.
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


def load_published(
    name: str,
    data_dir: str | Path,
    cube: Mapping[str, Any],
    labels: Mapping[str, Any],
    classes: Mapping[str, str],
    rgb_bands: Sequence[int],
    ignored_labels: Sequence[int] = (),
    invalid: str = "error",
) -> Scene:
    """Load one of the published scenes, fetching its files if need be.

    Parameters
    ----------
    name
        of the scene, and of its folder in `data_dir`.
    data_dir
        cache of scene files, see `hsi.download.obtain`.
    cube, labels
        `file`, `key` in it, `checksum`, `sources` of each.
    classes
        name -> colour, in ascending order of the file's label values.
    rgb_bands
        see `Scene`.
    ignored_labels
        label values of the file to treat as unlabelled.
    invalid
        what to do with NaN and infinite values, see `hsi.invalid`.

    Raises HsiError: a file that cannot be had, is damaged or not the published one.
    """
    cube_path, labels_path = (
        obtain(part["file"], part["checksum"], part["sources"], Path(data_dir).expanduser(), name)
        for part in (cube, labels)
    )
    return assemble(
        name,
        read_array(cube_path, cube["key"], ndim=3),
        read_array(labels_path, labels["key"], ndim=2),
        classes=classes,
        rgb_bands=rgb_bands,
        ignored_labels=ignored_labels,
        invalid=invalid,
        checksums=_checksums([cube_path, labels_path]),
    )


def load_custom(
    name: str,
    cube: str | Path,
    labels: str | Path | None,
    cube_key: str | None = None,
    labels_key: str | None = None,
    classes: Sequence[str] | Mapping[str, str] | None = None,
    rgb_bands: Sequence[int] | None = None,
    ignored_labels: Sequence[int] = (),
    invalid: str = "error",
    wavelengths: Sequence[float] | None = None,
) -> Scene:
    """Load a scene from the user's own files: .mat, .npy or ENVI .hdr.

    Parameters
    ----------
    name
        for titles and reports.
    cube
        file with the cube (rows, cols, bands); relative paths count from the current directory.
    labels
        file with the label image (rows, cols), or None for a scene that is only mapped.
    cube_key
        array name in a .mat file; None takes the only one with 3 dimensions.
    labels_key
        likewise for the labels, with 2 dimensions.
    classes
        names, or name -> colour, in ascending order of the label values; None gives 'class <value>'.
    rgb_bands
        see `Scene`; None takes those of an ENVI header, if any.
    ignored_labels
        label values to treat as unlabelled, beside 0.
    invalid
        what to do with NaN and infinite values, see `hsi.invalid`.
    wavelengths
        of the bands in nm; None takes those of an ENVI header, if any.

    Raises HsiError: any fault in the files or in what was said about them.
    """
    cube_path = Path(cube).expanduser()
    array = read_array(cube_path, cube_key, ndim=3)
    is_envi = cube_path.suffix.lower() == ".hdr"
    header = read_envi_header(cube_path) if is_envi else EnviHeader(None, None, None)
    paths = [cube_path]
    label_image = None
    if labels is not None:
        paths.append(Path(labels).expanduser())
        label_image = read_array(paths[-1], labels_key, ndim=2)
    return assemble(
        name,
        array,
        label_image,
        classes=classes,
        rgb_bands=header.rgb_bands if rgb_bands is None else rgb_bands,
        ignored_labels=ignored_labels,
        invalid=invalid,
        wavelengths=header.wavelengths if wavelengths is None else wavelengths,
        georeference=header.georeference,
        checksums=_checksums(paths),
    )


def assemble(
    name: str,
    cube: np.ndarray,
    labels: np.ndarray | None,
    *,
    classes: Sequence[str] | Mapping[str, str] | None = None,
    rgb_bands: Sequence[int] | None = None,
    ignored_labels: Sequence[int] = (),
    invalid: str = "error",
    wavelengths: Sequence[float] | np.ndarray | None = None,
    georeference: Mapping[str, object] | None = None,
    checksums: Mapping[str, str] | None = None,
) -> Scene:
    """Check raw arrays and make a scene of them; where all loaders end.

    Parameters
    ----------
    name
        of the scene.
    cube
        (rows, cols, bands), integer or floating.
    labels
        (rows, cols), integral numbers >= 0 with 0 for unlabelled; None for no labels at all.
    classes
        see `load_custom`; may name the ignored labels or leave them out.
    rgb_bands
        see `Scene`.
    ignored_labels
        label values that become 0.
    invalid
        what to do with NaN and infinite values, see `hsi.invalid`.
    wavelengths
        (bands,), nm.
    georeference
        see `Scene`.
    checksums
        see `Scene`.

    Raises HsiError: anything above that does not hold.
    """
    if cube.ndim != 3 or cube.dtype.kind not in "iuf" or cube.size == 0:
        raise HsiError(
            f"scene {name}: the cube must be (rows, columns, bands) of real numbers, not {cube.dtype} of "
            f"shape {cube.shape}: give another file or key."
        )
    if labels is None:
        labels = np.zeros(cube.shape[:2], dtype=np.int64)
    if labels.shape != cube.shape[:2]:
        raise HsiError(
            f"scene {name}: cube {cube.shape} and labels {labels.shape} differ in rows or columns: "
            "give the files of one scene."
        )
    bands = cube.shape[2]
    spectral = None if wavelengths is None else np.asarray(wavelengths, dtype=np.float64)
    if spectral is not None and spectral.shape != (bands,):
        raise HsiError(f"scene {name}: {spectral.size} wavelengths for {bands} bands: give one per band, in nm.")
    rgb = _checked_rgb(name, rgb_bands, bands)
    indices, values, ignored = to_contiguous(name, labels, ignored_labels)
    names, colours = name_classes(name, classes, values, ignored)
    cube, kept = handle_invalid(name, cube, invalid)
    if kept.size < bands:
        spectral = None if spectral is None else spectral[kept]
        # a dropped colour band is replaced by its nearest neighbour
        rgb = _checked_rgb(name, rgb and [int(np.abs(kept - band).argmin()) for band in rgb], kept.size)
    return Scene(name, cube, indices, values, names, colours, spectral, georeference, rgb, dict(checksums or {}))


def require_classes(scene: Scene) -> None:
    """Check that there is something to learn; predicting does without.

    Raises HsiError: no labelled pixel, or a single class.
    """
    if scene.num_classes == 0:
        raise HsiError(
            f"scene {scene.name}: no pixel is labelled (all labels are 0 or ignored, or there is no label "
            "file), training needs at least two classes: give a label image with scene.labels=."
        )
    if scene.num_classes == 1:
        raise HsiError(
            f"scene {scene.name}: only one class is labelled ('{scene.class_names[0]}'), training needs at "
            "least two: label pixels of another class too."
        )


def _checksums(paths: Sequence[Path]) -> dict[str, str]:
    """Return the SHA-256 of each file, by name; of an ENVI scene the data file's beside the header's."""
    data_files = [envi_data_file(path) for path in paths if path.suffix.lower() == ".hdr"]
    files = dict.fromkeys(path.absolute() for path in [*paths, *data_files])
    names = [path.name for path in files]
    # two files of one name lie in different folders: tell them apart by these
    return {
        path.name if names.count(path.name) == 1 else f"{path.parent.name}/{path.name}": file_checksum(path)
        for path in files
    }


def _checked_rgb(name: str, rgb_bands: Sequence[int] | None, bands: int) -> tuple[int, int, int] | None:
    if rgb_bands is None:
        return None
    if len(rgb_bands) != 3 or not all(0 <= band < bands for band in rgb_bands):
        raise HsiError(f"scene {name}: rgb_bands must be three bands from 0 to {bands - 1}, not {list(rgb_bands)}.")
    red, green, blue = map(int, rgb_bands)
    return red, green, blue
