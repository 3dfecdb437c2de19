"""The scene of a run, loaded again: from where, by whose leave, and what is said where it cannot be had."""

import re
import sys

import pytest
import yaml
from commands import keep

from hsi.config.shipped import published_scenes
from hsi.errors import HsiError
from hsi.runs import opened
from hsi.runs.folder import CONFIG
from hsi.runs.opened import load_scene, open_run
from hsi.scenes.assemble import from_arrays
from hsi.scenes.synthetic import make_synthetic

SCENE = make_synthetic(rows=12, cols=12, bands=3, classes=2)
PINES = published_scenes()["indian_pines"]
CUBE, LABELS = PINES["cube"]["file"], PINES["labels"]["file"]


def describe(folder, scene):
    (folder / CONFIG).parent.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(yaml.safe_dump({"scene": scene}))
    return folder


@pytest.mark.parametrize(
    ("files", "there"),
    [
        (["indian_pines/" + CUBE, "indian_pines/" + LABELS], True),
        ([CUBE, LABELS], True),
        (["indian_pines/" + CUBE, LABELS], True),
        ([CUBE], False),
        (["indian_pines/" + LABELS], False),
        (["other/" + CUBE, "other/" + LABELS], False),
        ([], False),
    ],
)
@pytest.mark.parametrize("saved", [True, False])
def test_a_published_scene_is_looked_for_where_the_run_found_it(tmp_path, monkeypatch, files, there, saved):
    """What is not there is fetched to a place that the user chose; the run may name any."""
    asked = []
    monkeypatch.setattr(opened, "build", lambda description, _: asked.append(description["data_dir"]) or SCENE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HSI_DATA_DIR", "chosen")
    then = tmp_path / "then" if saved else tmp_path  # a run that does not say looks around itself
    for name in files:
        (then / name).parent.mkdir(parents=True, exist_ok=True)
        (then / name).touch()
    place = {"data_dir": str(then)} if saved else {}
    folder = describe(tmp_path / "run", {k: v for k, v in PINES.items() if k != "data_dir"} | place)
    assert load_scene(folder) is SCENE
    monkeypatch.delenv("HSI_DATA_DIR")
    load_scene(folder)
    load_scene(folder, "given")
    found = place.get("data_dir", ".")
    assert asked == ([found, found, "given"] if there else ["chosen", "data", "given"])


def test_a_run_hands_on_what_it_is_given(tmp_path, monkeypatch):
    keep(tmp_path, monkeypatch, "network")
    run = open_run("network")
    asked = []
    monkeypatch.setattr(opened, "build", lambda description, _: asked.append(description) or SCENE)
    describe(tmp_path / "network", PINES | {"data_dir": "none"})
    assert run.load_scene("given") is SCENE
    assert asked[0]["data_dir"] == "given"
    describe(tmp_path / "network", {"_target_": "my_scenes.made"})
    with pytest.raises(HsiError, match=r"config\.yaml asks to call my_scenes\.made as its scene"):
        run.load_scene()
    assert run.load_scene(trust=["my_scenes.made"]) is SCENE
    assert asked[1] == {"_target_": "my_scenes.made"}


@pytest.mark.parametrize(
    ("scene", "told"),
    [
        ({"given": "arrays"}, "the scene of {} was made from arrays in memory, so it cannot be loaded again"),
        (None, "{}/.hydra/config.yaml does not describe the scene of a run: it is damaged, repeat the run"),
        (["given"], "{}/.hydra/config.yaml does not describe the scene of a run: it is damaged, repeat the run"),
        (
            {"_target_": "hsi.scenes.custom.load_custom", "more": 1},
            "the scene of {}/.hydra/config.yaml: scene.cube has no value yet",
        ),
        ({"_target_": "broken_scenes.none"}, "{}/.hydra/config.yaml describes no scene: repeat the run"),
        ({"_target_": "broken_scenes.fails"}, "the scene of {}/.hydra/config.yaml: scene: broken_scenes.fails could"),
    ],
)
def test_a_scene_that_cannot_be_had_is_told(tmp_path, monkeypatch, scene, told):
    module = type(sys)("broken_scenes")
    module.none, module.fails = lambda: 3, lambda: [][0]
    monkeypatch.setitem(sys.modules, "broken_scenes", module)
    describe(tmp_path, scene)
    with pytest.raises(HsiError, match="^" + re.escape(told.format(tmp_path))):
        load_scene(tmp_path, trust=["broken_scenes.none", "broken_scenes.fails"])


def test_a_scene_is_loaded_by_who_is_trusted(tmp_path, monkeypatch):
    module = type(sys)("my_scenes")
    module.made = lambda bands: from_arrays(SCENE.cube[:, :, :bands])
    monkeypatch.setitem(sys.modules, "my_scenes", module)
    describe(tmp_path, {"_target_": "my_scenes.made", "bands": 2})
    assert load_scene(tmp_path, trust="my_scenes.made").bands == 2
