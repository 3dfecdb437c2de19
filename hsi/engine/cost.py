"""What a network costs: parameters, activations, multiply-adds a pixel before and after sharing.

Counted on the meta device, so nothing is computed.
"""

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from hsi.engine.contract import WindowClassifier
from hsi.engine.volumes import SpectralConv, VolumeConv, laid_out


@dataclass(frozen=True)
class Cost:
    """Cost of mapping one pixel of a scene.

    `whole` and `shared` are multiply-adds, window by window and with the trunk shared; `trunk` are those of `whole`
    that lie in the trunk; `parameters` is a count.
    """

    parameters: int
    whole: int
    shared: int
    trunk: int

    @property
    def trunk_share(self) -> float:
        """The fraction of `whole` that lies in the trunk: no more than that can be saved."""
        return self.trunk / max(1, self.whole)

    def __str__(self) -> str:
        """One line for the log."""
        return (
            f"{self.parameters:,} parameters; multiply-adds a pixel: {self.whole / 1e6:.1f} M window by window, "
            f"{self.shared / 1e6:.1f} M shared; {100 * self.trunk_share:.0f} % of the former lie in the trunk"
        )


def cost(model: WindowClassifier, rows: int, cols: int) -> Cost | None:
    """Count for a scene of rows x cols pixels.

    None for a model without weights, such as an estimator of scikit-learn, whose size follows from the training pixels.
    """
    if next(model.parameters(), None) is None:
        return None
    margin = model.window - 1
    trunk_window = _multiply_adds(model.trunk, (model.in_channels, model.window, model.window))
    trunk_scene = _multiply_adds(model.trunk, (model.in_channels, rows + margin, cols + margin))
    head = _multiply_adds(model.head, (model.trunk_channels, model.trunk_window, model.trunk_window))
    return Cost(
        parameters=sum(p.numel() for p in model.parameters()),
        whole=trunk_window + head,
        shared=trunk_scene // (rows * cols) + head,
        trunk=trunk_window,
    )


def activation_floats(module: nn.Module, shape: tuple[int, int, int]) -> int:
    """How many values the layers of `module` put out for one input of `shape` (C, rows, cols), the input included."""
    total = shape[0] * shape[1] * shape[2]

    def add(_: nn.Module, __: object, output: object) -> None:  # recurrent layers put out several tensors
        nonlocal total
        parts = output if isinstance(output, tuple) else (output,)
        total += sum(part.numel() for part in parts if isinstance(part, Tensor))

    shadow = _shadow(module)
    for layer in shadow.modules():
        if next(layer.children(), None) is None:
            layer.register_forward_hook(add)
    shadow(torch.empty(1, *shape, device="meta"))
    return total


def peak_floats(module: nn.Module, shape: tuple[int, int, int]) -> int:
    """How many values `module` holds at once, at the most, for one input of `shape` (C, rows, cols).

    Its layers may keep all that they put out; and torch lays out the input of some convolutions as columns, a column a
    position, which take more than all the rest.
    """
    widest = 0

    def look(layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal widest
        assert isinstance(layer, nn.Conv3d)
        if laid_out(given[0]) and not isinstance(layer, SpectralConv):
            kernel = layer.kernel_size[:1] if isinstance(layer, VolumeConv) else layer.kernel_size
            column = given[0].shape[1] // layer.groups * math.prod(kernel)
            widest = max(widest, given[0].numel() + output.numel() + column * output[0, 0].numel())

    shadow = _shadow(module)
    for layer in shadow.modules():
        if isinstance(layer, nn.Conv3d):
            layer.register_forward_hook(look)
    shadow(torch.empty(1, *shape, device="meta"))
    return max(widest, activation_floats(module, shape))


def _multiply_adds(module: nn.Module, shape: tuple[int, int, int]) -> int:
    with FlopCounterMode(display=False) as counter:
        _shadow(module)(torch.empty(1, *shape, device="meta"))
    return counter.get_total_flops() // 2  # a multiply-add counts as two operations there


def _shadow(module: nn.Module) -> nn.Module:
    return copy.deepcopy(module).to("meta", torch.float32).eval()
