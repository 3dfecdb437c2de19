import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hsi.config.build import build
from hsi.engine import symmetry
from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, cut, forward, logits_of, map_logits, trunk_floats
from hsi.engine.framed import frame, pad
from hsi.errors import HsiError
from hsi.mapping.scene_map import MapSettings, map_scene
from hsi.models.blocks.attention import SqueezeExcite
from hsi.models.hybridsn import hybridsn

POSITIONS = [(None, "last"), (SqueezeExcite, "last"), (SqueezeExcite, "every")]

cases = given(
    window=st.sampled_from([9, 11, 13]),
    components=st.sampled_from([13, 15]),
    attention=st.sampled_from(POSITIONS),
    padding=st.sampled_from(["zero", "reflect", "edge"]),
    masked=st.booleans(),
    seed=st.integers(0, 1000),
)


def a_case(window, components, attention, masked, seed, dtype=torch.float64):
    torch.manual_seed(seed)
    model = hybridsn(components, 5, window, attention=attention[0], attention_position=attention[1], dropout=0.0)
    image = torch.randn(components, 14, 17, dtype=dtype)
    region = (torch.arange(17) > 8).expand(14, 17).long() if masked else None
    return model.to(dtype), image, region, torch.randperm(14 * 17)[:40]


@settings(max_examples=12, deadline=None)
@cases
def test_dense_logits_equal_window_by_window(window, components, attention, padding, masked, seed):
    model, image, region, pixels = a_case(window, components, attention, masked, seed)
    dense, patch = (forward(model, image, pixels, shared=s, padding=padding, region=region) for s in (True, False))
    assert (dense - patch).abs().max() < 1e-9
    assert dense.std() > 1e-6  # the comparison is of something


@settings(max_examples=6, deadline=None)
@cases
def test_dense_gradients_equal_window_by_window(window, components, attention, padding, masked, seed):
    model, image, region, pixels = a_case(window, components, attention, masked, seed)
    gradients = []
    for shared in (True, False):
        model.zero_grad()
        forward(model, image, pixels, shared=shared, padding=padding, region=region).square().sum().backward()
        gradients.append([p.grad.clone() for p in model.parameters()])
    for dense, patch in zip(*gradients, strict=True):
        assert (dense - patch).abs().max() < 1e-9 * max(1.0, float(patch.abs().max()))


@pytest.mark.parametrize("attention", POSITIONS)
def test_float32_agrees_to_1e_4(attention):
    model, image, _, pixels = a_case(11, 15, attention, False, 0, torch.float32)
    dense, patch = (forward(model, image, pixels, shared=s) for s in (True, False))
    assert (dense - patch).abs().max() < 1e-4


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("memory_gb", [2.0, 0.004])
def test_whole_map_borders_included(masked, memory_gb):
    """Mapping in strips under a small memory cap gives what single windows give, for every pixel."""
    model, image, region, _ = a_case(11, 15, POSITIONS[1], masked, 3)
    model.eval()
    everything = torch.arange(14 * 17)
    expected = forward(model, image, everything, shared=False, region=region)
    for mode in ("dense", "patch"):
        engine = Engine(mode, memory_gb=memory_gb)
        logits = torch.full_like(expected, torch.nan)
        for places, part in map_logits(model, image, engine, everything, region):
            logits[places] = part
        assert (logits - expected).abs().max() < 1e-9
        assert torch.equal(logits_of(model, image, engine, region), logits)
        shuffled = torch.randperm(14 * 17)  # in whatever order pixels are asked for, theirs is the order of the answer
        assert (logits_of(model, image, engine, region, shuffled) - expected[shuffled]).abs().max() < 1e-9


def test_a_window_is_cut_around_its_pixel():
    image = torch.arange(30.0).view(1, 5, 6)
    padded = pad(image, 3)
    window = cut(padded, torch.tensor([0 * padded.shape[2] + 1]), 3)
    assert window[0, 0].tolist() == [[0, 0, 0], [0, 1, 2], [6, 7, 8]]


@pytest.mark.parametrize("padding", ["zero", "reflect", "edge"])
def test_beyond_the_border_lies_what_the_padding_says(padding):
    padded = pad(torch.arange(1.0, 31).view(1, 5, 6), 3, padding)
    assert padded.shape == (1, 7, 8)
    assert padded[0, 0, 0] == {"zero": 0, "reflect": 8, "edge": 1}[padding]
    assert padded[0, -1, -1] == {"zero": 0, "reflect": 23, "edge": 30}[padding]
    assert torch.equal(padded[:, 1:-1, 1:-1], torch.arange(1.0, 31).view(1, 5, 6))


def test_masked_windows_do_not_see_the_other_region():
    """Changing every pixel of one region changes no logit of the other."""
    model, image, region, _ = a_case(11, 13, POSITIONS[0], True, 5)
    left = torch.nonzero(region.flatten() == 0).flatten()
    before = forward(model, image, left, shared=True, region=region)
    after = forward(model, torch.where(region == 1, image + 100, image), left, shared=True, region=region)
    assert torch.equal(before, after)


@pytest.mark.parametrize(
    ("batch", "memory_gb", "shared"),
    [(1024, 2.0, True), (4, 2.0, False), (1024, 0.0001, False)],
)
def test_auto_counts_positions_and_respects_memory(batch, memory_gb, shared):
    assert Engine(memory_gb=memory_gb).shares_training(hybridsn(15, 3, 11), 40, 40, batch) is shared


def test_auto_trains_batch_normalised_trunks_by_window():
    model = WindowClassifier(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), nn.Flatten(), 3, 5)
    assert not Engine().shares_training(model, 20, 20, 10_000)
    assert Engine("dense").shares_training(model, 20, 20, 10_000)


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 4, 3, stride=2), nn.AdaptiveAvgPool2d(1), nn.MaxPool2d(2)])
def test_a_trunk_that_cannot_be_shared_is_refused(layer):
    with pytest.raises(HsiError, match="move such layers to the head"):
        WindowClassifier(layer, nn.Flatten(), 3, 9)


def test_averaging_the_symmetries_makes_the_map_turn_with_the_scene():
    model, image, _, _ = a_case(9, 13, POSITIONS[0], False, 7, torch.float32)
    engine, how = Engine(), MapSettings(symmetries=8)
    straight = map_scene(model, image, engine=engine, settings=how)
    turned = map_scene(model, torch.rot90(image, 1, (1, 2)), engine=engine, settings=how)
    np.testing.assert_allclose(np.rot90(straight.confidence), turned.confidence, atol=1e-6)


def test_windows_larger_than_the_scene_are_refused():
    with pytest.raises(HsiError, match="larger than the scene of 5 x 6"):
        pad(torch.zeros(1, 5, 6), 7)


@pytest.mark.parametrize("settings", [{"mode": "fast"}, {"padding": "mirror"}, {"memory_gb": 0}])
def test_unknown_howare_refused(settings):
    with pytest.raises(HsiError, match=rf"^engine\.{next(iter(settings))}="):
        build({"_target_": "hsi.engine.forward.Engine", **settings}, "engine")


def test_free_context_is_the_map_without_regions():
    model, image, region, _ = a_case(9, 13, (None, "last"), True, 0, torch.float32)
    own, free = (MapSettings(context=context) for context in ("own", "free"))
    masked, unmasked, plain = (
        map_scene(model, image, engine=Engine(), settings=mapping, region=sides).confidence
        for mapping, sides in ((own, region.numpy()), (free, region.numpy()), (own, None))
    )
    assert (unmasked == plain).all()
    assert not np.allclose(masked, plain)
    far = np.abs(np.arange(17) - 8.5) > 4  # columns whose windows do not reach the border between columns 8 and 9
    np.testing.assert_allclose(masked[:, far], plain[:, far], atol=1e-6)


def test_an_unknown_context_is_refused():
    with pytest.raises(HsiError, match=r"map\.context=both"):
        build({"_target_": "hsi.mapping.scene_map.MapSettings", "context": "both"}, "map")


@pytest.mark.parametrize("turn", range(8))
@pytest.mark.parametrize("padding", ["zero", "reflect", "edge"])
@pytest.mark.parametrize("mode", ["dense", "patch"])
def test_a_part_with_its_margin_gives_what_the_whole_scene_gives_there(mode, padding, turn):
    model, image, region, _ = a_case(9, 13, (None, "last"), True, 2)
    model.eval()
    engine = Engine(mode, padding=padding)
    whole = logits_of(model, image, engine, region).view(14, 17, -1)
    part = frame(image, 9, padding, region).part(3, 8, 6, 17)
    assert part.shape == (5, 11)
    turned = logits_of(model, part.turned(turn), engine)
    places = symmetry.transform_pixels(torch.arange(5 * 11), 5, 11, turn)
    straight = turned[places]
    alone = logits_of(
        model, frame(symmetry.transform(image, turn), 9, padding, symmetry.transform(region, turn)), engine
    )
    of_whole = alone[symmetry.transform_pixels(torch.arange(14 * 17), 14, 17, turn)].view(14, 17, -1)[3:8, 6:17]
    assert (straight - of_whole.reshape(55, -1)).abs().max() < 1e-9
    if turn == symmetry.IDENTITY:
        assert (straight - whole[3:8, 6:17].reshape(55, -1)).abs().max() < 1e-9


def test_a_row_that_is_too_wide_for_the_memory_is_cut():
    model, image, region, _ = a_case(9, 13, (None, "last"), True, 2)
    model.eval()
    widest = []
    model.trunk.register_forward_pre_hook(
        lambda _, given: widest.append(0 if given[0].is_meta else given[0].shape[-2:].numel())
    )
    everything = logits_of(model, image, Engine(), region)
    tiny = Engine(memory_gb=11**2 * trunk_floats(model) * 4 / 1e9)
    widest.clear()
    found = logits_of(model, image, tiny, region)
    assert max(widest) <= 11**2
    assert (found - everything).abs().max() < 1e-9
