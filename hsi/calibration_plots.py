"""Figures of calibration: reliability, and what rejecting unsure pixels would buy."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hsi.calibration import Calibration
from hsi.plots import DPI, MEASURED, NORMAL, SMALL, VALIDATED


def draw_reliability(calibration: Calibration) -> Figure:
    """Draw accuracy against confidence in bins; below them, how many test pixels each bin holds.

    On the diagonal confidence means what it says; bars under it are overconfident.
    """
    figure = Figure(figsize=(4.2, 4.8), dpi=DPI, layout="constrained")
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
    upper.set_ylabel("accuracy", fontsize=NORMAL)
    upper.set_title(f"expected calibration error {100 * calibration.ece:.1f} %", fontsize=NORMAL)
    upper.legend(fontsize=SMALL, frameon=False, loc="upper left")
    lower.bar(left, calibration.bin_count, width, align="edge", color="#b0b0b0", edgecolor="white")
    lower.set_ylabel("test pixels", fontsize=NORMAL)
    lower.set_xlabel("confidence", fontsize=NORMAL)
    plain(upper, lower)
    return figure


def draw_risk_coverage(calibration: Calibration) -> Figure:
    """Draw the share of errors among the pixels that are kept when the least sure ones are rejected."""
    figure = Figure(figsize=(4.2, 3.2), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    axes.plot(100 * calibration.coverage, 100 * calibration.risk, color=MEASURED, marker="o", markersize=3)
    axes.set(xlim=(0, 102), ylim=(0, None))
    axes.set_xlabel("test pixels kept, surest first (%)", fontsize=NORMAL)
    axes.set_ylabel("errors among them (%)", fontsize=NORMAL)
    axes.set_title(f"area under the curve {100 * calibration.aurc:.2f} %", fontsize=NORMAL)
    plain(axes)
    return figure


def plain(*every: Axes) -> None:
    """Small ticks, a pale grid behind, no frame at the top and right."""
    for axes in every:
        axes.tick_params(labelsize=SMALL)
        axes.grid(color="#e5e5e5", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
