"""A class and a confidence for every pixel of a scene, labelled or not."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from hsi.config.values import Switch, Symmetries
from hsi.engine import symmetry
from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, logits_of
from hsi.engine.samples import to_labels


@dataclass(frozen=True)
class Prediction:
    """The map of a scene.

    Parameters
    ----------
    class_map
        (rows, cols) uint8, or uint16 above 255 classes: 1..K for every pixel that holds data, 0 for the others.
    confidence
        (rows, cols) float32, the probability that the network gives to that class: the largest of its softmax, after
        the temperature if one is fitted, averaged over the symmetries. How far it can be taken at its word is
        measured on the test pixels: `hsi.evaluation.calibration`. NaN where a pixel holds no data.
    seconds
        Wall time of the mapping.
    probabilities
        (rows, cols, K) float16 of all classes, or None where they are not kept. Half precision: about three digits, so
        `class_map` and `confidence`, which come from float32, are the ones to trust in a tie.
    """

    class_map: np.ndarray
    confidence: np.ndarray
    seconds: float
    probabilities: np.ndarray | None = None

    def laid_into(self, shape: tuple[int, int], place: tuple[slice, slice], valid: np.ndarray | None) -> "Prediction":
        """The map of a scene of `shape`, of which this is the map of a part; nothing where a pixel is not `valid`."""

        def lay(part: np.ndarray, empty: float) -> np.ndarray:
            whole = part
            if part.shape[:2] != shape:
                whole = np.full((*shape, *part.shape[2:]), empty, dtype=part.dtype)
                whole[place] = part
            if valid is not None and not valid.all():
                whole[~valid] = empty
            return whole

        return replace(
            self,
            class_map=lay(self.class_map, 0),
            confidence=lay(self.confidence, np.nan),
            probabilities=None if self.probabilities is None else lay(self.probabilities, np.nan),
        )


@dataclass(frozen=True)
class MapSettings:
    """How a scene is mapped.

    Parameters
    ----------
    symmetries
        1, or 8 to average the probabilities of all turns and mirror images (test-time augmentation).
    context
        ``own``: each window is masked to the region of its middle pixel, where the split has regions, as in training;
        ``free``: windows are not masked, so those near a border see the other side.
    calibrate
        ``none``, or ``temperature`` to fit one on the validation pixels (`hsi.training.temperature`).
    save_probabilities
        Keep the probabilities of all classes: 2 K bytes a pixel.
    """

    symmetries: Symmetries = 1
    context: Literal["own", "free"] = "own"
    calibrate: Literal["none", "temperature"] = "none"
    save_probabilities: Switch = True


def map_scene(
    model: WindowClassifier,
    image: Tensor,
    *,
    engine: Engine,
    settings: MapSettings,
    region: np.ndarray | None = None,
    temperature: float = 1.0,
) -> Prediction:
    """Map an image (C, rows, cols) float32 in full precision, whatever the training used.

    `region` (rows, cols) masks each window to the region of its middle pixel, unless ``settings.context`` is ``free``.
    Logits are divided by `temperature`.
    """
    started = time.monotonic()
    _, rows, cols = image.shape
    regions = None if region is None else torch.as_tensor(region, device=image.device)
    probabilities = mean_probabilities(model, image, engine, settings, regions, temperature)
    confidence, winner = probabilities.max(1)
    dtype = np.uint8 if probabilities.shape[1] <= np.iinfo(np.uint8).max else np.uint16
    return Prediction(
        class_map=to_labels(winner).numpy().astype(dtype).reshape(rows, cols),
        confidence=confidence.numpy().reshape(rows, cols),
        seconds=time.monotonic() - started,
        probabilities=probabilities.half().numpy().reshape(rows, cols, -1) if settings.save_probabilities else None,
    )


def mean_probabilities(
    model: WindowClassifier,
    image: Tensor,
    engine: Engine,
    settings: MapSettings,
    region: Tensor | None = None,
    temperature: float = 1.0,
) -> Tensor:
    """Probabilities (rows * cols, K) float32 on the CPU of every pixel, averaged over the symmetries of `settings`."""
    total: Tensor | float = 0.0
    for logits in symmetric_logits(model, image, engine, settings, region):
        total = total + (logits / temperature).softmax(1)
    assert isinstance(total, Tensor)
    return total / settings.symmetries


def symmetric_logits(
    model: WindowClassifier,
    image: Tensor,
    engine: Engine,
    settings: MapSettings,
    region: Tensor | None = None,
    pixels: Tensor | None = None,
) -> Iterator[Tensor]:
    """Logits (N, K) float32 on the CPU, once for each symmetry of `settings`; `pixels` (N,) None means all of them."""
    _, rows, cols = image.shape
    model.eval()
    seen = None if settings.context == "free" else region
    wanted = torch.arange(rows * cols, device=image.device) if pixels is None else pixels
    total = settings.symmetries * len(wanted)
    with tqdm(total=total, desc="Mapping", unit="pixel", disable=not sys.stderr.isatty()) as bar:
        for turn in range(settings.symmetries):
            yield logits_of(
                model,
                symmetry.transform(image, turn),
                engine,
                None if seen is None else symmetry.transform(seen, turn),
                symmetry.transform_pixels(wanted, rows, cols, turn),
                bar.update,
            ).cpu()
