"""Pixels at random within each class: the field's custom."""

import numpy as np

from hsi.config.values import Amount, AmountOrZero, Count, Seed
from hsi.splits.counts import class_counts, class_sizes
from hsi.splits.roles import TEST, TRAIN, VALIDATION, Split


def random_split(
    labels: np.ndarray,
    *,
    train: Amount = 0.3,
    per_class: Count | None = None,
    validation: AmountOrZero = 0,
    seed: Seed = 0,
) -> Split:
    """Draw training and validation pixels at random within each class; the rest of the labelled pixels test.

    This is the field's customary protocol, as in Roy, Krishna, Dubey, Chaudhuri, "HybridSN", GRSL 2020. Its test
    windows overlap the training pixels: see `hsi.evaluation.leakage`. No class is dropped: each keeps at least one
    training and one test pixel.

    Parameters
    ----------
    labels
        (rows, cols) int, 0 unlabelled, 1..K.
    train, per_class, validation
        See `hsi.splits.counts.class_counts`.
    seed
        Of the draw.
    """
    notes: list[str] = []
    n_train, n_validation = class_counts(class_sizes(labels), train, per_class, validation, notes)
    rng = np.random.default_rng(seed)
    role = np.zeros(labels.size, dtype=np.uint8)
    for k, (trained, validated) in enumerate(zip(n_train, n_validation, strict=True)):
        members = rng.permutation(np.flatnonzero(labels.ravel() == k + 1))
        role[members] = TEST
        role[members[:trained]] = TRAIN
        role[members[trained : trained + validated]] = VALIDATION
    return Split(role.reshape(labels.shape), notes=tuple(notes))
