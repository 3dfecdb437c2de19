"""Class activation maps: their mean is the logits, their places are those of the network's layers."""

from functools import cache

import numpy as np
import pytest
import torch
from conftest import build_network, configure
from torch import nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, forward
from hsi.engine.framed import pad
from hsi.errors import HsiError
from hsi.evaluation.activation_maps import activation_maps_of, centres, class_activation_maps, localiser
from hsi.models.__main__ import networks
from hsi.models.blocks.layers import conv, global_average, max_pool

QUALIFY = {
    *("cnn_1d", "drn_a", "drn_b", "drn_c", "googlenet", "mobilenet_v1", "mobilenet_v2", "nin", "resnet", "senet"),
    *("shufflenet", "squeezenet", "ssrn", "pnasnet", "a2s2k_resnet", "mamba"),
}
REFUSE = {
    *("alexnet", "cnn_2d", "cnn_3d", "deformable", "hybridsn", "lenet", "mobilenet_v3", "spectralformer", "ssftt"),
    *("unet", "vgg"),
}
CLASSES = 5


@cache
def build(name: str, **knobs) -> WindowClassifier:
    """A narrow version in double precision and evaluation mode, with batch statistics that are not those at birth."""
    torch.manual_seed(0)
    config = configure(f"model={name}").model
    knobs = {"width": 0.25, **knobs} if "width" in config else knobs
    model = build_network(config, 30, CLASSES, **knobs).double().train()
    with torch.no_grad():
        model(1 + 2 * windows(model, 4))
    return model.eval()


def windows(model: WindowClassifier, count: int) -> torch.Tensor:
    return torch.randn(count, model.in_channels, model.window, model.window, dtype=torch.float64)


def small(*layers: nn.Module, window: int = 9) -> WindowClassifier:
    """One channel throughout: a trunk of one 3 x 3 convolution, `layers`, global mean."""
    return WindowClassifier(conv(1, 1, padded=False), nn.Sequential(*layers, *global_average(1, 2)), 1, window).eval()


@pytest.mark.parametrize("name", [path.stem for path in networks()])
def test_the_mean_of_the_evidence_is_the_logits(name):
    """For every network of conf/model/, with dropout on its way; the others are refused with a sentence."""
    model = build(name)
    x = windows(model, 3)
    try:
        evidence = class_activation_maps(model.train(), x)
    except HsiError:
        assert name not in QUALIFY
        return
    assert name not in REFUSE
    assert not any(module.training for module in model.modules())
    with torch.no_grad():
        logits = model(x)
    assert evidence.shape[:2] == (3, CLASSES)
    torch.testing.assert_close(evidence.mean((2, 3)), logits, rtol=0, atol=1e-12 * logits.abs().max().item())
    assert logits.std(0).max() > 1e-9  # the comparison is of something


def test_a_network_that_does_not_qualify_is_told_which_do():
    with pytest.raises(HsiError, match=r"does not end in a mean .* choose .* model=drn_a"):
        localiser(build("hybridsn"))


@pytest.mark.parametrize("name", sorted(QUALIFY))
def test_there_is_a_centre_for_every_position_inside_the_window(name):
    model = build(name)
    found = centres(model)
    assert class_activation_maps(model, windows(model, 1)).shape[2:] == (len(found), len(found))
    assert 0 <= found[0] <= found[-1] <= model.window - 1
    assert found[0] + found[-1] == model.window - 1


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([], [1, 2, 3, 4, 5, 6, 7]),  # the unpadded trunk takes a pixel of each border
        ([conv(1, 1, stride=2)], [1, 3, 5, 7]),  # padded, and begins at the trunk's border
        ([max_pool(3)], [2, 4, 6]),  # unpadded
        ([conv(1, 1, stride=2), conv(1, 1, 3, padded=False)], [3, 5]),
        ([nn.AdaptiveAvgPool2d(1)], [4]),  # stands for the whole window
    ],
)
def test_centres_by_hand(layers, expected):
    assert centres(small(*layers)).tolist() == expected


def test_centres_of_drn_a():
    """Three pixels lost at each border to the trunk, then one stride of 2 from 9 positions to 5."""
    assert centres(build("drn_a")).tolist() == [3, 5, 7, 9, 11]


@pytest.mark.parametrize("position", range(3))
def test_evidence_moves_with_the_window(position):
    """Kernels with their middle alone pass a pixel on to the position that is centred on it."""
    model = small(conv(1, 1, stride=2), conv(1, 1, stride=2), window=11)
    places = centres(model)
    assert places.tolist() == [1, 5, 9]
    for weight in (model.trunk[0].weight, model.head[0][0].weight, model.head[1][0].weight):
        torch.nn.init.dirac_(weight)
    x = torch.zeros(1, 1, 11, 11)
    before = class_activation_maps(model, x)
    x[..., int(places[position]), int(places[0])] = 1
    changed = (class_activation_maps(model, x) - before)[0, 0].nonzero().tolist()
    assert changed == [[position, 0]]


def test_the_trunk_of_evidence_is_shared_over_a_scene_as_that_of_logits():
    model = build("drn_a", width=0.0625)
    image, pixels = torch.randn(30, 18, 17, dtype=torch.float64), torch.tensor([0, 16, 17, 150, 305])
    region = (torch.arange(18 * 17) % 17 > 8).view(18, 17)
    for seen in (None, region):
        with torch.no_grad():
            shared, apart = (forward(localiser(model), image, pixels, shared=way, region=seen) for way in (True, False))
            logits = forward(model, image, pixels, shared=True, region=seen)
        assert (shared - apart).abs().max() < 1e-9
        assert (shared.mean((2, 3)) - logits).abs().max() < 1e-9


def test_weights_are_those_of_the_network():
    model = build("nin")
    named = {id(parameter) for parameter in model.parameters()}
    assert {id(parameter) for parameter in localiser(model).parameters()} == named


@pytest.mark.parametrize(("padding", "masked"), [("zero", False), ("zero", True), ("reflect", False)])
def test_the_maps_of_pixels_are_those_of_their_windows(padding, masked):
    """At a corner, in the middle, and beside the border of a region."""
    model = small(conv(1, 1, stride=2), conv(1, 1), window=5)
    image = torch.randn(1, 8, 9)
    region = np.repeat([1, 2], [4, 5])[None].repeat(8, axis=0).astype(np.uint8) if masked else None
    pixels = [0, 3 * 9 + 3, 5 * 9 + 4]
    found = activation_maps_of(model.train(), image, pixels, Engine(padding=padding), region)
    assert found.dtype == np.float32
    for pixel, evidence in zip(pixels, found, strict=True):
        row, col = divmod(pixel, 9)
        seen = image if region is None else image * torch.as_tensor(region == region[row, col])
        window = pad(seen, 5, padding)[None, :, row : row + 5, col : col + 5]
        np.testing.assert_allclose(evidence, class_activation_maps(model, window)[0].numpy(), atol=1e-6)


def test_a_network_that_ends_otherwise_is_refused_whatever_its_head_is():
    with pytest.raises(HsiError, match="no class activation maps"):
        localiser(WindowClassifier(nn.Identity(), nn.Linear(3, 2), 1, 3))


def test_the_middle_of_a_window_is_where_one_position_lies_whatever_its_size():
    for window in (5, 9, 13):
        assert centres(small(nn.AdaptiveAvgPool2d(1), window=window)).tolist() == [(window - 1) / 2]
    assert centres(small(nn.AdaptiveAvgPool2d(3), window=9)).tolist() == [1, 4, 7]
