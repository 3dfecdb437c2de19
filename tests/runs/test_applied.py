"""Models applied to a scene: what is asked for in place of the run's own, and the mean of several."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax
from test_sensor import on_disk
from torch import nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine
from hsi.errors import HsiError
from hsi.mapping.scene_map import MapSettings
from hsi.mapping.unknown import evidence_table
from hsi.reduce import Reducer
from hsi.runs.applied import Application, Options, _held, classes_of
from hsi.runs.model import TrainedModel
from hsi.runs.sensor import sensor_of
from hsi.scenes.assemble import from_arrays
from hsi.splits.roles import TEST, TRAIN

ROWS, COLS, BANDS, CLASSES = 6, 7, 5, 3
CUBE = np.random.default_rng(0).uniform(1, 9, (ROWS, COLS, BANDS))
SCENE = from_arrays(CUBE, np.arange(ROWS * COLS).reshape(ROWS, COLS) % 4)


def a_model(seed=0, window=1, **fields):
    """Logits are a linear map of the window, here mostly of one pixel."""
    torch.manual_seed(seed)
    head = nn.Sequential(nn.Flatten(), nn.Linear(BANDS * window**2, CLASSES))
    model = TrainedModel(
        network=WindowClassifier(nn.Identity(), head, BANDS, window).eval(),
        reducer=Reducer(np.zeros(BANDS), np.eye(BANDS), np.empty(0)),
        engine=Engine(),
        settings=MapSettings(),
        temperature=1.0,
        scene=f"field_{seed}",
        sensor=sensor_of(SCENE),
        class_names=("a", "b", "c"),
        colours=("#000001", "#000002", "#000003"),
        label_values=(10, 20, 50),
    )
    return replace(model, **fields)


def logits_of(model, cube=CUBE):
    linear = model.network.head[-1]
    with torch.no_grad():
        return linear(torch.as_tensor(cube.reshape(-1, BANDS), dtype=torch.float32)).numpy()


def applied(*models, scene=SCENE, region=None, **options):
    return Application(models, scene, Options(**options), "cpu", region)


def test_the_map_of_several_models_is_that_of_their_mean_probability():
    models = [a_model(seed) for seed in range(3)]
    found = applied(*models, probabilities=True).map()
    mean = np.mean([softmax(logits_of(model), axis=1) for model in models], axis=0).reshape(ROWS, COLS, CLASSES)
    np.testing.assert_allclose(found.probabilities, mean, atol=1e-3)
    np.testing.assert_allclose(found.confidence, mean.max(axis=2), atol=1e-6)
    np.testing.assert_array_equal(found.class_map, 1 + mean.argmax(axis=2))
    assert applied(*models).map().probabilities is None


@pytest.mark.parametrize(("asked", "used"), [({}, 3.0), ({"temperature": 0.5}, 0.5)])
def test_the_temperature_is_that_of_the_run_unless_another_is_asked_for(asked, used):
    model = a_model(temperature=3.0)
    expected = softmax(logits_of(model) / used, axis=1).max(axis=1).reshape(ROWS, COLS)
    np.testing.assert_allclose(applied(model, **asked).map().confidence, expected, rtol=1e-5)


@pytest.mark.parametrize(("own", "asked", "used"), [(1, None, 1), (8, None, 8), (1, 8, 8), (8, 1, 1)])
def test_symmetries_and_memory_are_those_asked_for(own, asked, used):
    model = a_model(window=3, settings=MapSettings(symmetries=own, context="free"), engine=Engine("patch"))
    task, blocks = applied(model, symmetries=asked, memory_gb=0.5).plan()
    ((mapper, _),) = task.members
    assert (task.votes, mapper.settings) == (used, MapSettings(symmetries=used, context="free"))
    assert mapper.engine == Engine("patch", memory_gb=0.5)
    assert (task.shape, task.classes, task.keep, task.device) == ((ROWS, COLS), CLASSES, 0, torch.device("cpu"))
    assert [block.shape for block in blocks] == [(ROWS, COLS)]
    assert (mapper.evidence, mapper.cut_off) == (None, 0.0)


def test_windows_are_masked_to_the_region_of_their_middle():
    region = np.full((ROWS, COLS), TRAIN, np.uint8)
    region[:, 4:] = TEST
    model = a_model(window=3)
    other = replace(SCENE, cube=np.where((region == TRAIN)[:, :, None], CUBE * 1.1, CUBE))
    masked = [applied(model, scene=scene, region=region, accept_range=True).map() for scene in (SCENE, other)]
    free = [applied(model, scene=scene, accept_range=True).map() for scene in (SCENE, other)]
    np.testing.assert_array_equal(*(found.confidence[:, 4:] for found in masked))
    assert (free[0].confidence[:, 4] != free[1].confidence[:, 4]).any()
    np.testing.assert_array_equal(free[0].confidence[:, 5:], free[1].confidence[:, 5:])


@pytest.mark.parametrize("kind", ["max_logit", "energy"])
def test_pixels_that_speak_for_no_class_are_unknown(kind):
    """The cut is made by the validation pixels, here the scene's own: the fifth of them that says least."""
    model = a_model()
    logits = logits_of(model)
    model = replace(model, unknown=evidence_table(logits[None]))
    found = applied(model, unknown=0.2, unknown_score=kind, probabilities=True)
    spoken = logits.max(axis=1) if kind == "max_logit" else np.log(np.exp(logits).sum(axis=1))
    expected = np.where(spoken < np.quantile(spoken, 0.2), 4, 1 + logits.argmax(axis=1)).reshape(ROWS, COLS)
    made = found.map()
    np.testing.assert_array_equal(made.class_map, expected)
    assert made.probabilities.shape == (ROWS, COLS, CLASSES)
    assert (found.classes.names[-1], found.classes.label_values, found.classes.colours[:3]) == (
        "unknown",
        (10, 20, 50, 51),
        model.colours,
    )
    with pytest.raises(HsiError, match="without validation pixels"):
        applied(a_model(), unknown=0.2).map()


def test_each_model_takes_the_scene_to_its_own_sensor():
    halved = replace(sensor_of(SCENE), quantiles=sensor_of(SCENE).quantiles / 2)
    with pytest.raises(HsiError, match=r"field_0.* scale="):
        applied(a_model(), scene=replace(SCENE, cube=CUBE * 100)).plan()
    found = applied(a_model(), scene=replace(SCENE, cube=CUBE * 100), scale=0.01).map()
    np.testing.assert_allclose(found.confidence, applied(a_model()).map().confidence, rtol=1e-5)
    with pytest.raises(HsiError, match="field_1"):
        applied(a_model(), a_model(1, sensor=replace(halved, quantiles=halved.quantiles / 1e3))).plan()
    nm = np.linspace(400, 800, BANDS)
    moved = a_model(sensor=replace(sensor_of(SCENE), wavelengths=nm + 90, fwhm=np.full(BANDS, 200.0)))
    assert applied(moved, scene=replace(SCENE, wavelengths=nm), resample=True, accept_range=True).map().class_map.all()


def test_models_of_other_classes_are_refused_and_named():
    own = a_model()
    assert classes_of([own, a_model(1)]).names == own.class_names
    for other in (a_model(7, class_names=("a", "b", "d")), a_model(7, label_values=(10, 20, 51))):
        with pytest.raises(HsiError, match=r"model 1 \(field_0\) has a, b, c, model 3 \(field_7\) has a, b, [cd]"):
            classes_of([own, a_model(1), other])
    named = a_model(class_names=("a", "unknown", "c"))
    assert classes_of([named]).names == named.class_names
    with pytest.raises(HsiError, match="called unknown"):
        classes_of([named], unknown=True)


def test_a_scene_gets_the_classes_of_the_map():
    classes, labels = classes_of([a_model()]), np.ones((ROWS, COLS), int)
    for given, expected in ((None, 0 * labels), (labels, labels)):
        named = classes.name(SCENE, given)
        np.testing.assert_array_equal(named.labels, expected)
        assert (named.class_names, named.label_values) == (("a", "b", "c"), (10, 20, 50))
        assert named.colours == a_model().colours
        assert named.cube is SCENE.cube


def test_what_stays_in_memory_is_counted_once():
    """Labels and cube, the other images that there are, and cubes that were changed; none of a cube on disk."""
    polygons = np.zeros((ROWS, COLS), np.int32)
    scene = replace(SCENE, polygons=polygons, valid=None)
    own = CUBE.nbytes + SCENE.labels.nbytes + polygons.nbytes
    assert _held(scene, [scene, scene]) == own
    assert _held(scene, [scene, replace(scene, cube=CUBE.astype(np.float32))]) == own + CUBE.nbytes // 2
    lazy = replace(SCENE, cube=on_disk(CUBE)[0])
    assert _held(lazy, [lazy]) == SCENE.labels.nbytes + SCENE.valid.nbytes
