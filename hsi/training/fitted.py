"""What every way of training is to the rest of the pipeline: a recipe that fits a model to samples."""

from typing import NamedTuple, Protocol

import pandas as pd
import torch

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine
from hsi.engine.samples import Samples
from hsi.training.checkpoint import Checkpoint


class Fitted(NamedTuple):
    """How a training went: `history`, a row a step, and wall time in `seconds`."""

    history: pd.DataFrame
    seconds: float


class Training(Protocol):
    """A way of training, chosen by ``train=``: `hsi.training.steps.Steps`, `hsi.training.once.Once`."""

    def precision_on(self, device: torch.device) -> str:
        """``fp32`` or ``bf16``: what training on `device` computes in."""

    def fit(
        self,
        model: WindowClassifier,
        samples: Samples,
        engine: Engine,
        seed: int = 0,
        checkpoint: Checkpoint | None = None,
    ) -> Fitted:
        """Train `model` in place."""
