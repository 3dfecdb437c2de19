"""Activation maps: what each position of a window says for each class, without training anew.

The mean over positions of what they say is the logits, by one of two ways.

**Class activation maps**, of networks that end in a mean over positions. Zhou, Khosla, Lapedriza, Oliva, Torralba,
"Learning Deep Features for Discriminative Localization", CVPR 2016, section 2; Yu, Koltun, Funkhouser, "Dilated
Residual Networks", CVPR 2017, section "Localization".

A network that ends in `hsi.models.blocks.layers.global_average` takes the mean over positions and then a linear
layer. Both are linear, so the linear layer may as well come first, at every position: the mean of what it says there
is the logits. Unlike the papers' maps these hold the bias, which makes that equality exact, and are not enlarged to
the window.

**Gradients**, of all other networks. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
Gradient-based Localization", ICCV 2017, multiply the activations by the mean of their gradients over positions, and so
lose where a layer that sees all positions at once, as HybridSN's first fully connected one, weighs one of them
otherwise than another. Here each activation is multiplied by its own gradient (Draelos, Carin, "Use HiResCAM instead
of Grad-CAM for faithful explanations of convolutional neural networks", arXiv:2011.08891, 2020), at the trunk's
output, and summed over channels. Behind a trunk of convolutions, ReLU and linear layers, a logit is that sum over all
positions and what the biases behind the trunk give (Srinivas, Fleuret, "Full-Gradient Representation for Neural Network
Visualization", NeurIPS 2019, proposition 1); behind sigmoids and the like the rest holds their curvature too. No
position has this rest: it is shared out evenly, as the bias above. Where the mean over positions follows the trunk at
once, both ways and Grad-CAM without its ReLU are the same.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, forward
from hsi.errors import HsiError

GROWTH = 64  # pixels: a multiple of every step between positions, which are powers of 2
BY_MEAN = "Class activation maps: what the last layer says at each position. Their mean is the logit."
BY_GRADIENTS = (
    "Gradient times activation at the end of the trunk. Their mean is the logit.\n"
    "What belongs to no position, such as biases, is shared out evenly."
)


@dataclass(frozen=True)
class ActivationMaps:
    """What each position of N windows says for each class.

    Parameters
    ----------
    evidence
        (N, classes, rows', cols') float32, whose mean over rows' and cols' is the logits.
    centres
        (rows',) float64: rows of the window, from 0, on which the rows' are centred; the same for columns.
    method
        Which of the two ways, in a sentence.
    """

    evidence: np.ndarray
    centres: np.ndarray
    method: str


@torch.inference_mode()
def class_activation_maps(model: WindowClassifier, windows: Tensor) -> Tensor:
    """(B, C, P, P) windows -> (B, classes, rows', cols'), whose mean over rows' and cols' is the logits of `model`.

    Puts `model` in evaluation mode. Raises HsiError where `localiser` does.
    """
    return localiser(model.eval())(windows)


def gradient_maps(model: WindowClassifier, windows: Tensor) -> Tensor:
    """As `class_activation_maps`, but by gradients, which need no mean over positions; rows' and cols' are the trunk's.

    Puts `model` in evaluation mode. Raises HsiError for a model without gradients, such as a support vector machine.
    """
    with torch.no_grad():
        return by_gradients(model.eval())(windows)


def activation_maps_of(
    model: WindowClassifier, image: Tensor, pixels: Sequence[int], engine: Engine, region: np.ndarray | None = None
) -> ActivationMaps:
    """Activation maps of the windows around N pixels of a scene: class activation maps where `model` has them.

    `image` (C, rows, cols) float32; `pixels` flat numbers; `region` (rows, cols) masks windows as in
    `hsi.engine.forward.forward`. Puts `model` in evaluation mode. Raises HsiError for a model without gradients.
    """
    averages = ends_in_mean(model)
    positions = localiser(model) if averages else by_gradients(model)
    with torch.no_grad():
        found = forward(
            positions.eval(),
            image,
            torch.as_tensor(list(pixels)),
            shared=False,
            padding=engine.padding,
            region=None if region is None else torch.as_tensor(region),
        )
    return ActivationMaps(found.numpy(), centres(model), BY_MEAN if averages else BY_GRADIENTS)


def ends_in_mean(model: WindowClassifier) -> bool:
    """Whether a network ends in `hsi.models.blocks.layers.global_average`, and so has class activation maps."""
    return _cut_off(model) is not None


def _cut_off(model: WindowClassifier) -> tuple[list[nn.Module], nn.Linear] | None:
    """The head without its mean over positions, and the linear layer; None where it does not end so."""
    layers = list(model.head) if isinstance(model.head, nn.Sequential) else []
    match layers[-4:]:
        case [nn.AdaptiveAvgPool2d(output_size=1), nn.Flatten(), nn.Dropout(), nn.Linear() as linear]:
            return layers[:-4], linear
    return None


def localiser(model: WindowClassifier) -> WindowClassifier:
    """Return `model` without its mean over positions: (B, C, P, P) -> (B, classes, rows', cols').

    Trunk and weights are those of `model`, so `hsi.engine.forward.forward` shares it over a scene alike. The equality
    of `class_activation_maps` holds in evaluation mode: dropout in front of the linear layer is left out.

    Raises HsiError for a network that does not end in `hsi.models.blocks.layers.global_average`.
    """
    parts = _cut_off(model)
    if parts is None:
        raise HsiError(
            "this network has no class activation maps, as it does not end in a mean over positions and a linear "
            "layer: choose one that does, such as model=drn_a, resnet or ssrn"
        )
    layers, linear = parts
    head = nn.Sequential(*layers, AtEveryPosition(linear))
    return WindowClassifier(model.trunk, head, model.in_channels, model.window)


def by_gradients(model: WindowClassifier) -> WindowClassifier:
    """Return `model` asked by gradients: (B, C, P, P) -> (B, classes, rows', cols'), the positions of its trunk.

    Raises HsiError for a model without weights, as estimators are.
    """
    if next(model.parameters(), None) is None:
        raise HsiError(
            "this model has no activation maps, as it has no gradients: choose a network, such as model=hybridsn or "
            "resnet"
        )
    return WindowClassifier(model.trunk, ByGradients(model.head), model.in_channels, model.window)


def centres(model: WindowClassifier) -> np.ndarray:
    """Where the evidence lies: rows of the window, from 0, on which the rows' are centred, (rows',) float64.

    The same for columns. Nothing is computed: a larger window tells the step from one position to the next, and they
    lie around the middle, as unpadded layers and layers padded alike on both sides put them. Where a stride meets an
    even side it begins at one border, and the true centres are up to half a step away.
    """
    located = localiser(model) if ends_in_mean(model) else model.trunk
    shadow = copy.deepcopy(located).to("meta", torch.float32).eval()
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


class ByGradients(nn.Module):
    """A head (B, D, Q, Q) -> (B, classes) that says where its logits come from: (B, D, Q, Q) -> (B, classes, Q, Q)."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        """Gradient times activation, times the number of positions; what no position has is added to each."""
        with torch.enable_grad():
            seen = x.detach().requires_grad_()
            logits = self.head(seen.clone())  # a head may change what it is given
            slopes = [torch.autograd.grad(one.sum(), seen, retain_graph=True)[0] for one in logits.unbind(1)]
        said = torch.stack([(slope * x).sum(1) for slope in slopes], 1)
        rest = logits.detach() - said.sum((2, 3))
        return said * x[0, 0].numel() + rest[:, :, None, None]
