"""Training in one go, without steps: for scikit-learn's estimators (`hsi.models.baselines`)."""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, logits_of
from hsi.engine.samples import Samples
from hsi.errors import HsiError
from hsi.training.checkpoint import Checkpoint
from hsi.training.fitted import Fitted
from hsi.training.losses import Weighing, pixel_weights


@dataclass(frozen=True)
class Once:
    """Call ``learn(features, targets, fields)`` of the model's head on what the trunk gives for each training pixel.

    Where it is the trunk that has `learn`, it is given their spectra. `fields` (N,) int64 numbers the connected pieces
    of the training pixels of one class (`hsi.splits.fields`).

    Parameters
    ----------
    class_weights
        As in `hsi.training.steps.Steps`; other than ``none`` it is for models whose `learn` takes ``weights`` (N,).
    """

    class_weights: Weighing = "none"

    def precision_on(self, device: torch.device) -> str:
        """Estimators learn in float32 wherever they are."""
        return "fp32"

    def fit(
        self,
        model: WindowClassifier,
        samples: Samples,
        engine: Engine,
        seed: int = 0,
        checkpoint: Checkpoint | None = None,
    ) -> Fitted:
        """Fit what learns; the history has one row. Validation pixels choose nothing, the history says how they fare.

        `seed` and `checkpoint` mean nothing here: an estimator brings its own seed and leaves no half of a training.
        """
        in_trunk = hasattr(model.trunk, "learn")
        learn = getattr(model.trunk if in_trunk else model.head, "learn", None)
        if not callable(learn):
            raise HsiError(
                "train=once fits scikit-learn's estimators, and this model is a network: choose another train="
            )
        started = time.monotonic()
        before, window = (nn.Identity(), 1) if in_trunk else (model.trunk, model.window)
        features = WindowClassifier(before, nn.Flatten(), model.in_channels, window)
        model.eval()
        found = logits_of(features, samples.image, engine, samples.region, samples.train).clone()
        truth = samples.targets[samples.train]
        order = np.lexsort(np.vstack([found.cpu().numpy().T, truth.cpu()]))  # whatever order the pixels come in
        weights = pixel_weights(self.class_weights, samples)
        learn(found[order], truth[order], samples.fields[order], *([] if weights is None else [weights[order]]))
        seconds = time.monotonic() - started
        loss, accuracy = _judge(model, samples, engine, samples.train)
        row = {
            "step": 1,
            "loss": loss,
            "accuracy": accuracy,
            "learning_rate": np.nan,
            "validation_accuracy": np.nan,
        }
        if len(samples.validation):
            _, row["validation_accuracy"] = _judge(model, samples, engine, samples.validation)
        return Fitted(pd.DataFrame([row]), seconds)


def _judge(model: WindowClassifier, samples: Samples, engine: Engine, pixels: Tensor) -> tuple[float, float]:
    """Loss and accuracy on some pixels."""
    logits = logits_of(model, samples.image, engine, samples.region, pixels)
    truth = samples.targets[pixels]
    return F.cross_entropy(logits, truth).item(), (logits.argmax(1) == truth).float().mean().item()
