"""How a network is put together: a list of stages becomes a shared trunk and a head, with attention between.

A convolutional network here is a list of `Stage`, the places where attention can stand. `with_attention` puts it
there, `assemble` makes the longest unpadded prefix the trunk. Every family is built so; nothing else knows where a
trunk ends.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import nn

from hsi.engine.contract import WindowClassifier
from hsi.errors import HsiError

Attention = Callable[..., nn.Module]  # attention(channels, dims=2 | 3), keeps shapes: see hsi.models.blocks.attention
Position = Literal["last", "every"]  # of attention: after the last stage alone, or after each

LEAST_FIELD = 7  # pixels that unpadded layers leave of a window: enough for two more 3 x 3 layers and a pooling
SMALL_FIELD = 3  # pixels that are not halved any more: of 3 comes 2, and batches of one can still be normalised


class Stage(NamedTuple):
    """A part of a network after which attention may stand.

    Attributes
    ----------
    layers
        (B, ..., H, W) -> (B, channels, H', W'), or (B, channels, D, H', W') where `dims` is 3.
    channels
        What it puts out.
    shared
        Whether it is stride-1, unpadded and does not pool over the window, so that it may run over a whole scene.
    dims
        2, or 3 with a spectral axis.
    """

    layers: nn.Module
    channels: int
    shared: bool = False
    dims: int = 2


def with_attention(stages: list[Stage], attention: Attention | None, position: Position) -> list[Stage]:
    """Put attention after the last stage (position ``last``) or after each (``every``)."""
    if attention is None:
        return stages
    attended: list[Stage] = []
    for index, stage in enumerate(stages):
        attended.append(stage)
        if position == "every" or index == len(stages) - 1:
            attended.append(Stage(attention(stage.channels, dims=stage.dims), stage.channels, dims=stage.dims))
    return attended


def assemble(stages: list[Stage], classifier: nn.Sequential, in_channels: int, patch_size: int) -> WindowClassifier:
    """Make the shared stages at the front the trunk, and the rest with `classifier` the head."""
    count = next((index for index, stage in enumerate(stages) if not stage.shared), len(stages))
    shared, rest = [stage.layers for stage in stages[:count]], [stage.layers for stage in stages[count:]]
    if shared and stages[count - 1].dims == 3:  # trunks put out (B, channels, rows, cols): fold the spectrum in
        shared.append(nn.Flatten(1, 2))
        rest.insert(0, nn.Unflatten(1, (stages[count - 1].channels, -1)))
    trunk = nn.Sequential(*shared) if shared else nn.Identity()
    return WindowClassifier(trunk, nn.Sequential(*rest, *classifier), in_channels, patch_size)


def unpadded(patch_size: int, losses: Sequence[int], least: int = LEAST_FIELD) -> tuple[int, int]:
    """How many layers at the front go without padding, and the side that a window has after them.

    `losses` are the pixels that each would take of a side (a 3 x 3 convolution takes 2). As many go without as
    leave `least` pixels. This is how networks whose papers pad get a trunk: the borders that are lost are the
    window's context, and what is computed once over the scene costs next to nothing.
    """
    count, side = 0, patch_size
    for loss in losses:
        if side - loss < least:
            break
        count, side = count + 1, side - loss
    return count, side


def halvings(published: Sequence[int], side: int, early: int = 0) -> list[int]:
    """Strides in place of the published ones, for a window of `side` pixels.

    1 for the `early` first (no early downsampling), and 1 once the field is not larger than `SMALL_FIELD`.
    """
    strides = []
    for index, stride in enumerate(published):
        strides.append(stride if index >= early and side > SMALL_FIELD else 1)
        side = -(-side // strides[-1])
    return strides


def poolings(count: int, side: int) -> list[bool]:
    """Which of `count` poolings by `hsi.models.blocks.layers.max_pool` a window of `side` pixels keeps, in their order.

    Those of a field larger than `SMALL_FIELD`: of 3 x 3 pixels one would be left, and what follows would see no window.
    """
    kept = []
    for _ in range(count):
        kept.append(side > SMALL_FIELD)
        side = side // 2 if kept[-1] else side
    return kept


def output_shape(stages: list[Stage], in_channels: int, side: int) -> torch.Size:
    """Shape (1, channels, ..., rows, cols) that `stages` make of a window; nothing is computed."""
    shadow = copy.deepcopy(nn.Sequential(*(stage.layers for stage in stages))).to("meta").eval()
    return shadow(torch.empty(1, in_channels, side, side, device="meta")).shape


def require_window(network: str, patch_size: int, least: int) -> None:
    """Raise HsiError for a window that `network` cannot take."""
    if patch_size < least:
        raise HsiError(f"{network} needs a window of at least {least}, not {patch_size}: raise patch_size")
