"""From the numbers in a label image to classes 1..K with names and colours."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hsi.errors import HsiError
from hsi.scenes.palette import distinct_colours

LARGEST = 2**53  # up to here every whole number is a double

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Classes:
    """The classes of a label image: `indices` (rows, cols) int64, 0 unlabelled, 1..K; the rest as in `Scene`."""

    indices: np.ndarray
    values: tuple[int, ...]
    names: tuple[str, ...]
    colours: tuple[str, ...]


def without_data(classes: Classes, valid: np.ndarray) -> tuple[Classes, list[str]]:
    """Take the labels off pixels that are not `valid`, (rows, cols) bool; returns also what that costs, in words."""
    lost = int((classes.indices[~valid] > 0).sum())
    if lost == 0:
        return classes, []
    masked = np.where(valid, classes.indices, 0)
    counts = np.bincount(masked.ravel(), minlength=len(classes.values) + 1)[1:]
    kept, gone = np.flatnonzero(counts), np.flatnonzero(counts == 0)
    rank = np.concatenate([[0], np.where(counts > 0, np.cumsum(counts > 0), 0)])
    left = Classes(
        rank[masked],
        tuple(classes.values[k] for k in kept),
        tuple(classes.names[k] for k in kept),
        tuple(classes.colours[k] for k in kept),
    )
    said = [f"{lost:,} labelled pixels hold no data: they count as unlabelled"]
    return left, said + [f"class '{classes.names[k]}' has no pixel with data: it is left out" for k in gone]


def are_whole(image: np.ndarray) -> bool:
    """Whether all numbers of an array are whole, and small enough for a double to hold each."""
    if image.dtype.kind not in "iufb":
        return False
    whole = image.dtype.kind != "f" or bool((image == np.round(image)).all())
    return whole and bool(((image > -LARGEST) & (image < LARGEST)).all())


def to_contiguous(
    name: str, labels: np.ndarray, ignored_labels: Sequence[int]
) -> tuple[np.ndarray, tuple[int, ...], tuple[int, ...]]:
    """Renumber the classes of a label image.

    Parameters
    ----------
    name
        of the scene, for messages.
    labels
        (rows, cols), integral numbers of any dtype; 0 is unlabelled.
    ignored_labels
        values that become 0.

    Returns
    -------
    labels (rows, cols) int64 with classes 1..K in ascending order of their values; the values of class
    1..K; the ignored values that occurred.

    Raises HsiError: fractions, NaN, numbers beyond 2^53, or negative values that are not ignored.
    """
    if not are_whole(labels):
        raise HsiError(f"scene {name}: labels must be whole numbers, these are {labels.dtype}: check file and key.")
    labels = labels.astype(np.int64)
    found = np.unique(labels)
    if unknown := sorted(set(ignored_labels) - set(found.tolist())):
        log.warning("scene %s: ignored labels %s do not occur", name, unknown)
    ignored = np.isin(found, list(ignored_labels))
    if negative := found[(found < 0) & ~ignored].tolist():
        raise HsiError(
            f"scene {name}: labels must not be negative, these have {negative[:5]}: correct them, or list "
            "them in scene.ignored_labels if they mean unlabelled."
        )
    kept = (found != 0) & ~ignored
    rank = np.where(kept, np.cumsum(kept), 0)
    return (
        rank[np.searchsorted(found, labels)],
        tuple(found[kept].tolist()),
        tuple(found[ignored & (found != 0)].tolist()),
    )


def name_classes(
    name: str,
    classes: Sequence[str] | Mapping[str, str] | None,
    values: tuple[int, ...],
    ignored: tuple[int, ...],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give every class a name and a colour.

    Parameters
    ----------
    name
        of the scene, for messages.
    classes
        names, or name -> colour, in ascending order of the label values, the ignored ones included
        or left out; None gives 'class <value>'. Colours that are not given come from `hsi.scenes.palette`.
    values
        label values of class 1..K.
    ignored
        label values that were ignored.

    Returns
    -------
    K names, K colours '#rrggbb'.

    Raises HsiError: another number of names than of values, equal names, or what is no colour.
    """
    if classes is None or not values:  # without labels there is nothing to name
        return tuple(f"class {value}" for value in values), distinct_colours(len(values))
    names = [str(entry) for entry in classes]
    every = sorted({*values, *ignored})
    if len(names) not in (len(values), len(every)) or len(set(names)) != len(names):
        raise HsiError(
            f"scene {name}: {len(names)} class names ({', '.join(names[:3])}, ...) for {len(every)} label "
            f"values {every[:20]}: give one different name per value, in ascending order, in scene.classes."
        )
    colours = tuple(map(str, classes.values())) if isinstance(classes, Mapping) else distinct_colours(len(names))
    if wrong := [colour for colour in colours if not _is_colour(colour)]:
        raise HsiError(f"scene {name}: '{wrong[0]}' is no colour: write '#rrggbb' in scene.classes.")
    places = range(len(names)) if len(names) == len(values) else [every.index(value) for value in values]
    return tuple(names[place] for place in places), tuple(colours[place] for place in places)


def _is_colour(text: str) -> bool:
    return len(text) == 7 and text[0] == "#" and all(digit in "0123456789abcdefABCDEF" for digit in text[1:])
