"""Training by steps of gradient descent; interrupted at any moment, it resumes to the same bytes."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from tqdm import tqdm

from hsi.config.values import Count, NotNegative, Positive, ShareOrZero, Switch
from hsi.engine import symmetry
from hsi.engine.contract import WindowClassifier
from hsi.engine.device import Precision, resolve_precision
from hsi.engine.forward import Engine, forward, logits_of
from hsi.engine.framed import frame
from hsi.engine.samples import Samples
from hsi.errors import Diverged, HsiError
from hsi.training.batches import draw_symmetry
from hsi.training.blocks import cut_into_blocks
from hsi.training.checkpoint import Checkpoint
from hsi.training.fitted import Fitted
from hsi.training.losses import Weighing, weighed_loss
from hsi.training.spectral import Strengths

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Steps:
    """How long and on what a network is trained; the keys are explained in conf/train/default.yaml.

    Parameters
    ----------
    optimizer, schedule
        Called as ``optimizer(parameters)`` and ``schedule(optimizer, steps=...)``.
    precision
        ``fp32``, ``bf16`` for autocast to bfloat16, or ``auto``; see `hsi.engine.device.resolve_precision`.
    """

    optimizer: Callable[..., Optimizer]
    schedule: Callable[..., LRScheduler]
    steps: Count = 100
    epochs: Positive | None = None
    batch_size: Count = 1024
    block: Count | None = None
    label_smoothing: ShareOrZero = 0.0
    class_weights: Weighing = "none"
    augment: Switch = False
    gain: ShareOrZero = 0.0
    offset: ShareOrZero = 0.0
    slope: ShareOrZero = 0.0
    band_dropout: ShareOrZero = 0.0
    validate_every: Count = 20
    checkpoint_seconds: NotNegative = 15.0
    precision: Precision = "auto"

    def precision_on(self, device: torch.device) -> str:
        """``fp32`` or ``bf16``: what training on `device` computes in."""
        return resolve_precision(self.precision, device)

    def fit(
        self,
        model: WindowClassifier,
        samples: Samples,
        engine: Engine,
        seed: int = 0,
        checkpoint: Checkpoint | None = None,
    ) -> Fitted:
        """Train `model` in place on the training pixels of `samples`.

        Validation pixels, if there are any, choose the weights: those of the highest overall accuracy, the later
        ones of equals. Training resumes from `checkpoint` where there is one; None keeps none.

        Returns a history with a row a step: step, loss, accuracy (of the batch), learning_rate, validation_accuracy
        (NaN where not measured); and the wall time of all steps, those before an interruption included.
        """
        if next(model.parameters(), None) is None:
            raise HsiError("this model learns in one go and not by steps: leave train= out, or say train=once")
        count = len(samples.train)
        size = min(self.batch_size, count)
        steps = self.steps if self.epochs is None else math.ceil(self.epochs * count / size)
        step_loss = self._step_loss(model, samples, engine, seed, size)
        descent = self.optimizer(model.parameters())
        rate = self.schedule(descent, steps=steps)
        course = _Course()
        if checkpoint and checkpoint.exists():
            course = _resume(checkpoint, model, descent, rate, steps)
            log.info("Resuming from step %d of %d (%s).", len(course.history), steps, checkpoint.path)

        saved = time.monotonic()
        started = saved - course.seconds
        done = len(course.history)
        # None: hidden where there is no terminal; and taken away at its end within the table of a sweep
        bar = tqdm(range(done, steps), "Training", steps, unit="step", initial=done, disable=None, leave=None)
        for step in bar:
            loss, accuracy = step_loss(step)
            descent.zero_grad()
            loss.backward()
            descent.step()
            row = {"step": step + 1, "loss": loss.item(), "accuracy": accuracy}
            row |= {"learning_rate": descent.param_groups[0]["lr"], "validation_accuracy": math.nan}
            rate.step()
            last = step + 1 == steps
            if len(samples.validation) and (last or (step + 1) % self.validate_every == 0):
                row["validation_accuracy"] = _accuracy(model, samples, engine)
                course.keep_if_best(row["validation_accuracy"], model)
            course.history.append(row)
            bar.set_postfix(loss=f"{row['loss']:.3f}", accuracy=f"{accuracy:.3f}")
            if checkpoint and (last or time.monotonic() - saved > self.checkpoint_seconds):
                saved = time.monotonic()
                course.seconds = saved - started
                checkpoint.save(model, descent, course.best, course.progress())
                told = checkpoint.tell(course.history)  # which is no time of the training's
                saved, started = saved + told, started + told
        if course.best:
            model.load_state_dict(course.best)
        model.eval()
        return Fitted(pd.DataFrame(course.history), time.monotonic() - started)

    def _step_loss(
        self, model: WindowClassifier, samples: Samples, engine: Engine, seed: int, size: int
    ) -> Callable[[int], tuple[Tensor, float]]:
        """A function from the number of a step to its loss, and to the accuracy on its batch."""
        _, rows, cols = samples.image.shape
        device = samples.image.device
        blocks = cut_into_blocks(samples.train.cpu().numpy(), rows, cols, self.block or max(rows, cols))
        largest = max((extent.shape for extent in blocks.extents), key=math.prod)
        if self.block is not None:
            log.info("Each step trains in one of %d blocks of at most %d x %d pixels.", len(blocks.extents), *largest)
        shared = engine.shares_training(model, *largest, size)
        bf16 = self.precision_on(device) == "bf16"
        mean_loss = weighed_loss(self.class_weights, samples, self.label_smoothing)
        image_of = Strengths(self.gain, self.offset, self.slope, self.band_dropout).changes(samples, seed)

        def step_loss(step: int) -> tuple[Tensor, float]:
            model.train()
            extent, chosen = blocks.draw(seed, step, size)
            places = torch.as_tensor(chosen, device=device)
            pixels = samples.train[places]
            turn = draw_symmetry(seed, step) if self.augment else symmetry.IDENTITY
            scene = frame(image_of(step), model.window, engine.padding, samples.region)
            inside = (pixels // cols - extent.top) * extent.shape[1] + pixels % cols - extent.left
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                logits = forward(
                    model,
                    scene.part(*extent).turned(turn),
                    symmetry.transform_pixels(inside, *extent.shape, turn),
                    shared=shared,
                ).float()
            targets = samples.targets[pixels]
            loss = mean_loss(logits, targets, places)
            if not torch.isfinite(loss):
                raise Diverged(f"training diverged at step {step}: lower optimizer.lr")
            return loss, (logits.argmax(1) == targets).float().mean().item()

        return step_loss


@dataclass
class _Course:
    """How far a training has come."""

    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_accuracy: float = -1.0
    seconds: float = 0.0

    def keep_if_best(self, accuracy: float, model: WindowClassifier) -> None:
        if accuracy >= self.best_accuracy:
            self.best_accuracy = accuracy
            self.best = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def progress(self) -> dict[str, Any]:
        return {"history": self.history, "best_accuracy": self.best_accuracy, "seconds": self.seconds}


def _resume(
    checkpoint: Checkpoint, model: WindowClassifier, descent: Optimizer, rate: LRScheduler, steps: int
) -> _Course:
    best, progress = checkpoint.load(model, descent, rate, steps)
    return _Course(best=best, **progress)


def _accuracy(model: WindowClassifier, samples: Samples, engine: Engine) -> float:
    model.eval()
    logits = logits_of(model, samples.image, engine, samples.region, samples.validation)
    hits = int((logits.argmax(1) == samples.targets[samples.validation]).sum())
    return hits / len(samples.validation)
