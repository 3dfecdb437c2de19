"""A map that is killed, shared or damaged on the way ends with the same bytes."""

import contextlib
import json
import logging
import os
import random
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from nursery import Nursery

import hsi
from hsi.errors import HsiError
from hsi.mapping.blocks import Block, Task, map_block
from hsi.mapping.store import DamagedBlock, clear, open_store, work
from hsi.output.joined import join
from hsi.output.prediction import map_into
from hsi.runs.applied import Application, Options
from hsi.runs.model import load_model

KEPT = ROOT / "tests" / "runs" / "of_ee5a441"
WORDS = [f"run={KEPT / 'network'}", f"scene.cube={KEPT / 'cube.npy'}", "device=cpu", "memory_gb=0.0005"]
WORDS += ["probabilities=true"]
FILES = ("map.npy", "confidence.npy", "probabilities.npy", "map.png", "areas.csv")
KILLS = 5
NUMBER = 36  # of blocks


@pytest.fixture(scope="module")
def nursery(tmp_path_factory):
    with Nursery(tmp_path_factory.mktemp("nursery")) as made:
        yield made


@pytest.fixture(scope="module")
def whole(nursery, tmp_path_factory):
    """What a prediction leaves that nothing disturbs."""
    out = tmp_path_factory.mktemp("undisturbed") / "whole"
    nursery.start("hsi.predict", *WORDS, f"out={out}")
    assert nursery.end() == 0
    return content(out)


def content(folder):
    return [(Path(folder) / name).read_bytes() for name in FILES]


def test_kills_at_random_moments_change_no_byte(nursery, whole, tmp_path):
    seen = kill_often(nursery, tmp_path / "killed", KILLS, random.Random(0))
    assert len(set(seen)) > 2  # it was killed at different places
    nursery.start("hsi.predict", *WORDS, f"out={tmp_path / 'killed'}")
    assert nursery.end() == 0
    assert content(tmp_path / "killed") == whole
    assert not (tmp_path / "killed" / ".blocks").exists()


def kill_often(nursery, folder, times, chance):
    """Kill the command that maps into `folder` a few blocks on, or while it ends; how many blocks were there then."""
    seen = []
    while len(seen) < times:
        child = nursery.start("hsi.predict", *WORDS, f"out={folder}")
        there, last = blocks_in(folder), time.monotonic() + 20
        goal = min(NUMBER, there + chance.randint(0, 12))
        while blocks_in(folder) < goal and not (folder / "prediction.json").exists() and time.monotonic() < last:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 2.5 if there == NUMBER else 0.02))
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        if nursery.end() == -signal.SIGKILL:
            seen.append(blocks_in(folder))
        if (folder / "prediction.json").exists():  # it was quicker
            shutil.rmtree(folder)
    return seen


def blocks_in(folder):
    return len(list((folder / ".blocks").glob("[0-9]*.safetensors")))


def test_two_processes_at_once_share_the_blocks(nursery, whole, tmp_path):
    with Nursery(tmp_path) as other:
        for each, shard in ((nursery, 0), (other, 1)):
            each.start("hsi.predict", *WORDS, f"out={tmp_path / 'shared'}", f"shard={shard}")
        assert [each.end() for each in (nursery, other)] == [0, 0]
    assert content(tmp_path / "shared") == whole
    assert not (tmp_path / "shared" / ".blocks").exists()
    log = (tmp_path / "shared" / "predict.log").read_text()
    assert log.count("Mapped") == 1
    assert log.count("Another process has joined") + log.count("Finished already") == 1


def test_a_sweep_over_shards_writes_one_map(nursery, whole, tmp_path):
    told = tmp_path / "told"
    words = ["-m", "shard=0,1", f"out={tmp_path / 'shared'}"]
    nursery.start("hsi.predict", *words, *WORDS, folder=tmp_path, told=told)
    assert nursery.end() == 0, told.read_text()
    assert content(tmp_path / "shared") == whole
    assert told.read_text().count("Finished already") == 1


SHAPE = (6, 10)
BLOCKS = [Block(0, 3, 0, 5), Block(0, 3, 5, 10), Block(3, 6, 0, 5), Block(3, 6, 5, 10)]
WHOLE = {
    "map": (np.arange(60, dtype=np.uint8) % 4).reshape(SHAPE),
    "confidence": np.random.default_rng(0).random(SHAPE, dtype=np.float32),
    "probabilities": np.random.default_rng(1).random((*SHAPE, 3)).astype(np.float16),
}
TASK = Task((), SHAPE, torch.device("cpu"), classes=3, keep=3)


def filled(folder, numbers=range(4), identity="a"):
    store = open_store(folder, identity, BLOCKS)
    for number in numbers:
        store.write(number, **{name: array[BLOCKS[number].place] for name, array in WHOLE.items()})
    return store


def test_blocks_are_joined_as_numpy_would_save_them(tmp_path):
    store = filled(tmp_path)
    joined = join(store, TASK, tmp_path)
    for name, array in WHOLE.items():
        np.save(tmp_path / "expected.npy", array)
        assert (tmp_path / f"{name}.npy").read_bytes() == (tmp_path / "expected.npy").read_bytes()
        np.testing.assert_array_equal(joined[name], array)


@pytest.mark.parametrize(
    "damage", [b"", b"\x08\0\0\0\0\0\0\0rubbish", b"\xff" * 100], ids=["empty", "rubbish", "noise"]
)
def test_a_damaged_block_is_taken_away_and_told(tmp_path, damage):
    store = filled(tmp_path)
    store.path(2).write_bytes(damage)
    with pytest.raises(DamagedBlock, match=r"2\.safetensors is damaged"):
        join(store, TASK, tmp_path)
    assert [store.has(number) for number in range(4)] == [True, True, False, True]
    assert not (tmp_path / "confidence.npy").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"map": lambda values: values + 4},
        {"map": lambda values: values.astype(np.uint16)},
        {"map": lambda values: values[:1]},
        {"map": lambda values: values[..., None]},
        {"confidence": lambda values: -values},
        {"confidence": lambda values: values.astype(np.float64)},
        {"confidence": lambda values: values + np.inf},
        {"probabilities": lambda values: values[..., :2]},
        {"probabilities": lambda values: values * 9 + 1},
        {"confidence": None},
    ],
)
def test_a_block_of_other_values_is_taken_away_and_told(tmp_path, change):
    store = filled(tmp_path)
    arrays = {name: array[BLOCKS[2].place] for name, array in WHOLE.items()}
    ((name, make),) = change.items()
    store.write(
        2, **{key: (make(value) if key == name else value) for key, value in arrays.items() if make or key != name}
    )
    with pytest.raises(DamagedBlock, match=r"2\.safetensors is damaged"):
        join(store, TASK, tmp_path)
    assert not store.has(2)


def test_pixels_without_data_are_no_damage(tmp_path):
    store = filled(tmp_path)
    arrays = {name: array[BLOCKS[2].place].copy() for name, array in WHOLE.items()}
    arrays["map"][0], arrays["confidence"][0], arrays["probabilities"][0] = 0, np.nan, np.nan
    store.write(2, **arrays)
    assert np.isnan(join(store, TASK, tmp_path)["confidence"]).sum() == 5


def test_a_pipe_or_a_folder_is_no_block(tmp_path):
    store = filled(tmp_path, [0])
    os.mkfifo(store.path(1))
    store.path(2).mkdir()
    assert [store.has(number) for number in range(4)] == [True, False, False, False]


def test_a_block_is_taken_by_one_and_not_again_when_it_is_there(tmp_path):
    store = filled(tmp_path, [0])
    with store.taken(0) as free:
        assert not free
    with store.taken(1) as first, open_store(tmp_path, "a", BLOCKS).taken(1) as second:
        assert (first, second) == (True, False)
    with store.taken(1) as again:
        assert again


def test_blocks_of_another_map_are_dropped_and_that_is_said(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    old = filled(tmp_path, [0, 1, 3])
    assert open_store(tmp_path, "a", BLOCKS).has(3)
    new = open_store(tmp_path, "b", BLOCKS)
    assert "Removed 3 blocks of another map" in caplog.text
    assert not any(map(new.has, range(4)))
    assert not old.is_current()
    with old.taken(0) as free:
        assert not free
    filled(tmp_path, [0, 1], "b")
    assert open_store(tmp_path, "b", BLOCKS).has(1)
    assert not any(map(open_store(tmp_path, "b", BLOCKS[:2]).has, range(2)))  # cut otherwise


def test_a_plan_that_no_map_has_is_not_read(tmp_path):
    """It is looked at around every block: one of megabytes would make a map of hours."""
    store = filled(tmp_path, [0])
    plan = store.folder / "plan.json"
    content = json.loads(plan.read_text())
    plan.write_text(json.dumps(content | {"blocks": list(range(400))}))
    assert not store.is_current()
    plan.write_text(json.dumps(content))
    assert store.is_current()


def test_blocks_that_another_process_is_at_are_not_dropped(tmp_path):
    old = filled(tmp_path, [0])
    with old.taken(1), pytest.raises(HsiError, match="another process maps another scene"):
        open_store(tmp_path, "b", BLOCKS)
    assert old.has(0)
    assert clear(tmp_path) == 1


def test_blocks_that_a_killed_process_could_not_remove_are_removed_by_the_next(tmp_path):
    application = Application((load_model(KEPT / "network"),), hsi.open(KEPT / "cube.npy"), Options())
    about = {"identity": "a", "run": "network"}
    map_into(tmp_path, application, about)
    filled(tmp_path, [1])
    map_into(tmp_path, application, about)
    assert not (tmp_path / ".blocks").exists()


def test_nothing_is_left_to_do_where_others_have_done_it(tmp_path):
    work(filled(tmp_path), TASK)  # it would fail with its first block: there is no network
    shut = filled(tmp_path, [0, 1, 2])
    clear(tmp_path)
    work(shut, TASK)  # somebody has joined the blocks meanwhile


def test_blocks_that_are_removed_meanwhile_are_told_and_nothing_is_left_behind(tmp_path, monkeypatch):
    """By hand, or by a command that maps something else."""
    application = Application((load_model(KEPT / "network"),), hsi.open(KEPT / "cube.npy"), Options(memory_gb=0.0005))
    out, count = tmp_path / "out", [0]

    def removing(*given):
        count[0] += 1
        if count[0] == 3:
            shutil.rmtree(out)
        return map_block(*given)

    monkeypatch.setattr("hsi.mapping.store.map_block", removing)
    with pytest.raises(HsiError, match="were removed while the map was made"):
        map_into(out, application, {"identity": "a", "run": "network"})
    assert count == [3]
    assert not list(out.glob(".blocks/*"))
