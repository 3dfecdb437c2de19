"""``split=regions`` keeps its promise, training included: neither side of a scene reaches the other.

The two directions are not the same. What lies on the test side must change nothing of the training: neither the
reduction, nor the steps, nor the choice of the weights, so that the saved model is the same to the byte. What lies on
the training side may change the weights, and should; all else that could carry it to a test pixel is that pixel's
window. So the weights are held there, and then no prediction on the test side may change by a bit.

Whole spectra are replaced, of labelled and unlabelled pixels. Each direction has a control, which shows that what is
replaced would be felt where the split, or the reduction, did not keep it away.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hsi.cube import LazyCube
from hsi.engine.forward import as_image
from hsi.experiment import classify
from hsi.recipes import compose_settings, recipe_of, split_of
from hsi.runs.result import Result
from hsi.scenes.assemble import assemble_raster, from_arrays
from hsi.scenes.description import describe
from hsi.scenes.label_image import LabelImage
from hsi.scenes.raster import Raster
from hsi.scenes.synthetic import make_synthetic
from hsi.splits.roles import TEST, TRAIN, Split, load_split

WHOLE = make_synthetic(rows=26, cols=24, bands=16, classes=3)
REFLECTANCE = WHOLE.cube.astype(np.float32) / 8000
WORDS = ["split=regions", "patch_size=9", "train.steps=3", "train.batch_size=32", "train.augment=true"]
WORDS += ["split.validation=0.2", "train.validate_every=2", "device=cpu", "precision=fp32"]
OWN = ["scene=custom", "scene.cube=cube.npy", "scene.labels=labels.npy"]
HELD = ["reduce=none", "optimizer.lr=1e-60"]  # steps of 0 in float32: whatever they are taken on, the weights stay
SENSOR = "quantiles"  # of all spectra, by which hsi predict knows the sensor again; no prediction depends on them

WAYS = pytest.mark.parametrize(
    ("words", "on_disk"),
    [(["engine=dense"], False), (["engine=patch", "map.symmetries=8"], False), (["engine.padding=edge"], True)],
)

RunIn = Callable[..., Split]


def cube(replaced: np.ndarray | None) -> np.ndarray:
    """(26, 24, 16) float32; other spectra where `replaced`, (26, 24) bool, is true."""
    if replaced is None:
        return REFLECTANCE
    other = np.random.default_rng(0).random(REFLECTANCE.shape, dtype=np.float32)
    return np.where(replaced[:, :, None], other, REFLECTANCE)


@pytest.fixture
def run(hsi_run) -> RunIn:
    """``python -m hsi.run WORDS`` in a folder, on the scene with some spectra replaced; returns the split."""

    def call(folder: str, *words: str, replaced: np.ndarray | None = None) -> Split:
        np.save("cube.npy", cube(replaced))
        np.save("labels.npy", WHOLE.labels)
        outcome = hsi_run(*OWN, *WORDS, *words, f"hydra.run.dir={folder}")
        assert outcome.status == 0, outcome.out + outcome.err
        return load_split(Path(folder, "split.npz"))

    return call


def classified(words: list[str], replaced: np.ndarray | None = None, on_disk: bool = False) -> Result:
    """What the chain makes of the scene, without its files."""
    spectra, about = cube(replaced), describe(memory_gb=0)
    lazy = LazyCube(spectra.shape, spectra.dtype, lambda rows, cols, _: spectra[rows, cols].copy())
    scene = from_arrays(spectra, WHOLE.labels)
    if on_disk:
        scene = assemble_raster(Raster(lazy, ()), LabelImage(WHOLE.labels), about)
    tree, choices = compose_settings([*WORDS, *words])
    return classify(scene, split_of(scene, tree["split"]), recipe_of(tree, choices["model"]), device="cpu")


def content(folder: str, name: str) -> bytes:
    return Path(folder, name).read_bytes()


def maps(folder: str) -> tuple[np.ndarray, np.ndarray]:
    return np.load(f"{folder}/map.npy"), np.load(f"{folder}/confidence.npy")


def weights(result: Result) -> list[bytes]:
    return [value.numpy().tobytes() for value in result.trained.network.state_dict().values()]


def test_the_test_side_changes_nothing_of_the_training(run):
    words = ["reduce.components=13", "map.calibrate=temperature"]
    split = run("here", *words)
    test = split.region == TEST
    assert test.sum() > (split.role == TEST).sum() > 0  # pixels without a label have a side too
    run("there", *words, replaced=test)
    for name in ("model.safetensors", "history.csv", "split.npz"):
        assert content("there", name) == content("here", name), name
    before, after = (json.loads(content(folder, "bundle.json")) for folder in ("here", "there"))
    assert {key for key in before if after[key] != before[key]} == {SENSOR}
    for ours, theirs in zip(maps("here"), maps("there"), strict=True):
        np.testing.assert_array_equal(ours[~test], theirs[~test])
    assert (maps("here")[1][test] != maps("there")[1][test]).mean() > 0.9


def test_the_training_side_reaches_the_test_side_by_the_weights_alone(run):
    split = run("here", *HELD)
    test = split.region == TEST
    assert (split.role[~test] == TRAIN).any()
    run("there", *HELD, replaced=~test)
    assert content("there", "history.csv") != content("here", "history.csv")  # the training has seen it
    assert content("there", "model.safetensors") == content("here", "model.safetensors")  # and the weights are held
    for ours, theirs in zip(maps("here"), maps("there"), strict=True):
        np.testing.assert_array_equal(ours[test], theirs[test])
    assert (maps("here")[1][~test] != maps("there")[1][~test]).mean() > 0.9


@WAYS
def test_no_way_of_training_lets_the_test_side_in(words, on_disk):
    words = [*words, "reduce=standardize"]
    here = classified(words, on_disk=on_disk)
    test = here.split.region == TEST
    assert weights(classified(words, test, on_disk)) == weights(here)
    assert weights(classified(words, ~test, on_disk)) != weights(here)


def test_a_reduction_fitted_on_all_pixels_lets_the_test_side_in():
    """The control of the above, and what ``reduce.fit_on=all`` means."""
    words = ["reduce=standardize", "reduce.fit_on=all"]
    here = classified(words)
    assert weights(classified(words, here.split.region == TEST)) != weights(here)


@WAYS
def test_no_way_of_mapping_shows_the_training_side_to_a_test_window(words, on_disk):
    words = [*words, *HELD]
    here = classified(words, on_disk=on_disk)
    test = here.split.region == TEST
    there = classified(words, ~test, on_disk)
    assert weights(there) == weights(here)
    np.testing.assert_array_equal(there.prediction.confidence[test], here.prediction.confidence[test])


def test_without_the_masks_the_training_side_is_felt_in_test_windows():
    """The control of the above, and what ``map.context=free`` means."""
    words = [*HELD, "map.context=free"]
    here = classified(words)
    test = here.split.region == TEST
    assert (classified(words, ~test).prediction.confidence[test] != here.prediction.confidence[test]).any()


@pytest.mark.parametrize(
    ("model", "words"),
    [("hybridsn", ["reduce.components=13", "train.steps=25"]), ("svm_window", ["model.C=10", "model.gamma=0.1"])],
)
def test_what_has_been_learnt_is_applied_to_test_windows_without_the_training_side(model, words):
    """As above, with weights that have learnt: those of one training, applied to the changed scene."""
    here = classified([f"model={model}", *words, "split.validation=0"])
    test = here.split.region == TEST
    assert len(np.unique(here.prediction.class_map[test])) > 1
    image = as_image(here.trained.reducer.transform(cube(~test)), torch.device("cpu"))
    there = here.trained.map_image(image, here.split.region)
    np.testing.assert_array_equal(there.class_map[test], here.prediction.class_map[test])
    assert (there.confidence[~test] != here.prediction.confidence[~test]).mean() > 0.5
