"""What training may see of a scene: image, classes and pixels by role, on one device.

The labels of test pixels are not in it, so nothing that learns from a `Samples` can look at them.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hsi.engine.forward import as_image
from hsi.splits.fields import number_fields
from hsi.splits.roles import TRAIN, VALIDATION, Split

HIDDEN = -1  # the target of pixels that neither train nor validate


class Bands(NamedTuple):
    """How the components of an image come from the bands, one from each: ``(band - mean) * scale``; (C,) float64."""

    mean: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True)
class Samples:
    """A scene as training sees it.

    Parameters
    ----------
    image
        (C, rows, cols) float32.
    targets
        (rows * cols,) int64: classes from 0 of training and validation pixels, `HIDDEN` elsewhere.
    train, validation
        (N,) int64, flat pixel numbers ``row * cols + col``, in the order of the scene.
    region
        (rows, cols) uint8, or None: windows are masked to the region of their middle pixel.
    num_classes
        Classes of the scene, those without training pixels included.
    fields
        (N,) int64: for each pixel of `train` a number that tells its field, a connected piece of the training pixels of
        a class, from the others (`hsi.splits.fields`).
    bands
        Where each component of the image is a band; None where bands are mixed.
    """

    image: Tensor
    targets: Tensor
    train: Tensor
    validation: Tensor
    region: Tensor | None
    num_classes: int
    fields: Tensor
    bands: Bands | None = None


def gather(features: np.ndarray, labels: np.ndarray, split: Split, num_classes: int, device: torch.device) -> Samples:
    """Put on `device` what training may see of features (rows, cols, C) float32 and labels (rows, cols), 1..K."""
    seen = torch.from_numpy(np.isin(split.role, (TRAIN, VALIDATION)))
    targets = torch.where(seen, to_targets(torch.from_numpy(labels.astype(np.int64))), HIDDEN).flatten()
    return Samples(
        image=as_image(features, device),
        targets=targets.to(device),
        train=torch.from_numpy(split.pixels(TRAIN)).to(device),
        validation=torch.from_numpy(split.pixels(VALIDATION)).to(device),
        region=None if split.region is None else torch.from_numpy(split.region).to(device),
        num_classes=num_classes,
        fields=fields_of(labels, split)[split.pixels(TRAIN)].to(device),
    )


def fields_of(labels: np.ndarray, split: Split) -> Tensor:
    """For all pixels, (rows * cols,) int64, the numbers of the fields of the training pixels, 0 for other pixels."""
    return torch.from_numpy(number_fields(np.where(split.role == TRAIN, labels, 0)).astype(np.int64)).flatten()


def to_targets(labels: Tensor) -> Tensor:
    """Scenes count classes from 1 (0 is unlabelled), networks from 0: the step from the one to the other."""
    return labels - 1


def to_labels(targets: Tensor) -> Tensor:
    """And back."""
    return targets + 1
