"""Spectra changed at random: what the network sees is what the changed cube would have been reduced to."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from hsi.engine.forward import Engine
from hsi.engine.samples import Bands, gather
from hsi.errors import HsiError
from hsi.experiment import train
from hsi.models.cnn_1d import cnn_1d
from hsi.recipes import compose_settings, recipe_of
from hsi.reduce import none, pca, place, standardize
from hsi.scenes.synthetic import make_synthetic
from hsi.splits.random import random_split
from hsi.splits.roles import TRAIN
from hsi.training import schedule
from hsi.training.checkpoint import Checkpoint
from hsi.training.spectral import Strengths
from hsi.training.steps import Steps

SCENE = make_synthetic(rows=20, cols=18, bands=9, classes=3)
SPLIT = random_split(SCENE.labels, train=0.3)
STRENGTHS = Strengths(gain=0.1, offset=0.2, slope=0.15, dropout=0.3)
KNOWN = SCENE.cube[SPLIT.role == TRAIN].astype(float)


def samples_of(features):
    found = gather(features.image, SCENE.labels, SPLIT, 3, torch.device("cpu"))
    return replace(found, bands=Bands(features.reducer.mean, np.diag(features.reducer.weights)))


@pytest.mark.parametrize("reduce", [standardize, none])
@pytest.mark.parametrize("holes", [False, True])
def test_it_is_the_changed_cube_reduced(reduce, holes):
    """Pixels without data stay 0, a dropped band holds the mean of the training pixels."""
    valid = np.ones(SCENE.labels.shape, bool)
    valid[:3, :4] = not holes
    valid |= SPLIT.role == TRAIN
    features = reduce(SCENE.cube, SPLIT, valid=valid)
    image_of = STRENGTHS.changes(samples_of(features), seed=5)
    for step in range(3):
        factor, shift, dropped = STRENGTHS.draw(5, step, 9, KNOWN.mean())
        cube = np.where(dropped, KNOWN.mean(axis=0), SCENE.cube * factor + shift)
        expected = features.reducer.transform(cube, valid)
        np.testing.assert_allclose(image_of(step).permute(1, 2, 0), expected, rtol=1e-6, atol=2e-5)
        assert np.abs(expected - features.image).max() > 0.05


def test_draws_are_functions_of_seed_and_step_with_the_spread_that_is_asked_for():
    draws = [STRENGTHS.draw(3, step, 9, 10.0) for step in range(3000)]
    again = STRENGTHS.draw(3, 7, 9, 10.0)
    assert all(np.array_equal(one, other) for one, other in zip(draws[7], again, strict=True))
    assert not np.array_equal(draws[7].factor, STRENGTHS.draw(4, 7, 9, 10.0).factor)
    factors, dropped = (np.array([getattr(draw, name) for draw in draws]) for name in ("factor", "dropped"))
    gain, slope = factors[:, 4] - 1, (factors[:, 8] - factors[:, 0]) / 2
    np.testing.assert_allclose(factors, 1 + gain[:, None] + slope[:, None] * np.linspace(-1, 1, 9), atol=1e-12)
    assert gain.std() == pytest.approx(0.1, rel=0.05)
    assert slope.std() == pytest.approx(0.15, rel=0.05)
    assert np.std([draw.shift for draw in draws]) == pytest.approx(2.0, rel=0.05)
    assert abs(np.corrcoef([gain, slope, [draw.shift for draw in draws]]) - np.eye(3)).max() < 0.06
    assert dropped.mean() == pytest.approx(0.3, rel=0.05)


def test_without_strength_the_image_is_the_same():
    samples = samples_of(standardize(SCENE.cube, SPLIT))
    assert Strengths().changes(samples, 0)(3) is samples.image


def test_only_reductions_that_keep_bands_apart_are_by_band():
    found = {make.__name__: make(SCENE.cube, SPLIT).reducer.by_band for make in (standardize, none, place)}
    mixed = pca(SCENE.cube, SPLIT, components=9).reducer
    assert found | {"pca": mixed.by_band} == {"standardize": True, "none": True, "place": False, "pca": False}
    assert not pca(SCENE.cube, SPLIT, components=2).reducer.by_band


def test_a_network_of_components_refuses_it():
    words = ["model=cnn_1d", "train.gain=0.05", "train.steps=1"]
    for more in (["reduce=pca", "reduce.components=5"], []):
        tree, choices = compose_settings([*words, *more])
        recipe = recipe_of(tree, choices["model"])
        if not more:
            assert train(SCENE, SPLIT, recipe).samples.bands.mean.shape == (9,)
            continue
        with pytest.raises(HsiError, match=r"choose reduce=standardize or none, or leave them 0"):
            train(SCENE, SPLIT, recipe)


class Interrupted(Checkpoint):
    """Breaks off a training when it has been saved for the second time."""

    times = 0

    def save(self, *given):
        super().save(*given)
        type(self).times += 1
        if type(self).times == 2:
            raise KeyboardInterrupt


def test_interrupted_it_ends_in_the_same_bytes(tmp_path):
    samples, path = samples_of(standardize(SCENE.cube, SPLIT)), tmp_path / "checkpoint.safetensors"
    recipe = Steps(
        partial(torch.optim.AdamW, lr=1e-2),
        schedule.one_cycle,
        4,
        batch_size=16,
        class_weights="fields",
        gain=0.1,
        band_dropout=0.2,
        checkpoint_seconds=0,
    )

    def fit(checkpoint=None):
        torch.manual_seed(0)
        model = cnn_1d(9, 3)
        recipe.fit(model, samples, Engine(), 3, checkpoint)
        return model.state_dict()

    whole = fit()
    with pytest.raises(KeyboardInterrupt):
        fit(Interrupted(path, "this"))
    resumed = fit(Checkpoint(path, "this"))
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())
