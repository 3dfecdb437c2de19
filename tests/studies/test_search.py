"""The search by Optuna: what decides are validation pixels, and no label of a test pixel reaches it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import TRIAL

optuna = pytest.importorskip("optuna")

from hsi.config.build import build_as  # noqa: E402
from hsi.recipes import compose_settings, split_of  # noqa: E402
from hsi.scene import Scene  # noqa: E402
from hsi.splits.roles import TEST, VALIDATION  # noqa: E402
from studies.search import main, validation_accuracy  # noqa: E402

WORDS = [*TRIAL, "split.validation=0.2", "train.validate_every=2", "device=cpu"]


@pytest.fixture(autouse=True)
def _deterministic_here_alone():
    yield
    torch.set_deterministic_debug_mode("default")


def with_labels_permuted(scene, split, role):
    """The scene whose labels of one role are another permutation of themselves."""
    labels = scene.labels.copy()
    labels[split.role == role] = np.random.default_rng(0).permutation(labels[split.role == role])
    return replace(scene, labels=labels)


def test_test_labels_change_nothing_and_validation_labels_do():
    tree, _ = compose_settings(WORDS)
    scene = build_as(Scene, tree["scene"], "scene")
    split = split_of(scene, tree["split"])
    found = validation_accuracy(scene, split, WORDS)
    blind = with_labels_permuted(scene, split, TEST)
    assert (blind.labels != scene.labels).any()
    assert validation_accuracy(blind, split, WORDS) == found
    assert validation_accuracy(with_labels_permuted(scene, split, VALIDATION), split, WORDS) != found


def test_the_search_prints_a_command_with_the_settings_that_it_tried(monkeypatch, capsys):
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def judge(scene, split, words):
        return 1 - abs(float(words[-1].removeprefix("model.dropout=")) - 0.3)

    monkeypatch.setattr("studies.search.validation_accuracy", judge)
    main([*WORDS, "--trials", "12"])
    told = capsys.readouterr().out.splitlines()
    assert told[-1].startswith("hsi run experiment=trial")
    best = float(told[-1].rpartition("model.dropout=")[2])
    assert abs(best - 0.3) < 0.15
    compose_settings(told[-1].split()[2:])


def test_without_validation_pixels_there_is_nothing_to_search_by():
    tree, _ = compose_settings(TRIAL)
    scene = build_as(Scene, tree["scene"], "scene")
    with pytest.raises(SystemExit, match=r"split\.validation"):
        validation_accuracy(scene, split_of(scene, tree["split"]), TRIAL)
