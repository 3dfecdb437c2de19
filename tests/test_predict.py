"""Predicting with finished runs: the same map on the same scene, by one process or many, and a clear no where a model
does not fit."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import Outcome

import hsi
from hsi import predict
from hsi.cli import main as cli

SAME = ["scene=synthetic", "scene.rows=40", "scene.cols=36"]
MAPS = ("map.npy", "confidence.npy")
SMALL = "memory_gb=0.01"  # makes dozens of blocks


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of the same scene, in either memory order of the weights, whatever this processor likes."""
    folder = tmp_path_factory.mktemp("predict")
    scene = hsi.load("synthetic", rows=40, cols=36)
    split = scene.split("random", train=0.3, validation=0.2)
    how = {"steps": 30, "batch_size": 64, "patch_size": 9, "components": 15, "device": "cpu"}
    for seed, (name, order) in enumerate((("first", "true"), ("last", "false"))):
        made = hsi.fit(scene, split, "hybridsn", f"engine.channels_last={order}", seed=seed, **how)
        made.save(folder / name)
    return folder


@pytest.fixture
def hsi_predict(runs, tmp_path, monkeypatch, capfd):
    """``hsi predict WORDS`` in this process, the runs ``first`` and ``last`` in the current directory."""
    for name in ("first", "last"):
        shutil.copytree(runs / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["hsi.predict", *words])
        capfd.readouterr()
        status = 0
        try:
            cli.main(predict.predict, "predict")
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        return Outcome(status, *capfd.readouterr())

    def there(*words, run="first"):
        return call(f"run={run}", "out=there", *words)

    call.there = there
    return call


def summary(folder="there"):
    return json.loads(Path(folder, "prediction.json").read_text())


def content(folder, names=MAPS):
    return [Path(folder, name).read_bytes() for name in names]


@pytest.mark.parametrize("run", ["first", "last"])
def test_the_same_scene_gives_the_same_bytes(hsi_predict, run):
    outcome = hsi_predict.there(*SAME, run=run)
    assert outcome.status == 0, outcome.err
    assert content("there") == content(run)
    assert sum(summary()["pixels"].values()) == 40 * 36
    assert "there/map.png" in outcome.out


def test_the_run_folder_is_all_that_is_needed(hsi_predict):
    np.save("cube.npy", np.random.default_rng(0).integers(0, 5000, (30, 41, 60)).astype(np.uint16))
    outcome = hsi_predict.there("scene.cube=cube.npy")
    assert outcome.status == 0, outcome.err
    assert np.load("there/map.npy").shape == (30, 41)
    assert summary()["scores"] is None
    assert {path.name for path in Path("there").iterdir()} >= {*MAPS, "map.png", "areas.csv", "prediction.json"}
    assert not Path("there/probabilities.npy").exists()
    assert not Path("there/.blocks").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["scene=synthetic", "scene.bands=61"], "has 61 bands, the model was trained on 60"),
        (["scene=synthetic", "run=nowhere"], "holds no finished run"),
        ([*SAME, "out=first"], "first holds a run, whose map would be replaced: choose another folder with out="),
        ([*SAME, "scene.rows=8"], "larger than the scene of 8 x 36"),
        ([*SAME, "run=[first,other]"], "the models of an ensemble must know the same classes"),
        (["scene.cube=large.npy"], "give scale=0.01"),
    ],
)
def test_what_does_not_fit_is_refused(hsi_predict, words, sentence):
    shutil.copytree("last", "other")
    bundle = json.loads(Path("other/bundle.json").read_text())
    bundle["class_names"][0] = "another"
    Path("other/bundle.json").write_text(json.dumps(bundle))
    np.save("large.npy", 100.0 * hsi.load("synthetic", rows=40, cols=36).cube)
    before = content("first")
    outcome = hsi_predict.there(*words)
    assert outcome.status == 2
    assert sentence in outcome.err + outcome.out
    assert not Path("there/map.npy").exists()
    assert content("first") == before


def test_other_wavelengths_are_refused(hsi_predict):
    bundle = json.loads(Path("first/bundle.json").read_text())
    bundle["wavelengths_nm"][3] += 40
    Path("first/bundle.json").write_text(json.dumps(bundle))
    outcome = hsi_predict.there(*SAME)
    assert outcome.status == 2
    assert "band 3 lies at" in outcome.out + outcome.err


def test_a_bundle_cannot_run_foreign_code(hsi_predict):
    bundle = json.loads(Path("first/bundle.json").read_text())
    bundle["model"]["_target_"] = "os.system"
    Path("first/bundle.json").write_text(json.dumps(bundle))
    outcome = hsi_predict.there(*SAME)
    assert outcome.status == 2
    assert "asks to call os.system" in outcome.out + outcome.err


def test_what_is_finished_is_not_repeated_and_not_replaced_unless_forced(hsi_predict):
    assert hsi_predict.there(*SAME).status == 0
    stamp = Path("there/map.npy").stat().st_mtime_ns
    assert "Finished already" in hsi_predict.there(*SAME, SMALL).out  # how much memory there is changes no map
    other = hsi_predict.there(*SAME, "symmetries=8")
    assert other.status == 2
    assert "holds another map" in other.out + other.err
    assert Path("there/map.npy").stat().st_mtime_ns == stamp
    assert hsi_predict.there(*SAME, "symmetries=8", "force=true").status == 0
    assert summary()["symmetries"] == 8
    assert hsi_predict.there(*SAME, "symmetries=8", "force=true").out.count("Mapped") == 1


def test_without_out_the_command_finds_its_folder_again(hsi_predict):
    words = ("run=first", *SAME, "temperature=2")
    assert hsi_predict(*words).status == 0
    (folder,) = Path("outputs/predict/synthetic").iterdir()
    assert "Finished already" in hsi_predict(*words, SMALL, "device=cpu").out
    assert list(Path("outputs/predict/synthetic").iterdir()) == [folder]


def test_blocks_change_nothing(hsi_predict):
    assert hsi_predict.there(*SAME, "symmetries=8", "probabilities=true").status == 0
    assert hsi_predict("run=first", "out=parts", *SAME, SMALL, "symmetries=8", "probabilities=true").status == 0
    np.testing.assert_array_equal(np.load("parts/map.npy"), np.load("there/map.npy"))
    np.testing.assert_allclose(np.load("parts/confidence.npy"), np.load("there/confidence.npy"), atol=1e-6)
    np.testing.assert_allclose(np.load("parts/probabilities.npy"), np.load("there/probabilities.npy"), atol=1e-3)
    assert content("parts", ["map.png", "areas.csv"]) == content("there", ["map.png", "areas.csv"])


def test_an_ensemble_is_the_mean_of_its_runs(hsi_predict):
    for name, run in (("a", "first"), ("b", "last"), ("both", "[first,last]")):
        assert hsi_predict(f"run={run}", f"out={name}", *SAME, "probabilities=true").status == 0
    a, b, both = (np.load(f"{name}/probabilities.npy").astype(np.float64) for name in ("a", "b", "both"))
    np.testing.assert_allclose(both, (a + b) / 2, atol=1e-3)
    np.testing.assert_allclose(np.load("both/confidence.npy"), both.max(2), atol=1e-3)
    assert summary("both")["run"] == ["first", "last"]
    assert np.abs(a - b).max() > 0.1


def test_temperature_and_symmetries_are_those_asked_for(hsi_predict):
    assert hsi_predict.there(*SAME, "temperature=4", "symmetries=8").status == 0
    run = hsi.open_run("first")
    asked = hsi.predict("first", run.scene, temperature=4, symmetries=8)
    for name, array in (("map", asked.class_map), ("confidence", asked.confidence)):
        np.testing.assert_array_equal(np.load(f"there/{name}.npy"), array)
    assert asked.confidence.mean() < 0.9 * run.confidence.mean()
    assert asked.probabilities is None
    assert asked.save("saved") == Path("saved").absolute()
    assert content("saved", [*MAPS, "map.png"]) == content("there", [*MAPS, "map.png"])


def test_values_in_another_unit_are_scaled(hsi_predict):
    cube = hsi.load("synthetic", rows=40, cols=36).cube
    np.save("reflectance.npy", (cube / 8192).astype(np.float32))
    assert hsi_predict.there("scene.cube=reflectance.npy", "scale=8192").status == 0
    np.testing.assert_array_equal(np.load("there/map.npy"), np.load("first/map.npy"))


def test_pixels_unlike_any_class_are_called_unknown(hsi_predict):
    """As many of the known pixels as may be, those of validation: to the pixel."""
    validation = np.load("first/split.npz")["role"] == 2
    for score in ("energy", "max_logit"):
        words = (*SAME, "unknown=0.05", f"unknown_score={score}")
        assert hsi_predict("run=first", f"out={score}", *words).status == 0
        unknown = np.load(f"{score}/map.npy") == 7
        assert abs(unknown[validation].sum() - 0.05 * validation.sum()) <= 1
        assert list(summary(score)["pixels"])[-1] == "unknown"
        assert summary(score)["pixels"]["unknown"] == unknown.sum()
        known = ~unknown
        np.testing.assert_array_equal(np.load(f"{score}/map.npy")[known], np.load("first/map.npy")[known])
    assert hsi_predict("run=[first,last]", "out=both", *words).status == 0
    assert 0 < (np.load("both/map.npy") == 7).sum() < 40 * 36


def test_where_there_are_labels_there_are_scores(hsi_predict):
    outcome = hsi_predict.there(*SAME)
    scene, found = hsi.load("synthetic", rows=40, cols=36), np.load("there/map.npy")
    labelled = scene.labels > 0
    right = (found == scene.labels)[labelled].mean()
    scores = summary()["scores"]
    assert scores["oa"] == pytest.approx(right)
    assert scores["labelled_pixels"] == labelled.sum() == np.sum(scores["confusion"])
    assert f"OA {100 * right:.2f} %" in outcome.out
    assert "all labelled pixels" in outcome.out


def test_pixels_without_data_are_no_class(hsi_predict):
    cube = hsi.load("synthetic", rows=40, cols=36).cube.astype(np.float32)
    cube[:7], cube[:, 30:], cube[20, 20] = np.nan, -9999, np.nan
    np.save("cube.npy", cube)
    assert hsi_predict.there("scene.cube=cube.npy", SMALL, "probabilities=true").status == 0
    held = np.isfinite(cube).all(2) & (cube != -9999).all(2)
    assert ((np.load("there/map.npy") > 0) == held).all()
    assert (np.isfinite(np.load("there/confidence.npy")) == held).all()
    assert (np.isfinite(np.load("there/probabilities.npy")).all(2) == held).all()
    assert summary()["pixels_without_data"] == (~held).sum()
    alone = hsi.predict("first", hsi.from_arrays(cube[7:, :30]))
    hole = (13, 20)
    assert alone.class_map[hole] == 0
    np.testing.assert_array_equal(alone.class_map, np.load("there/map.npy")[7:, :30])
