"""The charts of a page: the course of the training, calibration, accuracy against distance."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from hsi.evaluation.calibration import Calibration
from hsi.reports.page.svg import Axis, Chart, decades, linear

PERCENT = 100
MOST_POINTS = 300  # of a curve
DISTANCE = "distance to the nearest training pixel (pixels)"
LOW = 190  # height of a chart below another


def loss(history: pd.DataFrame) -> str:
    """The loss over the steps, on a logarithmic axis where it allows; empty where there is nothing to draw."""
    steps, values = _thinned(history, "loss")
    if len(steps) < 2:
        return ""
    across = _steps(history)
    least, most = float(values.min()), float(values.max())
    up = decades(least, max(most, 1.001 * least), "loss") if least > 0 else linear(0, most or 1, "loss")
    chart = Chart(across, up)
    return chart.drawn(
        "Loss over the steps of the training", chart.line([*zip(steps, values, strict=True)], "measured")
    )


def accuracy(history: pd.DataFrame) -> str:
    """Accuracy on the training batches and, where measured, on the validation pixels; empty as `loss`."""
    steps, values = _thinned(history, "accuracy")
    if len(steps) < 2:
        return ""
    chart = Chart(_steps(history), linear(0, PERCENT, "accuracy (%)"))
    checked = history[["step", "validation_accuracy"]].dropna()
    points = [(float(step), PERCENT * float(value)) for step, value in checked.itertuples(index=False)]
    return chart.drawn(
        "Accuracy over the steps of the training",
        chart.line([*zip(steps, PERCENT * values, strict=True)], "measured"),
        chart.line(points, "validated"),
        chart.dots(points, "validated") if len(points) <= 60 else "",
    )


def reliability(calibration: Calibration) -> str:
    """Accuracy against confidence in bins; on the diagonal confidence means what it says."""
    chart = Chart(linear(0, 1, "confidence"), linear(0, 1, "accuracy"))
    bins = len(calibration.bin_count)
    filled = [number for number in range(bins) if calibration.bin_count[number]]
    bars = [
        chart.bar(
            number / bins,
            (number + 1) / bins,
            float(calibration.bin_accuracy[number]),
            "measured",
            f"{calibration.bin_count[number]:,} test pixels: confidence {calibration.bin_confidence[number]:.1%}, "
            f"accuracy {calibration.bin_accuracy[number]:.1%}",
        )
        for number in filled
    ]
    means = [(float(calibration.bin_confidence[n]), float(calibration.bin_accuracy[n])) for n in filled]
    diagonal = chart.line([(0, 0), (1, 1)], "validated dashed")
    return chart.drawn("Accuracy against confidence", *bars, diagonal, chart.dots(means, "plain"))


def risk(calibration: Calibration) -> str:
    """The share of errors among the pixels that are kept when the least sure ones are rejected."""
    most = float(calibration.risk.max())
    up = linear(0, max(PERCENT * most, 1e-3), "errors among them (%)")
    chart = Chart(linear(0, PERCENT, "test pixels kept, surest first (%)"), up)
    points = [*zip(PERCENT * calibration.coverage, PERCENT * calibration.risk, strict=True)]
    return chart.drawn(
        "Errors among the pixels that are kept", chart.line(points, "measured"), chart.dots(points, "measured")
    )


def by_distance(bins: Sequence[Mapping[str, Any]], position: Sequence[Mapping[str, Any]]) -> str:
    """Accuracy against the distance to training pixels, with intervals: the map's, and that of position alone."""
    chart = Chart(_distances(bins), linear(0, PERCENT, "accuracy (%)"))
    marks = []
    for curve, style, shift in ((position, "unseen dashed", 1.04), (bins, "measured", 1.0)):
        points = [(_middle(each) * shift, PERCENT * each["accuracy"]) for each in curve]
        marks += [
            chart.spread(point[0], PERCENT * each["low"], PERCENT * each["high"], style)
            for point, each in zip(points, curve, strict=True)
        ]
        marks += [chart.line(points, style), chart.dots(points, style)]
    return chart.drawn("Accuracy against the distance to the nearest training pixel", *marks)


def how_many(bins: Sequence[Mapping[str, Any]], reach: int) -> str:
    """How many test pixels lie so far from training pixels; those that a window reaches in another colour."""
    most = max(each["pixels"] for each in bins)
    chart = Chart(_distances(bins), linear(0, most, "test pixels", 3), LOW)
    edges = _edges(bins)
    bars = [
        chart.bar(
            low, high, each["pixels"], "validated" if each["to"] <= reach else "measured", f"{each['pixels']:,} pixels"
        )
        for each, (low, high) in zip(bins, edges, strict=True)
    ]
    return chart.drawn("Test pixels by their distance to the nearest training pixel", *bars)


def _distances(bins: Sequence[Mapping[str, Any]]) -> Axis:
    edges = _edges(bins)
    spans = [f"{each['from']}" if each["from"] == each["to"] else f"{each['from']}–{each['to']}" for each in bins]
    ticks = [(_middle(each), text) for each, text in zip(bins, spans, strict=True)]
    return Axis(edges[0][0], edges[-1][1], DISTANCE, ticks, logarithmic=True)


def _edges(bins: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Where the bars of the bins begin and end: halfway to their neighbours, by ratio."""
    middles = [_middle(each) for each in bins]
    inner = [sqrt(one * other) for one, other in pairwise(middles)]
    first = middles[0] ** 2 / inner[0] if inner else middles[0] / 2
    last = middles[-1] ** 2 / inner[-1] if inner else middles[-1] * 2
    return [*pairwise([first, *inner, last])]


def _middle(each: Mapping[str, Any]) -> float:
    return sqrt(each["from"] * each["to"])


def _steps(history: pd.DataFrame) -> Axis:
    return linear(0, float(history["step"].max()), "step")


def _thinned(history: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and means of a column over as many steps as leave `MOST_POINTS` at most."""
    known = history[["step", column]].dropna()
    group = np.arange(len(known)) // max(1, -(-len(known) // MOST_POINTS))
    means = known.groupby(group).mean()
    return means["step"].to_numpy(float), means[column].to_numpy(float)
