"""Pixels without data: whatever they hold, the rest of the scene comes out the same, as if they were not there."""

import numpy as np
import pandas as pd
import pytest

import hsi
import hsi.recipes
from hsi.cube import LazyCube
from hsi.experiment import classify
from hsi.output.areas import area_table
from hsi.recipes import compose_settings, recipe_of
from hsi.scene import Scene
from hsi.scenes.assemble import assemble_raster, from_arrays
from hsi.scenes.description import describe
from hsi.scenes.label_image import LabelImage
from hsi.scenes.raster import Raster

WHOLE = hsi.load("synthetic", rows=34, cols=30, bands=20, classes=3)
FILLS = {"nodata": -32768, "one value": 0, "not a number": np.nan}
MODELS = {
    "network": [
        "model=lenet",
        "reduce.components=6",
        "patch_size=9",
        "train.steps=3",
        "train.batch_size=64",
        "train.augment=true",
    ],
    "spectra": ["model=svm", "model.C=10"],
}


def framed(margin: int, fill: float, hole: np.ndarray | None = None) -> Scene:
    """The whole scene with a margin, and with `hole`, (rows, cols) bool, cut out."""
    hole = np.zeros(WHOLE.labels.shape, dtype=bool) if hole is None else hole
    cube = np.where(hole[:, :, None], fill, WHOLE.cube.astype(np.float32))
    cube = np.pad(cube, ((margin, margin), (margin, margin), (0, 0)), constant_values=fill).astype(np.float32)
    labels = np.pad(WHOLE.labels, margin)
    return from_arrays(cube, labels, nodata=None if np.isnan(fill) or fill == 0 else fill)


def run(scene: Scene, words: list[str], split: str = "random"):
    tree, choices = compose_settings([*words, f"split={split}", "split.train=0.3"])
    divided = hsi.recipes.split_of(scene, tree["split"])
    return classify(scene, divided, recipe_of(tree, choices["model"]))


@pytest.mark.parametrize("split", ["random", "regions"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)
def test_a_scene_in_a_frame_is_the_scene(model, fill, split):
    """Of 64 % of the pixels there are no data; weights, map, confidence, scores and leak figures are the same."""
    margin = 10
    alone, inside = run(framed(0, fill), MODELS[model], split), run(framed(margin, fill), MODELS[model], split)
    assert inside.scene.valid.mean() == pytest.approx(34 * 30 / (54 * 50))
    cut = (slice(margin, -margin), slice(margin, -margin))
    np.testing.assert_array_equal(inside.prediction.class_map[cut], alone.prediction.class_map)
    np.testing.assert_array_equal(inside.prediction.confidence[cut], alone.prediction.confidence)
    np.testing.assert_array_equal(inside.prediction.probabilities[cut], alone.prediction.probabilities)
    np.testing.assert_array_equal(inside.trained.reducer.weights, alone.trained.reducer.weights)
    np.testing.assert_array_equal(inside.trained.sensor.quantiles, alone.trained.sensor.quantiles)
    assert inside.evaluation.as_json() == alone.evaluation.as_json()
    areas = [
        area_table(each.prediction.class_map, each.scene.class_names, None, each.evaluation.scores.confusion)
        for each in (inside, alone)
    ]
    pd.testing.assert_frame_equal(areas[0][0], areas[1][0])
    assert areas[0][1] == areas[1][1]
    assert not inside.prediction.class_map[~inside.scene.valid].any()
    assert np.isnan(inside.prediction.confidence[~inside.scene.valid]).all()
    assert np.isnan(inside.prediction.probabilities[~inside.scene.valid]).all()


@pytest.mark.parametrize("model", MODELS)
def test_what_fills_a_hole_makes_no_difference(model):
    rng = np.random.default_rng(0)
    hole = rng.random(WHOLE.labels.shape) < 0.4
    found = [run(framed(3, fill, hole), MODELS[model]) for fill in FILLS.values()]
    for other in found[1:]:
        np.testing.assert_array_equal(other.prediction.class_map, found[0].prediction.class_map)
        np.testing.assert_array_equal(other.prediction.confidence, found[0].prediction.confidence)
        np.testing.assert_array_equal(other.trained.reducer.mean, found[0].trained.reducer.mean)
        assert other.evaluation.as_json() == found[0].evaluation.as_json()
    if model == "network":
        assert found[0].trained.reducer.mean == pytest.approx(WHOLE.cube[~hole].mean(axis=0))


@pytest.mark.parametrize("words", [["model=hybridsn"], ["model=hybridsn", "engine.padding=edge"], ["model=ssrn"]])
@pytest.mark.parametrize("split", ["random", "regions"])
def test_a_scene_on_disk_is_the_scene_in_memory(words, split):
    """Training reads a mosaic of tiles, the map goes by blocks: the same course and the same map, to rounding."""
    stored = WHOLE.cube.astype(np.float32)

    def read(rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
        part = stored[rows, cols]
        return np.ascontiguousarray(part if bands is None else part[:, :, bands])

    lazy = LazyCube(stored.shape, stored.dtype, read)
    about = describe(memory_gb=0)
    words = [*words, "patch_size=9", "train.steps=3", "train.batch_size=64", "reduce=standardize"]
    results = []
    for cube in (stored, lazy):
        scene = assemble_raster(Raster(cube, ()), LabelImage(WHOLE.labels), about)
        assert isinstance(scene.cube, LazyCube) == (cube is lazy)
        tree, choices = compose_settings([*words, f"split={split}", "split.train=0.3"])
        divided = hsi.recipes.split_of(scene, tree["split"])
        results.append(classify(scene, divided, recipe_of(tree, choices["model"])))
    memory, disk = results
    np.testing.assert_allclose(disk.history["loss"], memory.history["loss"], rtol=1e-4)
    np.testing.assert_allclose(disk.prediction.confidence, memory.prediction.confidence, atol=1e-3)
    assert (disk.prediction.class_map == memory.prediction.class_map).mean() > 0.99
