"""The study's parts: held-out pixels never test, and its baseline is the model that it is about."""

import numpy as np
import pytest
import torch
from conftest import configure

import hsi
from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, logits_of
from hsi.models.building import build_model
from hsi.splits.fields import pixels_of_fields
from studies.what_helped import BASE, SCALES, VARIANTS, _components, blur, features, held_out, judge


@pytest.fixture(scope="module")
def scene():
    return hsi.load("indian_pines")


@pytest.mark.parametrize("protocol", ["10 a class", "5 %"])
def test_held_out_pixels_do_not_train(scene, protocol):
    for train, validation in held_out(scene, protocol, 2):
        assert not (train & validation).any()
        assert set(scene.labels[train]) == set(range(1, 17))
        assert 900 < validation.sum() < 1100


@pytest.mark.parametrize("protocol", ["695", "DASE"])
def test_of_a_published_mask_only_training_pixels_validate(scene, monkeypatch, protocol):
    mask = scene.split("grown", train=0.4)
    monkeypatch.setattr(type(scene), "split", lambda *_: mask)
    for train, validation in held_out(scene, protocol, 2):
        assert not (train & validation).any()
        assert ((train | validation) == (mask.role == 1)).all()
        for k in range(1, 17):
            for clump in pixels_of_fields((mask.role == 1) & (scene.labels == k)):
                share = validation.ravel()[clump].mean()
                assert share in (0, 1) if protocol == "695" else 0.3 < share < 0.7 or len(clump) < 8


def test_the_first_variant_is_the_model(scene):
    """Features of scipy and of the trunk agree, and so do the settings."""
    config = configure("model=scales")
    assert (tuple(config.model.scales), config.model.C, config.model.gamma) == (SCALES, BASE.C, BASE.gamma)
    assert f"mnf {config.reduce.components}" == BASE.components
    model = build_model(config.model, 15, 16)
    image = np.moveaxis(_components("indian_pines", "mnf 15"), 2, 0).astype(np.float32)
    trunk = WindowClassifier(model.trunk, torch.nn.Flatten(), 15, model.window)
    pixels = torch.arange(0, 145 * 145, 997)
    found = logits_of(trunk, torch.from_numpy(image.copy()), Engine("dense"), pixels=pixels).numpy()
    np.testing.assert_allclose(found, features(scene, BASE)[pixels], atol=1e-4)


def test_every_variant_judges(scene):
    train, validation = next(held_out(scene, "10 a class", 1))
    for variant in VARIANTS[-7:]:
        width = len(variant.scales)
        stack = np.random.default_rng(0).normal(size=(scene.rows * scene.cols, width))
        stack[np.arange(len(stack)), scene.labels.ravel() % width] += 3
        oa, aa = judge(scene, stack, variant, train, validation)
        assert 0.2 < oa < 1
        assert 0.2 < aa < 1


def test_blurred_constants_stay():
    np.testing.assert_allclose(blur(np.full((9, 7, 2), 3.0), 2), 3)
