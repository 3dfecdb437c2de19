"""What a run and a prediction say of results that look like results and are none."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TRIAL

from hsi import predict
from hsi.cli.main import main
from hsi.engine.device import Precision
from hsi.evaluation.one_class import notes_on
from hsi.runs.model import TrainedModel
from hsi.training import steps

CUSTOM = ["scene=custom", "scene.cube=cube.npy", "scene.labels=labels.npy", "hydra.run.dir=here"]
SHAPE = (30, 31)
QUICK = ["patch_size=9", "reduce.components=15", "train.steps=2", "train.batch_size=32"]


def place(cube: np.ndarray, labels: np.ndarray) -> None:
    np.save("cube.npy", cube.astype(np.uint16))
    np.save("labels.npy", labels)


def noise(bands: int = 30) -> np.ndarray:
    return np.random.default_rng(0).integers(100, 5000, (*SHAPE, bands))


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_map_of_one_class_is_said_by_the_run_and_by_the_prediction(hsi_run, monkeypatch, capfd):
    labels = np.ones(SHAPE, dtype=int)
    labels[::10, ::10] = 2  # too few for a machine that finds nothing in noise
    place(noise(), labels)
    outcome = hsi_run(*CUSTOM, "model=svm", 'scene.classes=["water","land"]')
    assert outcome.status == 0, outcome.err
    sentence = "of the mapped pixels are called water, with a confidence of"
    assert sentence in flat(outcome.out)
    assert sentence in json.loads(Path("here/metrics.json").read_text())["map_notes"][0]
    monkeypatch.setattr(sys, "argv", ["hsi.predict", "run=here", "scene.cube=cube.npy", "out=there"])
    main(predict.predict, "predict")
    assert sentence in flat(capfd.readouterr().out)
    summary = json.loads(Path("there/prediction.json").read_text())
    assert np.load("there/map.npy").size == 930
    (note,) = summary["map_notes"]
    assert note.startswith(f"{summary['pixels']['water'] / 930:.1%} of the mapped pixels")
    assert f"{np.load('there/confidence.npy')[np.load('there/map.npy') == 1].mean():.3f}" in note


def test_a_map_of_several_classes_is_no_cause_for_a_note(hsi_run):
    outcome = hsi_run(*TRIAL, "train.steps=12", "hydra.run.dir=here")
    assert "a map of one class" not in flat(outcome.out)


def test_pixels_without_data_are_no_class():
    class_map = np.array([[0, 0, 0, 2]], dtype=np.uint8)
    (note,) = notes_on(class_map, np.array([[np.nan, np.nan, np.nan, 1]], dtype=np.float32), ["a", "b"])
    assert note.startswith("100.0% of the mapped pixels are called b, with a confidence of 1.000")
    assert notes_on(np.zeros((1, 4), np.uint8), np.full((1, 4), np.nan, np.float32), ["a", "b"]) == ()


def test_training_pixels_that_teach_nothing_are_said(hsi_run):
    """Class 1 varies, 2 and 3 are alike within and between, and 4 is alike within."""
    labels = 1 + np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE) // 250
    cube = noise()
    cube[(labels == 2) | (labels == 3)] = np.arange(30) + 7
    cube[labels == 4] = np.arange(30) + 9
    place(cube, labels)
    outcome = hsi_run(*CUSTOM, *QUICK)
    assert outcome.status == 0, outcome.err
    notes = json.loads(Path("here/metrics.json").read_text())["split_notes"]
    assert notes == [
        "class 2, class 3, class 4: all training pixels of a class have one and the same spectrum",
        "class 2: each of its training spectra is one of class 3 too, so that spectra do not tell them apart",
        "class 3: each of its training spectra is one of class 2 too, so that spectra do not tell them apart",
    ]
    assert all(note in outcome.out for note in notes)


@pytest.mark.parametrize("kind", ["random", "regions"])
def test_spectra_that_differ_in_two_values_are_not_alike(hsi_run, kind):
    labels = 1 + np.indices(SHAPE).sum(axis=0) // 4 % 2
    cube = np.broadcast_to(noise()[0, 0], (*SHAPE, 30)).copy()
    cube[..., 8] = np.arange(labels.size).reshape(SHAPE)
    cube[..., 10] = 5000 - cube[..., 8]
    place(cube, labels)
    outcome = hsi_run(*CUSTOM, "model=svm", f"split={kind}", "scene.drop_bands=none")
    assert outcome.status == 0, outcome.out
    assert "same spectrum" not in outcome.out
    assert "tell them apart" not in outcome.out


def test_components_without_variance_are_said(hsi_run):
    labels = 1 + np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE) // 500
    rank_two = np.random.default_rng(0).integers(1, 50, (*SHAPE, 2)) @ np.random.default_rng(1).integers(1, 20, (2, 30))
    place(rank_two, labels)
    outcome = hsi_run(*CUSTOM, *QUICK)
    assert "The spectra fill 2 of 15 components" in outcome.out
    place(noise(), labels)
    assert "The spectra fill" not in hsi_run(*CUSTOM, *QUICK, "force=true").out


@pytest.mark.parametrize("cube", [np.zeros((*SHAPE, 30)), np.full((*SHAPE, 30), 7), np.zeros((*SHAPE, 3))])
@pytest.mark.parametrize("bands", ["auto", "none"])
def test_a_scene_without_variation_is_refused(hsi_run, cube, bands):
    place(cube, 1 + np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE) // 500)
    outcome = hsi_run(*CUSTOM, *QUICK[:1], "reduce=none", f"scene.drop_bands={bands}")
    assert outcome.status == 2
    assert outcome.out.count("Error: ") == 1
    assert "Traceback" not in outcome.out + outcome.err


@pytest.mark.parametrize("threads", [1, 2])
def test_precision_and_threads_stand_in_the_run(hsi_run, monkeypatch, threads):
    """A GPU makes of precision=auto another than a CPU; here the resolver stands in for one."""

    def resolve(word: Precision, device: torch.device) -> str:
        return "bf16" if word == "auto" else word

    monkeypatch.setattr(steps, "resolve_precision", resolve)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        outcome = hsi_run(*TRIAL, "train.steps=1", "hydra.run.dir=here")
    finally:
        torch.set_num_threads(before)
    assert f"Training in bf16 on cpu, {threads} thread" in outcome.out
    assert "(trained in bf16, " in next(line for line in outcome.out.splitlines() if line.startswith("OA "))
    metrics = json.loads(Path("here/metrics.json").read_text())
    assert (metrics["precision"], metrics["threads"]) == ("bf16", threads)


@pytest.mark.parametrize("where", ["hsi.training.steps.forward", "hsi.runs.model.TrainedModel.map_image"])
def test_memory_that_ends_in_training_or_mapping_gets_one_sentence_and_the_run_resumes(hsi_run, monkeypatch, where):
    words = [*TRIAL, "train.checkpoint_seconds=0", "hydra.run.dir=here"]
    calls = []
    module, _, name = where.rpartition(".")
    owner = sys.modules.get(module) or TrainedModel
    real = getattr(owner, name)

    def limited(*given: object, **more: object) -> object:
        calls.append(name)
        if name == "map_image" or len(calls) == 3:
            raise MemoryError
        return real(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, limited)
        outcome = hsi_run(*words)
    assert outcome.status == 2
    assert outcome.out.count("Error: the machine has too little memory for this") == 1
    assert "Traceback" not in outcome.out + outcome.err
    assert not Path("here/metrics.json").exists()
    again = hsi_run(*words)
    assert again.status == 0
    assert f"Resuming from step {2 if name == 'forward' else 4} of 4" in again.out
