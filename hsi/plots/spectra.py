"""Spectra of confused pixels, and which classes are confused most."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hsi.cube import spectra_at
from hsi.plots.canvas import NORMAL, add_legend, finish_chart, make_figure
from hsi.scene import Scene


def draw_spectra(
    scene: Scene,
    class_map: np.ndarray,
    pairs: Sequence[tuple[int, int]] | None = None,
    count: int = 4,
) -> Figure:
    """Draw the spectra of confused pixels, one panel for each pair of true and predicted class.

    `class_map` is (rows, cols) integer 1..K; `pairs` are (truth, prediction) labels 1..K, or None for the
    `count` most frequent confusions over all labelled pixels. A panel shows the mean spectra of the correctly
    mapped pixels of both classes in their colours, and up to six of the confused pixels in black. Values are
    as the cube holds them, over wavelength in nm (with a gap where bands were removed) or, where that is not
    known, over band number from 0.
    """
    chosen = most_confused(scene.labels, class_map)[:count] if pairs is None else list(pairs)
    across = min(2, max(1, len(chosen)))
    down = max(1, ceil(len(chosen) / across))
    figure = make_figure(5.2 * across, 3.1 * down, w_pad=0.1, h_pad=0.1)
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes in grid[len(chosen) :]:
        axes.set_axis_off()
    if not chosen:
        grid[0].text(0.5, 0.5, "no labelled pixel is mapped to a wrong class", ha="center", fontsize=NORMAL)
    for axes, (truth, prediction) in zip(grid, chosen, strict=False):
        _confused_spectra(axes, scene, class_map, truth, prediction)
    return figure


def most_confused(labels: np.ndarray, class_map: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs (truth, prediction) of labels that differ on labelled pixels, most frequent first.

    `labels` and `class_map` are (rows, cols) integers, 0 = unlabelled; equal counts go by label.
    """
    wrong = (labels > 0) & (labels != class_map)
    pairs, counts = np.unique(np.stack([labels[wrong], class_map[wrong]], 1), axis=0, return_counts=True)
    return [(int(a), int(b)) for a, b in pairs[np.argsort(-counts, kind="stable")]]


def _curve(scene: Scene, spectrum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where to draw a (bands,) spectrum and its values, with NaN where bands are missing or go back.

    They go back from one spectrometer of a sensor to the next.
    """
    if scene.wavelengths is None:
        return np.arange(scene.bands), spectrum
    wavelengths = np.asarray(scene.wavelengths, dtype=np.float64)
    steps = np.diff(wavelengths)
    forward = np.median(steps)
    gaps = np.flatnonzero((steps / forward > 3) | (steps / forward < 0)) + 1
    return np.insert(wavelengths, gaps, np.nan), np.insert(spectrum.astype(np.float64), gaps, np.nan)


def _confused_spectra(axes: Axes, scene: Scene, class_map: np.ndarray, truth: int, prediction: int) -> None:
    confused = np.flatnonzero((scene.labels == truth) & (class_map == prediction))
    few = confused[:: max(1, ceil(len(confused) / 6))]
    for index, pixel in enumerate(few):
        label = f"{len(few)} of {len(confused)} confused pixels" if index == 0 else None
        axes.plot(*_curve(scene, spectra_at(scene.cube, [pixel])[0]), color="black", linewidth=0.5, label=label)
    for number, style in ((truth, "-"), (prediction, "--")):
        right = (scene.labels == number) & (class_map == number)
        if right.any():
            axes.plot(
                *_curve(scene, spectra_at(scene.cube, np.flatnonzero(right)).mean(axis=0)),
                style,
                color=scene.colours[number - 1],
                linewidth=1.4,
                label=f"mean of {scene.class_names[number - 1]}",
                # A dark rim keeps light class colours visible on white.
                path_effects=[patheffects.Stroke(linewidth=2.0, foreground="#404040"), patheffects.Normal()],
            )
    name = f"{scene.class_names[truth - 1]} mapped as {scene.class_names[prediction - 1]}"
    across = "band" if scene.wavelengths is None else f"{'nominal ' if scene.nominal else ''}wavelength (nm)"
    finish_chart(axes, across, "recorded value", name, grid=None)
    if axes.lines:
        add_legend(axes)
