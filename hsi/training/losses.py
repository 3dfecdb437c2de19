"""What training pixels weigh, and the loss of a training step."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from hsi.engine.samples import Samples
from hsi.splits.fields import weigh_fields

Weighing = Literal["none", "balanced", "fields"]


def class_weights(targets: Tensor, num_classes: int) -> Tensor:
    """Weights (num_classes,) inverse to the class sizes, so that every class counts alike.

    `targets` (N,) from 0; a class without training pixel gets 0.
    """
    counts = torch.bincount(targets, minlength=num_classes).float()
    return torch.where(counts > 0, len(targets) / (torch.count_nonzero(counts) * counts), 0)


def pixel_weights(weighing: Weighing, samples: Samples) -> Tensor | None:
    """Weights (N,) float32 of the training pixels, of mean 1; None where all weigh alike.

    ``balanced``: every class counts alike; ``fields``: every field of a class, see `hsi.splits.fields.weigh_fields`.
    """
    truth = samples.targets[samples.train]
    if weighing == "balanced":
        return class_weights(truth, samples.num_classes)[truth]
    if weighing == "fields":
        found = weigh_fields(truth.cpu().numpy(), samples.fields.cpu().numpy())
        return torch.from_numpy(found).to(truth.device, torch.float32)
    return None


def weighed_loss(
    weighing: Weighing, samples: Samples, label_smoothing: float = 0.0
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The mean cross-entropy of a batch, as a function of logits (B, classes), targets (B,), and places (B,).

    `places` says which of the training pixels they are. The mean is weighed: as if pixels were there several times.
    """
    if weighing != "fields":
        weight = class_weights(samples.targets[samples.train], samples.num_classes) if weighing == "balanced" else None
        return lambda logits, targets, _: F.cross_entropy(
            logits, targets, weight=weight, label_smoothing=label_smoothing
        )
    weights = pixel_weights(weighing, samples)
    assert weights is not None

    def loss(logits: Tensor, targets: Tensor, places: Tensor) -> Tensor:
        each, own = F.cross_entropy(logits, targets, reduction="none", label_smoothing=label_smoothing), weights[places]
        return (own * each).sum() / own.sum()

    return loss
