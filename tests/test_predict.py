"""Predicting with a finished run: the same map on the same scene, and a clear no where the model does not fit."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, TRIAL

from hsi import predict
from hsi.cli import main as cli

SAME = ["scene=synthetic", "scene.rows=40", "scene.cols=36"]


@pytest.fixture(scope="module", params=["true", "false"], ids=["channels-last", "channels-first"])
def trained(request, tmp_path_factory):
    """A run, in either memory order of the weights, whatever this processor likes."""
    folder = tmp_path_factory.mktemp("predict") / "trained"
    command = [sys.executable, "-m", "hsi.run", *TRIAL, f"hydra.run.dir={folder}"]
    command += ["precision=fp32", f"engine.channels_last={request.param}"]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    return folder


@pytest.fixture
def hsi_predict(trained, tmp_path, monkeypatch, capfd):
    shutil.copytree(trained, tmp_path / "trained")
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["hsi.predict", "run=trained", "hydra.run.dir=there", *words])
        try:
            cli.main(predict.predict, "predict")
        except SystemExit as leaving:
            return int(leaving.code or 0), "".join(capfd.readouterr())
        return 0, "".join(capfd.readouterr())

    return call


def test_the_same_scene_gives_the_same_bytes(hsi_predict):
    status, told = hsi_predict(*SAME)
    assert status == 0, told
    for name in ("map.npy", "confidence.npy"):
        assert Path("there", name).read_bytes() == Path("trained", name).read_bytes()
    summary = json.loads(Path("there/prediction.json").read_text())
    assert sum(summary["pixels"].values()) == 40 * 36
    assert "there/map.png" in told


def test_a_scene_of_another_size_without_labels(hsi_predict):
    np.save("cube.npy", np.random.default_rng(0).integers(0, 5000, (30, 41, 60)).astype(np.uint16))
    status, told = hsi_predict("scene.cube=cube.npy", "scene.labels=null")
    assert status == 0, told
    assert np.load("there/map.npy").shape == (30, 41)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["scene=synthetic", "scene.bands=61"], "has 61 bands, the model was trained on 60"),
        (["scene=synthetic", "run=nowhere"], "holds no finished run"),
    ],
)
def test_what_does_not_fit_is_refused(hsi_predict, words, sentence):
    status, told = hsi_predict(*words)
    assert status == 2
    assert sentence in told
    assert not Path("there/map.npy").exists()


def test_other_wavelengths_are_refused(hsi_predict):
    bundle = json.loads(Path("trained/bundle.json").read_text())
    bundle["wavelengths_nm"][3] += 20
    Path("trained/bundle.json").write_text(json.dumps(bundle))
    status, told = hsi_predict(*SAME)
    assert status == 2
    assert "band 3 lies at" in told


def test_a_bundle_cannot_run_foreign_code(hsi_predict):
    bundle = json.loads(Path("trained/bundle.json").read_text())
    bundle["model"]["_target_"] = "os.system"
    Path("trained/bundle.json").write_text(json.dumps(bundle))
    status, told = hsi_predict(*SAME)
    assert status == 2
    assert "asks to call os.system" in told
