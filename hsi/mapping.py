"""A class and a confidence for every pixel of a scene, labelled or not."""

import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from hsi import symmetry
from hsi.engine import Engine, map_logits
from hsi.errors import HsiError
from hsi.models.contract import WindowClassifier, to_labels


@dataclass(frozen=True)
class Prediction:
    """The map of a scene.

    Parameters
    ----------
    class_map
        (rows, cols) uint8, or uint16 above 255 classes: 1..K for every pixel.
    confidence
        (rows, cols) float32, the probability that the network gives to that class.
    seconds
        Wall time of the mapping.
    """

    class_map: np.ndarray
    confidence: np.ndarray
    seconds: float


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
    """

    symmetries: int = 1
    context: str = "own"

    def __post_init__(self) -> None:
        """Refuse what cannot be mapped."""
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
) -> Prediction:
    """Map an image (C, rows, cols) float32 in full precision, whatever the training used.

    `region` (rows, cols) masks each window to the region of its middle pixel, unless ``mapping.context`` is ``free``.
    """
    started = time.monotonic()
    _, rows, cols = image.shape
    model.eval()
    regions = None if region is None or mapping.context == "free" else torch.as_tensor(region, device=image.device)
    total = torch.zeros(rows * cols, num_classes)
    with tqdm(
        total=mapping.symmetries * rows * cols, desc="Mapping", unit="pixel", disable=not sys.stderr.isatty()
    ) as bar:
        for turn in range(mapping.symmetries):
            turned = symmetry.transform(image, turn)
            turned_regions = None if regions is None else symmetry.transform(regions, turn)
            probabilities = torch.empty_like(total)
            for pixels, logits in map_logits(model, turned, engine, turned_regions):
                probabilities[pixels.cpu()] = logits.softmax(1).cpu()
                bar.update(len(pixels))
            total += probabilities[symmetry.transform_pixels(torch.arange(rows * cols), rows, cols, turn)]
    confidence, winner = (total / mapping.symmetries).max(1)
    dtype = np.uint8 if num_classes <= np.iinfo(np.uint8).max else np.uint16
    return Prediction(
        class_map=to_labels(winner).numpy().astype(dtype).reshape(rows, cols),
        confidence=confidence.numpy().reshape(rows, cols),
        seconds=time.monotonic() - started,
    )
