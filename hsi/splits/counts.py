"""How many pixels of each class train and validate."""

import numpy as np

from hsi.errors import HsiError


def class_sizes(labels: np.ndarray) -> np.ndarray:
    """Labelled pixels (K,) int64 of class 1..K of labels (rows, cols).

    Raises HsiError when a class has a single pixel: it cannot both train and test.
    """
    sizes = np.bincount(labels.ravel())[1:]
    if len(sizes) == 0:
        raise HsiError("no pixel is labelled, so there is nothing to split: give a label image with scene.labels=")
    if sizes.min() < 2:
        raise HsiError(
            f"class {int(sizes.argmin()) + 1} has {sizes.min()} labelled pixel: it cannot both train and test, "
            "leave it out with scene.ignored_labels"
        )
    return sizes


def class_counts(
    sizes: np.ndarray, train: float | int, per_class: int | None, validation: float | int, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """How many pixels of each class train and validate: two (K,) int arrays; the rest test, one at least.

    Parameters
    ----------
    sizes
        (K,) labelled pixels of each class, 2 or more.
    train
        Below 1 a fraction of the labelled pixels, from 1 on their number; shared out in proportion to
        the class sizes (largest remainder), one at least.
    per_class
        Training pixels of each class, in place of `train`. A class that has fewer than twice as many pixels gives
        half of them, as in the customary "30 a class, 15 of the small ones".
    validation
        Like `train`, out of what the training leaves; 0 for none.
    notes
        Gets a sentence for every class that departs from what was asked.
    """
    if per_class is not None:
        n_train = _per_class_counts(sizes, per_class, notes)
    else:
        n_train = _proportional_counts(sizes, _total(train, sizes, "split.train"), sizes - 1, "train", notes)
    if not validation:
        return n_train, np.zeros_like(n_train)
    left = sizes - n_train - 1  # one pixel tests
    return n_train, _proportional_counts(sizes, _total(validation, sizes, "split.validation"), left, "validate", notes)


def share_out(total: int, sizes: np.ndarray) -> np.ndarray:
    """Whole numbers (N,) int64 in proportion to the sizes (N,) that add up to `total`, by largest remainder."""
    exact = total * sizes / sizes.sum()
    counts = np.floor(exact).astype(int)
    for k in np.argsort(counts - exact, kind="stable")[: total - counts.sum()]:
        counts[k] += 1
    return counts


def _total(wanted: float | int, sizes: np.ndarray, key: str) -> int:
    """A fraction or count as a count of all labelled pixels."""
    labelled = int(sizes.sum())
    if wanted < 1:
        return int(wanted * labelled)
    if wanted > labelled - len(sizes):
        raise HsiError(
            f"{key}={wanted}: the scene has {labelled} labelled pixels and each of {len(sizes)} classes needs "
            "one for testing, ask for fewer"
        )
    return int(wanted)


def _proportional_counts(sizes: np.ndarray, total: int, most: np.ndarray, verb: str, notes: list[str]) -> np.ndarray:
    """Share `total` out in proportion to the sizes, by largest remainder, at least 1 and at most `most` a class."""
    counts = share_out(total, sizes)
    kept = np.clip(counts, np.minimum(1, most), most)
    for k in np.flatnonzero(kept != counts):
        notes.append(f"class {k + 1} of {sizes[k]} pixels: {kept[k]} {verb}, in proportion it would be {counts[k]}")
    return kept


def _per_class_counts(sizes: np.ndarray, per_class: int, notes: list[str]) -> np.ndarray:
    if per_class >= sizes.max():
        raise HsiError(
            f"split.per_class={per_class}: the largest class has {sizes.max()} labelled pixels, ask for fewer"
        )
    counts = np.minimum(per_class, sizes // 2)
    for k in np.flatnonzero(counts < per_class):
        notes.append(f"class {k + 1} has {sizes[k]} pixels: half of them, {counts[k]}, train in place of {per_class}")
    return counts
