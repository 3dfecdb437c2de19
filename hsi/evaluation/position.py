"""What position alone gives: every test pixel takes the class of the nearest training pixel, and no spectrum is read.

Whatever a map has right that this has right too, no spectrum was needed for.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hsi.evaluation.blocks import LEAST_BLOCK, skill, skill_interval
from hsi.evaluation.leakage import accuracy_by_distance
from hsi.evaluation.metrics import score
from hsi.splits.nearest import nearest_classes
from hsi.splits.roles import TEST, Split

MOST_DIGITS = 6  # of a percentage


def by_position(
    split: Split,
    labels: np.ndarray,
    class_names: tuple[str, ...],
    class_map: np.ndarray | None = None,
    window: int = 1,
) -> dict[str, Any]:
    """Judge the map that position alone draws on the test pixels and, beside it, another map.

    Parameters
    ----------
    labels
        (rows, cols) int, 1..K where labelled.
    class_map
        (rows, cols) int 1..K, or None: the other map.
    window
        Side in pixels of what its model sees around a pixel: blocks of the bootstrap are no narrower.

    Returns
    -------
    position
        For metrics.json: ``oa``, ``aa``, ``kappa`` (fractions), ``accuracy_by_distance`` (see
        `hsi.evaluation.leakage.accuracy_by_distance`); with a map ``skill``, see `hsi.evaluation.blocks.skill`,
        and its 95 % interval ``skill_low``, ``skill_high``, each None where it cannot be given.
    """
    test = split.role == TEST
    drawn = nearest_classes(split, labels, test)
    scores, right = score(labels[test], drawn[test], class_names), drawn == labels
    found: dict[str, Any] = {
        "oa": scores.oa,
        "aa": scores.aa,
        "kappa": scores.kappa,
        "accuracy_by_distance": accuracy_by_distance(split.to_training[test], right[test]),
    }
    if class_map is None:
        return found
    other = class_map == labels
    low, high = skill_interval(other, right, test, max(LEAST_BLOCK, window)) or (None, None)
    return found | {
        "skill": skill(float(other[test].mean()), float(right[test].mean())),
        "skill_low": low,
        "skill_high": high,
    }


def in_words(position: Mapping[str, Any], oa: float | None = None) -> str:
    """The sentence that stands beside an accuracy: `position` of `by_position`, `oa` of the map if there is one."""
    start = f"A map drawn from position alone, no spectrum read, would be right on {percent(position['oa'])} %"
    if oa is None:
        return f"{start} of the test pixels."
    gain = 100 * (oa - position["oa"])
    if gain < 0:
        return f"{start}; this one is {points(-gain)} below it."
    if gain == 0:
        return f"{start}; this one adds nothing to it."
    low, high = position["skill_low"], position["skill_high"]
    interval = "" if low is None else f" (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
    return f"{start}; this one adds {points(gain)}, {percent(position['skill'], 0)} % of what was left{interval}."


def percent(share: float, digits: int = 1) -> str:
    """A share in percent; more digits where it would else read as all or none, and is not."""
    text = f"{100 * share:.{digits}f}"
    hidden = float(text) in (0, 100) and share not in (0, 1) and digits < MOST_DIGITS
    return percent(share, digits + 1) if hidden else text


def points(gain: float) -> str:
    """A difference in percentage points, with more digits where it would read as none."""
    text = f"{gain:.1f}"
    return f"{text if float(text) else f'{gain:.2g}'} point{'' if text == '1.0' else 's'}"
