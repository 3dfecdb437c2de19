"""LeNet-5: two convolutions of 5 x 5, two subsamplings, three fully connected layers, tanh.

LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86(11), 1998,
figure 2. `original` has 61,706 parameters for 32 x 32 digits: the paper's 60,000 less its 44 trainable coefficients
of the subsamplings (a plain mean here) and plus the 900 weights and biases by which connecting every map of C3 with
every map of S2 exceeds table I, and with a linear layer of 850 in place of the fixed radial basis functions.

Deviations for windows: the subsampling between the convolutions moves behind the second one, so that both, unpadded
in the paper already, are the trunk (no early downsampling); means at the border take what pixels there are, so
that a window of 9, of which the convolutions leave one pixel, still passes.
"""

from torch import nn

from hsi.config.values import Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import scale
from hsi.models.blocks.stages import Attention, Position, Stage, assemble, output_shape, require_window, with_attention

MIN_WINDOW = 9


def lenet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
) -> WindowClassifier:
    """Build LeNet-5 for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("LeNet", patch_size, MIN_WINDOW)
    first, second = scale(6, width), scale(16, width)
    stages = [
        Stage(_convolution(in_channels, first), first, shared=True),
        Stage(_convolution(first, second), second, shared=True),
    ]
    stages = with_attention(stages, attention, attention_position)
    stages.append(Stage(nn.Sequential(_subsampling(), _subsampling()), second))
    return assemble(stages, _classifier(stages, in_channels, patch_size, num_classes, width), in_channels, patch_size)


def original(num_classes: int = 10) -> nn.Module:
    """LeNet-5 for digits (B, 1, 32, 32)."""
    stages = [
        Stage(nn.Sequential(_convolution(1, 6), _subsampling()), 6),
        Stage(nn.Sequential(_convolution(6, 16), _subsampling()), 16),
    ]
    return nn.Sequential(*(stage.layers for stage in stages), *_classifier(stages, 1, 32, num_classes, 1.0))


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 5), nn.Tanh())


def _subsampling() -> nn.AvgPool2d:
    return nn.AvgPool2d(2, ceil_mode=True)


def _classifier(stages: list[Stage], in_channels: int, side: int, num_classes: int, width: float) -> nn.Sequential:
    """C5, F6 and the output; C5, a convolution as large as its input, is a fully connected layer."""
    features = output_shape(stages, in_channels, side)[1:].numel()
    c5, f6 = scale(120, width), scale(84, width)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(features, c5), nn.Tanh(), nn.Linear(c5, f6), nn.Tanh(), nn.Linear(f6, num_classes)
    )
