"""A trained model from Python: it adapts and maps with its own settings, and its description says what it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax
from test_applied import BANDS, CLASSES, COLS, CUBE, ROWS, SCENE, a_model, applied, logits_of

from hsi.engine.forward import Engine
from hsi.errors import HsiError
from hsi.mapping.scene_map import MapSettings
from hsi.mapping.unknown import evidence_table, tables_as_json
from hsi.runs import applied as application
from hsi.runs.model import describe_model
from hsi.runs.sensor import sensor_of

NM = np.linspace(400, 800, BANDS)
IMAGE = torch.as_tensor(CUBE, dtype=torch.float32).permute(2, 0, 1)
HALVES = np.where(np.arange(COLS) < 4, 1, 2) * np.ones((ROWS, 1), int)


def test_a_scene_is_brought_to_a_model_only_as_far_as_is_asked_for():
    model = a_model(4)
    assert model.adapt(SCENE) is SCENE
    far = replace(SCENE, cube=CUBE * 100)
    with pytest.raises(HsiError, match=r"field_4.* scale=0\.01"):
        model.adapt(far)
    assert model.adapt(far, accept_range=True) is far
    np.testing.assert_array_equal(model.adapt(far, scale=0.01).cube, far.cube.astype(np.float32) * np.float32(0.01))

    moved = replace(SCENE, wavelengths=np.linspace(350, 900, BANDS))
    model = a_model(sensor=replace(sensor_of(SCENE), wavelengths=NM, fwhm=np.full(BANDS, 40.0)))
    with pytest.raises(HsiError, match="resample=true"):
        model.adapt(moved)
    found = model.adapt(moved, resample=True, accept_range=True)
    np.testing.assert_array_equal(found.wavelengths, NM)


@pytest.mark.parametrize("kept", [False, True])
def test_a_model_maps_with_its_own_settings(monkeypatch, kept):
    asked = []
    real = application.plan_within
    monkeypatch.setattr(application, "plan_within", lambda memory, *rest: asked.append(memory) or real(memory, *rest))
    model = a_model(window=3, settings=MapSettings(save_probabilities=kept), engine=Engine(memory_gb=0.75))
    for region in (None, HALVES):
        expected = applied(model, region=region, probabilities=kept).map()
        for found in (model.map(SCENE, "cpu", region), model.map(SCENE, region=region)):
            np.testing.assert_array_equal(found.class_map, expected.class_map)
            np.testing.assert_array_equal(found.confidence, expected.confidence)
            assert (found.probabilities is not None) == kept
    assert set(asked) == {2.0, 0.75}  # that of the options here, of the engine where the model decides


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_told():
    with pytest.raises(HsiError, match="device=cuda"):
        a_model().map(SCENE, "cuda")


def test_an_image_is_mapped_as_the_scene_that_it_was_reduced_from():
    """The reducer of the model leaves bands as they are; each setting of its own tells."""
    for fields in (
        {},
        {"temperature": 3.0},
        {"settings": MapSettings(symmetries=8)},
        {"settings": MapSettings(context="free")},
        {"settings": MapSettings(save_probabilities=False)},
        {"engine": Engine(padding="reflect")},
    ):
        model = a_model(window=3, **fields)
        for region in (None, HALVES):
            found, expected = model.map_image(IMAGE, region), model.map(SCENE, "cpu", region)
            np.testing.assert_allclose(found.confidence, expected.confidence, rtol=1e-5)
            np.testing.assert_array_equal(found.class_map, expected.class_map)
            assert (found.probabilities is None) == (expected.probabilities is None)


def test_the_confidence_of_an_image_is_that_of_its_logits_by_hand():
    model = a_model(temperature=3.0)
    expected = softmax(logits_of(model) / 3, axis=1).max(axis=1).reshape(ROWS, COLS)
    np.testing.assert_allclose(model.map_image(IMAGE).confidence, expected, rtol=1e-5)


def test_a_description_says_all_that_other_programs_need():
    tables = evidence_table(np.arange(6.0, dtype=np.float32).reshape(1, 2, CLASSES))
    sensor = replace(sensor_of(SCENE), wavelengths=NM)
    model = a_model(4, temperature=1.5, engine=Engine(memory_gb=0.5, padding="edge"), sensor=sensor, unknown=tables)
    config = {"model": {"_target_": "a"}, "engine": {"_target_": "b", "padding": "zero"}, "map": {"symmetries": 1}}
    assert describe_model(model, config) == {
        "format": 2,
        "model": {"_target_": "a"},
        "engine": {"_target_": "b", "mode": "auto", "padding": "edge", "memory_gb": 0.5, "channels_last": "auto"},
        "map": {"symmetries": 1},
        "temperature": 1.5,
        "components": BANDS,
        "scene": "field_4",
        **sensor.as_json(),
        "class_names": ["a", "b", "c"],
        "colours": ["#000001", "#000002", "#000003"],
        "label_values": [10, 20, 50],
        "unknown": tables_as_json(tables),
    }
