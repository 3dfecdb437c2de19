"""What the chain makes of a scene, and what was asked of it: two values that `hsi.output.result` turns into files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from hsi.engine.cost import Cost
from hsi.evaluation.evaluation import Evaluation
from hsi.evaluation.one_class import notes_on
from hsi.mapping.scene_map import Prediction
from hsi.runs.model import TrainedModel
from hsi.scene import Scene
from hsi.splits.roles import Split


@dataclass(frozen=True)
class Result:
    """All that the chain has made.

    Parameters
    ----------
    cost
        None for a scikit-learn estimator, whose size follows from the training pixels.
    history
        A row a step: step, loss, accuracy, learning_rate, validation_accuracy.
    seconds
        Wall time: ``load`` (reducing and building), ``train``, ``map``.
    device, precision
        Where it was computed, ``cpu`` or the name of the GPU, and what training computed in, ``fp32`` or ``bf16``.
    """

    scene: Scene
    split: Split
    seed: int
    trained: TrainedModel
    cost: Cost | None
    history: pd.DataFrame
    prediction: Prediction
    evaluation: Evaluation
    seconds: Mapping[str, float]
    device: str
    precision: str

    @property
    def objective(self) -> float | None:
        """The highest overall accuracy on the validation pixels; None without any."""
        return best_validation(self.history)

    @property
    def map_notes(self) -> tuple[str, ...]:
        """What the map says by itself against itself, a sentence each."""
        made = self.prediction
        return notes_on(made.class_map, made.confidence, self.scene.class_names)


@dataclass(frozen=True)
class Record:
    """What was asked for: the settled configuration, the choices by group, and the words on the command line."""

    config: Mapping[str, Any]
    choices: Mapping[str, str]
    overrides: list[str] = field(default_factory=list)
    load_seconds: float = 0.0  # spent on the scene and its split, before the chain


def best_validation(history: pd.DataFrame) -> float | None:
    """The highest validation accuracy of a history; None where none was measured."""
    best = history["validation_accuracy"].max()
    return None if np.isnan(best) else float(best)
