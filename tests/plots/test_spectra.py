"""Spectra of confused pixels: whose they are, gaps in the spectrum, panels."""

from dataclasses import replace

import numpy as np
import pytest
from made import COLOURS, make_scene, texts

from hsi.plots.canvas import save
from hsi.plots.spectra import draw_spectra, most_confused

pytestmark = pytest.mark.filterwarnings("error")


def test_most_confused_by_hand():
    labels = np.array([[0, 1, 1, 2], [2, 2, 3, 3], [1, 3, 2, 2]])
    class_map = np.array([[3, 2, 1, 1], [1, 2, 1, 1], [2, 2, 2, 1]])
    # 2 as 1: three pixels; 1 as 2 and 3 as 1: two; 3 as 2: one. The unlabelled pixel does not count.
    assert most_confused(labels, class_map) == [(2, 1), (1, 2), (3, 1), (3, 2)]


def test_spectra_of_a_pair():
    scene = make_scene()
    class_map = np.where(scene.labels == 1, 2, scene.labels)
    class_map[0, 0], scene.labels[0, 0] = 1, 1  # the one pixel of class 1 that is right
    axes = draw_spectra(scene, class_map, pairs=[(1, 2)]).axes[0]
    assert axes.get_title() == "Corn mapped as Woods"
    *confused, truth, prediction = axes.lines
    assert 1 <= len(confused) <= 6
    pixels = scene.cube[(scene.labels == 1) & (class_map == 2)]
    assert all((pixels == line.get_ydata()).all(axis=1).any() for line in confused)
    np.testing.assert_array_equal(truth.get_ydata(), scene.cube[0, 0])
    np.testing.assert_allclose(prediction.get_ydata(), scene.cube[scene.labels == 2].mean(axis=0))
    assert (truth.get_color(), prediction.get_color()) == COLOURS[:2]


def test_spectra_leave_a_gap_where_bands_were_removed():
    wavelengths = np.array([400.0, 410, 420, 430, 500, 510, 520, 530])
    scene = replace(make_scene(), wavelengths=wavelengths)
    class_map = np.where(scene.labels == 1, 2, 3)
    axes = draw_spectra(scene, class_map).axes[0]
    assert axes.get_xlabel() == "wavelength (nm)"
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), np.insert(wavelengths, 4, np.nan))


@pytest.mark.parametrize("order", [1, -1])
def test_spectra_of_two_spectrometers_that_overlap_are_not_joined(order):
    wavelengths = np.array([400.0, 410, 420, 430, 422, 432, 442, 452])[::order]
    scene = replace(make_scene(), wavelengths=wavelengths, nominal=True)
    axes = draw_spectra(scene, np.where(scene.labels == 1, 2, 3)).axes[0]
    assert axes.get_xlabel() == "nominal wavelength (nm)"
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), np.insert(wavelengths, 4, np.nan))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_spectra_panels(count, tmp_path):
    scene = make_scene()
    class_map = np.random.default_rng(1).integers(1, 4, scene.labels.shape)
    figure = draw_spectra(scene, class_map, count=count)
    assert sum(bool(axes.lines) for axes in figure.axes) == count
    save(figure, tmp_path / "spectra.png")


def test_spectra_of_a_pair_that_does_not_occur(tmp_path):
    scene = replace(make_scene(), labels=np.zeros((12, 9), np.int64))
    figure = draw_spectra(scene, np.ones((12, 9), np.int64), pairs=[(1, 2)])
    assert not figure.axes[0].lines
    save(figure, tmp_path / "spectra.png")


def test_spectra_without_any_confusion(tmp_path):
    scene = make_scene()
    figure = draw_spectra(scene, np.maximum(scene.labels, 1))
    assert texts(figure) == ["no labelled pixel is mapped to a wrong class"]
    save(figure, tmp_path / "spectra.png")
