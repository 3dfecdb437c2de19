from functools import partial

import numpy as np
import pytest
from conftest import configure
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import eigh

from hsi import reduce
from hsi.config.build import build
from hsi.cube import LazyCube, blocks
from hsi.errors import HsiError
from hsi.reduce import mnf
from hsi.splits.roles import Split


def a_cube(seed=0, rows=9, cols=8, bands=6):
    mixing = np.random.default_rng(seed).normal(size=(bands, bands))
    return 1000 + 50 * np.random.default_rng(seed + 1).normal(size=(rows, cols, bands)) @ mixing


SPLIT = Split((np.arange(72).reshape(9, 8) % 3 == 0).astype(np.uint8))


@given(seed=st.integers(0, 50), components=st.integers(1, 6))
def test_whitened_components_are_uncorrelated_with_unit_variance(seed, components):
    features = reduce.pca(a_cube(seed), SPLIT, components=components)
    covariance = np.cov(features.image.reshape(-1, components).T, ddof=1).reshape(components, components)
    np.testing.assert_allclose(covariance, np.eye(components), atol=1e-4)


def on_disk(cube):
    def read(rows, cols, bands):
        part = cube[rows, cols]
        return np.ascontiguousarray(part if bands is None else part[:, :, bands])

    return LazyCube(cube.shape, cube.dtype, read)


@given(
    seed=st.integers(0, 50),
    components=st.integers(1, 6),
    share=st.floats(0.3, 1),
    fit_on=st.sampled_from(["all", "train", "auto"]),
)
def test_a_cube_on_disk_is_reduced_like_one_in_memory(seed, components, share, fit_on):
    """Scikit-learn's components, from the covariance that is summed up block by block; pixels without data left out."""
    cube = a_cube(seed)
    valid = np.random.default_rng(seed).random(cube.shape[:2]) < share
    valid[0, :6] = valid[3, :6] = True
    for fit in (partial(reduce.pca, components=components), reduce.standardize):
        plain, blockwise = (fit(each, SPLIT, valid=valid, fit_on=fit_on) for each in (cube, on_disk(cube)))
        np.testing.assert_allclose(blockwise.reducer.mean, plain.reducer.mean)
        np.testing.assert_allclose(blockwise.reducer.weights, plain.reducer.weights, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(blockwise.image, plain.image, atol=1e-3)
        assert not plain.image[~valid].any()


def test_all_components_without_whitening_are_a_rotation():
    cube = a_cube()
    features = reduce.pca(cube, SPLIT, components=6, whiten=False)
    distances = [np.linalg.norm(x[0, 0] - x[3, 4]) for x in (cube, features.image)]
    assert distances[0] == pytest.approx(distances[1], rel=1e-5)
    assert features.reducer.explained_variance_ratio.sum() == pytest.approx(1)


def test_fitted_on_the_training_pixels_the_others_do_not_matter():
    cube = a_cube()
    changed = np.where(SPLIT.role[..., None] == 1, cube, cube * 3 + 7)
    weights = [reduce.pca(c, SPLIT, components=3, fit_on="train").reducer.weights for c in (cube, changed)]
    np.testing.assert_array_equal(*weights)
    assert not np.allclose(weights[0], reduce.pca(cube, SPLIT, components=3).reducer.weights)


def test_with_regions_the_other_side_does_not_matter_labelled_or_not():
    cube, region = a_cube(), np.repeat([1, 1, 3], 24).reshape(9, 8)
    split = Split(SPLIT.role * (region == 1), region)
    changed = np.where(region[..., None] == 1, cube, cube * 3 + 7)
    weights = [reduce.pca(c, split, components=3).reducer.weights for c in (cube, changed)]
    np.testing.assert_array_equal(*weights)
    unlabelled = np.where((region == 1) & (split.role == 0), 2.0, 1.0)
    assert not np.allclose(weights[0], reduce.pca(cube * unlabelled[..., None], split, components=3).reducer.weights)
    standardized = reduce.standardize(cube, split).image[region == 1]
    np.testing.assert_allclose(standardized.mean(axis=0), 0, atol=1e-5)


def test_auto_means_all_without_regions_and_all_means_all_with_them():
    auto, whole = (reduce.pca(a_cube(), SPLIT, components=3, fit_on=word) for word in ("auto", "all"))
    masked = Split(SPLIT.role, np.ones_like(SPLIT.role))
    np.testing.assert_array_equal(auto.image, whole.image)
    np.testing.assert_array_equal(whole.image, reduce.pca(a_cube(), masked, components=3, fit_on="all").image)


def test_the_fitted_transform_meets_the_next_scene_unchanged():
    fitted = reduce.pca(a_cube(), SPLIT, components=3).reducer
    other = a_cube(seed=9)
    by_hand = (other[2, 5] - fitted.mean) @ fitted.weights
    np.testing.assert_allclose(fitted.transform(other)[2, 5], by_hand, rtol=1e-6)


def test_standardize():
    features = reduce.standardize(a_cube(), SPLIT)
    assert features.image.mean(axis=(0, 1)) == pytest.approx(0, abs=1e-5)
    assert features.image.std(axis=(0, 1)) == pytest.approx(1, rel=1e-5)


def test_none_keeps_the_bands():
    cube = np.random.default_rng(0).integers(0, 10_000, (4, 5, 6)).astype(np.uint16)
    np.testing.assert_array_equal(reduce.none(cube, Split(np.ones((4, 5), np.uint8))).image, cube.astype(np.float32))


def test_indian_pines_components_hold_nearly_all_variance(indian_pines):
    split = build(configure().split, "split")(indian_pines.labels)
    features = build(configure().reduce, "reduce")(indian_pines.cube, split)
    assert features.image.shape == (145, 145, 30)
    assert features.image.dtype == np.float32
    assert features.reducer.explained_variance_ratio.sum() > 0.99


@pytest.mark.parametrize("asked", [{"components": 0}, {"components": 7}, {"fit_on": "test"}])
def test_impossible_requests_are_refused(asked):
    with pytest.raises(HsiError, match=r"reduce\."):
        build({"_target_": "hsi.reduce.pca", "_partial_": True, "components": 3} | asked, "reduce")(a_cube(), SPLIT)


def a_noisy_cube(seed=0):
    """Two smooth signals of unequal noise in six bands; the louder signal is the noisier."""
    rng = np.random.default_rng(seed)
    row, col = np.indices((40, 50)) / 20
    signals = np.stack([np.sin(row + col), np.cos(2 * row - col)], axis=-1)
    mixing = rng.normal(size=(2, 6))
    noise = rng.normal(size=(40, 50, 6)) * [0.01, 0.3, 0.02, 0.5, 0.05, 1]
    return signals @ mixing + noise


def test_noise_fractions_are_what_a_generalised_eigenproblem_gives():
    cube = a_noisy_cube()
    features = mnf(cube, Split(np.ones((40, 50), np.uint8)), components=6)
    image = features.reducer.transform(cube).astype(float)
    steps = (cube[:, 1:] - cube[:, :-1]).reshape(-1, 6)
    ratio, axes = eigh(np.cov(cube.reshape(-1, 6).T), steps.T @ steps / (2 * len(steps)))
    expected = (cube - cube.mean((0, 1))) @ axes[:, ::-1]
    expected /= expected.reshape(-1, 6).std(axis=0, ddof=1)
    signs = np.sign((image * expected).sum((0, 1)))
    np.testing.assert_allclose(image, expected * signs, atol=1e-4)
    apart = image[:, 1:] - image[:, :-1]
    np.testing.assert_allclose(2 / (apart**2).mean((0, 1)), ratio[::-1], rtol=1e-3)  # signal to noise, the best first


def test_noise_fractions_do_not_hang_on_the_units_of_a_band():
    cube, split = a_noisy_cube(), Split(np.ones((40, 50), np.uint8))
    units = np.array([1, 1000, 0.1, 5, 1, 30])
    plain, scaled = (mnf(values, split, components=3).image for values in (cube, cube * units + 7))
    np.testing.assert_allclose(np.abs(plain), np.abs(scaled), atol=1e-3)


def test_noise_fractions_of_a_cube_on_disk_and_of_chosen_pixels(monkeypatch):
    cube = a_noisy_cube()
    role = np.zeros((40, 50), np.uint8)
    role[:, :25] = 1
    valid = np.ones((40, 50), bool)
    valid[5, 5] = False
    whole = mnf(cube, Split(role), valid=valid, components=3, fit_on="train")
    half = mnf(cube[:, :25], Split(role[:, :25]), valid=valid[:, :25], components=3)
    np.testing.assert_allclose(whole.reducer.weights, half.reducer.weights, rtol=1e-6)
    assert (whole.image[5, 5] == 0).all()
    monkeypatch.setattr("hsi.reduce.blocks", lambda cube: blocks(cube, max_bytes=cube.nbytes // 7))
    parts = mnf(cube, Split(role), valid=valid, components=3, fit_on="train")
    np.testing.assert_allclose(parts.reducer.weights, whole.reducer.weights, rtol=1e-6)


def test_noise_fractions_where_bands_have_no_noise_or_no_variance():
    cube = a_noisy_cube()
    cube[..., 4] = cube[..., 0]  # of two equal bands the difference is always 0
    cube[..., 5] = 3
    assert np.isfinite(mnf(cube, Split(np.ones((40, 50), np.uint8)), components=6).image).all()


def test_noise_fractions_that_cannot_be_fitted():
    cube = a_noisy_cube()
    role = np.zeros((40, 50), np.uint8)
    role[::2, ::2] = 1  # no two in a row
    with pytest.raises(HsiError, match="0 pairs of neighbours in a row to fit 3 components on"):
        mnf(cube, Split(role), components=3, fit_on="train")
    with pytest.raises(HsiError, match=r"reduce\.components=7: the scene has 6 bands"):
        mnf(cube, Split(role), components=7)
