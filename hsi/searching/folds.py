"""Folds of whole fields within what a split knows: the search validates on some, and never meets the test side."""

from dataclasses import replace

import numpy as np

from hsi.errors import HsiError
from hsi.scene import Scene
from hsi.splits.regions import fields_to_sides
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION, Split


def fold_fields(scene: Scene, split: Split, folds: int, seed: int) -> tuple[Scene, list[Split]]:
    """The scene without the labels of its test pixels, and `folds` splits of the others, training and validation.

    Each fold validates on its share of the fields of every class and trains on the rest; a class with fewer fields
    than folds has its largest cut, as in `hsi.splits.regions`. What lies on the test side has no role, and is a region
    of its own: no window and no reduction meets it. Classes with fewer pixels than folds take no part.

    Parameters
    ----------
    split
        Whose training and validation pixels are folded.
    folds
        2 or more.

    Raises
    ------
    HsiError
        Test pixels share a region with others, or fewer than two classes are left.
    """
    known = np.isin(split.role, (TRAIN, VALIDATION)) & (scene.labels > 0)
    if split.region is None or np.isin(split.region[split.role == TEST], split.region[known]).any():
        raise HsiError(
            "this split lets windows of training pixels meet test pixels, and fields that are strewn with both cannot "
            "be folded: choose split=regions, blocks or polygons"
        )
    sizes = np.bincount(scene.labels[known], minlength=scene.num_classes + 1)
    numbers = np.where(sizes >= folds, np.cumsum(sizes >= folds), 0)  # without gaps, as splits want them
    if numbers.max() < 2:
        raise HsiError(f"folds={folds}: fewer than two classes have as many training pixels, choose fewer folds")
    labels = np.where(known, numbers[scene.labels], 0)
    away = ~np.isin(split.region, split.region[known])
    made = []
    for fold in range(folds):
        side = fields_to_sides(labels, train=0, validation=0, seed=seed, folds=folds, fold=fold)
        side = np.where(side == TEST, VALIDATION, side)
        role = np.where(labels > 0, side, UNUSED).astype(np.uint8)
        made.append(Split(role, np.where(away, TEST, side).astype(np.uint8)))
    return replace(scene, labels=np.where(known, scene.labels, 0).astype(scene.labels.dtype)), made
