"""A run opened from Python: what its files say has to fit together, or a sentence says where it does not."""

import json
import re

import numpy as np
import pytest
from commands import KEPT, METRICS, RUN, keep

import hsi
from hsi.errors import HsiError
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
