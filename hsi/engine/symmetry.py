"""The eight symmetries of the square: four quarter turns, each with and without a mirror image.

They act on a whole scene at once, so that one pass of a shared trunk serves a whole batch; a window of the
transformed scene is the transformed window.
"""

import torch
from torch import Tensor

COUNT = 8
IDENTITY = 0


def transform(field: Tensor, symmetry: int) -> Tensor:
    """Turn (..., rows, cols) by ``symmetry % 4`` quarter turns and mirror it when ``symmetry >= 4``."""
    turned = torch.rot90(field, symmetry % 4, dims=(-2, -1))
    return turned.flip(-1) if symmetry >= 4 else turned


def transform_pixels(pixels: Tensor, rows: int, cols: int, symmetry: int) -> Tensor:
    """Where flat pixel numbers of a (rows, cols) scene lie in the transformed scene, as flat numbers there."""
    if symmetry == IDENTITY:
        return pixels
    old = transform(torch.arange(rows * cols, device=pixels.device).view(rows, cols), symmetry).flatten()
    new = torch.empty_like(old)
    new[old] = torch.arange(rows * cols, device=pixels.device)
    return new[pixels]
