"""The loss of a training step."""

import torch
from torch import Tensor


def class_weights(targets: Tensor, num_classes: int) -> Tensor:
    """Weights (num_classes,) inverse to the class sizes, so that every class counts alike.

    `targets` (N,) from 0; a class without training pixel gets 0.
    """
    counts = torch.bincount(targets, minlength=num_classes).float()
    return torch.where(counts > 0, len(targets) / (torch.count_nonzero(counts) * counts), 0)
