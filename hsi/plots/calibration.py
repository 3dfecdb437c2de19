"""Pictures of calibration: reliability, and what rejecting unsure pixels would buy."""

import numpy as np
from matplotlib.figure import Figure

from hsi.evaluation.calibration import Calibration
from hsi.plots.canvas import MEASURED, VALIDATED, add_legend, finish_chart, make_figure


def draw_reliability(calibration: Calibration) -> Figure:
    """Draw accuracy against confidence in bins; below them, how many test pixels each bin holds.

    On the diagonal confidence means what it says; bars under it are overconfident.
    """
    figure = make_figure(4.2, 4.8)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    width = 1 / len(calibration.bin_count)
    left = width * np.arange(len(calibration.bin_count))
    filled = calibration.bin_count > 0
    upper.bar(left[filled], calibration.bin_accuracy[filled], width, align="edge", color=MEASURED, edgecolor="white")
    upper.plot(
        calibration.bin_confidence[filled],
        calibration.bin_accuracy[filled],
        "o",
        color="black",
        markersize=3,
        label="mean confidence of the bin",
    )
    upper.plot([0, 1], [0, 1], color=VALIDATED, linestyle="--", linewidth=1.2, label="perfectly calibrated")
    upper.set(xlim=(0, 1), ylim=(0, 1))
    finish_chart(upper, up="accuracy", title=f"expected calibration error {100 * calibration.ece:.1f} %")
    add_legend(upper, loc="upper left")
    lower.bar(left, calibration.bin_count, width, align="edge", color="#b0b0b0", edgecolor="white")
    finish_chart(lower, "confidence", "test pixels")
    return figure


def draw_risk_coverage(calibration: Calibration) -> Figure:
    """Draw the share of errors among the pixels that are kept when the least sure ones are rejected."""
    figure = make_figure(4.2, 3.2)
    axes = figure.subplots()
    axes.plot(100 * calibration.coverage, 100 * calibration.risk, color=MEASURED, marker="o", markersize=3)
    axes.set(xlim=(0, 102), ylim=(0, None))
    title = f"area under the curve {100 * calibration.aurc:.2f} %"
    finish_chart(axes, "test pixels kept, surest first (%)", "errors among them (%)", title)
    return figure
