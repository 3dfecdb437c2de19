"""How much of the ground each class covers, and how far the map's mistakes let one know it.

Counting pixels takes the map's mistakes for the truth. The confusion matrix of a sample says how often a pixel mapped
as one class is of another, so the counts can be set right, and the size of the sample says how surely.

Olofsson, Foody, Herold, Stehman, Woodcock, Wulder, "Good practices for estimating area and assessing accuracy of land
change", Remote Sensing of Environment 148, 2014, doi:10.1016/j.rse.2014.02.015, equations 1-11: the classes of the map
are the strata, each sampled at random. In the paper rows are the map and columns the truth; here it is the other way
round, as in all of this project.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hsi.errors import WrongInput

Z = 1.96  # standard errors on either side of a 95 % interval, as in the paper
LARGEST_VARIANCE = 0.25  # of a share, whatever it is

CLUSTERED = {  # split: what its test pixels come in
    "regions": "regions",
    "blocks": "blocks",
    "polygons": "polygons",
    "tiles": "tiles",
    "grown": "pieces of fields",
    "guard": "pieces of fields",
}


@dataclass(frozen=True, eq=False)
class AreaEstimate:
    """Areas and accuracies of K classes, each with its standard error; NaN where the sample does not say.

    Parameters
    ----------
    share, share_error
        (K,) of the sampled area: how much of it is of each class, equations 9 and 10.
    user, user_error
        (K,) user's accuracy: how much of what is mapped as the class is of it, equations 2 and 6.
    producer, producer_error
        (K,) producer's accuracy: how much of the class is mapped as it, equations 3 and 7.
    overall, overall_error
        overall accuracy by area, equations 1 and 5.
    sampled
        how much of the mapped area, 0..1, is of classes that any sample pixel is mapped as: all the above is about it.
    notes
        what could not be estimated and why, a sentence each.
    """

    share: np.ndarray
    share_error: np.ndarray
    user: np.ndarray
    user_error: np.ndarray
    producer: np.ndarray
    producer_error: np.ndarray
    overall: float
    overall_error: float
    sampled: float
    notes: tuple[str, ...] = ()


def estimate_areas(confusion: np.ndarray, mapped: np.ndarray, names: Sequence[str]) -> AreaEstimate:
    """Estimate areas and accuracies from a sample and a map.

    Classes that no sample pixel is mapped as are a part of the map that nothing is known of: the estimates are about
    the rest. A variance that one pixel would have to tell is taken to be as large as it can be, so that the intervals
    are rather too wide; the user's accuracy of that class gets none.

    Parameters
    ----------
    confusion
        (K, K) counts of sample pixels: rows are truth, columns are the map.
    mapped
        (K,) mapped area of each class in any unit.
    names
        of the classes, for the notes.

    Raises
    ------
    WrongInput: shapes that do not belong together, or values below 0.
    """
    counts = np.asarray(confusion, dtype=np.float64).T  # the paper's order: rows are the map
    areas = np.asarray(mapped, dtype=np.float64)
    if counts.shape != (len(names), len(names)) or areas.shape != (len(names),):
        raise WrongInput(
            f"areas need a confusion matrix and mapped areas of {len(names)} classes, not of shapes "
            f"{np.shape(confusion)} and {areas.shape}: give those of one map"
        )
    if not ((counts >= 0).all() and (areas >= 0).all()):
        raise WrongInput("areas need counts and mapped areas of 0 and more: give the confusion matrix as counts")

    drawn = counts.sum(axis=1)  # n_i.
    asked = drawn > 0
    within = _ratio(counts, np.where(asked, drawn, 1)[:, None])  # n_ij / n_i., 0 for a class that was not drawn
    total = areas[asked].sum()
    weights = np.where(asked, _ratio(areas, total), 0) if total else np.zeros_like(areas)  # W_i
    variances = _variances(within, drawn)

    cells = weights[:, None] * within  # p_ij, equation 4
    share = cells.sum(axis=0)
    share_error = np.sqrt((weights[:, None] ** 2 * variances).sum(axis=0))
    user = np.diag(within)
    producer = _ratio(np.diag(cells), share)
    overall = float(np.trace(cells))
    overall_error = float(np.sqrt((weights**2 * np.diag(variances)).sum()))

    unknown = (~asked & (areas > 0)) | (counts.sum(axis=0) == 0) | (total == 0)
    return AreaEstimate(
        share=np.where(unknown, np.nan, share),
        share_error=np.where(unknown, np.nan, share_error),
        user=np.where(asked, user, np.nan),
        user_error=np.where(drawn > 1, np.sqrt(np.diag(variances)), np.nan),
        producer=np.where(unknown, np.nan, producer),
        producer_error=np.where(unknown, np.nan, _producer_error(weights, variances, share, producer)),
        overall=overall if total else float("nan"),
        overall_error=overall_error if total else float("nan"),
        sampled=float(_ratio(total, areas.sum())),
        notes=_notes(counts, areas, names),
    )


def interval(value: np.ndarray, error: np.ndarray, largest: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the 95 % interval, cut at 0 and at `largest`; NaN where either is unknown."""
    return np.maximum(value - Z * error, 0), np.minimum(value + Z * error, largest)


@dataclass(frozen=True, eq=False)
class AreaSample:
    """Test pixels that areas are estimated from: `confusion` (K, K) counts, rows are truth, columns are prediction;
    `notes`, what they are no good sample of, a sentence each.
    """

    confusion: np.ndarray
    notes: tuple[str, ...]


def sample_notes(split: str, other_scene: bool = False) -> tuple[str, ...]:
    """What test pixels are no good sample of, a sentence each.

    Parameters
    ----------
    split
        the choice of conf/split/ that drew the test pixels.
    other_scene
        whether the map is of another scene than the test pixels.
    """
    notes = [
        "The adjusted areas and all intervals hold for a probability sample of the mapped area; fields that somebody "
        "chose to label are none.",
        "The test pixels are drawn from the labelled pixels and represent these: for the whole map the estimate is as "
        "good as the labelled pixels are like it.",
    ]
    if other_scene:
        notes.append(
            "The test pixels are of the scene that the model was trained on: the estimate assumes that the model errs "
            "on this scene as it did there."
        )
    if split in CLUSTERED:
        notes.append(
            f"Under split={split} test pixels come in {CLUSTERED[split]}, which resemble each other inside: the "
            "intervals are too narrow."
        )
    elif split == "random":
        notes.append(
            "Under split=random test pixels lie beside training pixels: accuracies are too high for ground that nobody "
            "labelled, and the intervals too narrow."
        )
    else:
        notes.append(
            f"split={split} takes its test pixels from elsewhere: if they come in fields, the intervals are too narrow."
        )
    return tuple(notes)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The quotient, NaN where nothing is divided by."""
    nothing = np.asarray(below) == 0
    return np.where(nothing, np.nan, above / np.where(nothing, 1, below))


def _variances(within: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Variance of each share n_ij / n_i. of equations 5, 6, 7 and 10, (K, K)."""
    usual = within * (1 - within) / np.where(drawn > 1, drawn - 1, 1)[:, None]
    return np.where((drawn == 1)[:, None], LARGEST_VARIANCE, usual)


def _producer_error(weights: np.ndarray, variances: np.ndarray, share: np.ndarray, producer: np.ndarray) -> np.ndarray:
    """Equation 7; with areas as shares, its N_j. are the W_j and its estimated N_.j the p_.j."""
    parts = weights[:, None] ** 2 * variances
    own = np.diag(parts)
    others = parts.sum(axis=0) - own
    return _ratio(np.sqrt((1 - producer) ** 2 * own + producer**2 * np.maximum(others, 0)), share)


def _notes(counts: np.ndarray, areas: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    """What the counts, rows are the map, do not say."""
    drawn, found = counts.sum(axis=1), counts.sum(axis=0)

    def listed(which: np.ndarray) -> str:
        return ", ".join(str(name) for name, each in zip(names, which, strict=True) if each)

    notes = []
    if (missing := (drawn == 0) & (areas > 0)).any():
        part = areas[missing].sum() / areas.sum()
        notes.append(
            f"No test pixel is mapped as {listed(missing)}: nothing is known of {part:.2%} of the map, and the "
            "adjusted areas are about the rest."
        )
    if (unseen := (found == 0) & ~missing).any():
        notes.append(f"No test pixel is of {listed(unseen)}: the adjusted area is unknown.")
    if (single := (drawn == 1)).any():
        notes.append(
            f"One test pixel alone is mapped as {listed(single)}: the accuracy has no interval, and the others take "
            "the largest variance that it can have."
        )
    if (sure := (drawn > 1) & (np.diag(counts) == drawn)).any():
        notes.append(
            f"Every test pixel mapped as {listed(sure)} is right: intervals of no width come of the size of the "
            "sample, not of a perfect map."
        )
    return tuple(notes)
