"""What makes each network itself: its published parameter count, and the layers that it is named for."""

import pytest
import torch
from torch import nn

from hsi.engine.volumes import SpectralConv
from hsi.errors import HsiError
from hsi.models import (
    a2s2k_resnet,
    alexnet,
    cnn_1d,
    cnn_2d,
    cnn_3d,
    drn,
    googlenet,
    hybridsn,
    lenet,
    mamba,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
    nin,
    pnasnet,
    resnet,
    segnet,
    senet,
    shufflenet,
    shufflenet_v1,
    spectralformer,
    squeezenet,
    ssftt,
    ssrn,
    unet,
    vgg,
    xception,
)
from hsi.models.blocks.attention import SqueezeExcite
from hsi.models.blocks.layers import (
    ALIKE,
    LocalResponseNorm,
    Residual,
    TransformerBlock,
    centre,
    conv,
    depthwise,
    initialise,
    scale,
)
from hsi.models.blocks.stages import LEAST_FIELD, halvings, unpadded
from hsi.models.building import build_model


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def convolutions(model: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]


ORIGINALS = [  # network, its knobs, input, parameters; the sources stand in the headers of the families
    (lenet.original, {}, (1, 32, 32), 61_706),
    (lenet.original, {"activation": "sigmoid"}, (1, 32, 32), 61_706),
    (alexnet.original, {"columns": 2}, (3, 227, 227), 60_965_224),
    (alexnet.original, {"columns": 1}, (3, 227, 227), 61_100_840),
    (vgg.original, {"depth": 11}, (3, 224, 224), 132_863_336),
    (vgg.original, {"depth": 13}, (3, 224, 224), 133_047_848),
    (vgg.original, {"depth": 16}, (3, 224, 224), 138_357_544),
    (vgg.original, {"depth": 19}, (3, 224, 224), 143_667_240),
    (nin.original, {}, (3, 32, 32), 966_986),
    (nin.original_imagenet, {}, (3, 224, 224), 7_595_176),
    (nin.original_imagenet, {"in_channels": 1, "num_classes": 10, "last": None}, (1, 224, 224), 1_992_166),
    (googlenet.original, {}, (3, 224, 224), 6_998_552),
    (resnet.original, {"depth": 18}, (3, 224, 224), 11_689_512),
    (resnet.original, {"depth": 34}, (3, 224, 224), 21_797_672),
    (resnet.original, {"depth": 50}, (3, 224, 224), 25_557_032),
    (senet.original, {"depth": 18}, (3, 224, 224), 11_776_552),
    (drn.original, {"arch": "a", "depth": 18}, (3, 224, 224), 11_689_512),
    (drn.original, {"arch": "a", "depth": 34}, (3, 224, 224), 21_797_672),
    (drn.original, {"arch": "a", "depth": 50}, (3, 224, 224), 25_557_032),
    (drn.original, {"arch": "b", "depth": 42}, (3, 224, 224), 31_234_744),
    (drn.original, {"arch": "b", "depth": 26}, (3, 224, 224), 21_126_584),
    (drn.original, {"arch": "c", "depth": 26}, (3, 224, 224), 21_126_584),
    (drn.original, {"arch": "c", "depth": 42}, (3, 224, 224), 31_234_744),
    (squeezenet.original, {}, (3, 224, 224), 1_248_424),
    (squeezenet.original, {"bypass": "simple"}, (3, 224, 224), 1_248_424),
    (mobilenet_v1.original, {}, (3, 224, 224), 4_231_976),
    (mobilenet_v1.original, {"width": 0.75}, (3, 224, 224), 2_585_560),
    (mobilenet_v1.original, {"width": 0.5}, (3, 224, 224), 1_331_592),
    (mobilenet_v1.original, {"width": 0.25}, (3, 224, 224), 470_072),
    (mobilenet_v2.original, {}, (3, 224, 224), 3_504_872),
    (mobilenet_v3.original, {}, (3, 224, 224), 5_483_032),
    (mobilenet_v3.original, {"small": True}, (3, 224, 224), 2_542_856),
    (shufflenet.original, {}, (3, 224, 224), 2_278_604),
    *(
        (shufflenet_v1.original, {"groups": groups}, (3, 224, 224), count)
        for groups, count in [(1, 1_531_936), (2, 1_733_848), (3, 1_865_728), (4, 1_968_344), (8, 2_434_768)]
    ),
    (xception.original, {}, (3, 299, 299), 22_855_952),
    (segnet.original, {}, (3, 224, 224), 29_444_162 - (2 * 4_224 - 512)),
    (unet.original, {}, (1, 572, 572), 31_030_658),
    (pnasnet.original, {}, (3, 224, 224), 5_064_487),
    (pnasnet.original, {"cells": 4, "filters": 216, "stem": 96}, (3, 331, 331), 86_057_668),
    (cnn_1d.cnn_1d, {"in_channels": 220, "num_classes": 8, "patch_size": 1}, (220, 1, 1), 81_408),
    (ssftt.ssftt, {"in_channels": 30, "num_classes": 16}, (30, 13, 13), 153_224 - (8 + 64)),
    (spectralformer.spectralformer, {"in_channels": 200, "num_classes": 16}, (200, 7, 7), 355_577 + 5 * 192),
    (
        *(mamba.mamba, {"in_channels": 103, "num_classes": 9}, (103, 7, 7)),
        13_568 + 3 * (116_480 + 9_920 + 2 * 256 + 2) + 16_768 + 1_161,  # a scan over pixels, one over channels
    ),
    (ssrn.ssrn, {"in_channels": 200, "num_classes": 16, "patch_size": 7}, (200, 7, 7), 364_168 - 368),
    (
        *(a2s2k_resnet.a2s2k_resnet, {"in_channels": 200, "num_classes": 16, "patch_size": 9}),
        *((200, 9, 9), 370_856 + 2_424 - 440),
    ),
]


@pytest.mark.parametrize(("build", "knobs", "shape", "count"), ORIGINALS)
def test_published_parameter_counts(build, knobs, shape, count):
    """On the meta device: counted and shaped, not computed."""
    with torch.device("meta"):
        model = build(**knobs).eval()
        assert model(torch.empty(2, *shape)).shape[0] == 2
    assert parameters(model) == count


def test_squeeze_and_excitation_adds_what_equation_5_says():
    """Hu et al. 2018: 2/r times the sum of N C^2 over the stages, 2.5 million for ResNet-50."""
    with torch.device("meta"):
        added = parameters(senet.original(depth=50)) - parameters(resnet.original(depth=50))
    assert added == 2 * (3 * 256**2 + 4 * 512**2 + 6 * 1024**2 + 3 * 2048**2) // 16 == 2_514_944


def test_settings_of_its_own_attention_reach_senet():
    """Weights of the excitations: 2 N C h over the stages, with h hidden units."""
    with torch.device("meta"):
        plain = parameters(resnet.resnet(30, 16, width=0.5))
        added = [
            parameters(build_model({"_target_": "hsi.models.senet.senet", "width": 0.5, **knobs}, 30, 16)) - plain
            for knobs in ({}, {"reduction": 4}, {"least_hidden": 8})
        ]
    widths = (32, 64, 128, 256)
    assert added == [sum(4 * c * max(least, c // r) for c in widths) for r, least in ((16, 1), (4, 1), (16, 8))]


def test_excitation_stands_inside_every_residual_branch():
    model = senet.senet(8, 3, 11, width=0.25)
    blocks = [module for module in model.modules() if isinstance(module, Residual)]
    assert len(blocks) == 8
    assert all(isinstance(block.branch[-1], SqueezeExcite) for block in blocks)


@pytest.mark.parametrize(
    ("build", "dilations"),
    [
        (drn.drn_a, [1] * 9 + [1, 2, 2, 2] + [2, 4, 4, 4]),
        (drn.drn_b, [1] * 13 + [1, 2, 2, 2] + [2, 4, 4, 4] + [2, 2, 1, 1]),
        (drn.drn_c, [1] * 13 + [1, 2, 2, 2] + [2, 4, 4, 4] + [2, 2, 1, 1]),
    ],
)
def test_dilation_stands_in_place_of_the_last_two_strides(build, dilations):
    threes = [layer for layer in convolutions(build(8, 3, 15, width=0.25)) if layer.kernel_size == (3, 3)]
    assert [layer.dilation[0] for layer in threes] == dilations
    assert sum(layer.stride[0] - 1 for layer in threes) == 1  # one stride is left


def test_degridding_of_drn_c_has_no_shortcuts():
    b, c = ([isinstance(m, Residual) for m in build(8, 3, 9, width=0.25).head[:13]] for build in (drn.drn_b, drn.drn_c))
    assert b == [False] + [True] * 12  # the first convolution
    assert c == [False] + [True] * 10 + [False] * 2


@pytest.mark.parametrize("build", [drn.drn_a, drn.drn_b, drn.drn_c])
def test_dilation_meets_more_than_padding(build):
    """4 of 9 taps on average on the recommended window."""
    sides = set()
    with torch.device("meta"):
        model = build(8, 3, width=0.1).eval()
        for layer in convolutions(model):
            if layer.dilation == (4, 4):
                layer.register_forward_pre_hook(lambda _, inputs: sides.add(inputs[0].shape[-1]))
        model(torch.empty(1, 8, model.window, model.window))
    (side,) = sides
    taps = sum(0 <= place + 4 * step < side for place in range(side) for step in (-1, 0, 1)) / side
    assert taps**2 >= 4


def test_dilation_keeps_the_field_that_strides_lose():
    """At the published input: 28 x 28 in place of ResNet's 7 x 7."""
    with torch.device("meta"):
        sides = [
            model.eval()[:-4](torch.empty(1, 3, 224, 224)).shape[-1]
            for model in (resnet.original(), drn.original(arch="a"), drn.original(arch="c", depth=26))
        ]
    assert sides == [7, 28, 28]


def test_inception_widths_are_those_of_table_1():
    assert [stage.channels for stage in googlenet._modules(192, 1.0, 0, [True, True])] == [
        *(256, 480),
        *(512, 512, 512, 528, 832),
        *(832, 1024),
    ]
    assert len(googlenet.inception(8, (4, 2, 4, 2, 4, 4)).branches) == 4


@pytest.mark.parametrize(("block", "loss"), [(googlenet.inception(8, (4, 2, 4, 2, 4, 4), False), 4)])
def test_unpadded_branches_keep_the_middle(block, loss):
    """The 1 x 1 branch of an unpadded module is that of the padded one, without its borders."""
    x = torch.randn(1, 8, 11, 11)
    out = block(x)
    assert out.shape == (1, 16, 11 - loss, 11 - loss)
    assert torch.equal(out[:, :4], block.branches[0](x)[:, :, 2:-2, 2:-2])


def test_fire_squeezes_then_expands():
    squeeze, expand = squeezenet.fire(96, 16, 64)
    assert squeeze[0].weight.shape == (16, 96, 1, 1)
    assert [branch[0].weight.shape for branch in expand.branches] == [(64, 16, 1, 1), (64, 16, 3, 3)]


def test_bypasses_are_wires_where_channels_agree_and_convolutions_elsewhere():
    """Iandola et al. 2016, figure 2: fire3, 5, 7 and 9 have as many inputs as outputs."""
    with torch.device("meta"):
        plain, *bypassed = (squeezenet.original(bypass=kind) for kind in ("none", "simple", "complex"))
    simple, both = ([type(m.shortcut) for m in net.modules() if isinstance(m, Residual)] for net in bypassed)
    assert simple == [nn.Identity] * 4
    assert both == [nn.Sequential, nn.Identity] * 4
    pairs = [(96, 128), (128, 256), (256, 384), (384, 512)]
    assert parameters(bypassed[1]) - parameters(plain) == sum(i * o + o for i, o in pairs) == 341_248


def test_a_simple_bypass_adds_the_input_and_a_fire_module_can_be_normalised():
    x = torch.randn(2, 8, 5, 5)
    torch.manual_seed(0)
    plain = squeezenet.fire(8, 2, 4)
    torch.manual_seed(0)
    bypassed = squeezenet.fire(8, 2, 4, bypass="simple")
    torch.testing.assert_close(bypassed(x), plain(x) + x)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in squeezenet.fire(8, 2, 4, norm=True).modules()) == 3


@pytest.mark.parametrize("build", [squeezenet.squeezenet, googlenet.googlenet, nin.nin_imagenet])
def test_no_convolution_of_several_pixels_meets_a_field_of_one(build):
    """Of 3 x 3 pixels a pooling would leave one, around which 8 of 9 taps meet padding."""
    met: list[int] = []
    with torch.device("meta"):
        for window in (9, 15, 25):
            model = build(8, 3, window, width=0.1).eval()
            for layer in convolutions(model):
                if layer.kernel_size[0] > 1:
                    layer.register_forward_pre_hook(lambda _, inputs: met.append(inputs[0].shape[-1]))
            model(torch.empty(1, 8, window, window))
    assert min(met) >= 2


def test_dropout_of_alexnet_stands_behind_both_hidden_layers():
    """Krizhevsky et al. 2012, section 4.2."""
    layers = list(alexnet.alexnet(8, 3, 11, width=0.1, hidden=16).head)
    kinds = [type(layer) for layer in layers if isinstance(layer, nn.Linear | nn.Dropout | nn.Flatten)]
    assert kinds == [nn.Flatten, nn.Linear, nn.Dropout, nn.Linear, nn.Dropout, nn.Linear]


def test_columns_of_alexnet_meet_in_the_third_convolution_only():
    assert [layer.groups for layer in convolutions(alexnet.alexnet(8, 3, 11, width=0.1))] == [1, 2, 1, 2, 2]


def test_response_normalisation_is_torchs():
    x = torch.randn(2, 7, 3, 4)
    torch.testing.assert_close(LocalResponseNorm(5)(x), nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)(x))


def test_a_shortcut_is_cropped_around_the_middle():
    x = torch.arange(25.0).view(1, 1, 5, 5)
    assert centre(x, x[:, :, :3, :3]).flatten().tolist() == [6, 7, 8, 11, 12, 13, 16, 17, 18]
    double = Residual(nn.Identity(), nn.Identity(), nn.Identity())
    assert torch.equal(double(x), 2 * x)


@pytest.mark.parametrize(
    ("window", "losses", "expected"),
    [(9, (2, 2), (1, 7)), (25, (2, 4, 4), (3, 15)), (8, (2,), (0, 8)), (15, (4, 8, 2), (1, 11)), (9, (), (0, 9))],
)
def test_unpadded_layers_stand_at_the_front_and_leave_a_field(window, losses, expected):
    count, side = unpadded(window, losses)
    assert (count, side) == expected
    assert count == 0 or side >= LEAST_FIELD


@pytest.mark.parametrize(
    ("side", "early", "expected"), [(7, 1, [1, 2, 2, 1]), (224, 0, [2, 2, 2, 2]), (3, 0, [1, 1, 1, 1])]
)
def test_strides_are_kept_late_and_while_the_field_is_large(side, early, expected):
    assert halvings((2, 2, 2, 2), side, early) == expected


def test_depthwise_filters_see_one_channel_and_pointwise_filters_one_position():
    assert depthwise(4, multiplier=2)[0].weight.shape == (8, 1, 3, 3)
    first, second = mobilenet_v1.pair(4, 6)
    assert [first[0].weight.shape, second[0].weight.shape] == [(4, 1, 3, 3), (6, 4, 1, 1)]
    x = torch.randn(2, 4, 5, 5)
    changed = x.clone()
    changed[:, 1] += 1
    same = (first.eval()(x) == first(changed)).all(0).all(1).all(1)
    assert same.tolist() == [True, False, True, True]


def test_bottlenecks_are_linear_and_narrow():
    """Sandler et al. 2018: activations stand in the wide inside only; the sum is of the narrow outsides."""
    block = mobilenet_v2.inverted_residual(4, 24, 4)
    assert isinstance(block, Residual)
    assert [layer.weight.shape[:2] for layer in convolutions(block)] == [(24, 4), (24, 1), (4, 24)]
    assert [len(part) for part in block.branch] == [3, 3, 2]
    assert (block(torch.randn(8, 4, 5, 5)) < 0).any()
    assert not any(isinstance(m, Residual) for m in mobilenet_v2.inverted_residual(4, 24, 4, stride=2).modules())


def test_hard_excitation_scales_channels_by_a_piecewise_linear_sigmoid():
    x, excite = torch.randn(2, 8, 3, 3), mobilenet_v3.HardExcite(8, 4)
    raw = excite.gate[:-1](x)
    torch.testing.assert_close(excite(x), x * (raw + 3).clamp(0, 6) / 6)


def test_channels_of_two_groups_are_shuffled():
    x = torch.arange(6.0).view(1, 6, 1, 1)
    assert shufflenet.ChannelShuffle(2)(x).flatten().tolist() == [0, 3, 1, 4, 2, 5]
    assert shufflenet.ChannelShuffle(3)(x).flatten().tolist() == [0, 2, 4, 1, 3, 5]


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 8])
def test_grouped_pointwise_convolutions_see_each_other_through_the_shuffle(groups):
    """Zhang et al. 2018, figure 1: without it, an output channel would depend on the inputs of its group alone."""
    torch.manual_seed(0)
    unit = shufflenet_v1.unit(16 * groups, groups).double().eval()
    grouped = [layer.groups for layer in convolutions(unit)]
    assert grouped == [groups, 4 * groups, groups]
    x = torch.randn(1, 16 * groups, 3, 3, dtype=torch.float64, requires_grad=True)
    unit.branch(x)[0, 0].sum().backward()
    first, shuffled = 4, min(groups, 4)  # inner channels of a group; groups that its first outputs are drawn from
    assert first * groups == unit.branch[0][0].out_channels
    assert x.grad.abs().sum((0, 2, 3)).unflatten(0, (groups, -1)).sum(1).bool().sum() == shuffled


def test_the_first_pointwise_convolution_of_shufflenet_is_not_grouped_and_widening_units_concatenate():
    model = shufflenet_v1.original(groups=3)
    assert [layer.groups for layer in convolutions(model)][1:4] == [1, 60, 3]
    x = torch.randn(2, 6, 5, 5)
    out = shufflenet_v1.wider_unit(6, 24, 3, 2, 1).eval()(x)
    assert out.shape == (2, 24, 3, 3)
    torch.testing.assert_close(out[:, :6], nn.functional.avg_pool2d(x, 3, 2, padding=1).relu())


def test_separable_convolutions_have_no_activation_between_their_halves():
    """Chollet 2017, section 4.7; 36 convolutions in 14 blocks, of which all but the first and last have shortcuts."""
    assert [type(layer) for part in xception.separable(4, 6) for layer in part] == [
        nn.Conv2d,
        nn.Conv2d,
        nn.BatchNorm2d,
    ]
    with torch.device("meta"):
        model = xception.original()
    assert sum(isinstance(m, Residual) for m in model.modules()) == 12
    assert sum(layer.kernel_size == (3, 3) for layer in convolutions(model)) == 36


def test_excitation_begins_in_the_first_block_of_mobilenet_v3_small():
    """So that its trunk ends before it."""
    small, large = (
        build(8, 3, 15, width=0.25) for build in (mobilenet_v3.mobilenet_v3_small, mobilenet_v3.mobilenet_v3)
    )
    assert [sum(isinstance(m, mobilenet_v3.HardExcite) for m in net.head.modules()) for net in (small, large)] == [9, 8]
    assert (small.trunk_window, large.trunk_window) == (13, 7)


def test_half_of_the_channels_pass_a_shuffle_unit_untouched():
    x = torch.randn(2, 8, 5, 5)
    out = shufflenet.unit(4)(x)
    assert torch.equal(out[:, ::2], x[:, :4])
    assert (out[:, 1::2] != x[:, 4:]).any()


def test_the_middle_pixel_is_all_that_cnn_1d_sees():
    model = cnn_1d.cnn_1d(30, 3, 9)
    x = torch.randn(2, 30, 9, 9)
    torch.testing.assert_close(model(x), model(x[:, :, 4:5, 4:5].expand_as(x)))
    assert (model.window, model.trunk_window) == (9, 1)


def test_spectral_pooling_is_torchs():
    x = torch.randn(2, 3, 11, 2, 2)
    pooled = nn.MaxPool3d((4, 1, 1), ceil_mode=True)(x)
    assert torch.equal(cnn_1d.SpectralMaxPool(4)(x), pooled)


def test_the_window_of_5_leaves_one_position():
    """Makantasis et al. 2015, Li et al. 2017: two unpadded convolutions, and the filters that they print."""
    flat, deep = cnn_2d.cnn_2d(10, 3, 5), cnn_3d.cnn_3d(30, 3, 5)
    assert [layer.out_channels for layer in convolutions(flat)] == [30, 90]
    kernels = [(m.out_channels, m.kernel_size) for m in deep.modules() if isinstance(m, nn.Conv3d)]
    assert kernels == [(2, (7, 3, 3)), (4, (3, 3, 3))]
    assert flat.trunk_window == deep.trunk_window == 1


def test_ssrn_filters_the_spectrum_before_the_window():
    blocks = [module for module in ssrn.ssrn(30, 3, 9).modules() if isinstance(module, Residual)]
    kinds = [[type(part[0]) for part in block.branch] for block in blocks]
    assert kinds == [[SpectralConv] * 2] * 2 + [[nn.Conv2d] * 2] * 2


def test_self_attention_is_torchs():
    block = TransformerBlock(8, 2, 16).eval()
    reference = nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True)
    ours = [*block.mixed, block.joined[0], block.tokenwise[0], block.tokenwise[1], block.tokenwise[4]]
    attention = reference.self_attn
    with torch.no_grad():
        attention.in_proj_weight.copy_(ours[1].weight)
        attention.in_proj_bias.copy_(ours[1].bias)
    pairs = [(reference.norm1, 0), (attention.out_proj, 2), (reference.norm2, 3)]
    for layer, index in [*pairs, (reference.linear1, 4), (reference.linear2, 5)]:
        layer.load_state_dict(ours[index].state_dict())
    x = torch.randn(3, 5, 8)
    torch.testing.assert_close(block(x), reference(x))


def test_tokens_are_weighted_means_over_the_window():
    """Alike positions give each token their common value; the order of positions does not matter."""
    tokenizer = ssftt.Tokenizer(8, 4)
    x = torch.randn(2, 8, 3, 3)
    tokens = tokenizer(x)
    assert tokens.shape == (2, 4, 8)
    torch.testing.assert_close(tokens, tokenizer(x.transpose(2, 3)))
    alike = tokenizer(x[:, :, :1, :1].expand_as(x))
    torch.testing.assert_close(alike, tokenizer.value(x[:, :, 0, 0])[:, None].expand_as(alike))


def test_bands_are_grouped_with_their_neighbours():
    groups = spectralformer.BandGroups(3)(torch.arange(5.0).view(1, 5, 1, 1))
    assert groups[0].tolist() == [[4, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0]]


def test_fusion_across_layers_that_keeps_its_first_is_a_plain_transformer():
    network = spectralformer.CrossLayerFusion(6, 8, 0.0)
    assert len(network.fusions) == 3
    with torch.no_grad():
        for fusion in network.fusions:
            fusion.weight.copy_(torch.stack([torch.eye(6), torch.zeros(6, 6)], dim=2)[:, :, None])
            fusion.bias.zero_()
    x = torch.randn(2, 6, 8)
    torch.testing.assert_close(network(x), nn.Sequential(*network.blocks)(x))


def test_width_is_exact_at_1_and_never_below_the_least():
    assert [scale(6, 1.0), scale(6, 0.5), scale(6, 0.01)] == [6, 3, 1]
    assert [scale(16, 0.3, 24), scale(128, 0.3, 24)] == [24, 38]


def test_sigmoid_takes_the_place_of_tanh_and_leaky_relu_that_of_relu():
    changed, plain = (lenet.lenet(8, 3, 11, **knobs) for knobs in ({"activation": "sigmoid"}, {}))
    assert [sum(isinstance(m, kind) for m in changed.modules()) for kind in (nn.Sigmoid, nn.Tanh, nn.AvgPool2d)] == [
        4,
        0,
        2,
    ]
    assert parameters(changed) == parameters(plain)
    bound = (6 / (25 * (8 + 6))) ** 0.5  # Glorot and Bengio 2010, equation 16
    assert bound / 2 < changed.trunk[0][0].weight.abs().max() <= bound
    leaky = hybridsn.hybridsn(15, 3, 9, activation="leaky_relu")
    assert [sum(isinstance(m, kind) for m in leaky.modules()) for kind in (nn.LeakyReLU, nn.ReLU)] == [6, 0]


@pytest.mark.parametrize(("window", "trunk"), [(9, 7), (11, 9), (25, 15)])
def test_the_trunk_of_resnet_grows_with_the_window(window, trunk):
    assert resnet.resnet(8, 3, window, width=0.1).trunk_window == trunk


def test_small_fields_are_not_halved():
    """Batch statistics need two positions at least, even of one window."""
    features = resnet.resnet(8, 3, 9, width=0.25)
    features.head = features.head[:-4]
    assert features(torch.randn(1, 8, 9, 9)).shape[-2:] == (2, 2)


@pytest.mark.parametrize(
    ("build", "knobs", "words"),
    [
        (vgg.vgg, {"depth": 12}, "model.depth=12: choose 11, 13, 16 or 19"),
        (resnet.resnet, {"depth": 20}, "model.depth=20: choose 18, 34 or 50"),
        (drn.drn_c, {"depth": 18}, "model.depth=18: choose 26 or 42"),
        (squeezenet.squeezenet, {"bypass": "wire"}, "model.bypass=wire: choose none, simple or complex"),
        (squeezenet.squeezenet, {"norm": "batch"}, "model.norm=batch: give true or false"),
        (shufflenet_v1.shufflenet_v1, {"groups": 5}, "model.groups=5: choose 1, 2, 3, 4 or 8"),
        (segnet.segnet, {"patch_size": 3}, "SegNet needs a window of at least 5, not 3"),
        (senet.senet, {"attention": None}, "SE-ResNet without attention is ResNet"),
        (senet.senet, {"attention": SqueezeExcite, "reduction": 4}, "keys of SE-ResNet's own attention"),
        (senet.senet, {"attention": "se"}, r"attention is a group of its own, give \+attention=se"),
        (alexnet.alexnet, {"columns": 3}, "model.columns=3: choose 1 or 2"),
        (lenet.lenet, {"patch_size": 7}, "LeNet needs a window of at least 9, not 7"),
        (squeezenet.squeezenet, {"patch_size": 1}, "at least 3, not 1"),
        (nin.nin, {"attention_position": "first"}, "choose last or every"),
        (resnet.resnet, {"attention": SqueezeExcite, "attention_position": "all"}, "choose last or every"),
        (googlenet.googlenet, {"patch_size": 10}, "odd"),
        (spectralformer.spectralformer, {"attention": SqueezeExcite}, "no feature map"),
        (spectralformer.spectralformer, {"neighbours": 2}, "model.neighbours=2: give an odd whole number of bands"),
        (spectralformer.spectralformer, {"attention_position": "all"}, "choose last or every"),
        (mamba.mamba, {"states": 0}, "model.states=0"),
        (unet.unet, {"patch_size": 3}, "U-Net needs a window of at least 5, not 3"),
        (pnasnet.pnasnet, {"cells": 0}, "model.cells=0: give a whole number from 1 to 100"),
        (pnasnet.pnasnet, {"filters": 1}, "model.filters=1: give a whole number from 2 on"),
        (pnasnet.pnasnet, {"attention_position": "first"}, "choose last or every"),
        (a2s2k_resnet.a2s2k_resnet, {"patch_size": 3}, "at least 5, not 3"),
    ],
)
def test_what_cannot_be_built_is_said(build, knobs, words):
    with pytest.raises(HsiError, match=words):
        build_model({"_target_": f"{build.__module__}.{build.__name__}", **knobs}, 8, 3)


def test_pointwise_convolutions_start_so_that_variance_passes_through_relu():
    """He et al. 2015, equation 10: weights of standard deviation sqrt(2 / fan in)."""
    layer = conv(32, 256, 1)[0]
    assert layer.weight.std().item() == pytest.approx((2 / 32) ** 0.5, rel=0.05)
    assert not layer.bias.any()


@pytest.mark.parametrize("shape", [(64, 32, 3, 3), (32, 16, 7, 3, 3), (2048, 1, 5, 5)])
def test_kernels_start_alike_along_rows_and_columns_alone(shape):
    torch.manual_seed(0)
    weight = torch.empty(shape)
    initialise(weight)
    taps = weight.flatten(-2).flatten(0, -2).T.corrcoef()
    others = taps[~torch.eye(len(taps), dtype=torch.bool)]
    assert others.tolist() == pytest.approx([ALIKE] * len(others), abs=0.05)
    if len(shape) == 5:
        first, second = weight.mean((3, 4)).flatten(0, 1)[:, :2].T
        assert abs(torch.stack([first, second]).corrcoef()[0, 1].item()) < 0.15


def test_equal_pixels_grow_by_as_much_as_independent_ones_shrink():
    """What `initialise` says of the two variances: they differ by 1 + (n - 1) ALIKE, and their product is 1."""
    torch.manual_seed(0)
    weight = torch.empty(4096, 16, 3, 3)
    initialise(weight)
    # ReLU halves the mean square of what comes next
    independent = weight.square().sum((1, 2, 3)).mean().item() / 2
    equal = weight.sum((2, 3)).square().sum(1).mean().item() / 2
    assert equal * independent == pytest.approx(1, rel=0.05)
    assert equal / independent == pytest.approx(1 + 8 * ALIKE, rel=0.05)
