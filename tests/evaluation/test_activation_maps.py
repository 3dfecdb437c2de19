"""Activation maps: their mean is the logits, their places are those of the network's layers, both ways agree."""

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
from hsi.evaluation.activation_maps import (
    BY_GRADIENTS,
    BY_MEAN,
    activation_maps_of,
    centres,
    class_activation_maps,
    ends_in_mean,
    gradient_maps,
    localiser,
)
from hsi.models.__main__ import networks
from hsi.models.blocks.layers import conv, global_average, max_pool

QUALIFY = {
    *("cnn_1d", "drn_a", "drn_b", "drn_c", "googlenet", "mobilenet_v1", "mobilenet_v2", "nin", "resnet", "senet"),
    *("shufflenet", "squeezenet", "ssrn", "pnasnet", "a2s2k_resnet", "mamba", "cell"),
    *("shufflenet_v1", "xception", "nin_imagenet"),
}
REFUSE = {
    *("alexnet", "cnn_2d", "cnn_3d", "deformable", "hybridsn", "lenet", "mobilenet_v3", "spectralformer", "ssftt"),
    *("unet", "vgg", "hybridsn_leaky", "mobilenet_v3_small", "segnet"),
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
    """Five pixels lost at each border to the trunk, then one stride of 2 from 15 positions to 8."""
    assert centres(build("drn_a")).tolist() == [5, 7, 9, 11, 13, 15, 17, 19]


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
    model = build("resnet", width=0.0625)
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
    maps = activation_maps_of(model.train(), image, pixels, Engine(padding=padding), region)
    assert maps.evidence.dtype == np.float32
    assert maps.centres.tolist() == centres(model).tolist()
    assert maps.method == BY_MEAN
    for pixel, evidence in zip(pixels, maps.evidence, strict=True):
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


def flat(layers: list[nn.Module], window: int = 7) -> WindowClassifier:
    """Two channels, a trunk of one 3 x 3 convolution, and layers that see all its positions at once."""
    trunk = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU())
    return WindowClassifier(trunk, nn.Sequential(nn.Flatten(), *layers), 2, window).double().eval()


@pytest.mark.parametrize("name", [path.stem for path in networks()])
def test_gradients_of_every_network_lie_on_its_trunk_and_their_mean_is_the_logits(name):
    model = build(name)
    x = windows(model, 2)
    evidence = gradient_maps(model.train(), x)
    assert not any(module.training for module in model.modules())
    assert evidence.shape == (2, CLASSES, model.trunk_window, model.trunk_window)
    assert evidence.isfinite().all()
    assert not evidence.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    with torch.no_grad():
        logits = model(x)
    torch.testing.assert_close(evidence.mean((2, 3)), logits, rtol=0, atol=1e-9 * evidence.abs().max().item())
    if model.trunk_window > 1:
        assert evidence.std((2, 3)).max() > 0  # places are told apart


def test_where_the_mean_follows_the_trunk_both_ways_and_grad_cam_without_relu_are_the_same():
    """Grad-CAM, Selvaraju et al. 2017, equations 1 and 2 without ReLU: up to the positions' number and the bias."""
    trunk, head = conv(4, 6, padded=False), global_average(6, CLASSES, dropout=0.3)
    model = WindowClassifier(trunk, head, 4, 9).double().eval()
    nn.init.normal_(head[-1].bias)
    x = windows(model, 3)
    evidence = class_activation_maps(model, x)
    torch.testing.assert_close(gradient_maps(model, x), evidence, rtol=0, atol=1e-12)

    activation = trunk(x).detach().requires_grad_()
    for kind, logit in enumerate(head(activation).sum(0)):
        (slope,) = torch.autograd.grad(logit, activation, retain_graph=True)
        grad_cam = (slope.mean((2, 3), keepdim=True) * activation).sum(1)
        torch.testing.assert_close(49 * grad_cam + head[-1].bias[kind], evidence[:, kind], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["hybridsn", "cnn_3d", "cnn_2d"])
def test_what_no_position_has_is_what_the_biases_behind_the_trunk_give(name):
    """For ReLU and linear layers, which these heads are made of: a sum that knows nothing of positions."""
    model = build(name)
    biases = {key: bias for key, bias in model.head.named_parameters() if key.endswith("bias")}
    with torch.no_grad():
        for bias in biases.values():
            bias.normal_(std=0.3)
    x = windows(model, 1)
    evidence = gradient_maps(model, x)[0]
    field = model.trunk(x).detach().requires_grad_()
    for kind, logit in enumerate(model.head(field)[0]):
        slopes = torch.autograd.grad(logit, [field, *biases.values()], retain_graph=True)
        said = (slopes[0] * field)[0].sum(0)
        rest = sum((bias * slope).sum() for bias, slope in zip(biases.values(), slopes[1:], strict=True))
        assert abs(rest) > 1e-3
        torch.testing.assert_close(said.sum() + rest, logit, rtol=0, atol=1e-9)
        torch.testing.assert_close(evidence[kind], said * said.numel() + rest, rtol=0, atol=1e-8)


def test_a_position_is_worth_what_is_lost_without_it():
    """Behind a linear layer over all positions, where Grad-CAM, which has one weight a channel, is wrong."""
    model = flat([nn.Linear(3 * 25, CLASSES)])
    x = windows(model, 2)
    evidence, field = gradient_maps(model, x), model.trunk(x).detach()
    without = field.clone()
    without[:, :, 3, 1] = 0
    with torch.no_grad():
        lost = model.head(field) - model.head(without)
    expected = 25 * lost + model.head[-1].bias
    torch.testing.assert_close(evidence[:, :, 3, 1], expected, rtol=0, atol=1e-12)


def test_gradients_of_pixels_say_so_and_lie_on_the_trunk():
    model, image = build("hybridsn"), torch.randn(30, 25, 26, dtype=torch.float64)
    assert not ends_in_mean(model)
    found = activation_maps_of(model.train(), image, [0, 70], Engine())
    assert found.method == BY_GRADIENTS
    assert found.centres.tolist() == [*range(4, 21)]  # four unpadded layers of a window of 25
    window = pad(image, 25)[None, :, 2 : 2 + 25, 18 : 18 + 25]
    np.testing.assert_allclose(found.evidence[1], gradient_maps(model, window)[0].numpy(), atol=1e-9)
    with torch.no_grad():
        logits = forward(model, image, torch.tensor([0, 70]), shared=True)
    np.testing.assert_allclose(found.evidence.mean((2, 3)), logits.numpy(), atol=1e-9)


def test_a_head_that_works_in_place_is_asked_all_the_same():
    plain, working = (flat([nn.ReLU(inplace=way), nn.Linear(3 * 25, CLASSES)]) for way in (False, True))
    working.load_state_dict(plain.state_dict())
    x = windows(plain, 2)
    torch.testing.assert_close(gradient_maps(working, x), gradient_maps(plain, x))
