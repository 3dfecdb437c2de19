"""Whole fields on one side: no test window sees a training-side pixel."""

from typing import Literal

import numpy as np

from hsi.config.values import Count, Folds, Index, Seed, Share, ShareOrZero
from hsi.errors import HsiError
from hsi.splits.counts import class_sizes, share_out
from hsi.splits.fields import pixels_of_fields
from hsi.splits.roles import TEST, TRAIN, VALIDATION, Split
from hsi.splits.sides import departures, split_by_side, spread

Draw = Literal["balanced", "random"]


def regions_split(
    labels: np.ndarray,
    *,
    train: Share = 0.5,
    per_class: Count | None = None,
    validation: ShareOrZero = 0,
    folds: Folds | None = None,
    fold: Index = 0,
    seed: Seed = 0,
    draw: Draw = "balanced",
) -> Split:
    """Put every pixel of the scene, labelled or not, on the train, validation or test side; windows keep to theirs.

    The fields (connected components) of a class go to one side as a whole, in the order of `draw`, each to the side
    that lacks most of its share. A class with fewer fields than there are sides has its largest cut across its long
    axis. Unlabelled pixels go with the nearest labelled one.

    Masked windows are those of Nalepa, Myller, Kawulok, "Validating Hyperspectral Image Segmentation", GRSL 2019,
    who cut a scene into rectangular patches; here whole fields take their place, so that no class is lost.

    Parameters
    ----------
    labels
        (rows, cols) int, 0 unlabelled, 1..K.
    train, validation
        Shares of each class, met as closely as whole fields allow.
    per_class
        Training pixels of each class, drawn from the train side, whose rest stays unused; None takes all.
    folds, fold
        In place of `train`: that many sides of equal share, of which number `fold` (from 0) tests; any `validation`
        above 0 makes the next one the validation side. The sides are the same for every `fold`.
    seed
        Which fields, and which end of a cut one; drawn where `draw` leaves a choice.
    draw
        ``"balanced"`` takes the largest field first, so that shares are met best and seeds differ little; ``"random"``
        takes fields in random order, so that seeds are draws of fields.

    Raises
    ------
    HsiError
        When a class has fewer pixels than there are sides.
    """
    side = fields_to_sides(labels, train=train, validation=validation, folds=folds, fold=fold, seed=seed, draw=draw)
    goal = train if folds is None else (folds - 1 - bool(validation)) / folds
    notes = departures(labels, side, goal, "fields")
    if draw == "random":
        notes = ("fields go to their sides in random order (split.draw=random)", *notes)
    return split_by_side(labels, side, region=side, per_class=per_class, seed=seed, notes=notes)


def fields_to_sides(
    labels: np.ndarray,
    *,
    train: float,
    validation: float,
    seed: int,
    folds: int | None = None,
    fold: int = 0,
    draw: Draw = "balanced",
) -> np.ndarray:
    """Return the side of every pixel, (rows, cols) uint8: 1 train, 2 validation, 3 test; see `regions_split`."""
    shares, roles = side_shares(train, validation) if folds is None else fold_roles(folds, fold, validation)
    sizes = class_sizes(labels)
    if sizes.min() < len(shares):
        raise HsiError(
            f"class {int(sizes.argmin()) + 1} has {sizes.min()} labelled pixels for {len(shares)} sides: ask for fewer "
            "split.folds, or leave it out with scene.ignored_labels"
        )
    rng = np.random.default_rng(seed)
    side = np.zeros(labels.shape, dtype=np.uint8)
    for k in range(1, len(sizes) + 1):
        fields = _fields(labels == k, shares, rng)
        goals = assign(np.array([len(field) for field in fields]), shares, rng, draw)
        for field, goal in zip(fields, goals, strict=True):
            side.ravel()[field] = roles[goal]
    return spread(side)


def fold_roles(folds: int, fold: int, validation: float) -> tuple[np.ndarray, list[int]]:
    """Return the equal shares (folds,) and the role of each fold: `fold` tests, the next one may validate."""
    fewest = 3 if validation else 2
    if folds < fewest:
        why = " where split.validation is above 0" if validation else ""
        raise HsiError(f"split.folds={folds}: give a whole number from {fewest} on{why}")
    if fold >= folds:
        raise HsiError(f"split.fold={fold}: choose 0 to {folds - 1} for split.folds={folds}")
    roles = [TRAIN] * folds
    roles[fold] = TEST
    if validation:
        roles[(fold + 1) % folds] = VALIDATION
    return np.full(folds, 1 / folds), roles


def assign(sizes: np.ndarray, shares: np.ndarray, rng: np.random.Generator, draw: Draw = "balanced") -> np.ndarray:
    """Distribute units over sides: sizes (N,) and shares (S,), N >= S, to the side number (N,) of each unit.

    One unit after the other, each to the side that still lacks most (Graham, "Bounds on multiprocessing timing
    anomalies", SIAM J. Appl. Math. 1969), so that two sides of equal share differ by no more than the largest unit.
    ``"balanced"`` takes the largest first, whose imbalance the small ones even out; ``"random"`` any order. No side
    stays empty; `rng` decides between equals.
    """
    lacking = shares * sizes.sum()
    empty = np.ones(len(shares), dtype=bool)
    sides = np.empty(len(sizes), dtype=int)
    first = rng.random(len(sizes))
    order = np.argsort(first) if draw == "random" else np.lexsort((first, -sizes))
    for placed, unit in enumerate(order):
        open_to = empty if len(sizes) - placed == empty.sum() else np.ones_like(empty)
        lack = np.where(open_to, lacking.round(6), -np.inf)
        goal = int(rng.choice(np.flatnonzero(lack == lack.max())))
        sides[unit] = goal
        lacking[goal] -= sizes[unit]
        empty[goal] = False
    return sides


def side_shares(train: float, validation: float) -> tuple[np.ndarray, list[int]]:
    """Shares and roles of the sides that are asked for."""
    if not (train > 0 and validation >= 0 and train + validation < 1):
        raise HsiError(
            f"split.train={train} and split.validation={validation}: here both are shares between 0 and 1 that "
            "leave something to test; for a number of training pixels use split.per_class"
        )
    given = [(train, TRAIN), (validation, VALIDATION), (1 - train - validation, TEST)]
    kept = [(share, role) for share, role in given if share > 0]
    return np.array([share for share, _ in kept]), [role for _, role in kept]


def _fields(members: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the flat pixel numbers of each field of a class (rows, cols) bool, at least as many as there are sides."""
    fields = pixels_of_fields(members)
    while len(fields) < len(shares):
        largest = max(range(len(fields)), key=lambda f: len(fields[f]))
        # a single field is cut into the very shares, in random order along the axis; else the largest is cut in equals
        parts = rng.permutation(shares) if len(fields) == 1 else np.full(len(shares) - len(fields) + 1, 1.0)
        fields[largest : largest + 1] = cut_across(fields[largest], parts, members.shape[1])
    return fields


def cut_across(pixels: np.ndarray, shares: np.ndarray, cols: int) -> list[np.ndarray]:
    """Cut a field across its long axis, the first principal axis of its pixels' positions.

    Parameters
    ----------
    pixels
        (N,) flat numbers, ``row * cols + col``.
    shares
        (S,) positive sizes of the pieces relative to each other, along the axis; each gets a pixel at least.
    """
    place = np.stack(np.divmod(pixels, cols), axis=1).astype(np.float64)
    place -= place.mean(axis=0)
    _, axes = np.linalg.eigh(place.T @ place)
    along, across = (place @ axes).round(6).T[::-1]
    order = pixels[np.lexsort((across, along))]
    sizes = 1 + share_out(len(pixels) - len(shares), shares)
    return np.split(order, np.cumsum(sizes)[:-1])
