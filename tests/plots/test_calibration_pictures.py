"""Pictures of calibration: dots where the bins are, intervals inside the axes, the end of the errors."""

import numpy as np
import pytest

from hsi.evaluation.calibration import calibration, risks
from hsi.plots.calibration import draw_reliability, draw_risk_coverage

pytestmark = pytest.mark.filterwarnings("error")


def test_a_dot_and_an_interval_for_each_bin_that_holds_pixels():
    confidence = np.array([0.55] * 4 + [0.99] * 200)
    correct = np.array([True, True, True, False] + [True] * 200)
    found = calibration(confidence, correct)
    upper, lower = draw_reliability(found).axes
    dots = upper.containers[0][0]
    np.testing.assert_allclose(dots.get_xydata(), [[0.55, 0.75], [0.99, 1]])
    assert not dots.get_clip_on()
    ends = [path.vertices[:, 1] for part in upper.collections for path in part.get_paths()]
    # Wilson's interval of 3 of 4 at 95 %: 0.3006 to 0.9544; of 200 of 200: from 0.9812 on
    np.testing.assert_allclose(np.ravel(ends), [0.3006, 0.9544, 0.9812, 1], atol=1e-4)
    assert lower.get_yscale() == "log"
    assert [bar.get_height() for bar in lower.patches] == found.bin_count.tolist()


def test_the_axis_of_what_is_rejected_ends_soon_after_the_last_error():
    """Ten errors among the hundred least sure of a thousand pixels."""
    confidence = np.linspace(1, 0.5, 1000)
    correct = np.ones(1000, bool)
    correct[900::10] = False
    (axes,) = draw_risk_coverage(risks(confidence, correct)).axes
    (line,) = axes.lines
    assert line.get_xydata()[-1].tolist() == [0, 1]  # nothing rejected: 1 % of errors
    assert axes.get_xlim() == pytest.approx((0, 12))
    assert "no error is left when 10.0 % are rejected" in axes.get_title()


@pytest.mark.parametrize("correct", [True, False])
def test_all_right_and_all_wrong(correct):
    (axes,) = draw_risk_coverage(risks(np.full(30, 0.7), np.full(30, correct))).axes
    assert "no error" not in axes.get_title()
    assert axes.get_xlim()[1] > 0
