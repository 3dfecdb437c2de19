"""How the engine decides: where weights lie, what a training step shares, what part of a scene is mapped at once."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from hsi.engine.contract import PlainHead, WindowClassifier
from hsi.engine.forward import HEAD_CHUNK, Engine, _tiles, as_image, forward, logits_of, map_logits, trunk_floats
from hsi.engine.framed import Framed, frame

WEIGHTS = {4: torch.channels_last, 5: torch.channels_last_3d}


def model(plain=False):
    """With weights of one to five axes."""
    trunk = nn.Sequential(nn.Unflatten(1, (2, 2)), nn.Conv3d(2, 3, (2, 3, 3)), nn.Flatten(1, 2), nn.Conv2d(3, 6, 3))
    head = nn.Sequential(nn.Flatten(2), nn.Conv1d(6, 6, 1), nn.Flatten(), nn.Linear(6, 2))
    if plain:
        return WindowClassifier(nn.Identity(), PlainHead(nn.Sequential(*trunk, *head), 2, True), 4, 5)
    return WindowClassifier(trunk, head, 4, 5)


def lie_so(each):
    return [
        weight.is_contiguous(memory_format=WEIGHTS[weight.dim()])
        for weight in each.parameters()
        if weight.dim() in WEIGHTS
    ]


@pytest.mark.parametrize(
    ("word", "processor", "wanted"),
    [
        (True, "AVX2", True),
        (False, "AVX512", False),
        ("auto", "AVX2", False),
        ("auto", "AVX512", True),
        ("auto", "AVX512_VNNI", True),
    ],
)
def test_weights_lie_where_the_processor_likes_them_and_keep_their_values(monkeypatch, word, processor, wanted):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: processor)
    each = model()
    before = {name: value.clone() for name, value in each.state_dict().items()}
    assert Engine(channels_last=word).lay_out(each) is each
    assert lie_so(each) == [wanted, wanted]
    assert all(torch.equal(value, before[name]) for name, value in each.state_dict().items())
    assert not any(lie_so(Engine(channels_last=True).lay_out(model(plain=True))))


def wide(count, batch, memory_gb=1.0, trunk=None):
    """Whether a scene of 20 x 30 pixels is shared, for windows of 5 and 4 + 6 values at a position, nearly."""
    network = WindowClassifier(trunk or nn.Conv2d(4, count, 1), nn.Flatten(), 4, 5)
    return Engine(memory_gb=memory_gb).shares_training(network, 20, 30, batch)


def test_a_step_shares_where_its_windows_have_more_positions_than_the_scene():
    """24 x 34 positions of the scene and its margin, 25 of a window."""
    assert 32 * 25 < 24 * 34 < 33 * 25
    assert not wide(6, 32)
    assert wide(6, 33)
    exact = WindowClassifier(nn.Conv2d(4, 6, 1), nn.Flatten(), 4, 5)
    assert not Engine().shares_training(exact, 21, 21, 25)  # as many: 25 x 25


def test_a_step_shares_where_the_memory_holds_the_scene_and_its_gradients():
    """4 bytes for each of 4 + 6 values at 24 x 34 positions, and as much again."""
    needed = 2 * 4 * (4 + 6) * 24 * 34 / 1e9
    assert wide(6, 1000, memory_gb=1.001 * needed)
    assert not wide(6, 1000, memory_gb=0.999 * needed)


@pytest.mark.parametrize(("mode", "seen"), [("auto", (4, 24, 34)), ("dense", (4, 24, 34)), ("patch", (4, 5, 5))])
def test_a_map_shows_the_trunk_the_scene_or_each_window(mode, seen):
    each, shapes = WindowClassifier(nn.Conv2d(4, 6, 1), nn.Flatten(), 4, 5), set()
    each.trunk.register_forward_pre_hook(
        lambda _, given: None if given[0].is_meta else shapes.add(tuple(given[0].shape[1:]))
    )
    logits_of(each, torch.rand(4, 20, 30), Engine(mode))
    assert shapes == {seen}


@pytest.mark.parametrize("mode", ["dense", "patch"])
def test_a_step_does_as_it_is_told(mode):
    each = WindowClassifier(nn.Conv2d(4, 6, 1), nn.Flatten(), 4, 5)
    assert Engine(mode).shares_training(each, 20, 30, 1000) is (mode == "dense")
    assert Engine(mode).shares_training(each, 20, 30, 1) is (mode == "dense")


def test_a_network_without_a_trunk_shares_nothing():
    assert not wide(6, 1000, trunk=nn.Identity())
    assert not wide(6, 1000, trunk=nn.Sequential(nn.Conv2d(4, 6, 1), nn.BatchNorm2d(6)))


@pytest.mark.parametrize(
    ("trunk", "batch", "memory", "reason"),
    [
        (nn.Identity(), 99, 1.0, "goes window by window: the network has no trunk to share"),
        (nn.BatchNorm2d(4), 99, 1.0, "goes window by window: the trunk normalises by batch statistics"),
        (nn.Conv2d(4, 6, 1), 9, 1.0, "goes window by window: 225 window positions are fewer than the scene's 816"),
        (nn.Conv2d(4, 6, 1), 99, 1e-6, "goes window by window: the scene would need 0.0 GB, engine.memory_gb is 1e-06"),
        (
            nn.Conv2d(4, 6, 1),
            99,
            1.0,
            "shares the trunk: 816 scene positions in place of 2,475 window positions a step",
        ),
    ],
)
def test_the_log_says_why(caplog, trunk, batch, memory, reason):
    caplog.set_level("INFO")
    wide(6, batch, memory, trunk)
    assert caplog.messages == [f"Training {reason}."]


@given(rows=st.integers(1, 30), cols=st.integers(1, 30), around=st.integers(0, 8), positions=st.floats(1, 2000))
def test_tiles_cover_a_scene_once_within_their_room(rows, cols, around, positions):
    seen = torch.zeros(rows, cols, dtype=torch.int64)
    tiles = list(_tiles(rows, cols, around, positions))
    for top, bottom, left, right in tiles:
        assert 0 <= top < bottom <= rows
        assert 0 <= left < right <= cols
        seen[top:bottom, left:right] += 1
        size = (bottom - top + around) * (right - left + around)
        assert size <= positions or (bottom - top, right - left) == (1, 1)
    assert (seen == 1).all()
    strips = all((left, right) == (0, cols) for *_, left, right in tiles)
    assert strips == (
        (cols + around) * (1 + around) <= positions or cols <= max(1, math.isqrt(int(positions)) - around)
    )
    if (rows + around) * (cols + around) <= positions:
        assert len(tiles) == 1


def test_an_image_has_its_bands_first():
    features = torch.arange(24.0).view(2, 3, 4).numpy()
    image = as_image(features, torch.device("cpu"))
    assert image.shape == (4, 2, 3)
    assert image.is_contiguous()
    assert all(image[c, row, col] == features[row, col, c] for c in range(4) for row in range(2) for col in range(3))


class Counted(nn.Module):
    """A head that keeps how many windows it is shown at once."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def forward(self, windows):
        if not windows.is_meta:
            self.sizes.append(len(windows))
        return windows.flatten(1)[:, :2]


@pytest.mark.parametrize("mode", ["dense", "patch"])
def test_a_head_sees_no_more_windows_at_once_than_memory_holds(mode):
    head = Counted()
    each = WindowClassifier(nn.Conv2d(3, 5, 1, bias=False), head, 3, 3).eval()
    per_window = 45 + (0 if mode == "dense" else 27) + 2  # input of the head, with the trunk's where it goes along
    image, everything = torch.rand(3, 12, 13), torch.arange(156)
    expected = logits_of(each, image, Engine(mode), pixels=everything)
    assert head.sizes == [156]
    head.sizes.clear()
    engine = Engine(mode, memory_gb=4 * 10.5 * per_window / 1e9)
    progress = []
    found = logits_of(each, image, engine, progress=progress.append)
    assert sum(head.sizes) == sum(progress) == 156
    assert max(head.sizes) == 10
    torch.testing.assert_close(found, expected)
    head.sizes.clear()
    large = torch.rand(3, 40, 40)
    parts = [len(places) for places, _ in map_logits(each, large, Engine(mode), torch.arange(1600))]
    assert parts == head.sizes == [HEAD_CHUNK, 1600 - HEAD_CHUNK]


def test_mapping_needs_no_gradients_and_no_pixels_give_no_parts():
    each = WindowClassifier(nn.Conv2d(3, 5, 1), nn.Flatten(), 3, 3).eval()
    image = torch.rand(3, 6, 6)
    assert not logits_of(each, image, Engine()).requires_grad
    assert list(map_logits(each, image, Engine(), torch.arange(0))) == []


def test_a_framed_image_knows_its_shape_and_its_regions():
    region = torch.arange(20).view(4, 5)
    framed = frame(torch.rand(2, 4, 5), 3, "edge", region)
    assert framed.shape == (4, 5)
    assert framed.image.shape == (2, 6, 7)
    assert framed.regions_of(torch.tensor([0, 7, 19])).tolist() == [0, 7, 19]
    assert framed.region[0, 0] == 0
    assert framed.region[-1, -1] == 19  # what lies beyond the border belongs where its values come from
    part = framed.part(1, 3, 2, 4)
    assert part.shape == (2, 2)
    assert part.regions_of(torch.arange(4)).tolist() == [7, 8, 12, 13]
    assert Framed(framed.image, 1).regions_of(torch.tensor([0])) is None
    assert Framed(framed.image, 1).part(1, 3, 2, 4).region is None
    assert Framed(framed.image, 1).turned(3).region is None
    zero = frame(torch.rand(2, 4, 5), 3, "zero", region + 1)
    assert zero.region.dtype == region.dtype
    assert zero.region[0].tolist() == [0] * 7
    assert trunk_floats(WindowClassifier(nn.Identity(), nn.Flatten(), 2, 3)) == 2 * 2


@pytest.mark.parametrize("mode", ["dense", "patch"])
def test_parts_without_pixels_are_passed_over_and_regions_kept(mode):
    """Pixels of the first and of the last row alone, under a memory that holds a strip of a few rows."""
    each = WindowClassifier(nn.Conv2d(3, 5, 3), nn.Flatten(), 3, 3).eval()
    image, region = torch.rand(3, 30, 8), (torch.arange(8) > 3).expand(30, 8).long()
    pixels = torch.cat([torch.arange(8), torch.arange(29 * 8, 30 * 8)])
    engine = Engine(mode, memory_gb=4 * trunk_floats(each) * 50 / 1e9)
    expected = forward(each, image, pixels, shared=False, region=region)
    found = torch.full_like(expected, torch.nan)
    for places, logits in map_logits(each, image, engine, pixels, region):
        found[places] = logits
    torch.testing.assert_close(found, expected.detach())
    assert not torch.allclose(found, forward(each, image, pixels, shared=False))
