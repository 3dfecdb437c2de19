"""A map against the labels of a scene that the model was not made for: classes are matched by name, else by value."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from hsi.cube import blocks
from hsi.evaluation.metrics import Scores, score
from hsi.scene import Scene

log = logging.getLogger(__name__)

LOOKED_AT = 2**22  # bytes of labels at once
SENTENCE = (
    "These are all labelled pixels of the scene: where the model was trained on some of them, it is flattered, and a "
    "split would say more"
)


@dataclass(frozen=True, eq=False)
class Matched:
    """What labels say of a map.

    Parameters
    ----------
    lookup
        (classes of the scene + 1,) int64: the class of the map that each is, 0 for none.
    scores
        None where no labelled pixel has data and a class of the map.
    pixels
        How many were compared.
    left_out
        Names of the scene's classes that the map does not know.
    """

    lookup: np.ndarray
    scores: Scores | None
    pixels: int
    left_out: tuple[str, ...]
    by_value: bool = False  # of the label files, since no name is the same

    def tell(self) -> None:
        """Say it in the terminal."""
        if self.by_value:
            log.warning(
                "No class of the labels has a name of the model's classes: they are compared by their values in the "
                "files. Name them by scene.classes= if these mean something else."
            )
        if self.left_out:
            log.warning("The labels have classes that the model does not know: %s.", ", ".join(self.left_out))
        if self.scores is None:
            log.warning("None of the labelled pixels can be compared with the map.")
            return
        log.info(
            "Against %s labelled pixels: OA %.2f %%   AA %.2f %%   kappa %.4f",
            *(f"{self.pixels:,}", 100 * self.scores.oa, 100 * self.scores.aa, self.scores.kappa),
        )
        log.info("%s.", SENTENCE)

    def as_json(self) -> dict[str, Any]:
        """For prediction.json; accuracies are fractions, and null where they are not defined."""
        found: dict[str, Any] = {"labelled_pixels": self.pixels, "classes_left_out": list(self.left_out)}
        found["matched_by"] = "value" if self.by_value else "name"
        if self.scores is None:
            return found
        per_class = self.scores.per_class
        return {
            "oa": self.scores.oa,
            "aa": self.scores.aa,
            "kappa": None if isnan(self.scores.kappa) else self.scores.kappa,
            "per_class": per_class["recall"].where(per_class["support"] > 0).replace({np.nan: None}).to_dict(),
            "per_class_precision": per_class["precision"].to_dict(),
            "per_class_support": per_class["support"].to_dict(),
            "confusion": self.scores.confusion.tolist(),
            **found,
            "sentence": f"{SENTENCE}.",
        }


def match(scene: Scene, class_map: np.ndarray, names: Sequence[str], values: Sequence[int]) -> Matched | None:
    """Compare a map (rows, cols), 0 without data, with the labels of a scene; None where it has none.

    `names` and `values` are those of class 1, 2, ... of the map. Classes are the same where their names are; where no
    name is, where the label values of their files are.
    """
    if scene.num_classes == 0:
        return None
    by_name = {name: number for number, name in enumerate(names, 1)}
    lookup = np.array([0, *(by_name.get(name, 0) for name in scene.class_names)])
    by_value = not lookup.any()
    if by_value:
        numbers = {value: number for number, value in enumerate(values, 1)}
        lookup = np.array([0, *(numbers.get(value, 0) for value in scene.label_values)])
    truth, found = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for first, last, labels in blocks(scene.labels, LOOKED_AT):
        wanted, mapped = lookup[labels], class_map[first:last]
        compared = (wanted > 0) & (mapped > 0)
        truth.append(wanted[compared])
        found.append(mapped[compared].astype(np.int64))
    pixels = sum(map(len, truth))
    scores = None
    if pixels:
        with warnings.catch_warnings(action="ignore", category=UndefinedMetricWarning):  # kappa of a single class
            scores = score(np.concatenate(truth), np.concatenate(found), tuple(names))
    pairs = zip(scene.class_names, lookup[1:], strict=True)
    return Matched(lookup, scores, pixels, tuple(name for name, number in pairs if number == 0), by_value)
