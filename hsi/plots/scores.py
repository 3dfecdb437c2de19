"""Pictures of how well a network does: confusion matrix, training history."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hsi.plots.canvas import (
    LARGE,
    MEASURED,
    NORMAL,
    SMALL,
    VALIDATED,
    add_colour_bar,
    add_legend,
    finish_chart,
    label_axes,
    literal,
    make_figure,
)


def draw_confusion(matrix: np.ndarray, class_names: Sequence[str], title: str = "") -> Figure:
    """Draw a confusion matrix as percentages of each truth class.

    `matrix` is (K, K) counts, rows truth, columns prediction, so that the diagonal is producer's accuracy.
    Cells without pixels are blank, the number of pixels of each truth class stands at the right, and a class
    that has none is grey.
    """
    classes, names = len(class_names), [literal(name) for name in class_names]
    support = np.asarray(matrix).sum(axis=1)
    percent = 100 * np.divide(
        matrix, support[:, None], out=np.full(np.shape(matrix), np.nan), where=support[:, None] > 0
    )
    side = max(3.0, 0.45 * classes)
    figure = make_figure(side + 3.2, side + 1.8, layout="compressed")
    axes = figure.add_subplot()
    cells = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    axes.set_facecolor("#eeeeee")
    axes.set_xticks(range(classes), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(classes), names)
    axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#dddddd", linewidth=0.5)
    axes.tick_params(which="both", length=0)
    label_axes(axes, "predicted class", "true class")
    axes.set_title(literal(title), fontsize=LARGE)
    for row, col in np.ndindex(percent.shape):
        dark = percent[row, col] > 60
        axes.text(
            col,
            row,
            _percent_text(percent[row, col]),
            ha="center",
            va="center",
            fontsize=7,
            color="white" if dark else "black",
        )
    counts = axes.secondary_yaxis("right")
    counts.set_yticks(range(classes), [str(int(count)) for count in support])
    counts.tick_params(length=0, labelsize=SMALL)
    counts.set_ylabel("pixels of the true class", fontsize=NORMAL)
    add_colour_bar(figure, cells, "% of the true class", ax=axes, aspect=30, pad=0.02)
    return figure


def draw_history(history: pd.DataFrame) -> Figure:
    """Draw loss and accuracy over the training steps: each batch thin, a running mean of batches strong.

    `history` has the columns step, loss and accuracy (a fraction), and may have validation_accuracy with NaN
    where it was not measured. A fit in one go has one row, of all training pixels, and becomes a point.
    """
    figure = make_figure(9, 3.2)
    left, right = figure.subplots(1, 2)
    window = max(1, len(history) // 20)
    single = {"marker": "o", "label": "training pixels"} if len(history) == 1 else {"label": "a training batch"}
    for axes, column, scale, label in ((left, "loss", 1, "loss"), (right, "accuracy", 100, "accuracy (%)")):
        values = scale * history[column]
        axes.plot(history["step"], values, color=MEASURED, linewidth=0.6, alpha=0.45, **single)
        if window > 1:
            mean = values.rolling(window, min_periods=1, center=True).mean()
            axes.plot(history["step"], mean, color=MEASURED, linewidth=1.6, label=f"mean of {window} batches")
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        finish_chart(axes, "step", label)
    if (history["loss"] > 0).all():
        left.set_yscale("log")
    measured = history.reindex(columns=["step", "validation_accuracy"]).dropna()
    if len(measured):
        right.plot(
            measured["step"],
            100 * measured["validation_accuracy"],
            color=VALIDATED,
            linewidth=1.2,
            linestyle="--",
            marker="o",
            markersize=3,
            label="validation pixels",
        )
    add_legend(right, loc="lower right")
    return figure


def _percent_text(percent: float) -> str:
    """Return the text of a cell; what is not quite nothing or not quite all is never rounded to it."""
    if np.isnan(percent) or percent == 0:
        return ""
    if percent == 100:
        return "100"
    return "<0.1" if percent < 0.1 else ">99.9" if percent > 99.9 else f"{percent:.1f}"
