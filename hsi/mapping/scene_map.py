"""A class and a confidence for every pixel of a scene, labelled or not."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from hsi.engine import symmetry
from hsi.engine.contract import WindowClassifier, to_labels
from hsi.engine.forward import Engine, map_logits
from hsi.errors import HsiError


@dataclass(frozen=True)
class Prediction:
    """The map of a scene.

    Parameters
    ----------
    class_map
        (rows, cols) uint8, or uint16 above 255 classes: 1..K for every pixel.
    confidence
        (rows, cols) float32, the probability that the network gives to that class: the largest of its softmax, after
        the temperature if one is fitted, averaged over the symmetries. How far it can be taken at its word is
        measured on the test pixels: `hsi.evaluation.calibration`.
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


@dataclass(frozen=True)
class Mapping:
    """How a scene is mapped.

    Parameters
    ----------
    symmetries
        1, or 8 to average the probabilities of all turns and mirror images.
    context
        ``own``: each window is masked to the region of its middle pixel, where the split has regions, as in training;
        ``free``: windows are not masked, so those near a border see the other side.
    calibrate
        ``none``, or ``temperature`` to fit one on the validation pixels (`hsi.evaluation.calibration`).
    save_probabilities
        Keep the probabilities of all classes: 2 K bytes a pixel.
    """

    symmetries: int = 1
    context: str = "own"
    calibrate: str = "none"
    save_probabilities: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be mapped."""
        if self.calibrate not in ("none", "temperature"):
            raise HsiError(f"map.calibrate={self.calibrate}: choose none or temperature")
        if self.symmetries not in (1, symmetry.COUNT):
            raise HsiError(f"map.symmetries={self.symmetries}: choose 1 or {symmetry.COUNT}")
        if self.context not in ("own", "free"):
            raise HsiError(f"map.context={self.context}: choose own or free")


def map_scene(
    model: WindowClassifier,
    image: Tensor,
    num_classes: int,
    *,
    engine: Engine,
    mapping: Mapping,
    region: np.ndarray | None = None,
    temperature: float = 1.0,
) -> Prediction:
    """Map an image (C, rows, cols) float32 in full precision, whatever the training used.

    `region` (rows, cols) masks each window to the region of its middle pixel, unless ``mapping.context`` is ``free``.
    Logits are divided by `temperature`.
    """
    started = time.monotonic()
    _, rows, cols = image.shape
    total = torch.zeros(rows * cols, num_classes)
    for logits in turned_logits(model, image, engine, mapping, region):
        total += (logits / temperature).softmax(1)
    probabilities = total / mapping.symmetries
    confidence, winner = probabilities.max(1)
    dtype = np.uint8 if num_classes <= np.iinfo(np.uint8).max else np.uint16
    return Prediction(
        class_map=to_labels(winner).numpy().astype(dtype).reshape(rows, cols),
        confidence=confidence.numpy().reshape(rows, cols),
        seconds=time.monotonic() - started,
        probabilities=probabilities.half().numpy().reshape(rows, cols, -1) if mapping.save_probabilities else None,
    )


def turned_logits(
    model: WindowClassifier,
    image: Tensor,
    engine: Engine,
    mapping: Mapping,
    region: np.ndarray | None = None,
    pixels: Tensor | None = None,
) -> Iterator[Tensor]:
    """Logits (N, K) float32 on the CPU, once for each symmetry of `mapping`; `pixels` (N,) None means all of them."""
    _, rows, cols = image.shape
    model.eval()
    regions = None if region is None or mapping.context == "free" else torch.as_tensor(region, device=image.device)
    wanted = torch.arange(rows * cols, device=image.device) if pixels is None else pixels
    with tqdm(
        total=mapping.symmetries * len(wanted), desc="Mapping", unit="pixel", disable=not sys.stderr.isatty()
    ) as bar:
        for turn in range(mapping.symmetries):
            turned = symmetry.transform(image, turn)
            turned_regions = None if regions is None else symmetry.transform(regions, turn)
            turned_pixels = symmetry.transform_pixels(wanted, rows, cols, turn)
            served, parts = [], []
            for numbers, logits in map_logits(model, turned, engine, turned_regions, turned_pixels):
                served.append(numbers.cpu())
                parts.append(logits.cpu())
                bar.update(len(numbers))
            # the engine answers in its own order: both lists sorted by pixel number meet
            ours, theirs = torch.argsort(turned_pixels.cpu()), torch.argsort(torch.cat(served))
            ordered = torch.empty_like(torch.cat(parts))
            ordered[ours] = torch.cat(parts)[theirs]
            yield ordered
