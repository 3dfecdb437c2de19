"""A run opened from Python: what its files say has to fit together, or a sentence says where it does not."""

import json
import re

import numpy as np
import pytest
from commands import KEPT, METRICS, RUN, keep

import hsi
from hsi.errors import HsiError
from hsi.evaluation.areas import sample_notes
from hsi.runs.opened import open_run, read_confidence, read_map, read_sample
from hsi.splits.roles import Split, load_split, save_split

LABELS = np.load(KEPT / "labels.npy")


def array(name, change):
    def attack():
        values = np.load(RUN / name)
        np.save(RUN / name, change(values))

    return attack


def roles(change):
    return lambda: save_split(RUN / "split.npz", Split(change(load_split(RUN / "split.npz").role)))


def leakage(value):
    return lambda: METRICS.write_text(json.dumps(json.loads(METRICS.read_text()) | {"leakage": value}))


def text(name, old, new):
    return lambda: (RUN / name).write_text(re.sub(old, new, (RUN / name).read_text()))


def with_gap(confidence):
    confidence[5] = np.nan
    return confidence


OTHER = {
    "a smaller map": (array("map.npy", lambda values: values[1:]), "differ in size"),
    "a smaller confidence": (array("confidence.npy", lambda values: values[1:]), "differ in size"),
    "a smaller split": (roles(lambda role: role[1:]), "differ in size"),
    "more classes": (array("map.npy", lambda values: values + 3), "map.npy has the class 4, the scene has 3"),
    "no test pixels": (roles(lambda role: np.minimum(role, 1)), "no training or no test pixels"),
    "tests without a label": (roles(lambda role: np.where(LABELS == 0, 3, role).astype(np.uint8)), "have no label"),
    "tests without a class": (array("map.npy", lambda values: values * (np.arange(24)[:, None] > 9)), "no class"),
    "tests without confidence": (array("confidence.npy", with_gap), "no confidence"),
    "no leakage": (leakage(None), "no window of this scene is None pixels wide"),
    "leakage in a list": (leakage([9]), "no window of this scene is None pixels wide"),
    "an even window": (leakage({"window": 8, "context": "own"}), "no window of this scene is 8 pixels wide"),
    "another context": (leakage({"window": 9, "context": ["own"]}), "9 pixels wide and ['own']"),
    "counts that are none": (text("confusion.csv", "120", "1.5"), "holds no counts"),
    "negative counts": (text("confusion.csv", "120", "-1"), "holds no counts"),
    "counts in a row": (text("confusion.csv", "class 3,74,0,0\n", ""), "holds no counts"),
    "another history": (text("history.csv", "learning_rate", "rate"), "holds no history"),
    "a history in words": (text("history.csv", "0.375", "often"), "holds no history"),
    "no history": (text("history.csv", "(?s)\n.*", "\n"), "holds no history"),
}


@pytest.mark.parametrize("name", OTHER)
def test_files_that_do_not_fit_are_told(tmp_path, monkeypatch, name):
    keep(tmp_path, monkeypatch, "network")
    hsi.open_run("network")
    attack, reason = OTHER[name]
    attack()
    with pytest.raises(HsiError) as told:
        hsi.open_run("network")
    assert reason in str(told.value)


def test_a_run_is_judged_again_as_it_was(tmp_path, monkeypatch):
    keep(tmp_path, monkeypatch, "network")
    run = open_run(RUN)
    metrics = json.loads(METRICS.read_text())
    assert (run.folder, run.metrics, run.config["split"]["seed"]) == (RUN, metrics, run.config["seed"])
    assert list(run.history) == ["step", "loss", "accuracy", "learning_rate", "validation_accuracy"]
    scene = run.load_scene()
    np.testing.assert_array_equal(scene.labels, LABELS)
    found = run.evaluate(scene)
    assert (found.scores.oa, found.scores.kappa) == (metrics["oa"], metrics["kappa"])
    np.testing.assert_array_equal(found.scores.confusion, run.confusion)


def test_the_sample_for_areas_is_the_confusion_and_says_how_it_was_drawn(tmp_path, monkeypatch):
    keep(tmp_path, monkeypatch, "network")
    sample = read_sample(RUN)
    np.testing.assert_array_equal(sample.confusion, [[120, 0, 0], [81, 0, 0], [74, 0, 0]])
    assert sample.notes == sample_notes("random", other_scene=True)
    metrics = json.loads(METRICS.read_text())
    for choices, said in (
        ({"split": "blocks"}, "blocks"),
        ({"split": "x" * 99}, "x" * 37 + "..."),
        ({}, "unknown"),
        ([], "unknown"),
    ):
        METRICS.write_text(json.dumps(metrics | {"choices": choices}))
        assert read_sample(RUN).notes == sample_notes(said, other_scene=True)
    for name in ("metrics.json", "confusion.csv"):
        keep(tmp_path / name, monkeypatch, "network")
        (RUN / name).unlink()
        assert read_sample(RUN) is None


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        ([[0.0, 1.0]], True),
        ([[1.0005, np.nan]], True),  # a mean of float32 may be that
        ([[1.0011, 0.5]], False),
        ([[-1e-9, 0.5]], False),
        ([[np.nan, np.nan]], False),
        ([[np.inf, 0.5]], False),
        ([0.5], False),
        ([[[0.5]]], False),
        ([[1, 0]], False),
    ],
)
def test_a_confidence_is_between_none_and_all(tmp_path, values, taken):
    np.save(tmp_path / "confidence.npy", np.array(values))
    if taken:
        np.testing.assert_array_equal(read_confidence(tmp_path), values)
    else:
        with pytest.raises(HsiError, match="holds no confidence"):
            read_confidence(tmp_path)


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        (np.eye(2, dtype=np.uint8), True),
        (np.eye(2, dtype=np.int64), True),
        (-np.eye(2, dtype=np.int64), False),
        (np.eye(2), False),
        (np.eye(2, dtype=bool), False),
        (np.zeros((2, 2), dtype=np.uint8), False),
        (np.ones(2, dtype=np.uint8), False),
    ],
)
def test_a_map_has_whole_numbers_some_of_them_classes(tmp_path, values, taken):
    np.save(tmp_path / "map.npy", values)
    if taken:
        np.testing.assert_array_equal(read_map(tmp_path), values)
    else:
        with pytest.raises(HsiError, match="holds no map of classes"):
            read_map(tmp_path)
