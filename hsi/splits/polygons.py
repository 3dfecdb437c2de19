"""Whole polygons on one side: what was drawn in one go is never both trained on and tested."""

import numpy as np

from hsi.config.values import Folds, Index, Seed, Share, ShareOrZero
from hsi.errors import HsiError
from hsi.splits.regions import assign, fold_roles, side_shares
from hsi.splits.roles import TEST, TRAIN, Split
from hsi.splits.sides import departures, spread


def polygons_split(
    labels: np.ndarray,
    polygons: np.ndarray | None = None,
    *,
    train: Share = 0.5,
    validation: ShareOrZero = 0,
    folds: Folds | None = None,
    fold: Index = 0,
    seed: Seed = 0,
) -> Split:
    """Put whole polygons on the train, validation or test side; windows keep to their side.

    The pixels of a polygon are alike, and whoever tests on some while training on others measures how well a polygon
    is filled in. So the polygons of a class go to one side as a whole, the largest first, each to the side that lacks
    most of its share. None is cut: the class of a single polygon trains and is not tested, which the notes say.
    Pixels outside the polygons go with the nearest one, and windows are masked to their side as in
    `hsi.splits.regions`.

    Parameters
    ----------
    labels
        (rows, cols) int, 0 unlabelled, 1..K.
    polygons
        (rows, cols) int, or None: which polygon, or group of touching points, a pixel was drawn with, from 1 on; 0
        elsewhere. Labelled pixels outside all polygons take no part.
    train, validation
        Shares of each class, in pixels, met as closely as whole polygons allow.
    folds, fold
        In place of `train`: that many sides of equal share, of which number `fold` (from 0) tests; any `validation`
        above 0 makes the next one the validation side. The sides are the same for every `fold`.
    seed
        Which polygons, where their sizes leave a choice.

    Raises
    ------
    HsiError
        For a scene without polygons, or fewer than two classes with a polygon for each side.
    """
    polygons = _require_drawn(labels, polygons)
    shares, roles = side_shares(train, validation) if folds is None else fold_roles(folds, fold, validation)
    drawn = np.where(polygons > 0, labels, 0)
    notes: list[str] = []
    if lost := int(((labels > 0) & (drawn == 0)).sum()):
        notes.append(f"{lost:,} labelled pixels lie in no polygon and are unused")
    sizes = np.bincount(polygons[drawn > 0])
    class_of = np.zeros(len(sizes), dtype=np.int64)
    class_of[polygons[drawn > 0]] = drawn[drawn > 0]
    side_of = _sides(sizes, class_of, int(labels.max()), (shares, np.array(roles)), np.random.default_rng(seed), notes)
    goal = train if folds is None else (folds - 1 - bool(validation)) / folds
    side = side_of[np.where(drawn > 0, polygons, 0)]
    notes += departures(drawn, side, goal, "polygons")
    return Split(side, spread(side), tuple(notes))


def _sides(
    sizes: np.ndarray,
    class_of: np.ndarray,
    classes: int,
    sides: tuple[np.ndarray, np.ndarray],
    rng: np.random.Generator,
    notes: list[str],
) -> np.ndarray:
    """Side (N + 1,) uint8 of polygons 0 (none) to N: their pixels and classes, then shares and roles of the sides."""
    shares, roles = sides
    side_of = np.zeros(len(sizes), dtype=np.uint8)
    split_up = 0
    for k in np.unique(class_of[class_of > 0]):
        own = np.flatnonzero(class_of == k)
        if len(own) == 1:
            side_of[own] = TRAIN
            notes.append(f"class {k} has a single polygon: it trains, and nothing tests the class")
        elif len(own) < len(shares):  # with validation: two polygons, of which the larger trains
            side_of[own[np.argsort(sizes[own])]] = [TEST, TRAIN]
            notes.append(f"class {k} has 2 polygons for 3 sides: one trains, one tests, none validates")
            split_up += 1
        else:
            side_of[own] = roles[assign(sizes[own], shares, rng)]
            split_up += 1
    if split_up < 2:
        raise HsiError(
            f"{split_up or 'none'} of {classes} classes has a polygon for each of {len(shares)} sides, two must have: "
            "draw more polygons, ask for fewer sides, or choose split=regions, which cuts fields in two"
        )
    return side_of


def _require_drawn(labels: np.ndarray, polygons: np.ndarray | None) -> np.ndarray:
    if polygons is None or not ((polygons > 0) & (labels > 0)).any():
        raise HsiError(
            "split=polygons needs labels that were drawn as polygons or points (a GeoPackage, GeoJSON or shapefile in "
            "scene.labels=), and these are an image: give such a file, or choose split=regions"
        )
    return polygons
