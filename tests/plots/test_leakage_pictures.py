"""Pictures of the leak audit: no bin of distance and no window is left out."""

import numpy as np

from hsi.evaluation.leakage import audit, ladder
from hsi.evaluation.position import by_position
from hsi.plots.leakage import draw_ladder, draw_leakage
from hsi.splits.roles import TEST, TRAIN, Split


def test_pictures_show_every_distance_bin_and_window():
    rng = np.random.default_rng(0)
    split = Split(rng.choice([0, 0, 0, 0, TRAIN, TEST], (9, 11)).astype(np.uint8))
    labels = np.where(split.role > 0, rng.integers(1, 4, (9, 11)), 0)
    leakage = audit(split, labels, 3, class_map=np.ones_like(labels))
    histogram, curve = draw_leakage(leakage).axes
    assert [bar.get_height() for bar in histogram.patches] == leakage["distance_counts"]
    assert len(curve.get_xticks()) == len(leakage["accuracy_by_distance"])
    assert len(draw_leakage(audit(split, labels, 3)).axes) == 1
    (axes,) = draw_ladder(ladder(split, labels, [1, 3, 5])).axes
    assert [len(line.get_xdata()) for line in axes.lines] == [3, 3, 3]


def legends(figure):
    return [[text.get_text() for text in axes.get_legend().get_texts()] for axes in figure.axes]


def test_position_stands_beside_the_map_at_every_distance():
    rng = np.random.default_rng(0)
    split = Split(rng.choice([0, 0, 0, 0, TRAIN, TEST], (9, 11)).astype(np.uint8))
    labels = np.where(split.role > 0, rng.integers(1, 4, (9, 11)), 0)
    leakage = audit(split, labels, 3, class_map=np.ones_like(labels))
    position = by_position(split, labels, ("a", "b", "c"))
    figure = draw_leakage(leakage, position)
    drawn = [
        line.get_ydata() for line in figure.axes[1].lines if len(line.get_ydata()) and line.get_linestyle() != "None"
    ]
    for found, curve in zip((leakage, position), drawn, strict=True):
        np.testing.assert_allclose(curve, [100 * b["accuracy"] for b in found["accuracy_by_distance"]])
    assert legends(figure)[1] == ["the map", "position alone, no spectrum read"]
    assert legends(draw_leakage(audit(split, labels, 3), position))[1] == ["position alone, no spectrum read"]
    assert legends(draw_leakage(leakage))[1] == ["the map"]


def test_no_legend_entry_stands_for_nothing():
    role = np.array([[TRAIN, TEST, 0, TEST]], np.uint8)
    labels = np.ones((1, 4), int)
    for window, entries in (
        (1, ["beyond a window's reach (0)"]),
        (3, ["within a window's reach (1)", "beyond a window's reach (1)"]),
    ):
        assert legends(draw_leakage(audit(Split(role), labels, window)))[0] == entries
    near = Split(np.array([[TRAIN, TEST]], np.uint8))
    assert legends(draw_leakage(audit(near, labels[:, :2], 3)))[0] == ["within a window's reach (1)"]


def test_one_pixel_is_seen_and_no_interval_is_cut_off():
    rng = np.random.default_rng(1)
    split = Split(rng.choice([0, 0, 0, TRAIN, TEST], (20, 20)).astype(np.uint8))
    labels = np.where(split.role > 0, rng.integers(1, 4, (20, 20)), 0)
    leakage = audit(split, labels, 3, class_map=labels)
    histogram, curve = draw_leakage(leakage, by_position(split, labels, ("a", "b", "c"))).axes
    low, high = histogram.get_ylim()
    assert (histogram.get_yscale(), low < 1, high > max(leakage["distance_counts"])) == ("log", True, True)
    bounds = [point for part in curve.collections for path in part.get_paths() for point in path.vertices[:, 1]]
    assert curve.get_ylim()[0] < min(bounds)
    assert curve.get_ylim()[1] > max(bounds)
