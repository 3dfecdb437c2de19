"""Blocks: what is kept of each, what there is room for, and nothing more than that is computed."""

import numpy as np
import pytest
import torch
from torch import nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, as_image
from hsi.engine.framed import frame
from hsi.mapping import blocks as plans
from hsi.mapping.blocks import PROCESS, Block, Seen, Task, map_blocks, plan_within
from hsi.mapping.scene_map import Mapper, MapSettings, map_scene, vote
from hsi.mapping.store import WAIT, Kind, alone, open_store, work

ROWS, COLS, CLASSES = 7, 8, 3
CPU = torch.device("cpu")
BLOCKS = [Block(0, 4, 0, 8), Block(4, 7, 0, 5), Block(4, 7, 5, 8)]


def network():
    torch.manual_seed(0)
    head = nn.Sequential(nn.Flatten(), nn.Linear(5, CLASSES))
    return WindowClassifier(nn.Conv2d(2, 5, 3), head, 2, 3).eval()


def task_of(keep=CLASSES, shape=(ROWS, COLS), image=None, padding="zero"):
    image = np.random.default_rng(0).random((*shape, 2), dtype=np.float32) if image is None else image

    def look(rows, cols):
        return Seen(image[rows, cols], np.ones(image[rows, cols].shape[:2], dtype=bool))

    return Task([(Mapper(network(), Engine(padding=padding), MapSettings(8)), look)], shape, CPU, CLASSES, keep)


@pytest.mark.parametrize("keep", [0, CLASSES])
def test_a_store_holds_of_each_block_what_the_map_has_there(tmp_path, monkeypatch, keep):
    bars = []
    monkeypatch.setattr("hsi.mapping.store.progress_bar", lambda *given: bars.append(Bar(*given)) or bars[-1])
    task = task_of(keep)
    whole = map_blocks(task, BLOCKS, lambda done: None)
    assert (whole.probabilities is None) == (keep == 0)
    with alone(tmp_path / "of" / "several"):  # folders are made
        store = open_store(tmp_path / "of" / "several", "this map", BLOCKS)
    work(store, task, shard=2)
    names = {"map": whole.class_map, "confidence": whole.confidence} | (
        {"probabilities": whole.probabilities} if keep else {}
    )
    for number, block in enumerate(BLOCKS):
        assert store.has(number)
        for name, expected in names.items():
            kind = Kind(name, expected.shape[2:], expected.dtype, CLASSES)
            found = store.read(number, kind, slice(0, block.shape[0]))
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


@pytest.mark.parametrize("mode", ["dense", "patch"])
def test_what_a_block_takes_by_hand(mode):
    """Bytes a position: what is read and reduced, or what the network sees, and what is said of each class."""
    mapper = Mapper(network(), Engine(mode), MapSettings())
    rows, cols = 10, 12
    field = (2 * rows * cols + 5 * (rows - 2) * (cols - 2)) / (rows * cols)
    seeing = 4 * 8 if mode == "patch" else 3 * 8 + 4 * (field + 5)
    for bytes_per_pixel in (1, 1000):
        expected = rows * cols * (max(3 * bytes_per_pixel + 2 * 8, seeing) + 4 * 5 * CLASSES + 64)
        assert plans._bytes(mapper, bytes_per_pixel, CLASSES, rows, cols) == pytest.approx(expected)


@pytest.mark.parametrize("memory_gb", [0.6001, 0.605, 0.62, 0.7, 1.0])
@pytest.mark.parametrize("shape", [(500, 400), (20, 9000), (9000, 20)])
@pytest.mark.parametrize(("padding", "around"), [("zero", 2), ("edge", 4)])
def test_blocks_are_as_large_as_their_room_allows(monkeypatch, memory_gb, shape, padding, around):
    """None needs more than there is, what is read around it included; twice as large they would."""
    monkeypatch.setattr(plans, "LEAST_ROOM", 1e-4)
    task = task_of(shape=shape, image=np.empty((0, 0, 2), np.float32), padding=padding)
    mapper, space = task.members[0][0], plans._room(memory_gb, task, 0)
    blocks = plan_within(memory_gb, task, 400)
    rows, cols = (max(sides) + around for sides in zip(*(block.shape for block in blocks), strict=True))
    assert plans._bytes(mapper, 400, CLASSES, rows, cols) <= space or (rows, cols) == (around + 1, around + 1)
    grown = plans._bytes(mapper, 400, CLASSES, min(shape[0], 2 * rows) + around, min(shape[1], 2 * cols) + around)
    assert len(blocks) == 1 or grown > space


@pytest.mark.parametrize("around", [2, 8])
def test_long_blocks_of_a_narrow_scene_fill_their_room(around):
    blocks = plans.plan(100_000, 30, around, 10_000)
    height = max(block.shape[0] for block in blocks)
    assert {block.shape[1] for block in blocks} == {30}
    assert (height + around) * (30 + around) <= 10_000 < 1.02 * (height + 1 + around) * (30 + around)


def test_regions_of_what_is_filled_are_those_that_it_is_filled_from():
    """Under edge padding a pixel without data repeats one with data, and counts to that one's region."""
    image = np.random.default_rng(0).random((ROWS, COLS, 2), dtype=np.float32)
    valid = np.ones((ROWS, COLS), dtype=bool)
    valid[:, 4] = False
    region = (np.arange(COLS) > 3).astype(np.uint8)[None].repeat(ROWS, 0)
    mapper = Mapper(network(), Engine(padding="edge"), MapSettings())
    task = Task(
        [(mapper, lambda *place: Seen(image[place], valid[place], region[place]))], (ROWS, COLS), CPU, CLASSES, 3
    )
    filled, sides = image.copy(), region.copy()
    filled[:, 4], sides[:, 4] = image[:, 3], region[:, 3]  # of two as near the left one
    engine = Engine(padding="edge")
    expected = map_scene(network(), as_image(filled, CPU), engine=engine, settings=MapSettings(), region=sides)
    for blocks in (BLOCKS, [Block(0, ROWS, 0, COLS)], [Block(0, 4, 0, COLS), Block(4, ROWS, 0, COLS)]):
        found = map_blocks(task, blocks, lambda done: None)
        np.testing.assert_allclose(found.confidence[valid], expected.confidence[valid], rtol=1e-5)


def test_blocks_that_others_finish_are_waited_for_and_counted(tmp_path, monkeypatch):
    """Another process has taken a block; it is finished while this one sleeps."""
    bars, naps = [], []
    monkeypatch.setattr("hsi.mapping.store.progress_bar", lambda *given: bars.append(Bar(*given)) or bars[-1])
    task = task_of()
    with alone(tmp_path):
        store = open_store(tmp_path, "this map", BLOCKS)

    def sleep(seconds):
        naps.append(seconds)
        taken.__exit__(None, None, None)
        store.write(1, map=np.zeros((3, 5), np.uint8), confidence=np.zeros((3, 5), np.float32))

    monkeypatch.setattr("hsi.mapping.store.time.sleep", sleep)
    taken = store.taken(1)
    assert taken.__enter__()
    work(store, task)
    assert naps == [WAIT]
    assert bars[0].done == bars[0].total == 8 * ROWS * COLS
    assert all(store.has(number) for number in range(3))
