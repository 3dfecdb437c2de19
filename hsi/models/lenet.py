"""LeNet-5: two convolutions of 5 x 5, two subsamplings by their mean, three fully connected layers, tanh or sigmoid.

LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86(11), 1998,
figure 2. `original` has 61,706 parameters for 32 x 32 digits: the paper's 60,000 less its 44 trainable coefficients
of the subsamplings (a plain mean here) and plus the 900 weights and biases by which connecting every map of C3 with
every map of S2 exceeds table I, and with a linear layer of 850 in place of the fixed radial basis functions.
``activation="sigmoid"`` is LeNet as in Zhang, Lipton, Li, Smola, "Dive into Deep Learning", 2021, section 7.6, with as
many parameters. Its layers begin as there (Glorot uniform); tanh's begin as torch's own.

Deviations for windows: the subsampling between the convolutions moves behind the second one, so that both, unpadded
in the paper already, are the trunk (no early downsampling); means at the border take what pixels there are, so
that a window of 9, of which the convolutions leave one pixel, still passes.
"""

from collections.abc import Callable
from typing import Literal

from torch import nn

from hsi.config.values import Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import scale
from hsi.models.blocks.stages import Attention, Position, Stage, assemble, output_shape, require_window, with_attention

Activation = Literal["tanh", "sigmoid"]

ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
MIN_WINDOW = 9


def lenet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    activation: Activation = "tanh",
) -> WindowClassifier:
    """Build LeNet-5 for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("LeNet", patch_size, MIN_WINDOW)
    first, second = scale(6, width), scale(16, width)
    stages = [
        Stage(_convolution(in_channels, first, activation), first, shared=True),
        Stage(_convolution(first, second, activation), second, shared=True),
    ]
    stages = with_attention(stages, attention, attention_position)
    stages.append(Stage(nn.Sequential(_subsampling(), _subsampling()), second))
    classifier = _classifier(stages, in_channels, patch_size, num_classes, width, activation)
    model = assemble(stages, classifier, in_channels, patch_size)
    return model.apply(_initialise_by_glorot) if activation == "sigmoid" else model


def original(num_classes: int = 10, activation: Activation = "tanh") -> nn.Module:
    """LeNet-5 for digits (B, 1, 32, 32)."""
    stages = [
        Stage(nn.Sequential(_convolution(1, 6, activation), _subsampling()), 6),
        Stage(nn.Sequential(_convolution(6, 16, activation), _subsampling()), 16),
    ]
    classifier = _classifier(stages, 1, 32, num_classes, 1.0, activation)
    return nn.Sequential(*(stage.layers for stage in stages), *classifier)


def _convolution(inputs: int, outputs: int, activation: Activation) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 5), ACTIVATIONS[activation]())


def _subsampling() -> nn.AvgPool2d:
    return nn.AvgPool2d(2, ceil_mode=True)


def _classifier(
    stages: list[Stage], in_channels: int, side: int, num_classes: int, width: float, activation: Activation
) -> nn.Sequential:
    """C5, F6 and the output; C5, a convolution as large as its input, is a fully connected layer."""
    features = output_shape(stages, in_channels, side)[1:].numel()
    c5, f6 = scale(120, width), scale(84, width)
    bend = ACTIVATIONS[activation]
    return nn.Sequential(
        nn.Flatten(), nn.Linear(features, c5), bend(), nn.Linear(c5, f6), bend(), nn.Linear(f6, num_classes)
    )


def _initialise_by_glorot(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
