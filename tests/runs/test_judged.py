"""The map of a run judged again from its files, by hand: what is taken, and what is said where they do not fit."""

import re
from dataclasses import replace

import numpy as np
import pytest
from commands import keep

from hsi.errors import HsiError
from hsi.evaluation.evaluation import evaluate
from hsi.runs.opened import judge, open_run, read_probabilities, read_split
from hsi.scenes.assemble import from_arrays
from hsi.splits.roles import TEST, TRAIN, Split, save_split

ROWS, COLS = 9, 11
LABELS = 1 + np.arange(ROWS * COLS).reshape(ROWS, COLS) % 3
SCENE = from_arrays(np.random.default_rng(0).normal(size=(ROWS, COLS, 4)), LABELS)
ROLE = np.where(np.arange(COLS) < 5, TRAIN, TEST).astype(np.uint8) * np.ones((ROWS, 1), np.uint8)
SURE = np.full((ROWS, COLS), 0.75)
TOLD = "{folder}: {fault}: it is damaged, repeat the run with force=true"


def judged(class_map=LABELS, confidence=SURE, role=ROLE, region=None, scene=SCENE, window=3, context="own", **_):
    return judge("here", scene, Split(role, region), class_map, confidence, window, context)


def at_a_test_pixel(values, value):
    changed = values.copy()
    changed[4, 8] = value
    return changed


def test_a_map_that_is_right_is_judged_so():
    found = judged()
    assert found.scores.oa == 1
    assert found.scores.confusion.sum() == (ROLE == TEST).sum()
    assert judged(at_a_test_pixel(LABELS, 1 + LABELS[4, 8] % 3)).scores.oa == pytest.approx(
        1 - 1 / (ROLE == TEST).sum()
    )


@pytest.mark.parametrize("window", [1, 5, 9])
@pytest.mark.parametrize("context", ["own", "free"])
def test_windows_are_odd_and_of_the_scene_and_seen_as_the_run_says(window, context):
    """With regions, windows of their own see no training pixel; free ones do."""
    found = judged(window=window, context=context, region=ROLE).leakage
    assert found == evaluate(SCENE, Split(ROLE, ROLE), LABELS, SURE, window, context).leakage
    assert (found["test_windows_with_training_pixel"] > 0) == (context == "free" and window > 1)


@pytest.mark.parametrize(("rows", "largest"), [(8, 7), (9, 9)])
def test_the_largest_window_fits_into_the_scene(rows, largest):
    part = slice(0, rows), slice(0, COLS)
    given = {"class_map": LABELS[part], "confidence": SURE[part], "role": ROLE[part], "scene": SCENE.part(*part)}
    assert judged(**given, window=largest).leakage["window"] == largest
    with pytest.raises(HsiError, match=f"no window of this scene is {largest + 2} pixels wide"):
        judged(**given, window=largest + 2)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"class_map": LABELS[1:]}, "map, confidence, split and scene differ in size"),
        ({"confidence": SURE[:, 1:]}, "map, confidence, split and scene differ in size"),
        ({"role": ROLE[1:]}, "map, confidence, split and scene differ in size"),
        ({"scene": SCENE.part(slice(0, 8), slice(0, COLS))}, "map, confidence, split and scene differ in size"),
        ({"class_map": at_a_test_pixel(LABELS, 4)}, "map.npy has the class 4, the scene has 3"),
        ({"role": np.minimum(ROLE, TRAIN)}, "its split has no training or no test pixels"),
        ({"role": np.where(ROLE == TRAIN, 0, ROLE)}, "its split has no training or no test pixels"),
        (
            {"scene": replace(SCENE, labels=at_a_test_pixel(LABELS, 0))},
            "some of its test pixels have no label, no class or no confidence",
        ),
        (
            {"class_map": at_a_test_pixel(LABELS, 0)},
            "some of its test pixels have no label, no class or no confidence",
        ),
        (
            {"confidence": at_a_test_pixel(SURE, np.nan)},
            "some of its test pixels have no label, no class or no confidence",
        ),
        ({"window": 0}, "no window of this scene is 0 pixels wide and own"),
        ({"window": 4}, "no window of this scene is 4 pixels wide and own"),
        ({"window": 10}, "no window of this scene is 10 pixels wide and own"),
        ({"window": 11}, "no window of this scene is 11 pixels wide and own"),
        ({"window": None}, "no window of this scene is None pixels wide and own"),
        ({"context": "FREE"}, "no window of this scene is 3 pixels wide and FREE"),
    ],
)
def test_files_that_do_not_belong_together_are_told(changed, fault):
    with pytest.raises(HsiError, match=f"^{re.escape(TOLD.format(folder='here', fault=fault))}$"):
        judged(**changed)


def test_a_run_names_itself_where_its_files_do_not_fit(tmp_path, monkeypatch):
    keep(tmp_path, monkeypatch, "network")
    run = open_run("network")
    fault = "map, confidence, split and scene differ in size"
    with pytest.raises(HsiError, match=TOLD.format(folder="network", fault=fault)):
        run.evaluate(SCENE)


@pytest.mark.parametrize(
    ("role", "region", "taken"),
    [
        (ROLE, None, True),
        (ROLE, ROLE, True),
        (ROLE, ROLE[1:], False),
        (ROLE + 1, None, False),
        (ROLE + 1, ROLE, False),
        (ROLE[:0], None, True),  # nothing in it: what it belongs to says that it does not fit
    ],
)
def test_a_split_has_roles_and_a_region_for_each_pixel_or_none(tmp_path, role, region, taken):
    save_split(tmp_path / "split.npz", Split(role, region))
    if taken:
        found = read_split(tmp_path)
        np.testing.assert_array_equal(found.role, role)
        assert (found.region is None) == (region is None)
    else:
        with pytest.raises(HsiError, match=r"split\.npz holds no roles of pixels"):
            read_split(tmp_path)


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        (np.full((2, 2, 3), 0.25, np.float16), True),
        (np.full((2, 2, 3), 1.0, np.float16), True),
        (np.full((2, 2, 3), np.nan, np.float16), False),
        (np.full((2, 2, 3), 1.25, np.float16), False),
        (np.full((2, 2, 3), 0.25, np.float32), False),
        (np.full((2, 3, 2), 0.25, np.float16), False),
        (np.full((2, 2), 0.25, np.float16), False),
    ],
)
def test_probabilities_are_shares_in_half_precision_of_each_class(tmp_path, values, taken):
    np.save(tmp_path / "probabilities.npy", values)
    if taken:
        np.testing.assert_array_equal(read_probabilities(tmp_path, (2, 2, 3)), values)
    else:
        with pytest.raises(HsiError, match=r"probabilities\.npy holds no probabilities of shape \(2, 2, 3\)"):
            read_probabilities(tmp_path, (2, 2, 3))
