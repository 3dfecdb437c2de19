"""Network in network: convolutions followed by 1 x 1 convolutions, and the mean of class maps as output.

Lin, Chen, Yan, "Network In Network", ICLR 2014, figure 2, with the widths of the authors' program for CIFAR-10 (the
paper prints none): 192-160-96, 192-192-192, 192-192-classes, 966,986 parameters for 32 x 32 images. `nin_imagenet` has
the widths of their program for ImageNet, 96, 256, 384 and 1024, each before two 1 x 1 convolutions as wide: 7,595,176
parameters. In Zhang, Lipton, Li, Smola, "Dive into Deep Learning", 2021, section 8.3, the fourth stack has as many
channels as there are classes: 1,992,166 for 10 classes and images of one channel.

Deviations for windows: the first convolution is unpadded where the window allows and with its two 1 x 1 layers forms
the trunk. Both poolings stay: the paper's images are hardly larger than the windows, and the first pooling comes after
the trunk. The class maps are a linear layer on the mean, which is the same function, without the paper's last ReLU,
under which the logits of a class could die. `nin_imagenet` begins with a kernel of 5 at stride 1 in place of 11 at
stride 4, and a field of 3 x 3 or less is not pooled any more. Weights start as in
`hsi.models.blocks.layers.initialise`.
"""

from torch import nn

from hsi.config.values import Count, Positive, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import conv, global_average, max_pool, scale
from hsi.models.blocks.stages import (
    Attention,
    Position,
    Stage,
    assemble,
    poolings,
    require_window,
    unpadded,
    with_attention,
)

STACKS = (96, 256, 384)  # channels of the first three stacks for ImageNet
KERNELS = (5, 5, 3, 3)  # of the four stacks, on windows
MIN_WINDOW = 3


def nin(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    dropout: ShareOrZero = 0.5,
) -> WindowClassifier:
    """Build NiN for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("NiN", patch_size, MIN_WINDOW)
    free, _ = unpadded(patch_size, (4,))
    stages = with_attention(_stages(in_channels, width, dropout, free), attention, attention_position)
    return assemble(stages, global_average(scale(192, width), num_classes), in_channels, patch_size)


def nin_imagenet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    last: Count | None = 1024,
    dropout: ShareOrZero = 0.5,
) -> WindowClassifier:
    """Build the larger NiN for windows (B, in_channels, patch_size, patch_size); `width` scales every layer.

    `last` are the channels of the fourth stack; None: as many as classes, whatever `width`.
    """
    require_window("NiN", patch_size, MIN_WINDOW)
    free, side = unpadded(patch_size, (KERNELS[0] - 1,))
    top = scale(last, width) if last else num_classes
    channels = [*(scale(published, width) for published in STACKS), top]
    stages = [Stage(stack(in_channels, channels[0], KERNELS[0], padded=free < 1), channels[0], shared=free > 0)]
    stages.extend(_upper(channels, poolings(len(STACKS), side), dropout))
    stages = with_attention(stages, attention, attention_position)
    return assemble(stages, global_average(top, num_classes), in_channels, patch_size)


def stack(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, padded: bool = True, pointwise: int = 2
) -> nn.Module:
    """Convolution and `pointwise` 1 x 1 convolutions, all as wide. Unpadded, it takes `kernel` - 1 pixels of a side."""
    first = conv(inputs, outputs, kernel, stride=stride, padded=padded)
    return nn.Sequential(first, *(conv(outputs, outputs, 1) for _ in range(pointwise)))


def original_imagenet(in_channels: int = 3, num_classes: int = 1000, last: int | None = 1024) -> nn.Module:
    """Return the larger NiN for images (B, in_channels, 224, 224), its class maps with their last ReLU."""
    channels = [*STACKS, last or num_classes]
    return nn.Sequential(
        stack(in_channels, channels[0], 11, stride=4, padded=False),
        *(stage.layers for stage in _upper(channels, [True] * len(STACKS), 0.5)),
        *(conv(channels[-1], num_classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


def _upper(channels: list[int], pooled: list[bool], dropout: float) -> list[Stage]:
    """The second to fourth stack, behind poolings where `pooled`; the fourth behind dropout, without its class maps."""
    stages = []
    for index, keep in enumerate(pooled, start=1):
        fourth = index == len(STACKS)
        front = [*([max_pool()] if keep else []), *([nn.Dropout(dropout)] if fourth else [])]
        layers = stack(channels[index - 1], channels[index], KERNELS[index], pointwise=1 if fourth else 2)
        stages.append(Stage(nn.Sequential(*front, layers), channels[index]))
    return stages


def original(num_classes: int = 10) -> nn.Module:
    """NiN for CIFAR-10 images (B, 3, 32, 32)."""
    return nn.Sequential(*(stage.layers for stage in _stages(3, 1.0, 0.5, 0)), *global_average(192, num_classes))


def _stages(in_channels: int, width: float, dropout: float, free: int) -> list[Stage]:
    a, b, c = (scale(channels, width) for channels in (192, 160, 96))
    first = nn.Sequential(conv(in_channels, a, 5, padded=free < 1), conv(a, b, 1), conv(b, c, 1))
    second = nn.Sequential(max_pool(), nn.Dropout(dropout), conv(c, a, 5), conv(a, a, 1), conv(a, a, 1))
    third = nn.Sequential(nn.AvgPool2d(3, 2, ceil_mode=True), nn.Dropout(dropout), conv(a, a, 3), conv(a, a, 1))
    return [Stage(first, c, shared=free > 0), Stage(second, a), Stage(third, a)]
