"""Fit a network to the training pixels of one scene; interrupted at any moment, it goes on to the same bytes."""

import logging
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from tqdm import tqdm

from hsi.engine import symmetry
from hsi.engine.contract import WindowClassifier, to_targets
from hsi.engine.forward import Engine, forward, map_logits
from hsi.errors import HsiError
from hsi.models.baselines import EstimatorHead, fit_estimator
from hsi.splits.roles import TRAIN, VALIDATION, Split
from hsi.training import checkpoint

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """How long and on what a network is trained; the keys are explained in conf/train/default.yaml."""

    steps: int = 100
    epochs: float | None = None
    batch_size: int = 1024
    label_smoothing: float = 0.0
    class_weights: str = "none"
    augment: bool = False
    validate_every: int = 20
    checkpoint_seconds: float = 15.0

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        for key in ("steps", "batch_size", "validate_every"):
            if getattr(self, key) < 1:
                raise HsiError(f"train.{key}={getattr(self, key)}: give a whole number from 1 on")
        if self.epochs is not None and self.epochs <= 0:
            raise HsiError(f"train.epochs={self.epochs}: give a positive number, or null to count in steps")
        if self.class_weights not in ("none", "balanced"):
            raise HsiError(f"train.class_weights={self.class_weights}: choose none or balanced")


def fit(
    model: WindowClassifier,
    image: Tensor,
    labels: np.ndarray,
    split: Split,
    *,
    engine: Engine,
    training: Training,
    optimizer: Callable[..., Optimizer],
    schedule: Callable[..., LRScheduler],
    precision: str = "fp32",
    seed: int = 0,
    resume: Path | None = None,
) -> tuple[pd.DataFrame, float]:
    """Train `model` in place on the training pixels of `split`.

    Validation pixels, if there are any, choose the weights: those of the highest overall accuracy, the later
    ones of equals. Test pixels are never looked at.

    Parameters
    ----------
    image
        (C, rows, cols) float32 on the device of the model.
    labels
        (rows, cols) int, 1..K where labelled.
    optimizer, schedule
        Called as ``optimizer(parameters)`` and ``schedule(optimizer, steps=...)``.
    precision
        ``fp32``, or ``bf16`` for autocast to bfloat16.
    resume
        Where the checkpoint is kept; training goes on from the one found there. None keeps none.

    Returns
    -------
    history
        A row a step: step, loss, accuracy (of the batch), learning_rate, validation_accuracy (NaN where
        not measured). A scikit-learn estimator has a single row.
    seconds
        Wall time of all steps, the parts before an interruption included.
    """
    if isinstance(model.head, EstimatorHead):  # learns in one go, without steps
        return fit_estimator(model, image, labels, split, engine)
    device, (rows, cols) = image.device, split.role.shape
    train_pixels, validation_pixels = split.pixels(TRAIN), split.pixels(VALIDATION)
    batch_size = min(training.batch_size, len(train_pixels))
    steps = training.steps
    if training.epochs is not None:
        steps = math.ceil(training.epochs * len(train_pixels) / batch_size)
    shared = engine.shares_training(model, rows, cols, batch_size)
    targets = to_targets(torch.as_tensor(labels, device=device)).flatten()
    region = None if split.region is None else torch.as_tensor(split.region, device=device)
    weight = _class_weights(targets[train_pixels], int(labels.max())) if training.class_weights == "balanced" else None

    descent = optimizer(model.parameters())
    rate = schedule(descent, steps=steps)
    history: list[dict[str, float]] = []
    best: dict[str, Tensor] = {}
    best_accuracy, earlier_seconds = -1.0, 0.0
    if resume and resume.exists():
        best, progress = checkpoint.load(resume, model, descent, rate)
        if progress["split"] != split.hash:
            raise HsiError(
                f"{resume} was trained on another split: the data changed since; start again with force=true"
            )
        history, best_accuracy = progress["history"], progress["best_accuracy"]
        earlier_seconds = progress["seconds"]
        log.info("Going on from step %d of %d (%s).", len(history), steps, resume)

    started = saved = time.monotonic()
    bar = tqdm(
        range(len(history), steps),
        desc="Training",
        unit="step",
        initial=len(history),
        total=steps,
        disable=not sys.stderr.isatty(),
    )
    for step in bar:
        model.train()
        pixels = torch.as_tensor(train_pixels[batch(seed, step, batch_size, len(train_pixels))], device=device)
        turn = draw_symmetry(seed, step) if training.augment else symmetry.IDENTITY
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            logits = forward(
                model,
                symmetry.transform(image, turn),
                symmetry.transform_pixels(pixels, rows, cols, turn),
                shared=shared,
                padding=engine.padding,
                region=None if region is None else symmetry.transform(region, turn),
            ).float()
        loss = F.cross_entropy(logits, targets[pixels], weight=weight, label_smoothing=training.label_smoothing)
        if not torch.isfinite(loss):
            raise HsiError(f"training diverged at step {step}: lower optimizer.lr")
        descent.zero_grad()
        loss.backward()
        descent.step()
        row: dict[str, float] = {
            "step": step + 1,
            "loss": loss.item(),
            "accuracy": (logits.argmax(1) == targets[pixels]).float().mean().item(),
            "learning_rate": descent.param_groups[0]["lr"],
            "validation_accuracy": math.nan,
        }
        rate.step()
        if len(validation_pixels) and ((step + 1) % training.validate_every == 0 or step + 1 == steps):
            accuracy = _accuracy(model, image, validation_pixels, targets, engine, region)
            row["validation_accuracy"] = accuracy
            if accuracy >= best_accuracy:
                best_accuracy = accuracy
                best = {name: value.detach().clone() for name, value in model.state_dict().items()}
        history.append(row)
        bar.set_postfix(loss=f"{row['loss']:.3f}", accuracy=f"{row['accuracy']:.3f}")
        if resume and (time.monotonic() - saved > training.checkpoint_seconds or step + 1 == steps):
            saved = time.monotonic()
            progress = {
                "history": history,
                "best_accuracy": best_accuracy,
                "split": split.hash,
                "seconds": earlier_seconds + saved - started,
            }
            checkpoint.save(resume, model, descent, rate, best, progress)
    if best:
        model.load_state_dict(best)
    model.eval()
    return pd.DataFrame(history), earlier_seconds + time.monotonic() - started


def batch(seed: int, step: int, size: int, count: int) -> np.ndarray:
    """Which of `count` training pixels are in the batch of a step: (size,) int.

    The pixels come in an endless row of shuffled epochs; the batch is a pure function of seed and step, so resuming
    needs no generator state.
    """
    places = np.arange(step * size, (step + 1) * size)
    epochs = places // count
    return np.concatenate(
        [
            np.random.default_rng([seed, epoch]).permutation(count)[places[epochs == epoch] % count]
            for epoch in np.unique(epochs)
        ]
    )


def draw_symmetry(seed: int, step: int) -> int:
    """The symmetry that a whole step sees, one of eight; a pure function like `batch`."""
    return int(np.random.default_rng([seed, step, symmetry.COUNT]).integers(symmetry.COUNT))


def _class_weights(targets: Tensor, num_classes: int) -> Tensor:
    """Weights inverse to the class sizes, so that every class counts alike; 0 for a class without training pixel."""
    counts = torch.bincount(targets, minlength=num_classes).float()
    return torch.where(counts > 0, len(targets) / (torch.count_nonzero(counts) * counts), 0)


def _accuracy(
    model: WindowClassifier,
    image: Tensor,
    pixels: np.ndarray,
    targets: Tensor,
    engine: Engine,
    region: Tensor | None,
) -> float:
    model.eval()
    places = torch.as_tensor(pixels, device=image.device)
    parts = map_logits(model, image, engine, region, places)
    hits = sum(int((logits.argmax(1) == targets[served]).sum()) for served, logits in parts)
    return hits / len(pixels)
