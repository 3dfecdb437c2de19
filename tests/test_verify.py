"""Verification: a run as it was left passes, every kind of tampering is named."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, TRIAL

from hsi import verify
from hsi.splits.roles import Split, load_split, save_split


@pytest.fixture
def made(hsi_run, tmp_path):
    words = ["model=knn", "scene.rows=40", "scene.cols=40", "split.validation=0.1"]
    assert hsi_run(*TRIAL, *words, "hydra.run.dir=made").status == 0
    return tmp_path / "made"


def edit_metrics(folder, change):
    metrics = json.loads((folder / "metrics.json").read_text())
    change(metrics)
    (folder / "metrics.json").write_text(json.dumps(metrics))


def call(monkeypatch, capfd, folder) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["hsi.verify", str(folder)])
    with pytest.raises(SystemExit) as leaving:
        verify.main()
    return int(leaving.value.code), *capfd.readouterr()


def test_in_a_process_of_its_own(hsi_run, tmp_path):
    """Where nothing else has prepared the reading of saved configurations, as other tests do."""
    assert hsi_run(*TRIAL, "hydra.run.dir=made").status == 0
    command = [sys.executable, "-m", "hsi.verify", str(tmp_path / "made")]
    told = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (told.returncode, told.stdout) == (0, f"verified: {tmp_path / 'made'}\n"), told.stderr


def test_every_kind_of_tampering_is_named(made, monkeypatch, capfd):
    status, out, _ = call(monkeypatch, capfd, made)
    assert (status, out) == (0, f"verified: {made}\n")

    def flip_map(folder):
        """One pixel that no metric looks at: unlabelled or not in the test set."""
        class_map, split = np.load(folder / "map.npy"), load_split(folder / "split.npz")
        class_map[tuple(np.argwhere(split.role != 3)[0])] = 1 + class_map.max() % 6
        np.save(folder / "map.npy", class_map)

    def move_pixel(folder):
        split = load_split(folder / "split.npz")
        role = split.role.copy()
        role[tuple(np.argwhere(role == 3)[0])] = 1
        save_split(folder / "split.npz", Split(role, split.region))

    def edit_config(folder):
        path = folder / ".hydra/config.yaml"
        path.write_text(path.read_text().replace("seed: 0", "seed: 1"))

    def doubt(folder):
        np.save(folder / "confidence.npy", np.load(folder / "confidence.npy") * np.float32(0.5))

    faults = {
        flip_map: "map.npy was changed after the run",
        move_pixel: "split_hash: ",
        edit_config: ".hydra/config.yaml is not the configuration of this run",
        doubt: "calibration.ece: ",
        lambda f: edit_metrics(f, lambda m: m.update(oa=0.9999)): "oa: 0.9999 written, ",
        lambda f: edit_metrics(f, lambda m: m.update(n_test=1)): "n_test: 1 written, ",
        lambda f: edit_metrics(f, lambda m: m.pop("kappa")): "kappa: None written, ",
        lambda f: edit_metrics(f, lambda m: m["per_class"].update({"class 1": 0.0})): "per_class.class 1: 0.0 written",
        lambda f: edit_metrics(f, lambda m: m["config"].update(patch_size=3)): "config does not have the hash",
        lambda f: edit_metrics(f, lambda m: m.update(scene_hash="0")): "scene synthetic: its files are not those",
        lambda f: edit_metrics(f, lambda m: m["leakage"].update(window=5)): "leakage.test_windows_with_training_pixel",
        lambda f: (f / "model.safetensors").unlink(): "model.safetensors is missing",
        lambda f: (f / "confusion.csv").write_text("class,a\nb,1\n"): "confusion.csv does not follow",
    }
    for tamper, finding in faults.items():
        copy = made.with_name("copy")
        shutil.copytree(made, copy)
        tamper(copy)
        status, out, _ = call(monkeypatch, capfd, copy)
        assert status == 1
        assert finding in out
        shutil.rmtree(copy)


def test_hash_inside_the_split_file_is_checked(made):
    with np.load(made / "split.npz") as saved:
        arrays = dict(saved)
    arrays["role"][0, 0] = 3 - arrays["role"][0, 0]
    np.savez(made / "split.npz", **arrays)
    assert any("its hash does not match its roles" in line for line in verify.verify(made))


@pytest.mark.parametrize("name", ["map.npy", "confusion.csv", ".hydra/config.yaml", "metrics.json"])
def test_what_cannot_be_judged_is_said_in_a_sentence(made, monkeypatch, capfd, name):
    (made / name).unlink()
    status, _, err = call(monkeypatch, capfd, made)
    assert status == 2
    assert err.startswith("Error: ")
    assert name in err


def test_metrics_say_where_they_come_from(made):
    metrics = json.loads((made / "metrics.json").read_text())
    for key in ("split_hash", "scene_hash", "config_hash"):
        assert len(metrics[key]) == 64
    assert {"version", "commit", "dirty"} == set(metrics["code"])
    assert metrics["libraries"]["scikit-learn"]
    assert metrics["threads"] >= 1
    assert metrics["precision"] == "fp32"
    assert set(metrics["files"]) >= {"map.npy", "split.npz", "model.safetensors"}


def test_it_loads_neither_torch_nor_what_fetches():
    code = "import sys, hsi.verify; print({'torch', 'pooch', 'requests', 'matplotlib'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout == "set()\n"
