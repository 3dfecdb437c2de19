"""Pictures of calibration: reliability, and what rejecting unsure pixels would buy."""

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import binomtest

from hsi.evaluation.calibration import Calibration
from hsi.plots.canvas import MEASURED, VALIDATED, add_legend, finish_chart, make_figure


def draw_reliability(calibration: Calibration) -> Figure:
    """Draw accuracy against mean confidence, a dot a bin with its interval; below, how many test pixels it holds.

    On the diagonal confidence means what it says; dots under it are overconfident. The intervals are Wilson's, of
    pixels as if each were drawn by itself.
    """
    figure = make_figure(4.4, 5.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    count = calibration.bin_count
    filled = count > 0
    confidence, accuracy = calibration.bin_confidence[filled], calibration.bin_accuracy[filled]
    hits = np.round(accuracy * count[filled]).astype(int)
    intervals = [binomtest(k, n).proportion_ci(method="wilson") for k, n in zip(hits, count[filled], strict=True)]
    spread = np.clip([[a - i.low, i.high - a] for a, i in zip(accuracy, intervals, strict=True)], 0, None).T
    upper.plot([0, 1], [0, 1], color=VALIDATED, linestyle="--", linewidth=1.2, label="perfectly calibrated")
    upper.errorbar(
        *(confidence, accuracy, spread),
        fmt="o",
        color=MEASURED,
        markersize=4.5,
        capsize=2.5,
        linewidth=1.2,
        clip_on=False,
        label="test pixels of a bin, 95 % interval",
    )
    upper.set(xlim=(0, 1.02), ylim=(0, 1.02))
    finish_chart(upper, up="accuracy", title=f"expected calibration error {100 * calibration.ece:.1f} %")
    add_legend(figure, loc="outside lower center")
    width = 1 / len(count)
    lower.bar(width * np.arange(len(count)), count, width, align="edge", color="#b0b0b0", edgecolor="white")
    lower.set_yscale("log")
    lower.set_ylim(bottom=0.7)
    finish_chart(lower, "confidence", "test pixels")
    return figure


def draw_risk_coverage(risks: np.ndarray) -> Figure:
    """Draw the share of errors among the pixels that are kept, over the share that is rejected, the least sure first.

    `risks` (N,) is that of `hsi.evaluation.calibration.risks`. Where no error is left is said in the title, and the
    axis ends soon after.
    """
    figure = make_figure(4.6, 3.4)
    axes = figure.subplots()
    kept = np.arange(1, len(risks) + 1)
    rejected, errors = 100 * (1 - kept / len(risks)), 100 * risks
    clean = int(np.flatnonzero(risks > 0)[0]) if (risks > 0).any() else len(risks)  # how many of the surest are right
    axes.plot(rejected, errors, color=MEASURED, linewidth=1.6)
    needed = 100 * (1 - clean / len(risks))
    reach = min(100.0, max(1.2 * needed, 1.0))
    axes.set(xlim=(0, reach), ylim=(0, 1.1 * max(errors[rejected <= reach].max(), 0.01)))
    said = f"no error is left when {needed:.1f} % are rejected" if 0 < clean < len(risks) else ""
    title = f"area under the curve {100 * risks.mean():.3g} %" + (f"; {said}" if said else "")
    finish_chart(axes, "test pixels rejected, least sure first (%)", "errors among the others (%)", title)
    return figure
