"""Pictures of activation maps: which windows, which classes, where the evidence lies, which scales."""

import numpy as np
import pytest
from made import make_scene
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hsi.evaluation.activation_maps import ActivationMaps
from hsi.plots.activation_maps import draw_activation_maps
from hsi.plots.maps import WRONG, false_colour

pytestmark = pytest.mark.filterwarnings("error")

WINDOW = 5
CENTRES = np.array([1.0, 2.0, 3.0])  # of a 3 x 3 field that lost a pixel at each border


def made_evidence(*logits: tuple[float, ...]) -> np.ndarray:
    """(N, 3, 3, 3): each class has its logit as mean, and as it stands at the first position one more than that."""
    evidence = np.zeros((len(logits), 3, 3, 3)) + np.array(logits)[:, :, None, None]
    evidence[:, :, 0, 0] += 1
    evidence[:, :, 2, 2] -= 1
    return evidence


def draw(scene, pixels, evidence: np.ndarray, centres: np.ndarray = CENTRES) -> Figure:
    return draw_activation_maps(scene, pixels, ActivationMaps(evidence, centres, "How it was done."), WINDOW)


def panels(figure: Figure) -> list[list[Axes]]:
    """The axes with pictures, row by row; not those of the colour bars."""
    shown = [axes for axes in figure.axes if axes.get_title()]
    return [shown[start : start + 4] for start in range(0, len(shown), 4)]


def test_the_leading_classes_and_their_logits_stand_above():
    figure = draw(make_scene(), [40], made_evidence((0.5, 2.0, 3.25)))
    ((_, first, second, difference),) = panels(figure)
    assert first.get_title() == "Buildings-Grass-Trees-Drives\nlogit 3.25"
    assert second.get_title() == "Woods\nlogit 2.00"
    assert difference.get_title() == "first minus second\n1.25"
    np.testing.assert_array_equal(first.images[0].get_array(), made_evidence((0.5, 2.0, 3.25))[0, 2])
    np.testing.assert_array_equal(difference.images[0].get_array(), np.full((3, 3), 1.25))


def test_windows_are_cut_from_the_scene_and_white_beyond_it():
    scene = make_scene()  # 12 x 9 pixels
    figure = draw(scene, [40, 0], made_evidence((1, 0, 0), (1, 0, 0)))
    (inside, *_), (corner, *_) = panels(figure)
    image = false_colour(scene)
    np.testing.assert_array_equal(inside.images[0].get_array(), image[2:7, 2:7])  # pixel 40 is row 4, column 4
    np.testing.assert_array_equal(corner.images[0].get_array()[2:, 2:], image[:3, :3])
    assert (corner.images[0].get_array()[:2] == 1).all()
    assert inside.get_title() == "window around\nrow 4, column 4"


@pytest.mark.parametrize(
    ("centres", "extent"),
    [
        (np.array([1.0, 2.0, 3.0]), [0.5, 3.5]),  # pixels 1 to 3 of 0 to 4
        (np.array([0.0, 2.0, 4.0]), [-1, 5]),  # the outer positions are centred on the border
        (np.array([2.0]), [-0.5, 4.5]),  # the whole window
    ],
)
def test_evidence_lies_where_it_is_centred(centres, extent):
    evidence = np.ones((1, 3, len(centres), len(centres)))
    ((_, *heated),) = panels(draw(make_scene(), [40], evidence, centres))
    for axes in heated:
        assert axes.images[0].get_extent() == [*extent, *extent[::-1]]
        assert axes.get_xlim() == (-0.5, WINDOW - 0.5)  # the window is shown whole
        assert axes.get_ylim() == (WINDOW - 0.5, -0.5)


def test_all_windows_share_the_scales():
    figure = draw(make_scene(), [40, 41], made_evidence((1, 0, 0), (9, 0, 4)))
    for _, first, second, difference in panels(figure):
        assert first.images[0].get_clim() == second.images[0].get_clim() == (-1, 10)
        assert difference.images[0].get_clim() == (-5, 5)
    bars = [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]
    assert bars == ["evidence for the class", "for second | for first"]
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "How it was done."
    assert [text.get_text() for text in legend.get_texts()] == [
        *("pixel that is classified", "where evidence lies", "border without evidence")
    ]


@pytest.mark.parametrize(("truth", "word", "red"), [(0, "unlabelled", False), (1, "Corn", False), (2, "Woods", True)])
def test_truth_and_prediction_stand_beside_the_window(truth, word, red):
    scene = make_scene()
    scene.labels[4, 4] = truth
    ((picture, *_),) = panels(draw(scene, [40], made_evidence((1, 0, 0))))
    true, predicted = picture.texts
    assert true.get_text() == f"true\n{word}"
    assert predicted.get_text() == "predicted\nCorn"
    assert (predicted.get_color() == WRONG) is red


def test_equal_evidence_everywhere_and_many_windows_can_be_drawn():
    figure = draw(make_scene(), range(6), np.zeros((6, 3, 2, 2)), np.array([1.0, 3.0]))
    figure.draw_without_rendering()
    assert len(panels(figure)) == 6
    pictures, _, _, differences = zip(*panels(figure), strict=True)
    for column in (pictures, differences):
        assert len({round(axes.get_window_extent().x0) for axes in column}) == 1
        assert len({round(axes.get_window_extent().width) for axes in column}) == 1


def test_a_single_window_stands_level_with_its_evidence():
    figure = draw(make_scene(), [40], made_evidence((1, 0, 0)))
    figure.draw_without_rendering()
    assert len({round(axes.get_window_extent().y0) for axes in panels(figure)[0]}) == 1
