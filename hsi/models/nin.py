"""Network in network: convolutions followed by 1 x 1 convolutions, and the mean of class maps as output.

Lin, Chen, Yan, "Network In Network", ICLR 2014, figure 2, with the widths of the authors' program for CIFAR-10 (the
paper prints none): 192-160-96, 192-192-192, 192-192-classes, 966,986 parameters for 32 x 32 images.

Deviations for windows: the first convolution is unpadded where the window allows and with its two 1 x 1 layers forms
the trunk. Both poolings stay: the paper's images are hardly larger than the windows, and the first pooling comes after
the trunk. The class maps are a linear layer on the mean, which is the same function, without the paper's last
ReLU, under which the logits of a class could die.
"""

from torch import nn

from hsi.config.values import Positive, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import conv, global_average, max_pool, scale
from hsi.models.blocks.stages import Attention, Position, Stage, assemble, require_window, unpadded, with_attention

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


def original(num_classes: int = 10) -> nn.Module:
    """NiN for CIFAR-10 images (B, 3, 32, 32)."""
    return nn.Sequential(*(stage.layers for stage in _stages(3, 1.0, 0.5, 0)), *global_average(192, num_classes))


def _stages(in_channels: int, width: float, dropout: float, free: int) -> list[Stage]:
    a, b, c = (scale(channels, width) for channels in (192, 160, 96))
    first = nn.Sequential(conv(in_channels, a, 5, padded=free < 1), conv(a, b, 1), conv(b, c, 1))
    second = nn.Sequential(max_pool(), nn.Dropout(dropout), conv(c, a, 5), conv(a, a, 1), conv(a, a, 1))
    third = nn.Sequential(nn.AvgPool2d(3, 2, ceil_mode=True), nn.Dropout(dropout), conv(a, a, 3), conv(a, a, 1))
    return [Stage(first, c, shared=free > 0), Stage(second, a), Stage(third, a)]
