"""What windows see where a scene holds no data: the same as beyond its border."""

import numpy as np
import torch
from scipy.ndimage import maximum_filter
from torch import Tensor

from hsi.engine.framed import Padding
from hsi.errors import HsiError

OUTSIDE = -1  # in place of a pixel's number


def reach(window: int, padding: Padding) -> int:
    """How far from a pixel, in rows and in columns, lie the values that its window may see."""
    margin = window // 2
    return margin + int(margin * 2**0.5) if padding == "edge" else margin  # the corner of a window, and on from there


def fill(
    image: Tensor, valid: np.ndarray, window: int, padding: Padding, region: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """An image whose pixels without data hold what lies beyond a border, and the regions that it comes from.

    Parameters
    ----------
    image
        (C, rows, cols) float.
    valid
        (rows, cols) bool: which pixels hold data.
    region
        (rows, cols) integers, or None: a pixel without data belongs to the region of the pixel that it repeats.

    Returns
    -------
    Under ``zero`` padding such pixels are 0. Under ``edge`` they repeat the nearest pixel with data, the upper and then
    the left one of several; those that no window around data reaches are 0. HsiError under ``reflect``, since a border
    of any shape has no mirror image.
    """
    if valid.all():
        return image, region
    if padding == "reflect":
        raise HsiError(
            "the scene has pixels without data, and engine.padding=reflect does not say what lies there: "
            "choose engine.padding=zero or edge"
        )
    held = torch.from_numpy(valid).to(image.device)
    if padding == "zero":
        return torch.where(held, image, image.new_zeros(())), region
    source = torch.from_numpy(nearest_data(valid, window // 2)).to(image.device)
    found, number = source != OUTSIDE, source.clamp_min(0).flatten()
    filled = torch.where(found, image.flatten(1)[:, number].view_as(image), image.new_zeros(()))
    return filled, None if region is None else region.flatten()[number].view_as(region)


def nearest_data(valid: np.ndarray, margin: int) -> np.ndarray:
    """The flat number of the nearest pixel with data, (rows, cols) int64.

    `OUTSIDE` for pixels farther than `margin` rows or columns from any. What a pixel gets depends on its surroundings
    alone (`reach`), so that a part of a scene is filled like the whole.
    """
    rows, cols = valid.shape
    source = np.where(valid, np.arange(rows * cols).reshape(rows, cols), OUTSIDE)
    row, col = np.nonzero(~valid & maximum_filter(valid, 2 * margin + 1))
    for down, right in _offsets(margin):
        there_row, there_col = row + down, col + right
        inside = (there_row >= 0) & (there_row < rows) & (there_col >= 0) & (there_col < cols)
        inside[inside] = valid[there_row[inside], there_col[inside]]
        source[row[inside], col[inside]] = there_row[inside] * cols + there_col[inside]
        row, col = row[~inside], col[~inside]
        if not len(row):
            break
    return source


def _offsets(margin: int) -> list[tuple[int, int]]:
    """Steps to other pixels, the nearest first, as far as the corner of a window lies from its middle."""
    far = reach(2 * margin + 1, "edge") - margin
    steps = [(down, right) for down in range(-far, far + 1) for right in range(-far, far + 1)]
    within = [step for step in steps if 0 < step[0] ** 2 + step[1] ** 2 <= 2 * margin**2]
    return sorted(within, key=lambda step: (step[0] ** 2 + step[1] ** 2, step))
