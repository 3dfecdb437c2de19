"""What every network is to the rest of the pipeline: a trunk that can be shared, and a head.

A patch classifier that visits every pixel computes the same convolutions hundreds of times, because
neighbouring windows overlap. Written as ``head(trunk(window))`` with a trunk of stride-1, unpadded
layers, the trunk can run once over the scene and the head on windows cut from its OUTPUT, and the result
is the same to rounding (see `hsi.engine.forward`).
"""

import copy

import torch
from torch import Tensor, nn

from hsi.errors import HsiError


class WindowClassifier(nn.Module):
    """A classifier of square windows, ``forward(windows) = head(trunk(windows))``.

    Parameters
    ----------
    trunk
        (B, C, P, P) -> (B, D, Q, Q). Translation-equivariant: no padding, no stride, no pooling over the
        window. `torch.nn.Identity` for a network that has nothing to share.
    head
        (B, D, Q, Q) -> (B, classes) logits. Anything goes.
    in_channels, window
        C and P, the components and the odd side of a window in pixels.

    Raises
    ------
    HsiError
        When the window is even or the trunk is not a valid, stride-1 function of its input.
    """

    def __init__(self, trunk: nn.Module, head: nn.Module, in_channels: int, window: int) -> None:
        super().__init__()
        require_odd(window)
        self.trunk = trunk
        self.head = head
        self.in_channels = in_channels
        self.window = window
        shadow = copy.deepcopy(trunk).to("meta", torch.float32).eval()
        shapes = [shadow(torch.empty(1, in_channels, p, p, device="meta")).shape for p in (window, window + 2)]
        _, channels, _, side = shapes[0]
        if [shape[2:] for shape in shapes] != [(side, side), (side + 2, side + 2)]:
            raise HsiError(
                "the trunk strides, pools, adapts to its input or treats rows and columns differently, so it cannot be "
                "shared: move such layers to the head"
            )
        self.trunk_channels, self.trunk_window = channels, side

    def forward(self, windows: Tensor) -> Tensor:
        """(B, C, P, P) float -> (B, classes) logits."""
        return self.head(self.trunk(windows))


class PlainHead(nn.Module):
    """A classifier of windows that was written without this contract, as the head of a network without a trunk.

    It sees windows in contiguous memory, as it would elsewhere, so that ``x.view(len(x), -1)`` works in it; for the
    same reason its weights are not to be put in channels-last memory.

    Parameters
    ----------
    module
        (B, C, P, P) float -> (B, num_classes) logits.
    num_classes
        What it puts out.
    on_meta
        Whether it runs on the meta device; where it does not, its layers are not counted (`hsi.engine.cost`).
    """

    def __init__(self, module: nn.Module, num_classes: int, on_meta: bool) -> None:
        super().__init__()
        self.module, self.num_classes, self.on_meta = module, num_classes, on_meta

    def forward(self, windows: Tensor) -> Tensor:
        """(B, C, P, P) float -> (B, num_classes) logits."""
        if windows.is_meta and not self.on_meta:
            return torch.empty(len(windows), self.num_classes, device="meta")
        return self.module(windows.contiguous())


def require_odd(window: int) -> None:
    """Raise HsiError unless the window has a middle pixel."""
    if window < 1 or window % 2 == 0:
        raise HsiError(
            f"patch_size={window}: a window needs a middle pixel, choose an odd size such as {max(window, 2) + 1}"
        )


class FlattenPositions(nn.Module):
    """(B, C, H, W) -> (B, H * W * C), channels fastest: Keras' order, and free of copies in channels-last memory."""

    def forward(self, x: Tensor) -> Tensor:
        """Flatten."""
        return x.permute(0, 2, 3, 1).flatten(1)
