"""Training on tiles is training on the scene: the same windows, pixel for pixel and in the same order."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hsi.engine import mosaic
from hsi.engine.forward import forward
from hsi.engine.samples import gather
from hsi.models.hybridsn import hybridsn
from hsi.splits.roles import TRAIN, VALIDATION, Split

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)


def whole_and_tiles(rows, cols, role, region, window, padding):
    image = RNG.normal(size=(rows, cols, 13)).astype(np.float32)
    labels = RNG.integers(0, 4, (rows, cols))
    split = Split(role.astype(np.uint8), region)
    tiles = mosaic.gather_tiles(lambda r, c: image[r, c], labels, split, 3, CPU, window=window, padding=padding)
    return gather(image, labels, split, 3, CPU), tiles


@given(
    rows=st.integers(11, 60),
    cols=st.integers(11, 60),
    padding=st.sampled_from(["zero", "reflect", "edge"]),
    share=st.floats(0.01, 0.5),
    sides=st.booleans(),
    seed=st.integers(0, 99),
)
def test_windows_are_those_of_the_scene(rows, cols, padding, share, sides, seed):
    rng = np.random.default_rng(seed)
    role = np.where(rng.random((rows, cols)) < share, rng.integers(1, 4, (rows, cols)), 0)
    role[rows // 2, cols // 2] = TRAIN
    region = (np.arange(cols) > cols // 3).astype(np.uint8)[None].repeat(rows, 0) if sides else None
    scene, tiles = whole_and_tiles(rows, cols, role, region, 11, padding)
    for name in ("train", "validation"):
        pixels, places = getattr(scene, name), getattr(tiles, name)
        np.testing.assert_array_equal(scene.targets[pixels], tiles.targets[places])
        assert tiles.num_classes == scene.num_classes
        if len(pixels):
            np.testing.assert_array_equal(windows(scene, pixels, padding), windows(tiles, places, padding))
    np.testing.assert_array_equal(scene.fields, tiles.fields)


def windows(samples, pixels, padding):
    """The windows that a network meets, (N, C, 11, 11)."""
    seen = Windows()
    forward(seen, samples.image, pixels, shared=False, padding=padding, region=samples.region)
    return torch.cat(seen.met)[torch.argsort(torch.cat(seen.order))] if samples.region is None else seen.sorted()


class Windows(torch.nn.Module):
    """A classifier that keeps what it is shown."""

    window = 11

    def __init__(self):
        super().__init__()
        self.met, self.order = [], []

    def forward(self, shown):
        self.order.append(torch.arange(len(shown)) + sum(map(len, self.order)))
        self.met.append(shown.clone())
        return shown.flatten(1).sum(1, keepdim=True)

    def sorted(self):
        """By content, since regions come one after the other."""
        every = torch.cat(self.met).flatten(1)
        return every[np.lexsort(every.numpy().T[::-1])]


@settings(max_examples=30)
@given(margin=st.integers(0, 12), share=st.floats(0.0001, 0.02), seed=st.integers(0, 99))
def test_no_other_side_of_tiles_needs_less_memory(margin, share, seed):
    used = np.random.default_rng(seed).random((150, 170)) < share
    used[seed, seed] = True

    def needed(side):
        corners = [(r, c) for r in range(0, 150, side) for c in range(0, 170, side)]
        return sum((side + 2 * margin) ** 2 for r, c in corners if used[r : r + side, c : c + side].any())

    assert needed(mosaic._smallest(used, margin)[0]) == min(map(needed, mosaic.SIDES))


def test_the_side_of_tiles_is_the_one_that_needs_the_least_memory():
    scattered = np.zeros((256, 256), dtype=bool)
    scattered[::64, ::64] = True
    filled = np.ones((256, 256), dtype=bool)
    assert mosaic._smallest(scattered, 4)[0] == 8
    assert mosaic._smallest(filled, 4)[0] == 128


@pytest.mark.parametrize("padding", ["zero", "edge"])
def test_logits_are_those_of_the_scene(padding):
    role = np.zeros((70, 50))
    role[RNG.random(role.shape) < 0.02] = TRAIN
    role[RNG.random(role.shape) < 0.02] = VALIDATION
    scene, tiles = whole_and_tiles(70, 50, role, None, 9, padding)
    torch.manual_seed(0)
    network = hybridsn(13, 3, patch_size=9).eval()
    for name in ("train", "validation"):
        ours, theirs = (
            forward(network, each.image, getattr(each, name), shared=True, padding=padding) for each in (tiles, scene)
        )
        torch.testing.assert_close(ours, theirs)


def test_beyond_the_border_lie_zeros_where_nothing_is_said():
    role = np.zeros((11, 12), dtype=np.uint8)
    role[0, 0] = TRAIN
    image = RNG.normal(size=(11, 12, 2)).astype(np.float32)
    tiles = mosaic.gather_tiles(lambda r, c: image[r, c], np.ones((11, 12), int), Split(role), 3, CPU, window=3)
    assert not tiles.image[:, 0].any()
    assert tiles.image[:, 1, 1].tolist() == image[0, 0].tolist()
