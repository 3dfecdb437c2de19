"""Training pixels grown from one seed in each field: controlled random sampling."""

import numpy as np
from scipy.ndimage import binary_dilation, find_objects, label

from hsi.config.values import Amount, AmountOrZero, Count, Seed
from hsi.splits.counts import class_counts, class_sizes, share_out
from hsi.splits.fields import TOUCHING
from hsi.splits.roles import TEST, TRAIN, VALIDATION, Split


def grown_split(
    labels: np.ndarray,
    *,
    train: Amount = 0.3,
    per_class: Count | None = None,
    validation: AmountOrZero = 0,
    seed: Seed = 0,
) -> Split:
    """Grow the training pixels of each field from one random pixel; the validation pixels grow around them.

    Controlled random sampling: Liang, Zhou, Qian, Wen, Bai, Gao, "On the Sampling Strategy for Evaluation of
    Spectral-Spatial Methods in Hyperspectral Image Classification", IEEE TGRS 55(2), 2017. Every field (8-connected
    component) of a class trains in proportion to its size, around one pixel drawn from it at random. It lessens the
    overlap of training and test windows and does not remove it.

    Deviations from the authors' program (createTrainingSamples.m): the region grows ring by ring, the last ring in
    part and at random; the number of a class is met exactly and shared out over its fields, where theirs is rounded in
    each field; a class trains with at least one pixel, a field that is small enough with none; validation pixels.

    Parameters
    ----------
    labels
        (rows, cols) int, 0 unlabelled, 1..K.
    train, per_class, validation
        See `hsi.splits.counts.class_counts`.
    seed
        Of the places from which regions grow.
    """
    notes: list[str] = []
    n_train, n_validation = class_counts(class_sizes(labels), train, per_class, validation, notes)
    rng = np.random.default_rng(seed)
    role = np.zeros(labels.shape, dtype=np.uint8)
    for k, (trained, validated) in enumerate(zip(n_train, n_validation, strict=True)):
        fields, _ = label(labels == k + 1, TOUCHING)
        sizes = np.bincount(fields.ravel())[1:]
        cores = share_out(trained, sizes)
        margins = share_out(validated, sizes - cores)  # never of nothing: one pixel of the class tests
        for f, box in enumerate(find_objects(fields)):  # within its box: scenes may have thousands of fields
            rows, cols = _by_distance(fields[box] == f + 1, rng)
            roles = np.repeat([TRAIN, VALIDATION, TEST], [cores[f], margins[f], sizes[f] - cores[f] - margins[f]])
            role[box][rows, cols] = roles
    return Split(role, notes=tuple(notes))


def _by_distance(field: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels of a connected field (rows, cols) bool, by steps from a random one of them.

    A step goes to any of eight neighbours within the field, so the first n pixels are connected for any n; those
    equally far come at random.
    """
    rows, cols = np.nonzero(field)
    distance = np.full(field.shape, -1)
    reached = np.zeros_like(field)
    start = rng.integers(len(rows))
    reached[rows[start], cols[start]] = True
    step = 0
    while (new := reached & (distance < 0)).any():
        distance[new] = step
        step += 1
        reached = binary_dilation(reached, TOUCHING, mask=field)
    order = np.lexsort((rng.random(len(rows)), distance[field]))
    return rows[order], cols[order]
