"""What the splits by side share: every pixel of a scene lies on the train, the validation or the test side."""

import numpy as np
from scipy.ndimage import distance_transform_edt

from hsi.errors import HsiError
from hsi.splits.roles import TEST, TRAIN, UNUSED, Split


def spread(side: np.ndarray) -> np.ndarray:
    """Give every pixel of side 0 the side of the nearest other pixel (Euclidean): (rows, cols) to (rows, cols)."""
    _, (row, col) = distance_transform_edt(side == 0, return_indices=True)
    return side[row, col]


def departures(labels: np.ndarray, side: np.ndarray, goal: float, units: str) -> tuple[str, ...]:
    """Name the classes whose share of the train side departs from `goal` by more than a tenth of the class.

    `labels` and `side` as in `split_by_side`; `units`, in the plural, go to one side as a whole.
    """
    sizes, trained = (np.bincount(labels[of], minlength=labels.max() + 1)[1:] for of in (side > 0, side == TRAIN))
    uneven = (trained > 0) & (trained < sizes) & (np.abs(trained - goal * sizes) > sizes / 10)
    return tuple(
        f"class {k + 1}: {trained[k]} of {sizes[k]} pixels ({trained[k] / sizes[k]:.0%}) lie on the train side, its "
        f"{units} allow no better balance"
        for k in np.flatnonzero(uneven)
    )


def split_by_side(
    labels: np.ndarray,
    side: np.ndarray,
    *,
    region: np.ndarray | None,
    per_class: int | None = None,
    seed: int = 0,
    notes: tuple[str, ...] = (),
) -> Split:
    """Give the labelled pixels of each side its role; leave out classes that cannot both train and test.

    Parameters
    ----------
    labels
        (rows, cols) int, 0 unlabelled, 1..K.
    side
        (rows, cols) uint8 of roles: 1 train, 2 validation, 3 test, 0 for pixels that take no part.
    region
        Of the result; see `hsi.splits.roles.Split`.
    per_class
        Training pixels of each class, drawn from those on the train side, whose rest is unused; all of them where
        there are fewer. None takes all.
    seed
        Of that draw.

    Raises
    ------
    HsiError
        When fewer than two classes are left.
    """
    said = list(notes)
    role = np.where(labels > 0, side, UNUSED).astype(np.uint8)
    classes = int(labels.max())
    left_out = 0
    for k in range(1, classes + 1):
        missing = [name for name, r in (("training", TRAIN), ("test", TEST)) if not (role[labels == k] == r).any()]
        if missing:
            left_out += 1
            said.append(
                f"class {k} is left out, with {(labels == k).sum()} labelled pixels: the split leaves it no "
                f"{' and no '.join(missing)} pixel"
            )
            role[labels == k] = UNUSED
    if classes - left_out < 2:
        raise HsiError(
            f"the split leaves {classes - left_out or 'none'} of {classes} classes with both training and test pixels, "
            "two are needed: choose a smaller distance, block or patch_size, or another split"
        )
    if per_class is not None:
        _thin(labels, role, per_class, seed, said)
    return Split(role, region, tuple(said))


def _thin(labels: np.ndarray, role: np.ndarray, per_class: int, seed: int, notes: list[str]) -> None:
    """Keep `per_class` training pixels of each class, in place; the others become unused."""
    rng = np.random.default_rng(seed)
    for k in np.unique(labels[role == TRAIN]):
        members = rng.permutation(np.flatnonzero((labels == k) & (role == TRAIN)))
        role.ravel()[members[per_class:]] = UNUSED
        if len(members) < per_class:
            notes.append(f"class {k} has {len(members)} pixels on the train side: all train in place of {per_class}")
