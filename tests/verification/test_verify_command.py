"""``hsi verify`` as it is called, and the training repeated."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from conftest import ROOT, TRIAL
from runs_made import edited, make
from spectral.io import envi

from hsi import verify as command
from hsi.output.manifest import manifest
from hsi.verification import refit
from hsi.verification.checked import verify
from hsi.verification.refit import spread


@pytest.fixture
def made(hsi_run, tmp_path):
    words = ["model=knn", "scene.rows=40", "scene.cols=40", "split.validation=0.1"]
    assert hsi_run(*TRIAL, *words, "hydra.run.dir=made").status == 0
    return tmp_path / "made"


def call(monkeypatch, capfd, *words) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["hsi.verify", *map(str, words)])
    capfd.readouterr()
    with pytest.raises(SystemExit) as leaving:
        command.main()
    return int(leaving.value.code), *capfd.readouterr()


@pytest.mark.long
def test_in_a_process_of_its_own(tmp_path):
    """Where nothing else has prepared the reading of saved configurations, as other tests do."""
    made = make(tmp_path / "made")
    told = subprocess.run([sys.executable, "-m", "hsi.verify", str(made)], capture_output=True, text=True, cwd=ROOT)
    first, second, *trusted, manifest_line = told.stdout.splitlines()
    assert (told.returncode, first, second) == (0, f"verified: {made}", "Taken on trust:"), told.stderr
    assert all(line.startswith("  ") for line in trusted)
    assert manifest_line.startswith("Manifest: sha256:")
    assert manifest_line in (made / "run.log").read_text()


def test_what_differs_comes_first(made, monkeypatch, capfd):
    edited(lambda m: m.update(oa=0.9999, model="hybridsn"))(made)
    status, out, _ = call(monkeypatch, capfd, made)
    assert status == 1
    assert out.startswith("model: hybridsn written, knn found\noa: 0.9999 written, ")
    assert f"\nNOT verified: 2 differences in {made}\n" in out


def test_hash_inside_the_split_file_is_checked(made, monkeypatch, capfd):
    with np.load(made / "split.npz") as saved:
        arrays = dict(saved)
    arrays["role"][0, 0] = 3 - arrays["role"][0, 0]
    np.savez(made / "split.npz", **arrays)
    status, out, _ = call(monkeypatch, capfd, made)
    assert status == 1
    assert "its hash does not match its roles" in out


@pytest.mark.parametrize("name", ["map.npy", "confusion.csv", ".hydra/config.yaml", "metrics.json"])
def test_what_is_not_there_is_said_in_a_sentence(made, monkeypatch, capfd, name):
    (made / name).unlink()
    status, out, err = call(monkeypatch, capfd, made)
    assert status in (1, 2)
    assert name in out + err


def test_metrics_say_where_they_come_from(made):
    metrics = json.loads((made / "metrics.json").read_text())
    for key in ("split_hash", "scene_hash", "config_hash"):
        assert len(metrics[key]) == 64
    assert {"version", "commit", "dirty"} == set(metrics["code"])
    assert metrics["libraries"]["scikit-learn"]
    assert metrics["threads"] >= 1
    assert metrics["precision"] == "fp32"


def test_it_loads_neither_what_fetches_nor_what_draws():
    code = "import sys, hsi.verify; print({'pooch', 'requests', 'matplotlib'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout == "set()\n"


def test_a_scene_without_data_and_probabilities_is_verified(hsi_run, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    labels = np.repeat([[1, 2], [3, 0]], 12, 0).repeat(12, 1)
    cube = labels[..., None] * 3.0 + rng.normal(size=(24, 24, 8))
    cube[:3] = np.nan
    cube[10, 10] = np.nan
    np.save(tmp_path / "cube.npy", cube.astype(np.float32))
    np.save(tmp_path / "labels.npy", labels)
    words = [
        "experiment=trial",
        "scene=custom",
        "scene.cube=cube.npy",
        "scene.labels=labels.npy",
        "reduce.components=7",
    ]
    words += ["train.steps=2", "patch_size=5", "map.save_probabilities=false", "map.calibrate=temperature"]
    words += ["split.validation=0.1", "map.symmetries=8", "scene.name=field", "model=ssrn", "hydra.run.dir=made"]
    outcome = hsi_run(*words)
    assert outcome.status == 0, outcome.err
    assert verify(tmp_path / "made").differences == []
    np.save(tmp_path / "made/confidence.npy", np.load(tmp_path / "made/confidence.npy") ** 0.5)
    assert any("differ from what the weights give" in line for line in verify(tmp_path / "made").differences)


def test_the_training_repeated_gives_the_bytes(made):
    assert verify(made, refit=True).differences == []
    assert not [line for line in verify(made, refit=True).trusted if "model.safetensors" in line]


def test_a_training_that_gives_other_weights_is_named(hsi_run, tmp_path):
    """Weights of another seed, with a map of their own, under the name of this one."""
    made, other = tmp_path / "made", tmp_path / "other"
    for folder, seed in ((made, 0), (other, 1)):
        assert hsi_run(*TRIAL, f"seed={seed}", "split.seed=0", f"hydra.run.dir={folder}").status == 0
    own = {".hydra", "metrics.json", "environment.json"}  # what tells of the command
    for name in {path.name for path in other.iterdir()} - own:
        shutil.copy(other / name, made / name)
    theirs = json.loads((other / "metrics.json").read_text())
    ours = json.loads((made / "metrics.json").read_text())
    kept = ("seed", "command", "identity", "config", "config_hash")
    content = theirs | {key: ours[key] for key in kept} | {"files": manifest(made)}
    (made / "metrics.json").write_text(json.dumps(content))
    (made / "report.html").unlink()
    assert verify(made).differences == []
    assert any("gives other weights" in line for line in verify(made, refit=True).differences)


@pytest.mark.parametrize("near", [True, False])
def test_elsewhere_the_accuracy_has_to_be_near(made, monkeypatch, near):
    """Another machine, as environment.json tells; a training that gives other weights there."""
    for name in ("environment.json", "metrics.json"):
        path = made / name
        path.write_text(json.dumps(json.loads(path.read_text()) | {"processor": "another"}))
    edited(lambda m: m.update(files=manifest(made)))(made)
    chain = refit.classify

    def elsewhere(scene, split, recipe, **how):
        result = chain(scene, split, recipe, **how)
        oa = result.evaluation.scores.oa - (0 if near else 0.2)
        reducer = replace(result.trained.reducer, mean=result.trained.reducer.mean + 1)
        evaluation = replace(result.evaluation, scores=replace(result.evaluation.scores, oa=oa))
        return replace(result, trained=replace(result.trained, reducer=reducer), evaluation=evaluation)

    monkeypatch.setattr(refit, "classify", elsewhere)
    verdict = verify(made, refit=True)
    told = verdict.trusted if near else verdict.differences
    (line,) = [line for line in told if "repeated with another processor" in line]
    assert ("within" if near else "further apart than") in line


def test_a_spread_is_that_of_the_seeds_where_there_are_three(tmp_path):
    for seed, accuracy in enumerate((0.90, 0.92, 0.94)):
        folder = tmp_path / "sweep" / str(seed)
        folder.mkdir(parents=True)
        metrics = {"oa": accuracy, "aa": 0.9, "kappa": 0.9, "per_class": {"a": 0.9}, "seed": seed, "scene": "s"}
        metrics |= {"model": "m", "split_hash": str(seed), "choices": {}, "config": {"seed": seed}}
        metrics |= {"seconds": {"train": 1, "map": 1}}
        metrics |= {"leakage": {"window": 9, "test_windows_with_training_pixel": 1.0}}
        (folder / "metrics.json").write_text(json.dumps(metrics))
    width, why = spread(tmp_path / "sweep" / "0", 0.9, 1000)
    assert width == pytest.approx(4.302653 * 2**0.5 * 0.02, rel=1e-6)  # Student's t of two degrees of freedom, 97.5 %
    assert why == "by 3 runs of this setting"
    shutil.rmtree(tmp_path / "sweep" / "2")
    width, why = spread(tmp_path / "sweep" / "0", 0.9, 1000)
    assert width == pytest.approx(1.959964 * (2 * 0.9 * 0.1 / 1000) ** 0.5 + 0.001, rel=1e-6)
    assert why == "by 1000 test pixels"


@pytest.mark.parametrize("word", ["hydra.searchpath=[pkg://evil]", "experiment=../../../../../../../../{}/bomb"])
def test_words_of_a_run_import_and_read_nothing(made, tmp_path, monkeypatch, word):
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil/__init__.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')")
    bomb = "a: &a [x]\n" + "\n".join(f"{b}: &{b} [{', '.join(9 * [f'*{a}'])}]" for a, b in pairwise("abcdefgh"))
    (tmp_path / "bomb.yaml").write_text(bomb)
    monkeypatch.syspath_prepend(tmp_path)
    (made / ".hydra/overrides.yaml").write_text(json.dumps([word.format(str(tmp_path).strip("/"))]))
    edited(lambda m: m.update(files=manifest(made)))(made)
    verdict = verify(made)
    assert any(line.startswith("command: ") for line in verdict.differences)
    assert any(line.startswith("choices: ") for line in verdict.trusted)
    assert not (tmp_path / "mark").exists()


def test_files_for_a_gis_are_missed_and_compared(hsi_run, tmp_path):
    rng = np.random.default_rng(0)
    labels = np.repeat([[1, 2], [3, 1]], 12, 0).repeat(12, 1)
    place = ["UTM", "1", "1", "500000", "5400000", "30", "30", "32", "North", "WGS-84", "units=Meters"]
    cube = (labels[..., None] + rng.random((24, 24, 8))).astype(np.float32)
    envi.save_image("cube.hdr", cube, metadata={"map info": place})
    np.save("labels.npy", labels)
    words = ["experiment=trial", "scene=custom", "scene.cube=cube.hdr", "scene.labels=labels.npy", "scene.name=field"]
    words += ["model=knn", "reduce.components=4", "patch_size=5", "split.validation=0.1", "hydra.run.dir=made"]
    assert hsi_run(*words).status == 0
    made = tmp_path / "made"
    assert verify(made).differences == []
    assert not any("GeoTIFF" in line for line in verify(made).trusted)
    (made / "map.qml").unlink()
    (made / "map.tif").unlink()
    shutil.copy(made / "confidence.npy", made / "map_envi.dat")
    edited(lambda m: m.update(files=manifest(made)))(made)
    verdict = verify(made)
    assert verdict.differences == ["map.qml is missing", "map_envi.dat does not follow from map and split"]
    assert "map.tif: the run or this machine could not write GeoTIFF" in verdict.trusted
