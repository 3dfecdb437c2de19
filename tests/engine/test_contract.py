"""What a network has to be, and what is refused in its place."""

import pytest
import torch
from torch import nn

from hsi.engine.contract import FlattenPositions, PlainHead, WindowClassifier, require_odd
from hsi.errors import HsiError


@pytest.mark.parametrize("window", [-3, -2, 0, 2, 4, 10])
def test_a_window_without_a_middle_pixel_is_refused_and_the_next_odd_size_named(window):
    with pytest.raises(HsiError, match=rf"^patch_size={window}: .* such as {max(3, window + 1)}$"):
        require_odd(window)
    with pytest.raises(HsiError, match="middle pixel"):
        WindowClassifier(nn.Identity(), nn.Flatten(), 3, window)


@pytest.mark.parametrize("window", [1, 3, 11])
def test_an_odd_window_is_taken(window):
    require_odd(window)
    model = WindowClassifier(nn.Identity(), nn.Flatten(), 3, window)
    assert (model.in_channels, model.window) == (3, window)
    assert (model.trunk_channels, model.trunk_window) == (3, window)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_what_the_trunk_gives_is_known_and_the_trunk_stays_as_it_is(dtype):
    trunk = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.5)).to(dtype).train()
    model = WindowClassifier(trunk, nn.Flatten(), 3, 7)
    assert (model.trunk_channels, model.trunk_window) == (8, 5)
    assert model.trunk is trunk
    assert trunk.training
    assert trunk[0].weight.dtype == dtype
    assert not trunk[0].weight.is_meta


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 4, 3, stride=(2, 1)),
        nn.Conv2d(3, 4, 3, stride=(1, 2)),
        nn.Conv2d(3, 4, (3, 1)),
        nn.Conv2d(3, 4, (1, 3)),
        nn.AdaptiveAvgPool2d((None, 1)),
    ],
)
def test_what_treats_rows_and_columns_unlike_is_no_trunk(layer):
    with pytest.raises(HsiError, match="move such layers to the head"):
        WindowClassifier(layer, nn.Flatten(), 3, 9)


class NeedsValues(nn.Module):
    """Cannot run where nothing is computed."""

    def forward(self, windows):
        assert windows.is_contiguous()
        return windows.flatten(1)[:, :4] * float(windows.sum() != 0)


def test_a_plain_module_sees_contiguous_windows_and_is_not_asked_where_nothing_is_computed():
    windows = torch.arange(1.0, 37).view(2, 2, 3, 3)
    head = PlainHead(NeedsValues(), 4, on_meta=False)
    assert torch.equal(head(windows.contiguous(memory_format=torch.channels_last)), windows.flatten(1)[:, :4])
    shadow = head(windows.to("meta"))
    assert shadow.is_meta
    assert shadow.shape == (2, 4)
    with pytest.raises((RuntimeError, NotImplementedError)):  # it is, where that was said to be possible
        PlainHead(NeedsValues(), 4, on_meta=True)(windows.to("meta"))


def test_positions_are_flattened_with_the_channels_fastest():
    x = torch.arange(24).view(1, 2, 3, 4)
    assert FlattenPositions()(x).tolist() == [[x[0, c, h, w] for h in range(3) for w in range(4) for c in range(2)]]
