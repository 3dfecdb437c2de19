"""Runs that commit ee5a441 wrote, before modules moved: they open, verify, compare and predict as they did."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from commands import NAMES, Commands, keep

from hsi import files
from hsi.comparison.groups import read_settings
from hsi.runs.model import load_model
from hsi.runs.opened import open_run
from hsi.verify import verify


@pytest.fixture
def commands(tmp_path, monkeypatch, capfd, caplog):
    keep(tmp_path, monkeypatch, *NAMES)
    return Commands(monkeypatch, capfd, caplog)


@pytest.mark.parametrize("name", NAMES)
def test_an_old_run_opens_and_is_verified(commands, tmp_path, name):
    run = open_run(name)
    assert run.metrics["code"]["commit"].startswith("ee5a441")
    assert run.class_map.shape == run.load_scene().labels.shape == run.split.role.shape
    assert len(run.history) >= 1
    status, told = commands.verify(name)
    assert (status, told.splitlines()[0]) == (0, f"verified: {name}")
    assert "the run is of an earlier version" in " ".join(told.split())


@pytest.mark.parametrize("name", NAMES)
def test_an_old_run_predicts_as_it_did(commands, name):
    status, told = commands.predict(name)
    assert status == 0, told
    np.testing.assert_array_equal(np.load("there/map.npy"), np.load(f"{name}/map.npy"))
    written = np.load(f"{name}/confidence.npy")
    np.testing.assert_allclose(np.load("there/confidence.npy"), written, rtol=0, atol=1e-4)
    prediction = load_model(Path(name)).map(open_run(name).load_scene())
    probabilities = np.load(f"{name}/probabilities.npy").astype(np.float32)
    # those that were kept have half precision, which ends at the fourth digit
    np.testing.assert_allclose(prediction.probabilities.astype(np.float32), probabilities, rtol=0, atol=6e-4)


def test_old_runs_are_compared(commands, tmp_path):
    status, told = commands.compare(*NAMES, "--out", "compared")
    assert status == 0, told
    assert "cannot be loaded" not in told
    settings = read_settings([tmp_path / name for name in NAMES])
    together = sorted(sorted(run.folder.name for run in setting.runs) for setting in settings)
    assert together == [["baseline"], ["calibrated"], ["network"], ["spectra", "spectra_2"]]
    table = files.read_table(tmp_path / "compared" / "summary.csv")
    assert sorted(table["runs"]) == [1, 1, 1, 2]


def test_an_old_run_that_was_changed_is_named(commands, tmp_path):
    path = tmp_path / "network" / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["oa"] += 0.1
    metrics["config"]["seed"] = 7
    path.write_text(json.dumps(metrics))
    class_map = np.load("network/map.npy")
    class_map[0, 0] = 1 + class_map[0, 0] % 3
    np.save("network/map.npy", class_map)
    status, told = commands.verify("network")
    assert status == 1
    for finding in (
        "oa: 0.53",
        "map.npy was changed",
        "config does not have the hash",
        "config.yaml is not the configuration",
    ):
        assert finding in told


def test_keys_that_cannot_be_printed_stay_in_their_line(commands, tmp_path):
    path = tmp_path / "network" / "metrics.json"
    files.write_json(path, json.loads(path.read_text()) | {"aw\x7fard\n": "best paper"})
    assert all(line.isprintable() for line in verify(tmp_path / "network").trusted)


def test_another_scene_under_the_old_name_is_named(commands, tmp_path):
    np.save("cube.npy", np.load("cube.npy") + 1)
    assert [line for line in verify(tmp_path / "network").differences if line.startswith("scene_hash: ")]


def test_an_old_and_a_new_run_are_repetitions_of_one_setting(commands, hsi_run, tmp_path):
    """The same words, another seed: a pair of one setting, however modules are called by now."""
    words = yaml.safe_load((tmp_path / "network/.hydra/overrides.yaml").read_text())
    for seed in (1, 2):
        outcome = hsi_run(*words, f"seed={seed}", f"hydra.run.dir=new_{seed}")
        assert outcome.status == 0, outcome.err
    (setting,) = read_settings([tmp_path / name for name in ("network", "new_1", "new_2")])
    # of equal configuration, split and seed, one run counts
    assert [run.folder.name for run in setting.runs] == ["network", "new_2"]
    assert commands.verify("new_1")[0] == 0
