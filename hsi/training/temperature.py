"""A temperature that brings confidence nearer to a probability, fitted on validation pixels after the training."""

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp
from torch import Tensor

from hsi.engine.contract import WindowClassifier, to_targets
from hsi.engine.forward import Engine
from hsi.errors import HsiError
from hsi.mapping.scene_map import Mapping, turned_logits
from hsi.splits.roles import VALIDATION, Split

HOTTEST = 20.0  # temperatures are sought between its inverse and this


def require_validation(mapping: Mapping, split: Split) -> None:
    """Raise HsiError, before anything is trained, when a temperature is asked for and there is nothing to fit it on."""
    if mapping.calibrate == "temperature" and len(split.pixels(VALIDATION)) == 0:
        raise HsiError(
            "map.calibrate=temperature is fitted on validation pixels and the split has none: "
            "set split.validation, for instance to 0.05"
        )


def fit_temperature(
    model: WindowClassifier, image: Tensor, labels: np.ndarray, split: Split, *, engine: Engine, mapping: Mapping
) -> float:
    """The temperature by which the logits are divided: 1 unless `mapping` asks for one, else `best_temperature`.

    Arguments as in `hsi.training.steps.fit` and `hsi.mapping.scene_map.map_scene`; only validation pixels are looked
    at.
    """
    require_validation(mapping, split)
    if mapping.calibrate == "none":
        return 1.0
    pixels = torch.as_tensor(split.pixels(VALIDATION), device=image.device)
    turns = turned_logits(model, image, engine, mapping, split.region, pixels)
    targets = to_targets(torch.as_tensor(labels).flatten()[pixels.cpu()])
    return best_temperature(torch.stack(list(turns)).numpy(), targets.numpy())


def best_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature of the least negative log-likelihood (Guo et al. 2017, section 4.2), between 1/20 and 20.

    `logits` (S, N, K) under S symmetries, whose probabilities are averaged as in the map; `targets` (N,) from 0. The
    bounds keep it finite where all pixels are right, which any sharpening would seem to improve.
    """

    def loss(log_temperature: float) -> float:
        scores = log_softmax(logits / np.exp(log_temperature), axis=2)[:, np.arange(len(targets)), targets]
        return float(-logsumexp(scores, axis=0).mean())

    limit = np.log(HOTTEST)
    return float(np.exp(minimize_scalar(loss, bounds=(-limit, limit), method="bounded").x))
