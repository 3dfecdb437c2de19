import time

import numpy as np
import pytest
from scipy.ndimage import label

from hsi.config.build import build
from hsi.errors import HsiError
from hsi.scenes.synthetic import make_synthetic


def test_shapes_and_units():
    scene = make_synthetic(rows=40, cols=56, bands=30, classes=4)
    assert scene.cube.shape == (40, 56, 30)
    assert scene.cube.dtype == np.uint16
    assert scene.labels.shape == (40, 56)
    assert scene.num_classes == 4
    assert (scene.wavelengths[0], scene.wavelengths[-1]) == (400, 2500)
    assert 0 < scene.cube.mean() < 8000
    assert len(set(scene.rgb_bands)) == 3


def test_seed_decides_everything():
    first, same, other = make_synthetic(seed=3), make_synthetic(seed=3), make_synthetic(seed=4)
    np.testing.assert_array_equal(first.cube, same.cube)
    np.testing.assert_array_equal(first.labels, same.labels)
    assert (first.cube != other.cube).any()
    assert (first.labels != other.labels).any()


@pytest.mark.parametrize("seed", range(5))
def test_fields_are_several_unequal_and_apart(seed):
    scene = make_synthetic(seed=seed)
    assert all(label(scene.labels == value)[1] >= 2 for value in range(1, scene.num_classes + 1))
    assert len(set(scene.class_counts.tolist())) > 1
    assert 0.05 < (scene.labels == 0).mean() < 0.5
    # unlabelled ground between the fields: no pixel touches one of another class
    for first, second in ((scene.labels[1:], scene.labels[:-1]), (scene.labels[:, 1:], scene.labels[:, :-1])):
        assert ((first == second) | (first == 0) | (second == 0)).mean() > 0.99


def test_spectra_are_smooth_and_tell_the_classes_apart():
    scene = make_synthetic(noise=0.0)
    means = np.stack([scene.cube[scene.labels == value].mean(axis=0) for value in range(1, 7)])
    assert np.abs(np.diff(means, 2, axis=1)).mean() < 0.3 * means.std(axis=1).mean()  # white noise: 2
    pixels = scene.cube[scene.labels > 0].astype(float)
    nearest = np.linalg.norm(pixels[:, None] - means, axis=2).argmin(axis=1) + 1
    assert 0.6 < (nearest == scene.labels[scene.labels > 0]).mean() < 1  # learnable, and not trivial: borders mix


def test_noise_has_the_stated_strength():
    clean, noisy = make_synthetic(noise=0.0).cube.astype(float), make_synthetic(noise=0.05).cube.astype(float)
    assert (noisy - clean).std() / clean.mean() == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize(("rows", "cols", "classes"), [(9, 9, 1), (16, 16, 4), (5, 120, 3), (120, 5, 3)])
def test_small_and_narrow_scenes(rows, cols, classes):
    assert (make_synthetic(rows=rows, cols=cols, classes=classes).class_counts > 0).all()


def test_too_small_or_nonsense():
    with pytest.raises(HsiError, match="6 x 6 pixels are too few for 6 classes"):
        make_synthetic(rows=6, cols=6, classes=6)
    for word, allowed in {"bands=0": "a whole number from 1 on", "noise=-1": "a number from 0 on"}.items():
        key, value = word.split("=")
        with pytest.raises(HsiError, match=rf"scene\.{word}: give {allowed}"):
            build({"_target_": "hsi.scenes.synthetic.make_synthetic", key: int(value)}, "scene")


def test_fast():
    start = time.perf_counter()
    make_synthetic(rows=64, cols=64, bands=64)
    assert time.perf_counter() - start < 1
