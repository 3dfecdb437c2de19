"""Learning rates over the steps of a training, as torch schedulers."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler, OneCycleLR

from hsi.config.values import Share


def one_cycle(optimizer: Optimizer, steps: int, warmup: Share = 0.3) -> LRScheduler:
    """Rise to the optimizer's rate over the share `warmup` of the steps, then fall to nearly 0 (Smith & Topin 2019)."""
    rates = [group["lr"] for group in optimizer.param_groups]
    return OneCycleLR(optimizer, max_lr=rates, total_steps=steps + 1, pct_start=warmup)


def cosine(optimizer: Optimizer, steps: int) -> LRScheduler:
    """Fall from the optimizer's rate to 0 along half a cosine (Loshchilov & Hutter 2017, without restarts)."""
    return CosineAnnealingLR(optimizer, T_max=steps)


def constant(optimizer: Optimizer, steps: int) -> LRScheduler:
    """Keep the optimizer's rate."""
    return ConstantLR(optimizer, factor=1.0, total_iters=steps)
