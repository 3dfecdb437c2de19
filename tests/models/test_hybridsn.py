import pytest
import torch
from torch import nn

from hsi.engine.cost import cost
from hsi.errors import HsiError
from hsi.models.blocks.attention import SqueezeExcite
from hsi.models.building import build_model
from hsi.models.hybridsn import hybridsn


@pytest.mark.parametrize(
    ("components", "classes", "parameters"),
    [(30, 16, 5_122_176), (15, 9, 4_844_793), (15, 16, 4_845_696)],
)
def test_published_parameter_counts(components, classes, parameters):
    """Roy et al. 2020, and the authors' program, for Indian Pines, Pavia University and Salinas."""
    assert sum(p.numel() for p in hybridsn(components, classes).parameters()) == parameters


def test_published_layer_sizes():
    counts = [
        sum(p.numel() for p in layer.parameters())
        for layer in hybridsn(30, 16).modules()
        if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear)
    ]
    assert counts == [512, 5_776, 13_856, 331_840, 4_735_232, 32_896, 2_064]


@pytest.mark.parametrize(("window", "components"), [(9, 13), (11, 30), (25, 30)])
def test_forward_and_gradients(window, components):
    model = hybridsn(components, 7, window)
    logits = model(torch.randn(2, components, window, window))
    assert logits.shape == (2, 7)
    logits.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize(
    ("arguments", "components", "words"),
    [
        ({"patch_size": 7}, 15, "at least 9"),
        ({"patch_size": 8}, 15, "odd"),
        ({"patch_size": 10}, 15, "odd"),
        ({}, 12, "at least 13 components"),
        ({"attention_position": "first"}, 15, "last or every"),
    ],
)
def test_what_it_cannot_take_is_said(arguments, components, words):
    with pytest.raises(HsiError, match=words):
        build_model({"_target_": "hsi.models.hybridsn.hybridsn", **arguments}, components, 3)


def test_attention_after_every_convolution_leaves_one_convolution_shared():
    plain, last, every = (
        cost(hybridsn(30, 16, attention=a, attention_position=p), 145, 145)
        for a, p in [(None, "last"), (SqueezeExcite, "last"), (SqueezeExcite, "every")]
    )
    assert plain.whole == pytest.approx(248e6, rel=0.01)
    assert plain.shared == pytest.approx(5.7e6, rel=0.02)
    by_hand = 24 * 23**2 * 8 * 63 + 20 * 21**2 * 16 * 360 + 18 * 19**2 * 32 * 432 + 17**2 * 64 * 5184
    assert plain.trunk == by_hand  # positions x filters x weights of each, over spectrum and window, layer by layer
    assert plain.trunk_share == by_hand / plain.whole
    assert last.shared < 1.01 * plain.shared
    assert every.shared > 40 * plain.shared


def test_it_starts_as_the_authors_program():
    model = hybridsn(30, 16)
    fully_connected = next(layer for layer in model.head if isinstance(layer, nn.Linear))
    bound = (6 / (18496 + 256)) ** 0.5
    assert fully_connected.weight.abs().max() <= bound
    assert fully_connected.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.01)
    assert not fully_connected.bias.any()
