"""Optimizers of torch, with checked values."""

from collections.abc import Iterable

from torch.nn import Parameter
from torch.optim import SGD, Adam, AdamW, Optimizer

from hsi.config.values import NotNegative, Positive, ShareOrZero


def adamw(parameters: Iterable[Parameter], lr: Positive = 2e-3, weight_decay: NotNegative = 0.01) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""
    return AdamW(parameters, lr=lr, weight_decay=weight_decay)


def adam(parameters: Iterable[Parameter], lr: Positive = 1e-3, weight_decay: NotNegative = 0.0) -> Optimizer:
    """Adam (Kingma & Ba 2015)."""
    return Adam(parameters, lr=lr, weight_decay=weight_decay)


def sgd(
    parameters: Iterable[Parameter], lr: Positive = 0.05, momentum: ShareOrZero = 0.9, weight_decay: NotNegative = 5e-4
) -> Optimizer:
    """Stochastic gradient descent with momentum."""
    return SGD(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay)
