"""Folders of images: tiles of a scene, masks of its classes."""

from pathlib import Path

from hsi.errors import HsiError
from hsi.scenes.containers import SUFFIXES as CONTAINERS
from hsi.scenes.label_rasters import short_name

SUFFIXES = (".tif", ".tiff", ".hdr", ".mat", ".npy", ".npz", *CONTAINERS)


def list_rasters(folder: str | Path, option: str) -> dict[str, Path]:
    """Name -> path of the images of a folder, by name; hidden files are passed over.

    Raises HsiError: no such folder, no image in it, two of one name.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise HsiError(f"{option}={folder} is no folder: name one (now in {Path.cwd()})")
    paths = [
        path
        for path in sorted(place.iterdir())
        if path.suffix.lower() in SUFFIXES and path.name[0] != "." and path.is_file()
    ]
    if not paths:
        raise HsiError(f"{option}={folder} holds no image ({', '.join(SUFFIXES)}): name another folder")
    files: dict[str, Path] = {}
    for path in paths:
        if other := files.get(short_name(path)):
            raise HsiError(f"{place} holds {other.name} and {path.name}, two images of one name: rename one of them")
        files[short_name(path)] = path
    return files
