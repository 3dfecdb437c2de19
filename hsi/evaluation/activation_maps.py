"""Class activation maps: what each position of a window says for each class, without training anew.

Zhou, Khosla, Lapedriza, Oliva, Torralba, "Learning Deep Features for Discriminative Localization", CVPR 2016, section
2 (class activation maps); Yu, Koltun, Funkhouser, "Dilated Residual Networks", CVPR 2017, section "Localization".

A network that ends in `hsi.models.blocks.layers.global_average` takes the mean over positions and then a linear
layer. Both are linear, so the linear layer may as well come first, at every position: the mean of what it says there
is the logits. Unlike the papers' maps these hold the bias, which makes that equality exact, and are not enlarged to
the window.
"""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, forward
from hsi.errors import HsiError

GROWTH = 64  # pixels: a multiple of every step between positions, which are powers of 2


@torch.inference_mode()
def class_activation_maps(model: WindowClassifier, windows: Tensor) -> Tensor:
    """(B, C, P, P) windows -> (B, classes, rows', cols'), whose mean over rows' and cols' is the logits of `model`.

    Puts `model` in evaluation mode. Raises HsiError where `localiser` does.
    """
    return localiser(model.eval())(windows)


def activation_maps_of(
    model: WindowClassifier, image: Tensor, pixels: Sequence[int], engine: Engine, region: np.ndarray | None = None
) -> np.ndarray:
    """Class activation maps (N, classes, rows', cols') of the windows around N pixels of a scene.

    `image` (C, rows, cols) float32; `pixels` flat numbers; `region` (rows, cols) masks windows as in
    `hsi.engine.forward.forward`. Raises HsiError where `localiser` does.
    """
    positions = localiser(model).eval()
    with torch.inference_mode():
        found = forward(
            positions,
            image,
            torch.as_tensor(list(pixels)),
            shared=False,
            padding=engine.padding,
            region=None if region is None else torch.as_tensor(region),
        )
    return found.numpy()


def localiser(model: WindowClassifier) -> WindowClassifier:
    """Return `model` without its mean over positions: (B, C, P, P) -> (B, classes, rows', cols').

    Trunk and weights are those of `model`, so `hsi.engine.forward.forward` shares it over a scene alike. The equality
    of `class_activation_maps` holds in evaluation mode: dropout in front of the linear layer is left out.

    Raises HsiError for a network that does not end in `hsi.models.blocks.layers.global_average`.
    """
    layers = list(model.head) if isinstance(model.head, nn.Sequential) else []
    match layers[-4:]:
        case [nn.AdaptiveAvgPool2d(output_size=1), nn.Flatten(), nn.Dropout(), nn.Linear() as linear]:
            head = nn.Sequential(*layers[:-4], AtEveryPosition(linear))
            return WindowClassifier(model.trunk, head, model.in_channels, model.window)
    raise HsiError(
        "this network has no class activation maps, as it does not end in a mean over positions and a linear layer: "
        "choose one that does, such as model=drn_a, resnet or ssrn"
    )


def centres(model: WindowClassifier) -> np.ndarray:
    """Where the evidence lies: rows of the window, from 0, on which the rows' are centred, (rows',) float64.

    The same for columns. Nothing is computed: a larger window tells the step from one position to the next, and they
    lie around the middle, as unpadded layers and layers padded alike on both sides put them. Where a stride meets an
    even side it begins at one border, and the true centres are up to half a step away.
    """
    shadow = copy.deepcopy(localiser(model)).to("meta", torch.float32).eval()
    count, more = (
        shadow(torch.empty(1, model.in_channels, side, side, device="meta")).shape[-1]
        for side in (model.window, model.window + GROWTH)
    )
    step = GROWTH / (more - count) if more > count else model.window / count
    return (model.window - 1) / 2 + step * (np.arange(count) - (count - 1) / 2)


class AtEveryPosition(nn.Module):
    """A linear layer over the channels of every position: (B, C, H, W) -> (B, classes, H, W)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """As a 1 x 1 convolution with its weights."""
        return self.linear(x.movedim(1, -1)).movedim(-1, 1)
