"""What training needs of a scene that does not fit into memory: tiles around its pixels, laid under each other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from hsi.engine.samples import Samples, fields_of, gather
from hsi.splits.roles import TRAIN, VALIDATION, Split

SIDES = (8, 16, 32, 64, 128)  # of tiles, without their margins
MODES: dict[str, Literal["constant", "reflect", "edge"]] = {"zero": "constant", "reflect": "reflect", "edge": "edge"}

ReadImage = Callable[[slice, slice], np.ndarray]


def gather_tiles(
    read: ReadImage,
    labels: np.ndarray,
    split: Split,
    num_classes: int,
    device: torch.device,
    *,
    window: int,
    padding: str = "zero",
) -> Samples:
    """Samples whose image holds only what the windows of training and validation pixels see.

    The scene is cut into squares; those that hold such a pixel are read with the margin of a window and laid under
    each other. A window of the mosaic is the window of the scene, so training takes the same course, to rounding.

    Parameters
    ----------
    read
        Called with rows and columns inside the scene; gives (rows, cols, C) float32.
    labels
        (rows, cols), 1..K where labelled.
    window, padding
        Side in pixels; what lies beyond the border, see `hsi.engine.forward.Engine`.
    """
    used = np.isin(split.role, (TRAIN, VALIDATION))
    margin = window // 2
    side, corners = _smallest(used, margin)
    numbers = np.arange(labels.size).reshape(labels.shape)
    parts, roles, truths, regions, places = [], [], [], [], []
    for row, col in corners:
        outer, inner = _extent(row, side, margin, labels.shape[0]), _extent(col, side, margin, labels.shape[1])
        rows, cols = outer[0], inner[0]
        beyond = (outer[1], inner[1])
        parts.append(np.pad(read(rows, cols), (*beyond, (0, 0)), MODES[padding]))
        own = np.zeros((rows.stop - rows.start, cols.stop - cols.start), dtype=bool)
        own[row - rows.start : row - rows.start + side, col - cols.start : col - cols.start + side] = True
        roles.append(np.pad(np.where(own, split.role[rows, cols], 0), beyond))
        truths.append(np.pad(labels[rows, cols], beyond))
        places.append(np.pad(numbers[rows, cols], beyond))
        if split.region is not None:
            regions.append(np.pad(split.region[rows, cols], beyond, MODES[padding]))
    region = np.concatenate(regions) if regions else None
    mosaic = Split(np.concatenate(roles).astype(np.uint8), region)
    samples = gather(np.concatenate(parts), np.concatenate(truths), mosaic, num_classes, device)
    place = torch.from_numpy(np.concatenate(places).ravel()).to(device)
    # in the order of the scene, so that batches are the same
    train, validation = (pixels[place[pixels].argsort()] for pixels in (samples.train, samples.validation))
    fields = fields_of(labels, split).to(device)[place[train]]  # those of the scene, which tiles cut
    return replace(samples, train=train, validation=validation, fields=fields)


def _smallest(used: np.ndarray, margin: int) -> tuple[int, list[tuple[int, int]]]:
    """The side of tiles that needs the least memory, and the upper left corners of those that are used."""
    rows, cols = np.nonzero(used)
    found = {side: np.unique(np.stack([rows // side, cols // side], 1), axis=0) for side in SIDES}
    side = min(SIDES, key=lambda side: len(found[side]) * (side + 2 * margin) ** 2)
    return side, [(int(row) * side, int(col) * side) for row, col in found[side]]


def _extent(first: int, side: int, margin: int, length: int) -> tuple[slice, tuple[int, int]]:
    """The part of an axis that lies in the scene, and how many pixels before and after it do not."""
    start, stop = first - margin, first + side + margin
    inside = slice(max(start, 0), min(stop, length))
    return inside, (inside.start - start, stop - inside.stop)
