"""A split that somebody else made: a role array, or a training mask with its own class order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from hsi.config.values import FilePath
from hsi.errors import HsiError
from hsi.files import file_checksum
from hsi.scenes.formats import archive_names, read_raster, translated_faults
from hsi.scenes.labels import are_whole
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION, Split, load_split


def split_from_file(
    labels: np.ndarray,
    *,
    path: FilePath | None = None,
    key: str | None = None,
    content: Literal["roles", "training"] = "roles",
    classes: Mapping[int, int] | None = None,
    test_path: FilePath | None = None,
    test_key: str | None = None,
) -> Split:
    """Take the roles from a file: .npz, .npy, .mat, ENVI .hdr or single-band (Geo)TIFF.

    Published masks let results be compared with others', for instance that of the GRSS Data and Algorithm Standard
    Evaluation website for Indian Pines (conf/split/grss_dase.yaml). How far their test pixels lie from the training
    pixels is for `hsi.evaluation.leakage` to say.

    Raises HsiError for an unreadable file, another shape than the scene's, unknown roles or classes, a pixel in
    both masks, or a class that misses training or test pixels.

    Parameters
    ----------
    labels
        (rows, cols) int, 0 unlabelled, 1..K.
    path, key
        The file, and the array's name in a .mat or .npz file; None takes the only image there, in an .npz the
        array `role`. The split.npz of a run brings its regions along, after a check of its hash.
    content
        ``roles``: 0 unused, 1 train, 2 validation, 3 test. ``training``: what is not 0 trains, and every other
        labelled pixel tests.
    classes
        Of a training mask: its value to the class 1..K that it means. Where the two disagree the pixel is unused, and
        the notes count such pixels. None ignores the values.
    test_path, test_key
        A second mask beside a training mask: what is not 0 tests, the rest is unused. `test_key` alone means another
        array of the same file. Where it has classes too, and not one value for all, those that disagree with the
        scene's labels are treated as in the training mask.
    """
    if path is None:
        raise HsiError("split.path is not set: name the file that holds the split")
    source = Path(path).expanduser()
    notes: list[str] = []
    if content == "roles":
        role, region = _read_roles(source, key, labels)
        if stray := int(((role != UNUSED) & (labels == 0)).sum()):
            notes.append(f"{stray} pixels have a role in {source.name} and no label in the scene: they are unused")
    else:
        mask, region = _read_image(source, key, labels), None
        role = np.where(mask != 0, TRAIN, TEST).astype(np.uint8)
        _drop_conflicts(role, mask, classes, labels, source, "training", notes)
        if test_path or test_key:
            second = Path(test_path).expanduser() if test_path else source
            tested = _read_test(second, test_key, mask, labels)
            role[mask == 0] = np.where(tested != 0, TEST, UNUSED)[mask == 0]
            marked_only = len(np.unique(tested)) <= 2  # 0 and one value, which names no class
            _drop_conflicts(role, tested, None if marked_only else classes, labels, second, "test", notes)
    role[labels == 0] = UNUSED
    _require_all_classes(labels, role, source)
    return Split(role, region, tuple(notes))


def published_split(
    labels: np.ndarray,
    *,
    path: FilePath,
    classes: Mapping[int, int],
    key: str | None = None,
    sha256: str | None = None,
    test_path: FilePath | None = None,
    test_sha256: str | None = None,
) -> Split:
    """Take a training mask that was published, and the test mask beside it, if there is one, as `split_from_file` does.

    Parameters
    ----------
    labels, path, classes, key, test_path
        As there.
    sha256, test_sha256
        Of the files as they circulate, in hexadecimal; None accepts any content.

    Raises
    ------
    HsiError
        A file that is missing or another one, and what `split_from_file` refuses.
    """
    _require_file(path, sha256, "split.path")
    if test_path:
        _require_file(test_path, test_sha256, "split.test_path")
    return split_from_file(labels, path=path, key=key, content="training", classes=classes, test_path=test_path)


def _require_file(path: str | Path, sha256: str | None, key: str) -> None:
    """Raise HsiError unless the file is there and, where `sha256` is known, the one that was published."""
    place = Path(path).expanduser()
    if not place.is_file():
        raise HsiError(
            f"{place} is missing, and hsi does not ship it: put the published file there, or name it by {key}="
        )
    if sha256 and file_checksum(place) != f"sha256:{sha256}":
        raise HsiError(
            f"{place} is not the published file, whose SHA-256 begins with {sha256[:8]}: fetch it again, or accept any "
            f"by {key.replace('path', 'sha256')}=null"
        )


def _read_test(path: Path, key: str | None, mask: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The second mask, (rows, cols) int: what is not 0 tests."""
    tested = _read_image(path, key, labels)
    if both := int(((tested != 0) & (mask != 0)).sum()):
        raise HsiError(f"{path}: {both} pixels are in the training and in the test mask: take them out of one of them")
    return tested


def _drop_conflicts(
    role: np.ndarray,
    mask: np.ndarray,
    classes: Mapping[int, int] | None,
    labels: np.ndarray,
    source: Path,
    kind: str,
    notes: list[str],
) -> None:
    """Make pixels of a mask unused, in place, where it and the scene disagree; say how many. `kind` is what they do."""
    meant = labels if classes is None else _translate(source, mask, classes, int(labels.max()))
    unlabelled = (mask != 0) & (labels == 0)
    contrary = (mask != 0) & (labels != 0) & (meant != labels)
    role[unlabelled | contrary] = UNUSED
    if unlabelled.any() or contrary.any():
        notes.append(
            f"{(unlabelled | contrary).sum()} of the {(mask != 0).sum()} {kind} pixels of {source.name} disagree with "
            f"the scene's labels and are unused: {unlabelled.sum()} are unlabelled there, {contrary.sum()} have "
            "another class"
        )


def _read_roles(path: Path, key: str | None, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    region = None
    if {"role", "region", "hash"} <= set(archive_names(path)):  # of a run
        with translated_faults(path):
            saved = load_split(path)
        role, region = saved.role, saved.region
        for image in (role, region):
            if image is not None:
                _check_shape(path, image, labels)
    else:
        role = _read_image(path, key, labels)
    unknown = np.setdiff1d(role, (UNUSED, TRAIN, VALIDATION, TEST))
    if len(unknown):
        raise HsiError(
            f"{path} holds the value {unknown[0]}, but roles are 0 unused, 1 train, 2 validation, 3 test: correct it, "
            "or say split.content=training if it is a training mask"
        )
    return role.astype(np.uint8), region


def _read_image(path: Path, key: str | None, labels: np.ndarray) -> np.ndarray:
    """One image (rows, cols) of whole numbers of the scene's shape."""
    if key is None and archive_names(path):
        key = "role"
    image = np.asarray(read_raster(path, key, ndim=2, option="split.key").array)
    _check_shape(path, image, labels)
    if not are_whole(image):
        raise HsiError(f"{path} holds {image.dtype} with fractions or NaN, a split needs whole numbers: check the file")
    return image.astype(np.int64)


def _check_shape(path: Path, image: np.ndarray, labels: np.ndarray) -> None:
    if image.shape != labels.shape:
        raise HsiError(
            f"{path} has {' x '.join(map(str, image.shape))} pixels, the scene {' x '.join(map(str, labels.shape))} "
            "(rows x columns): give the split of this scene"
        )


def _translate(path: Path, mask: np.ndarray, classes: Mapping[int, int], num_classes: int) -> np.ndarray:
    """The mask in the scene's classes, 0 where it is 0."""
    known = {int(value): int(meaning) for value, meaning in classes.items()}
    if unnamed := sorted(set(np.unique(mask).tolist()) - {0} - set(known)):
        raise HsiError(f"{path} holds class {unnamed[0]}, which split.classes does not name: say which class it means")
    if wrong := [meaning for meaning in known.values() if not 1 <= meaning <= num_classes]:
        raise HsiError(f"split.classes names class {wrong[0]}, the scene has classes 1 to {num_classes}: correct it")
    translated = np.zeros_like(mask)
    for value, meaning in known.items():
        translated[mask == value] = meaning
    return translated


def _require_all_classes(labels: np.ndarray, role: np.ndarray, path: Path) -> None:
    for k in range(1, int(labels.max()) + 1):
        for name, wanted in (("training", TRAIN), ("test", TEST)):
            if not (role[labels == k] == wanted).any():
                raise HsiError(
                    f"{path} leaves class {k} without a {name} pixel: correct it, or leave the class out with "
                    "scene.ignored_labels"
                )
