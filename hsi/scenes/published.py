"""The published scenes, fetched where they are missing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hsi.files import file_checksum
from hsi.scene import Scene
from hsi.scenes.assemble import assemble
from hsi.scenes.download import obtain
from hsi.scenes.formats import envi_data_file, read_array


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
        cache of scene files, see `hsi.scenes.download.obtain`.
    cube, labels
        `file`, `key` in it, `checksum`, `sources` of each.
    classes
        name -> colour, in ascending order of the file's label values.
    rgb_bands
        see `Scene`.
    ignored_labels
        label values of the file to treat as unlabelled.
    invalid
        what to do with NaN and infinite values, see `hsi.scenes.valid`.

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
