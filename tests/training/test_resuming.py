"""A training that is interrupted goes on to the same bytes, and goes on with nothing but itself."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TRIAL
from safetensors import safe_open
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine
from hsi.engine.samples import gather
from hsi.errors import HsiError
from hsi.scenes.synthetic import make_synthetic
from hsi.splits.random import random_split
from hsi.splits.roles import TEST, TRAIN
from hsi.training import schedule
from hsi.training.checkpoint import Checkpoint
from hsi.training.steps import Steps

STEPS = 7
SCENE = make_synthetic(rows=16, cols=15, bands=5, classes=3)
SPLIT = random_split(SCENE.labels, train=0.3, validation=0.2)
SAMPLES = gather(SCENE.cube.astype(np.float32) / 8000, SCENE.labels, SPLIT, 3, torch.device("cpu"))
OPTIMIZERS = {
    "adamw": partial(torch.optim.AdamW, lr=0.05),
    "momentum": partial(torch.optim.SGD, lr=0.2, momentum=0.9),
    "plain": partial(torch.optim.SGD, lr=0.2),
}


def network():
    """Small, with what a checkpoint has to keep: weights, running statistics, and chance while it trains."""
    torch.manual_seed(0)
    trunk = nn.Sequential(nn.Conv2d(5, 6, 3), nn.ReLU())
    head = nn.Sequential(nn.BatchNorm2d(6), nn.Dropout(0.3), nn.Flatten(), nn.Linear(6, 3))
    return WindowClassifier(trunk, head, 5, 3)


class Interrupted(Checkpoint):
    """Breaks off a training when it has been saved so many times."""

    left = 0

    def save(self, *given):
        super().save(*given)
        type(self).left -= 1
        if type(self).left == 0:
            raise KeyboardInterrupt


def train(optimizer, checkpoint=None):
    recipe = Steps(
        optimizer, schedule.one_cycle, STEPS, batch_size=16, augment=True, validate_every=2, checkpoint_seconds=0
    )
    model = network()
    return model, recipe.fit(model, SAMPLES, Engine(), 3, checkpoint)


def test_who_follows_a_training_is_told_what_its_checkpoint_has(tmp_path):
    path, told = tmp_path / "checkpoint.safetensors", []

    def follow(history):
        with safe_open(path, "pt") as file:
            assert str(json.loads(file.metadata()["state"])["progress"]["history"]) == str(history)
        told.append(len(history))

    train(OPTIMIZERS["adamw"], Checkpoint(path, "this training", follow))
    assert told == [*range(1, STEPS + 1)]


def test_the_time_of_those_who_follow_is_not_the_training_s(tmp_path):
    class Slow(Checkpoint):
        def tell(self, history):
            return 1000.0

    _, fitted = train(OPTIMIZERS["adamw"], Slow(tmp_path / "checkpoint.safetensors", "this training"))
    assert -2000 < fitted.seconds < -1900  # after the first step and after the last


@pytest.mark.parametrize("step", range(1, STEPS + 1))
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_interrupted_after_any_step_it_ends_in_the_same_bytes(name, step, tmp_path, caplog):
    caplog.set_level("INFO")
    whole, undisturbed = train(OPTIMIZERS[name])
    path = tmp_path / "checkpoint.safetensors"
    Interrupted.left = step
    with pytest.raises(KeyboardInterrupt):
        train(OPTIMIZERS[name], Interrupted(path, "this training"))
    torch.rand(step)  # whatever is drawn in between
    resumed, fitted = train(OPTIMIZERS[name], Checkpoint(path, "this training"))
    assert f"Resuming from step {step} of {STEPS}" in caplog.text
    for key, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key
    pd.testing.assert_frame_equal(fitted.history, undisturbed.history, check_exact=True)


def test_the_best_weights_outlive_an_interruption(tmp_path):
    """They were found before it, and nothing after it is as good: the rate climbs the loss again."""

    def climbing(optimizer, steps):
        return LambdaLR(optimizer, lambda step: 1.0 if step < 30 else -1.0)

    recipe = Steps(partial(torch.optim.SGD, lr=0.1), climbing, 60, validate_every=3, checkpoint_seconds=0)
    whole, path = network(), tmp_path / "checkpoint.safetensors"
    measured = recipe.fit(whole, SAMPLES, Engine()).history["validation_accuracy"]
    assert measured[:48].max() > measured[48:].max()
    Interrupted.left = 48
    with pytest.raises(KeyboardInterrupt):
        recipe.fit(network(), SAMPLES, Engine(), 0, Interrupted(path, "this training"))
    resumed = network()
    recipe.fit(resumed, SAMPLES, Engine(), 0, Checkpoint(path, "this training"))
    for key, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key


def test_the_time_before_an_interruption_counts_and_that_between_does_not(tmp_path, monkeypatch):
    clock = iter(range(0, 10**6, 100))
    monkeypatch.setattr("hsi.training.steps.time.monotonic", lambda: next(clock))
    path = tmp_path / "checkpoint.safetensors"
    whole = train(OPTIMIZERS["plain"], Checkpoint(path, "a whole one"))[1].seconds
    path.unlink()
    Interrupted.left = STEPS - 2
    with pytest.raises(KeyboardInterrupt):
        train(OPTIMIZERS["plain"], Interrupted(path, "this training"))
    clock = iter(range(10**7, 10**8, 100))
    assert train(OPTIMIZERS["plain"], Checkpoint(path, "this training"))[1].seconds == pytest.approx(whole, abs=200)
    assert whole > 100 * STEPS


def test_it_is_saved_no_more_often_than_asked_and_after_the_last_step(tmp_path, monkeypatch):
    clock, saved = iter(np.arange(0, 1e6, 1.0)), []
    monkeypatch.setattr("hsi.training.steps.time.monotonic", lambda: next(clock))
    monkeypatch.setattr(Checkpoint, "save", lambda *given: saved.append(len(given[-1]["history"])))
    checkpoint = Checkpoint(tmp_path / "checkpoint.safetensors", "this training")
    Steps(OPTIMIZERS["plain"], schedule.constant, STEPS, checkpoint_seconds=2.5).fit(
        network(), SAMPLES, Engine(), 0, checkpoint
    )
    assert saved == [3, 6, STEPS] or saved == [3, 5, STEPS]
    assert saved[-1] == STEPS


def test_a_checkpoint_holds_no_more_than_plain_tensors_and_text(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    train(OPTIMIZERS["adamw"], Checkpoint(path, "this training"))
    with safe_open(path, framework="pt") as file:
        kinds = {name.partition(".")[0] for name in file.keys()}  # noqa: SIM118 - not a mapping
        assert list(file.metadata()) == ["state"]
    assert kinds == {"model", "best", "optimizer", "generator"}


def interrupted(hsi_run, monkeypatch, *words):
    """A run that is broken off after its first step."""
    with monkeypatch.context() as patch:
        kept = Checkpoint.save

        def save(*given):
            kept(*given)
            raise KeyboardInterrupt

        patch.setattr(Checkpoint, "save", save)
        assert hsi_run(*words).status == 130
    assert Path("here/checkpoint.safetensors").exists()


def test_a_run_does_not_go_on_with_the_training_on_another_split(hsi_run, monkeypatch):
    """The configuration is the same to the letter: the file that it names has another split in it."""
    words = [*TRIAL, "split=from_file", "split.path=split.npy", "train.checkpoint_seconds=0", "hydra.run.dir=here"]
    scene = make_synthetic(rows=40, cols=36)
    for seed in (0, 1):
        role = random_split(scene.labels, train=0.3, seed=seed).role
        np.save("split.npy", role)
        if seed == 0:
            interrupted(hsi_run, monkeypatch, *words)
    outcome = hsi_run(*words)
    assert outcome.status == 2
    assert "belongs to a training on other data, another split" in outcome.out
    assert not Path("here/metrics.json").exists()
    np.save("split.npy", random_split(scene.labels, train=0.3, seed=0).role)
    again = hsi_run(*words)
    assert again.status == 0
    assert "Resuming from step 1 of 4" in again.out
    assert set(np.unique(role)) == {0, TRAIN, TEST}


def test_a_run_does_not_go_on_with_the_training_on_another_scene(hsi_run, monkeypatch):
    words = ["scene=custom", "scene.cube=cube.npy", "scene.labels=labels.npy", "patch_size=9", "reduce.components=13"]
    words += ["train.steps=2", "train.checkpoint_seconds=0", "hydra.run.dir=here"]
    scene = make_synthetic(rows=20, cols=22, bands=20, classes=3)
    np.save("cube.npy", scene.cube)
    np.save("labels.npy", scene.labels)
    interrupted(hsi_run, monkeypatch, *words)
    changed = scene.cube.copy()
    changed[0, 0, 0] += 1
    np.save("cube.npy", changed)
    outcome = hsi_run(*words)
    assert outcome.status == 2
    assert "belongs to a training on other data" in outcome.out


@pytest.mark.parametrize("damage", [b"", b"{}", None])
def test_a_damaged_checkpoint_is_told(tmp_path, damage):
    path = tmp_path / "checkpoint.safetensors"
    train(OPTIMIZERS["plain"], Checkpoint(path, "this training"))
    path.write_bytes(path.read_bytes()[:-1] if damage is None else damage)
    with pytest.raises(HsiError, match="is not a whole checkpoint: delete it, or start again with force=true"):
        train(OPTIMIZERS["plain"], Checkpoint(path, "this training"))
