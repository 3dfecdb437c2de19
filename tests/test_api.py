"""Python's way in: each step of the chain, and the same files as the command's."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from matplotlib.figure import Figure

import hsi

SMALL = {"rows": 40, "cols": 36}
COMMAND = ["scene=synthetic", "scene.rows=40", "scene.cols=36", "split=regions", "split.train=0.5", "split.seed=0"]
COMMAND += ["model=hybridsn", "+attention=se", "train.steps=4", "train.batch_size=64", "patch_size=9", "seed=3"]
COMMAND += ["reduce.components=15"]
FILES = ["map.npy", "confidence.npy", "probabilities.npy", "split.npz", "confusion.csv", "history.csv", "bundle.json"]
SAID_OTHERWISE = {".hydra/config.yaml", ".hydra/overrides.yaml", "environment.json"}  # words, and when
FILES += ["model.safetensors", "map.png", "confusion.png", "leakage.png", "history.png", "reliability.png"]


@pytest.fixture(scope="module")
def run():
    scene = hsi.load("synthetic", **SMALL)
    split = scene.split("regions", train=0.5, seed=0)
    how = {"steps": 4, "batch_size": 64, "patch_size": 9, "components": 15}
    return hsi.fit(scene, split, model="hybridsn", attention="se", seed=3, **how)


def test_it_saves_what_the_command_saves(run, hsi_run, tmp_path):
    assert hsi_run(*COMMAND, "hydra.run.dir=command").status == 0
    saved = run.save("python")
    assert saved == tmp_path / "python"
    for name in FILES:
        assert (saved / name).read_bytes() == (tmp_path / "command" / name).read_bytes(), name
    command, python = (hsi.open_run(name) for name in ("command", "python"))
    assert python.scores.equals(command.scores)
    theirs, ours = (json.loads(Path(name, "metrics.json").read_text()) for name in ("command", "python"))
    for key in ("config_hash", "identity", "config", "choices", "scene_hash"):
        assert theirs[key] == ours[key], key
    assert {name for name, _ in theirs["files"].items() ^ ours["files"].items()} <= SAID_OTHERWISE
    assert hsi_run(*COMMAND, "hydra.run.dir=python").out.count("Finished already") == 1


def test_what_a_run_says(run):
    labels, test = run.scene.labels, run.split.role == 3
    assert run.scores["oa"] == pytest.approx((run.class_map == labels)[test].mean())
    assert run.scores["n_test"] == test.sum()
    assert run.per_class["support"].sum() == run.confusion.to_numpy().sum() == test.sum()
    assert list(run.per_class.index) == list(run.confusion.columns) == list(run.scene.class_names)
    assert "No test window" in run.leakage["sentence"]
    assert run.position["skill"] == pytest.approx(
        (run.scores["oa"] - run.position["oa"]) / (1 - run.position["oa"]), abs=1e-12
    )
    for draw in (run.plot.map, run.plot.confidence, run.plot.confusion, run.plot.history, run.plot.leakage):
        assert isinstance(draw(), Figure)
    assert isinstance(run.plot.spectra(), Figure)
    assert "Gradient times activation" in run.plot.activation_maps().legends[0].get_title().get_text()


def test_a_model_without_gradients_has_no_activation_maps(run):
    with pytest.raises(hsi.HsiError, match=r"no activation maps, as it has no gradients: choose a network"):
        hsi.fit(run.scene, run.split, "knn").plot.activation_maps([0])


def test_a_saved_run_opens_and_maps(run, tmp_path):
    run.save(tmp_path / "mine")
    again = hsi.open_run(tmp_path / "mine")
    assert again.scores.equals(run.scores)
    assert again.position == run.position == json.loads((tmp_path / "mine/metrics.json").read_text())["position"]
    np.testing.assert_array_equal(again.class_map, run.class_map)
    np.save(tmp_path / "next.npy", hsi.load("synthetic", rows=20, cols=30).cube)
    for source in (run, again, tmp_path / "mine"):
        mapped = hsi.predict(source, tmp_path / "next.npy")
        assert mapped.class_map.shape == (20, 30)
        assert mapped.pixels.sum() == 600
    assert isinstance(mapped.plot(), Figure)
    assert (mapped.save(tmp_path / "there") / "prediction.json").exists()
    with pytest.raises(hsi.HsiError, match="saved already"):
        again.save(tmp_path / "elsewhere")


def test_predict_is_a_command_and_a_function(run, tmp_path):
    import hsi.predict

    assert callable(hsi.predict.predict)
    assert hsi.predict(run, run.scene).class_map.shape == run.class_map.shape


def test_splits_are_audited_without_training(run):
    audit = run.split.audit(window=25)
    assert list(audit["window"]) == list(range(3, 26, 2))
    assert audit["test_windows_with_training_pixel"].max() == 0
    assert isinstance(audit.plot(), Figure)
    assert audit.leakage["position"]["oa"] == run.position["oa"]
    assert run.scene.split(train=0.1).audit(windows=[9])["test_windows_with_training_pixel"].max() > 0.5
    assert isinstance(run.scene.plot(), Figure)


def test_own_files_and_arrays(tmp_path):
    made = hsi.load("synthetic", **SMALL)
    np.save(tmp_path / "My cube, größer.npy", made.cube)
    np.save(tmp_path / "labels.npy", made.labels)
    opened = hsi.open(tmp_path / "My cube, größer.npy", labels=tmp_path / "labels.npy", classes=list("abcdef"))
    assert opened.class_names == tuple("abcdef")
    assert opened.name == "My cube, größer"
    held = hsi.from_arrays(made.cube, made.labels, wavelengths=made.wavelengths)
    roles = made.split(seed=1).role
    runs = [hsi.fit(scene, scene.use(roles), model="knn") for scene in (opened, held)]
    np.testing.assert_array_equal(runs[0].class_map, runs[1].class_map)
    runs[1].save(tmp_path / "arrays")
    with pytest.raises(hsi.HsiError, match="arrays in memory"):
        hsi.open_run(tmp_path / "arrays")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda scene: hsi.load("synthetik"), "did you mean synthetic"),
        (lambda scene: hsi.load("synthetic", row=3), "did you mean scene.rows"),
        (lambda scene: scene.split("region"), "did you mean regions"),
        (lambda scene: scene.split("random", trian=0.5), "did you mean split.train"),
        (lambda scene: scene.split("random", train=-1), "split.train=-1: give a share"),
        (lambda scene: hsi.fit(scene, scene.split(), model="hybridnn"), "did you mean hybridsn"),
        (lambda scene: hsi.fit(scene, scene.split(), steps=1.5), "train.steps=1.5: give a whole number"),
        (lambda scene: hsi.fit(scene, scene.split(), stepz=1), "unknown key stepz"),
        (lambda scene: hsi.fit(scene, scene.split(), seed=-1), "seed=-1: give a whole number"),
        (lambda scene: hsi.fit(scene, scene.split(), device="tpu"), "device=tpu: choose auto, cpu or cuda"),
        (lambda scene: scene.use(np.zeros((2, 2), int)), "roles must be 0 to 3 in an array of 40 x 36"),
        (lambda scene: hsi.open("missing.npy"), "missing.npy does not exist"),
        (lambda scene: hsi.open_run("nowhere"), "nowhere"),
        (lambda scene: hsi.open_sweep("nowhere"), "nowhere is no directory"),
        (lambda scene: hsi.open_sweep(".", measure="f1"), "measure=f1: choose oa, aa or kappa"),
        (lambda scene: hsi.predict("nowhere", scene), "nowhere"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(call, sentence):
    with pytest.raises(hsi.HsiError, match=sentence):
        call(hsi.load("synthetic", **SMALL))


def test_importing_the_package_loads_no_library():
    heavy = "print([m for m in ('torch', 'numpy', 'hydra', 'pandas', 'matplotlib') if m in sys.modules])"
    command = [
        sys.executable,
        "-c",
        f"import sys, hsi; {heavy}; print({{*hsi.__all__}} <= {{*dir(hsi)}})",
    ]
    found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert found == "[]\nTrue\n"
