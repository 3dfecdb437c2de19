"""A checkpoint puts back the very state; one that no training wrote costs a sentence."""

import json
import struct
from functools import partial

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from hsi.engine.forward import Engine
from hsi.engine.samples import gather
from hsi.errors import HsiError
from hsi.models.hybridsn import hybridsn
from hsi.scenes.synthetic import make_synthetic
from hsi.splits.random import random_split
from hsi.training import optimizers, schedule
from hsi.training.checkpoint import Checkpoint
from hsi.training.steps import Steps

SCENE = make_synthetic(rows=14, cols=12, bands=13, classes=3)
SAMPLES = gather(
    SCENE.cube.astype(np.float32),
    SCENE.labels,
    random_split(SCENE.labels, train=0.3, validation=0.1),
    3,
    torch.device("cpu"),
)
STEPS = 4
NAN = float("nan")


def train(path, rates=schedule.one_cycle, optimizer=optimizers.adamw, stop=None):
    """The history and the weights of a training; `stop` has it killed behind the checkpoint of that step."""

    class Killed(Exception):
        pass

    class Fragile(Checkpoint):
        def save(self, *state):
            super().save(*state)
            if len(state[-1]["history"]) == stop:
                raise Killed

    torch.manual_seed(0)
    model = hybridsn(13, 3, 9)
    recipe = Steps(
        partial(optimizer, lr=1e-3),
        rates,
        STEPS,
        batch_size=8,
        validate_every=2,
        checkpoint_seconds=0,
        precision="fp32",
    )
    try:
        history = recipe.fit(model, SAMPLES, Engine(), 0, Fragile(path, "this")).history
    except Killed:
        return None
    return history.to_csv(), {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("rates", [schedule.one_cycle, schedule.cosine, schedule.constant])
@pytest.mark.parametrize("optimizer", [optimizers.adamw, optimizers.sgd])
def test_interrupted_after_a_step_a_training_ends_in_the_same_bytes(tmp_path, rates, optimizer):
    history, weights = train(tmp_path / "whole", rates, optimizer)
    for stop in (1, 3):
        assert train(tmp_path / "cut", rates, optimizer, stop) is None
        again, same = train(tmp_path / "cut", rates, optimizer)
        assert again == history
        assert all(torch.equal(same[name], weights[name]) for name in weights)
        (tmp_path / "cut").unlink()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "checkpoint.safetensors"
    train(path, stop=3)
    return path


def header(**changes):
    """Other values in the header's JSON; in a function of the old one, or as they stand."""

    def attack(tensors, state):
        for key, value in changes.items():
            place = state if key == "identity" else state["progress"]
            place[key] = value(place[key]) if callable(value) else value

    return attack


def rows(change):
    def attack(_, state):
        state["progress"]["history"] = change(state["progress"]["history"])

    return attack


def tensor(part, change):
    """Every tensor whose name begins so, changed; None takes it away."""

    def attack(tensors, _):
        for name in [name for name in tensors if name.startswith(part)]:
            tensors[name] = change(tensors[name])

    return attack


def without(part):
    return lambda tensors, _: [tensors.pop(name) for name in list(tensors) if name.startswith(part)]


HOSTILE = {
    "no history": rows(lambda _: []),
    "more steps than there are": rows(lambda old: [old[0] | {"step": n} for n in range(1, STEPS + 2)]),
    "a negative step": rows(lambda old: [row | {"step": -row["step"]} for row in old]),
    "a step twice": rows(lambda old: [old[0], *old]),
    "a column less": rows(lambda old: [{"step": row["step"]} for row in old]),
    "a column more": rows(lambda old: [row | {"x": 1} for row in old]),
    "words": rows(lambda old: [row | {"loss": "x"} for row in old]),
    "a number without end": rows(lambda old: [row | {"loss": 10**400} for row in old]),
    "a history that is none": header(history="x"),
    "a best accuracy in words": header(best_accuracy=[1]),
    "a best accuracy that is none": header(best_accuracy=NAN),
    "negative time": header(seconds=-1.0),
    "endless time": header(seconds=float("inf")),
    "something else": header(more=1),
    "weights of another shape": tensor("model.head", lambda value: value[:1].clone()),
    "weights of another type": tensor("model.", lambda value: value.double()),
    "weights missing": without("model.head"),
    "best weights of another shape": tensor("best.", lambda value: value.reshape(1, *value.shape).clone()),
    "some best weights missing": without("best.head"),
    "moments of another shape": tensor("optimizer.0.exp_avg", lambda value: value.flatten().clone()),
    "moments missing": without("optimizer.0.exp_avg_sq"),
    "moments of a weight that there is not": lambda tensors, _: tensors.update({"optimizer.99.step": torch.ones(())}),
    "negative steps of the optimizer": tensor("optimizer.0.step", lambda value: -value),
    "steps of the optimizer that are none": tensor("optimizer.0.step", lambda value: value * NAN),
    "more steps of the optimizer": tensor("optimizer.0.step", lambda value: value + 1),
    "no generator": without("generator."),
    "a generator of another size": tensor("generator.", lambda value: value[:9].clone()),
    "a generator of nonsense": tensor("generator.", lambda value: torch.zeros_like(value)),
    "another tensor": lambda tensors, _: tensors.update({"more": torch.ones(1)}),
}


def refuse(path, **recipe):
    with pytest.raises(HsiError) as told:
        train(path, **recipe)
    assert "is not a whole checkpoint: delete it, or start again with force=true" in str(told.value)


def altered(kept, path, attack):
    """A checkpoint at `path` that is the one at `kept`, but for what an attack changes."""
    with safe_open(kept, framework="pt") as file:
        state = json.loads(file.metadata()["state"])
    tensors = load_file(kept)
    attack(tensors, state)
    save_file({key: value.contiguous() for key, value in tensors.items()}, path, {"state": json.dumps(state)})
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_a_state_that_no_training_wrote_is_refused(kept, tmp_path, name):
    refuse(altered(kept, tmp_path / "checkpoint.safetensors", HOSTILE[name]))


def test_weights_without_a_history_are_refused_where_the_optimizer_counts_no_steps(tmp_path):
    path, plain = tmp_path / "checkpoint.safetensors", partial(optimizers.sgd, momentum=0.0)
    train(path, optimizer=plain, stop=1)
    refuse(altered(path, path, HOSTILE["no history"]), optimizer=plain)


def test_a_state_that_does_not_say_its_threads_is_no_cause_for_a_warning(kept, tmp_path, caplog):
    train(altered(kept, tmp_path / "checkpoint.safetensors", lambda _, state: state.pop("threads")))
    assert "threads" not in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        struct.pack("<Q", 2**60) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 40) + b'{"__metadata__":{"state":"[[[[[[[[[["}}   ',
    ],
)
def test_a_header_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(content)
    refuse(path)


def test_a_state_that_nests_without_end_is_refused(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    save_file({"a": torch.ones(1)}, path, {"state": "[" * 10**6})
    refuse(path)
    save_file({"a": torch.ones(1)}, path)  # no state at all
    refuse(path)


def test_resuming_with_another_number_of_threads_is_said(tmp_path, caplog):
    path = tmp_path / "checkpoint.safetensors"
    threads = torch.get_num_threads()
    train(path, stop=2)
    train(path)
    assert "threads" not in caplog.text
    train(path, stop=2)
    path.write_bytes(
        path.read_bytes().replace(f'threads\\": {threads},'.encode(), f'threads\\": {threads + 1},'.encode())
    )
    train(path)
    assert "was written with another number of threads" in caplog.text
