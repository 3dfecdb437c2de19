"""Pictures of a scene: exact colours, hand-counted errors, legends, layout."""

from dataclasses import replace

import numpy as np
import pytest
from made import COLOURS, NAMES, make_scene
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from hsi.plots import maps

SHAPES = [(145, 145), (610, 340), (512, 217), (1476, 256), (512, 614), (60, 120), (30, 200)]

pytestmark = pytest.mark.filterwarnings("error")


def legend_texts(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_false_colour_fills_0_to_1():
    image = maps.false_colour(make_scene())
    assert image.shape == (12, 9, 3)
    assert image.min() == 0
    assert image.max() == 1


@pytest.mark.parametrize(("factor", "offset"), [(1e-4, 0), (3, 500)])
def test_false_colour_does_not_depend_on_the_unit(factor, offset):
    scene = make_scene()
    other = replace(scene, cube=(scene.cube * factor + offset).astype(np.float64))
    np.testing.assert_allclose(maps.false_colour(other), maps.false_colour(scene), atol=1e-12)


def test_false_colour_of_constant_bands_is_black():
    scene = make_scene()
    assert not maps.false_colour(replace(scene, cube=np.full_like(scene.cube, 7))).any()


@pytest.mark.parametrize(
    ("rgb_bands", "wavelengths", "expected"),
    [
        ((6, 1, 0), None, (6, 1, 0)),
        ((6, 1, 0), np.linspace(400, 750, 8), (6, 1, 0)),
        (None, np.array([400.0, 460, 500, 555, 600, 648, 700, 900]), (5, 3, 1)),
        (None, None, (5, 4, 2)),  # of bands 0..7: 5.25, 3.5, 1.75, rounded (half to even)
    ],
)
def test_bands_of_false_colour(rgb_bands, wavelengths, expected):
    scene = make_scene()
    chosen = replace(scene, rgb_bands=rgb_bands, wavelengths=wavelengths)
    named = replace(scene, rgb_bands=expected)
    np.testing.assert_array_equal(maps.false_colour(chosen), maps.false_colour(named))


@pytest.mark.parametrize("bands", [1, 2, 3])
def test_false_colour_of_few_bands(bands):
    assert maps.false_colour(make_scene(bands=bands)).shape == (12, 9, 3)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.uint16])
def test_class_image_has_the_colours_of_the_classes(dtype):
    labels = np.array([[0, 1], [2, 3]], dtype=dtype)
    image = maps.class_image(labels, make_scene())
    for index, colour in zip(np.ndindex(2, 2), ("#ffffff", *COLOURS), strict=True):
        assert tuple(image[index]) == to_rgb(colour)


def test_error_image_by_hand():
    labels = np.array([[0, 1, 1], [2, 2, 3]])
    class_map = np.array([[1, 1, 2], [2, 1, 3]])
    white, right, wrong, rest = (
        to_rgb(colour) for colour in (maps.UNLABELLED, maps.RIGHT, maps.WRONG, maps.NOT_TESTED)
    )
    expected = [[white, right, wrong], [right, wrong, right]]
    np.testing.assert_array_equal(maps.error_image(labels, class_map), expected)
    # Without labels a pixel stays white even if `test` names it; a wrong pixel outside `test` is no error.
    test = np.array([[True, True, False], [False, True, False]])
    expected = [[white, right, rest], [rest, wrong, rest]]
    np.testing.assert_array_equal(maps.error_image(labels, class_map, test), expected)


def test_map_counts_stand_in_its_legend():
    scene = replace(make_scene(2, 3), labels=np.array([[0, 1, 1], [2, 2, 3]]))
    class_map = np.array([[1, 1, 2], [2, 1, 3]])
    test = np.array([[True, True, False], [False, True, False]])
    whole = legend_texts(maps.draw_map(scene, class_map))
    assert whole == [*NAMES, "unlabelled", "right (3)", "wrong (2)"]
    tested = legend_texts(maps.draw_map(scene, class_map, test))
    assert tested == [*NAMES, "unlabelled", "right (1)", "wrong (1)", "not in the test set (3)"]


def test_map_of_a_scene_without_labels():
    scene = make_scene()
    unlabelled = replace(scene, labels=np.zeros_like(scene.labels))
    figure = maps.draw_map(unlabelled, np.ones((12, 9), dtype=np.uint8))
    assert [axes.get_title() for axes in figure.axes] == ["False colour", "Class map"]
    assert legend_texts(figure) == list(NAMES)


def test_map_shows_its_confidence_and_no_data_white():
    scene = make_scene(2, 3)
    class_map, confidence = np.array([[0, 1, 1], [2, 2, 3]]), np.array([[0, 0.5, 1], [0.25, 0, 1]])
    figure = maps.draw_map(scene, class_map, confidence=confidence)
    (axes,) = [axes for axes in figure.axes if axes.get_title().startswith("Confidence")]
    assert axes.images[0].get_array()[..., 0].tolist() == [[1, 0.5, 1], [0.25, 0, 1]]


def test_what_was_not_tested_has_the_colour_of_no_class():
    greys = [to_rgb(maps.RIGHT), to_rgb(maps.NOT_TESTED)]
    assert all(len({*grey}) == 1 for grey in greys)
    assert greys[1][0] - greys[0][0] > 0.15


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("classes", [3, 16])
def test_map_fits_scenes_of_any_shape(shape, classes):
    scene = make_scene(*shape, bands=3, classes=classes)
    figure = maps.draw_map(scene, np.ones(shape, np.uint8), scene.labels > 1, "Some scene", confidence=np.ones(shape))
    figure.draw_without_rendering()
    boxes = [axes.get_window_extent() for axes in figure.axes]
    boxes += [axes.title.get_window_extent() for axes in figure.axes]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    boxes += [text.get_window_extent() for text in figure.texts]
    for index, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])


@pytest.mark.parametrize("shape", SHAPES)
def test_each_scene_pixel_has_a_whole_number_of_dots(shape):
    scene = make_scene(*shape, bands=3)
    for figure in (
        maps.draw_map(scene, np.ones(shape, np.uint8)),
        maps.draw_confidence(scene, np.ones(shape)),
    ):
        box = figure.axes[0].get_window_extent()
        dots = box.width / scene.cols
        assert dots == pytest.approx(round(dots))
        assert round(dots) >= 1
        assert box.height / scene.rows == pytest.approx(dots)


@pytest.mark.parametrize("shape", [(12, 9), (9, 12)])
def test_confidence_is_shown_from_0_to_1(shape):
    confidence = np.linspace(0.3, 0.9, 108).reshape(shape)
    figure = maps.draw_confidence(make_scene(*shape), confidence)
    (image,) = figure.axes[0].images
    assert image.get_clim() == (0, 1)
    np.testing.assert_array_equal(image.get_array(), confidence)
