"""Checkpoints and maps that are gone on with, configuration files of a user, tables of a study."""

import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import hsi
from hsi.engine.forward import Engine
from hsi.engine.samples import Samples, gather
from hsi.mapping.blocks import map_block
from hsi.mapping.scene_map import Prediction
from hsi.models.cnn_2d import cnn_2d
from hsi.output.prediction import map_into
from hsi.recipes import compose_settings, recipe_of
from hsi.runs.applied import Application, Options
from hsi.runs.model import load_model
from hsi.splits.random import random_split
from hsi.training import optimizers, schedule
from hsi.training.checkpoint import Checkpoint
from hsi.training.steps import Steps
from studies import table
from studies.record import read_record

from .mutations import lay
from .saved import CUBE, LABELS, NETWORK, STEPS, run_of
from .targets import Target

LABEL_IMAGE = np.load(LABELS)
CPU = torch.device("cpu")


@cache
def samples() -> Samples:
    cube = np.load(CUBE)[..., :4].astype(np.float32)
    split = random_split(LABEL_IMAGE, train=0.2, validation=0.1)
    return gather(cube, LABEL_IMAGE, split, 3, CPU)


def train(path: Path, optimizer: Callable = optimizers.adamw, stop: bool = False) -> None:
    """A training with a checkpoint after each step; `stop` has it end behind the second."""

    class Stopped(Exception):
        pass

    class Stopping(Checkpoint):
        def save(self, *state):
            super().save(*state)
            if stop and len(state[-1]["history"]) == 2:
                raise Stopped

    torch.manual_seed(0)
    recipe = Steps(optimizer, schedule.one_cycle, STEPS, batch_size=8, validate_every=1, checkpoint_seconds=0)
    with suppress(Stopped):
        history = recipe.fit(cnn_2d(4, 3, 9), samples(), Engine(), 0, Stopping(path, "fuzz")).history
        assert history["step"].tolist() == [1, 2, 3]


def checkpoints(folder: Path) -> list[Path]:
    made = {}
    for name, optimizer in (("adamw", optimizers.adamw), ("sgd", optimizers.sgd)):
        made[name] = folder / name / "checkpoint.safetensors"
        train(made[name], optimizer, stop=True)
    return list(made.values())


def resume(path: Path) -> None:
    train(path, optimizers.adamw if b"exp_avg" in path.read_bytes() else optimizers.sgd)


@cache
def application() -> Application:
    """A map in several blocks."""
    with tempfile.TemporaryDirectory() as folder:
        trained = load_model(lay(run_of(NETWORK), Path(folder)))
    return Application((trained,), hsi.open(CUBE), Options(memory_gb=5e-4, probabilities=True), "cpu")


def map_here(folder: Path) -> None:
    map_into(folder, application(), {"identity": "fuzz", "run": "run"})


def go_on(folder: Path) -> None:
    """The map comes to its end, whatever blocks were there, and every pixel has a class or no data."""
    map_here(folder)
    content = json.loads((folder / "prediction.json").read_text())
    assert sum(content["pixels"].values()) + content["pixels_without_data"] == LABEL_IMAGE.size
    assert not (folder / ".blocks").exists()


def unfinished_maps(folder: Path) -> list[Path]:
    """The plan, and three of the blocks."""
    out = folder / "out"

    class Stopped(Exception):
        pass

    def stop(*given: object) -> Prediction:
        if len(list((out / ".blocks").glob("*.safetensors"))) == 3:
            raise Stopped
        return map_block(*given)

    with suppress(Stopped), pytest.MonkeyPatch.context() as patch:
        patch.setattr("hsi.mapping.store.map_block", stop)
        map_here(out)
    for path in out.rglob("*.lock"):
        path.unlink()
    return [out]


def finished_maps(folder: Path) -> list[Path]:
    map_here(folder)
    return [folder / "prediction.json"]


EXPERIMENTS = {
    "one": "# @package _global_\ndefaults:\n  - override /model: cnn_2d\n  - override /split: random\n"
    "model:\n  dropout: 0.1\nsplit: {train: 0.2}\nseed: 3\npatch_size: 9\n",
    "other": "# @package _global_\ndefaults:\n  - trial\ntrain: &short\n  steps: 5\nscene:\n  name: mine\n"
    "optimizer:\n  lr: ${scene.noise}\n",
}


def experiments(folder: Path) -> list[Path]:
    found = [folder / name / "mine.yaml" for name in EXPERIMENTS]
    for path, content in zip(found, EXPERIMENTS.values(), strict=True):
        path.parent.mkdir()
        path.write_text(content)
    return found


def compose(path: Path) -> None:
    """As ``--config-dir`` does, up to the building of all that needs no scene."""
    group = path.parent / "conf" / "experiment"
    group.mkdir(parents=True)
    shutil.copy(path, group)
    tree, choices = compose_settings([f"hydra.searchpath=[file://{group.parent}]", "experiment=mine"])
    recipe_of(tree, choices["model"])


def tables_of_study(folder: Path) -> list[Path]:
    with tempfile.TemporaryDirectory() as place:
        record = read_record(lay(run_of(NETWORK), Path(place)))
    table.write(folder / "study", {record.run: record})
    return [folder / "study"]


def write_up(folder: Path) -> None:
    """The tables, read and written again, and what they say of the runs."""
    found = table.read(folder)
    table.write(folder.with_name("again"), found)
    assert table.read(folder.with_name("again")) == found


TARGETS = (
    Target("checkpoint", checkpoints, resume),
    Target("unfinished map", unfinished_maps, go_on),
    Target("prediction.json", finished_maps, lambda path: map_here(path.parent)),
    Target("experiment", experiments, compose),
    Target("tables of a study", tables_of_study, write_up),
)
