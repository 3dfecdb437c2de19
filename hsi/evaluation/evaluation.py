"""All that can be said of a map from the map itself, its split and the scene; `hsi.verify` computes it again."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hsi.evaluation.calibration import Calibration, calibration
from hsi.evaluation.leakage import audit
from hsi.evaluation.metrics import Scores, score
from hsi.evaluation.position import by_position
from hsi.scene import Scene
from hsi.splits.roles import TEST, TRAIN, VALIDATION, Split

ROLES = {"n_train": TRAIN, "n_val": VALIDATION, "n_test": TEST}


@dataclass(frozen=True)
class Evaluation:
    """Agreement with the truth, what position alone gives, calibration, and what test windows have seen."""

    scores: Scores
    calibration: Calibration
    leakage: dict[str, Any]
    position: dict[str, Any]
    pixels: dict[str, int]  # n_train, n_val, n_test

    def as_json(self) -> dict[str, Any]:
        """For metrics.json; accuracies are fractions."""
        per_class = {str(key): column.to_dict() for key, column in self.scores.per_class.items()}
        return {
            "oa": self.scores.oa,
            "aa": self.scores.aa,
            "kappa": self.scores.kappa,
            "per_class": per_class["recall"],
            "per_class_precision": per_class["precision"],
            "per_class_f1": per_class["f1"],
            "per_class_support": per_class["support"],
            **self.pixels,
            "position": self.position,
            "leakage": self.leakage,
            "calibration": self.calibration.as_json(),
        }


def evaluate(
    scene: Scene, split: Split, class_map: np.ndarray, confidence: np.ndarray, window: int, context: str = "own"
) -> Evaluation:
    """Judge a map (rows, cols) 1..K and its confidence (rows, cols) on the test pixels of `split`.

    `window` is the side in pixels of what the model saw around each pixel, masked or not as `context` says (see
    `hsi.mapping.scene_map.MapSettings`).
    """
    test = split.role == TEST
    return Evaluation(
        scores=score(scene.labels[test], class_map[test], scene.class_names),
        calibration=calibration(confidence[test], class_map[test] == scene.labels[test]),
        leakage=audit(split, scene.labels, window, class_map, context, scene.polygons, scene.valid),
        position=by_position(split, scene.labels, scene.class_names, class_map, window),
        pixels={name: len(split.pixels(role)) for name, role in ROLES.items()},
    )
