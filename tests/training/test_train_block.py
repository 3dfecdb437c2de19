"""Batches out of one block: which blocks and pixels, and that a step sees there what it sees in the scene."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hsi.engine.forward import Engine, forward
from hsi.engine.samples import gather
from hsi.models.hybridsn import hybridsn
from hsi.scenes.synthetic import make_synthetic
from hsi.splits.random import random_split
from hsi.splits.regions import regions_split
from hsi.training import schedule
from hsi.training.batches import batch
from hsi.training.blocks import Extent, cut_into_blocks
from hsi.training.steps import Steps

SCENE = make_synthetic(rows=31, cols=22, bands=13, classes=3, noise=0.005)
FEATURES = ((SCENE.cube - SCENE.cube.mean((0, 1))) / SCENE.cube.std((0, 1))).astype(np.float32)
SPLITS = {"random": random_split(SCENE.labels, train=0.3), "regions": regions_split(SCENE.labels, train=0.5)}
RECIPE = partial(Steps, partial(torch.optim.AdamW, lr=2e-3), schedule.one_cycle, precision="fp32", batch_size=40)


def train(split="random", engine=None, **recipe):
    torch.manual_seed(0)
    model = hybridsn(13, 3, 9, dropout=0.0)
    samples = gather(FEATURES, SCENE.labels, SPLITS[split], 3, torch.device("cpu"))
    history = RECIPE(**recipe).fit(model, samples, engine or Engine("dense")).history
    return model, history


@given(
    rows=st.integers(1, 40),
    cols=st.integers(1, 40),
    side=st.integers(1, 45),
    share=st.floats(0.05, 1),
    seed=st.integers(),
)
def test_each_training_pixel_lies_in_one_block_and_inside_it(rows, cols, side, share, seed):
    count = max(1, int(share * rows * cols))
    pixels = np.sort(np.random.default_rng(abs(seed)).permutation(rows * cols)[:count])
    blocks = cut_into_blocks(pixels, rows, cols, side)
    assert sorted(np.concatenate(blocks.members)) == list(range(count))
    assert len(set(blocks.extents)) == len(blocks.extents) == len(blocks.members)
    for extent, members in zip(blocks.extents, blocks.members, strict=True):
        assert all(0 < length <= side for length in extent.shape)
        top, bottom, left, right = extent
        assert min(top, left) >= 0
        assert bottom <= rows
        assert right <= cols
        row, col = pixels[members] // cols, pixels[members] % cols
        assert ((row >= top) & (row < bottom) & (col >= left) & (col < right)).all()
        assert len(members) > 0


def test_blocks_of_a_scene_by_hand():
    blocks = cut_into_blocks(np.array([0, 5, 34]), rows=5, cols=7, side=4)
    assert blocks.extents == (Extent(0, 2, 0, 3), Extent(0, 2, 3, 7), Extent(2, 5, 3, 7))
    assert [members.tolist() for members in blocks.members] == [[0], [1], [2]]


@given(seed=st.integers(0, 99), cycle=st.integers(0, 9))
def test_a_block_comes_as_often_as_it_holds_training_pixels(seed, cycle):
    pixels = np.concatenate([np.arange(60), [700, 701], np.arange(800, 835)])
    blocks = cut_into_blocks(pixels, 30, 30, 10)
    count, shares = len(blocks.members), np.array([len(each) for each in blocks.members]) / len(pixels)
    drawn = [blocks.draw(seed, step, 1000)[0] for step in range(cycle * count, (cycle + 1) * count)]
    times = np.array([drawn.count(extent) for extent in blocks.extents])
    assert (np.floor(count * shares) <= times).all()
    assert (times <= np.ceil(count * shares)).all()


def test_the_mean_over_the_steps_is_the_mean_over_all_training_pixels():
    """Of any value of the pixels, whether a batch takes some of a block or all of it."""
    pixels = np.sort(np.random.default_rng(0).permutation(900)[:300])
    blocks, value = cut_into_blocks(pixels, 30, 30, 15), np.arange(300) ** 2 / 300**2
    means = [value[blocks.draw(0, step, 70)[1]].mean() for step in range(20_000)]
    error = np.std(means) / np.sqrt(len(means))
    assert abs(np.mean(means) - value.mean()) < 4 * error
    assert error < 0.002


def test_a_step_has_different_pixels_of_its_block_and_seeds_draw_differently():
    blocks = cut_into_blocks(np.arange(400), 20, 20, 10)
    extent, chosen = blocks.draw(0, 3, 30)
    assert len(set(chosen)) == 30
    assert blocks.draw(0, 3, 30)[1].tolist() == chosen.tolist()
    assert len(blocks.draw(0, 3, 1000)[1]) == 100
    assert any(blocks.draw(0, step, 30)[0] != blocks.draw(1, step, 30)[0] for step in range(20))
    later = next(step for step in range(4, 40) if blocks.draw(0, step, 30)[0] == extent)
    assert set(blocks.draw(0, later, 30)[1]) != set(chosen)


@pytest.mark.parametrize("side", [31, 500])
def test_a_block_as_large_as_the_scene_changes_nothing(side):
    blocks = cut_into_blocks(np.arange(0, 600, 3), 31, 22, side)
    assert blocks.extents == (Extent(0, 31, 0, 22),)
    assert blocks.draw(5, 7, 40)[1].tolist() == batch(5, 7, 40, 200).tolist()
    (ours, history), (plain, expected) = train(steps=4, block=side), train(steps=4)
    assert history.equals(expected)
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), plain.parameters(), strict=True))


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("split", SPLITS)
def test_a_step_in_a_block_is_the_step_of_the_plain_way(split, augment):
    """Window by window, cut from the block, and with one pass over the block: the same course of training."""
    (shared, one), (plain, other) = (
        train(split, Engine(mode), steps=4, block=12, augment=augment) for mode in ("dense", "patch")
    )
    np.testing.assert_allclose(one.loss, other.loss, rtol=2e-4)
    np.testing.assert_array_equal(one.accuracy, other.accuracy)
    for ours, theirs in zip(shared.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("split", SPLITS)
def test_the_windows_of_a_block_are_those_of_the_scene(split):
    """With weights that stand still the loss of a step is that of its pixels in the whole scene."""
    torch.manual_seed(0)
    model = hybridsn(13, 3, 9, dropout=0.0)
    samples = gather(FEATURES, SCENE.labels, SPLITS[split], 3, torch.device("cpu"))
    still = Steps(
        partial(torch.optim.SGD, lr=0.0), schedule.constant, precision="fp32", steps=6, batch_size=30, block=9
    )
    losses = still.fit(model, samples, Engine("dense"), seed=2).history.loss
    blocks = cut_into_blocks(samples.train.numpy(), 31, 22, 9)
    assert len(blocks.extents) > 6
    model.train()
    for step, loss in enumerate(losses):
        pixels = samples.train[torch.from_numpy(blocks.draw(2, step, 30)[1])]
        logits = forward(model, samples.image, pixels, shared=True, region=samples.region)
        expected = torch.nn.functional.cross_entropy(logits, samples.targets[pixels]).item()
        assert loss == pytest.approx(expected, rel=1e-4)
