"""Blocks: what is kept of each, what there is room for, and nothing more than that is computed."""

import numpy as np
import pytest
import torch
from torch import nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine
from hsi.engine.framed import frame
from hsi.mapping import blocks as plans
from hsi.mapping.blocks import PROCESS, Block, Seen, Task, map_blocks, plan_within
from hsi.mapping.scene_map import Mapper, MapSettings, vote
from hsi.mapping.store import alone, open_store, work

ROWS, COLS, CLASSES = 7, 8, 3
CPU = torch.device("cpu")
BLOCKS = [Block(0, 4, 0, 8), Block(4, 7, 0, 5), Block(4, 7, 5, 8)]


def network():
    torch.manual_seed(0)
    head = nn.Sequential(nn.Flatten(), nn.Linear(5, CLASSES))
    return WindowClassifier(nn.Conv2d(2, 5, 3), head, 2, 3).eval()


def task_of(keep=CLASSES, shape=(ROWS, COLS), image=None):
    image = np.random.default_rng(0).random((*shape, 2), dtype=np.float32) if image is None else image

    def look(rows, cols):
        return Seen(image[rows, cols], np.ones(image[rows, cols].shape[:2], dtype=bool))

    return Task([(Mapper(network(), Engine(), MapSettings(8)), look)], shape, CPU, CLASSES, keep)


@pytest.mark.parametrize("keep", [0, CLASSES])
def test_a_store_holds_of_each_block_what_the_map_has_there(tmp_path, monkeypatch, keep):
    bars = []
    monkeypatch.setattr("hsi.mapping.store.progress_bar", lambda *given: bars.append(Bar(*given)) or bars[-1])
    task = task_of(keep)
    whole = map_blocks(task, BLOCKS, lambda done: None)
    with alone(tmp_path / "of" / "several"):  # folders are made
        store = open_store(tmp_path / "of" / "several", "this map", BLOCKS)
    work(store, task, shard=2)
    names = {"map": whole.class_map, "confidence": whole.confidence} | (
        {"probabilities": whole.probabilities} if keep else {}
    )
    for number, block in enumerate(BLOCKS):
        assert store.has(number)
        for name, expected in names.items():
            found = store.read(number, name, slice(0, block.shape[0]))
            np.testing.assert_array_equal(found, expected[block.place])
            assert found.dtype == expected.dtype
    work(store, task)  # there is nothing left to do
    pixels = 8 * ROWS * COLS
    assert [(bar.total, bar.begun, bar.done) for bar in bars] == [(pixels, 0, pixels), (pixels, pixels, 0)]


class Bar:
    def __init__(self, total, begun):
        self.total, self.begun, self.done = total, begun, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def update(self, count):
        self.done += count


def test_the_time_of_a_map_is_that_between_its_first_block_and_its_last(monkeypatch):
    clock = iter(range(1000, 10**6))
    monkeypatch.setattr("hsi.mapping.blocks.time.monotonic", lambda: next(clock))
    monkeypatch.setattr("hsi.mapping.scene_map.time.monotonic", lambda: next(clock))
    assert map_blocks(task_of(), BLOCKS, lambda done: None).seconds == 1 + 2 * len(BLOCKS)


def test_what_is_held_all_the_time_and_the_weights_leave_less_room_for_blocks():
    task = task_of(shape=(3000, 3000), image=np.empty((0, 0, 2), np.float32))
    weights = 4 * sum(value.numel() for value in network().state_dict().values())
    assert plans._room(2.0, task, 3 * 10**8) == 2e9 - PROCESS - weights - 3e8
    assert plans._room(2.0, task, 10**10) == 0.5e9  # a quarter, whatever else is held
    counts = [len(plan_within(2.0, task, 400, held)) for held in (0, 10**10)]
    assert counts[0] < counts[1]


def test_nothing_is_computed_of_what_lies_around_the_data():
    """The trunk sees the smallest rectangle with data, and the margin of a window around it."""
    model, sizes = network(), []
    model.trunk.register_forward_pre_hook(
        lambda _, given: sizes.append(given[0].shape) if not given[0].is_meta else None
    )
    valid = np.zeros((ROWS, COLS), dtype=bool)
    valid[2, 3], valid[4, 5] = True, True
    done = []
    votes = vote(Mapper(model, Engine(), MapSettings()), frame(torch.rand(2, ROWS, COLS), 3), valid, done.append)
    assert sizes == [(1, 2, 3 + 2, 3 + 2)]
    assert votes.probabilities.shape == (2, CLASSES)
    assert sum(done) == 2
