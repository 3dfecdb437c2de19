"""All that the chain has made: one value."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from omegaconf import DictConfig

from hsi.engine.contract import WindowClassifier
from hsi.engine.cost import Cost
from hsi.evaluation.evaluation import Evaluation
from hsi.mapping.scene_map import Prediction
from hsi.reduce import Features
from hsi.scene import Scene
from hsi.splits.roles import Split


@dataclass(frozen=True)
class Result:
    """All that the chain has made: the value that `write` turns into files."""

    config: DictConfig
    choices: dict[str, str]  # group -> name, as chosen
    scene: Scene
    split: Split
    features: Features
    model: WindowClassifier
    cost: Cost | None  # None for a scikit-learn estimator, whose size follows from the training pixels
    history: pd.DataFrame
    temperature: float  # by which the logits are divided
    prediction: Prediction
    evaluation: Evaluation
    seconds: dict[str, float]
    environment: dict[str, Any]
