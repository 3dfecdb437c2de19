"""The real command on a small synthetic scene: its table, its picture, and a winner that trains."""

import re
import shlex

import pandas as pd
import pytest
import torch
import yaml

from hsi import search
from hsi.cli import main as cli
from hsi.config.build import build_as
from hsi.experiment import train
from hsi.recipes import compose_settings, recipe_of, split_of
from hsi.scene import Scene
from hsi.searching.space import read

SCENE = ["scene=synthetic", "scene.rows=24", "scene.cols=20", "scene.bands=12", "scene.classes=3"]
QUICK = [*SCENE, "reduce.components=4", "patch_size=5", "train.steps=2", "train.batch_size=16", "model.filters=2"]
QUICK += ["beam=2", "blocks=2", "operations=[max_pooling,identity]", "device=cpu"]


@pytest.fixture
def hsi_search(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hsi.experiment.cost", lambda *_: None)  # counting takes longer than such trainings

    def call(*words):
        monkeypatch.setattr("sys.argv", ["hsi.search", *QUICK, *words])
        status = 0
        try:
            cli.main(lambda config: search.search(config), "search")
        except SystemExit as leaving:
            status = leaving.code
        finally:
            torch.set_deterministic_debug_mode("default")
        return status, *capfd.readouterr()

    return call


def without_times(path):
    return pd.read_csv(path).drop(columns="seconds")


def test_it_searches_goes_on_and_its_winner_trains(hsi_search, tmp_path):
    status, out, err = hsi_search("out=there", "seed=3")
    assert status == 0, err
    table = without_times(tmp_path / "there/cells.csv")
    assert table["blocks"].tolist() == [1, 1, 2, 2]
    best = table.loc[table["accuracy"].idxmax()]
    assert f"reached {100 * best['accuracy']:.2f} %" in out
    assert best["cell"] in out
    assert re.findall(r"^Cell (\d), (\d) sums?: .* min left$", out, re.MULTILINE) == [*zip("1234", "1122", strict=True)]
    assert (tmp_path / "there/cell.png").read_bytes().startswith(b"\x89PNG")
    winner = tmp_path / "there/model/cell_progressive.yaml"
    assert read(best["cell"]) == tuple(map(tuple, yaml.safe_load(winner.read_text())["cell"]))

    lines = (tmp_path / "there/cells.csv").read_text().splitlines(keepends=True)
    (tmp_path / "there/cells.csv").write_text("".join(lines[:4]))  # as after the third cell
    status, out, _ = hsi_search("out=there", "seed=3", "minutes=70")
    assert (status, out.count(" min left\n")) == (0, 1)
    pd.testing.assert_frame_equal(without_times(tmp_path / "there/cells.csv"), table)

    command = out.splitlines()[-1].partition("test pixels: ")[2]
    name, run, *words = shlex.split(command)
    assert [name, run] == ["hsi", "run"]
    tree, chosen = compose_settings([*words, "train.steps=2", "train.batch_size=16", "device=cpu"])
    assert (chosen["model"], chosen["split"], tree["split"]["seed"]) == ("cell_progressive", "regions", 3)
    assert tree["model"] == {
        **compose_settings(["model=cell", "patch_size=5"])[0]["model"],
        "cell": tree["model"]["cell"],
    }
    scene = build_as(Scene, tree["scene"], "scene")
    trained = train(scene, split_of(scene, tree["split"]), recipe_of(tree, chosen["model"]), device="cpu")
    assert trained.history["loss"].notna().tolist() == [True, True]

    status, out, err = hsi_search("out=there", "seed=1")
    assert status == 2
    assert "there holds a search with other settings" in out + err


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("blocks=6", "blocks=6: give a whole number from 1 to 5"),
        ("strategy=rnadom", "strategy=rnadom: choose progressive or random; did you mean random?"),
        ("operations=[pooling]", "operations=[pooling]: give a list, each separable_3, separable_5"),
        ("model=lenet", "leave model= out"),
        ("split=random", "choose split=regions, blocks or polygons"),
    ],
)
def test_faults_are_told_in_a_sentence(hsi_search, word, sentence):
    status, out, err = hsi_search(word)
    assert status == 2
    assert "Traceback" not in out + err
    assert sentence in out + err
