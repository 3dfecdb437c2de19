"""Pictures of settings: what stands where."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsi.plots.comparison import draw_cost, draw_gap, draw_settings, pareto_front
from hsi.plots.names import place_names

pytestmark = pytest.mark.filterwarnings("error")

SCORES = pd.DataFrame(
    {("random", "mean"): [95.0, 90.0], ("random", "std"): [1.0, np.nan]}
    | {("regions", "mean"): [50.0, 60.0], ("regions", "std"): [5.0, 6.0]},
    index=["net", "svm"],
)


def test_the_gap_joins_both_protocols_of_each_model():
    (axes,) = draw_gap(SCORES, "OA (%)").axes
    joined = [sorted(segment[:, 0]) for segment in axes.collections[0].get_segments()]
    assert joined == [[50, 95], [60, 90]]
    marks = [container.lines[0].get_xdata().tolist() for container in axes.containers]
    assert marks == [[95, 90], [50, 60]]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["net", "svm"]


def lines_of(axes, label):
    return [line for line in axes.lines if line.get_label() == label]


def test_every_run_is_a_dot_and_intervals_are_only_where_runs_differ():
    """By hand: t of 2 degrees at 97.5 % is 4.302653; an interval beyond what OA can be ends there."""
    drawn = [("wide", (0.8, 0.9, 1.0)), ("same", (0.0, 0.0, 0.0)), ("one", (0.5,)), ("narrow", (0.5, 0.502, 0.504))]
    (axes,) = draw_settings(drawn).axes
    for dots, (_, values) in zip(lines_of(axes, "a run"), drawn, strict=True):
        np.testing.assert_allclose(dots.get_xdata(), 100 * np.array(values))
    means = [float(line.get_xdata()[0]) for line in lines_of(axes, "mean")]
    np.testing.assert_allclose(means, [90, 0, 50, 50.2])
    intervals = {line.get_ydata()[0]: line.get_xdata() for line in lines_of(axes, "95 % interval of the mean")}
    assert set(intervals) == {0, 3}
    np.testing.assert_allclose(intervals[0], [90 - 4.302653 * 10 / 3**0.5, 100])
    np.testing.assert_allclose(intervals[3], [50.2 - 4.302653 * 0.2 / 3**0.5, 50.2 + 4.302653 * 0.2 / 3**0.5])
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1: wide", "2: same", "3: one", "4: narrow"]


def test_kappa_may_be_below_zero():
    (axes,) = draw_settings([("a", (-0.9, 0.9))], "kappa").axes
    (interval,) = lines_of(axes, "95 % interval of the mean")
    assert interval.get_xdata().tolist() == [-1, 1]


def test_cost_stands_against_accuracy_in_a_panel_a_protocol():
    figure = draw_cost(SCORES, pd.Series({"net": 5.0, "svm": 0.1}), "cost", "OA (%)")
    assert [axes.get_title() for axes in figure.axes] == ["random", "regions"]
    fronts = [[[0.1, 90], [5, 90], [5, 95], [5, 95]], [[0.1, 60], [5, 60]]]
    for axes, means, front in zip(figure.axes, ([95, 90], [50, 60]), fronts, strict=True):
        (dots,) = lines_of(axes, "mean, with its standard deviation over the seeds")
        assert dots.get_xydata().tolist() == [[5.0, means[0]], [0.1, means[1]]]
        (line,) = lines_of(axes, "Pareto front")
        assert line.get_xydata().tolist() == front
        assert {name.get_text(): name.xy for name in axes.texts} == {"net": (5, means[0]), "svm": (0.1, means[1])}
        assert axes.get_xscale() == "log"
        assert lines_of(axes, "position alone") == []


def test_errors_are_logarithmic_beside_cost_and_position_has_a_line():
    figure = draw_cost(SCORES, pd.Series({"net": 5.0, "svm": 0.1}), "cost", "OA (%)", {"random": 97, "regions": 21})
    for axes, position in zip(figure.axes, (97, 21), strict=True):
        (line,) = lines_of(axes, "position alone")
        assert set(line.get_ydata()) == {position}
        place = axes.transData.transform([(1, score) for score in (50.2, 75.2, 87.7, 100, 101)])[:, 1]
        apart = np.diff(place)
        np.testing.assert_allclose(apart[0], apart[1])  # 50 and 25, 25 and 12.5 below the end of the scale
        assert apart[2] > 0
        assert apart[3] == 0
        back = axes.yaxis.get_transform().inverted().transform(axes.yaxis.get_transform().transform([20.0, 99.0]))
        np.testing.assert_allclose(back, [20, 99])


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=20))
def test_on_the_front_none_that_costs_no_more_is_better(pairs):
    cost, score = (pd.Series([pair[place] for pair in pairs], dtype=float) for place in (0, 1))
    front = set(pareto_front(cost, score))
    for index, (dear, good) in enumerate(pairs):
        beaten = any(c <= dear and s >= good and (c, s) != (dear, good) for c, s in pairs)
        twin = any((cost[other], score[other]) == (dear, good) for other in front)
        assert (index in front) == (not beaten and (index in front or not twin))


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_no_name_stands_over_another_or_over_a_point(seed, count):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 2)) * 30 + 200  # close together, in a panel of 400 points
    sizes = np.column_stack([rng.uniform(10, 70, count), np.full(count, 7.0)])
    line = np.array([[0.0, 199, 400, 201]])
    corners = place_names(points, sizes, np.array([0.0, 0, 400, 400]), line)
    boxes = np.column_stack([corners, corners + sizes])
    others = np.vstack([boxes, np.column_stack([points - 1, points + 1]), line])
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    shared[np.arange(count), np.arange(count)] = 0  # each with itself
    assert shared.max() == 0
    assert (boxes >= 0).all()
    assert (boxes <= 400).all()
