"""Pictures of a run: maps, confusion matrix, training history, confidence, spectra of confused pixels.

Every `draw_*` function returns a `matplotlib.figure.Figure` that belongs to no window system, so that it
works without a display and in a notebook alike; `save` writes it. Right and wrong, and the curves, differ in
lightness as well as hue, so that they stay apart for colour-blind readers and in grey print.
"""

from collections.abc import Sequence
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hsi.files import write
from hsi.scene import Scene

UNLABELLED = "#ffffff"
RIGHT = "#d4d4d4"
WRONG = "#d7191c"
NOT_TESTED = "#9ecae1"
FRAME = "#8c8c8c"
MEASURED, VALIDATED = "#0072b2", "#d55e00"  # blue and vermilion of Okabe and Ito's colour-blind-safe set

DPI = 200
SMALL, NORMAL = 8, 9  # font sizes in points
NANOMETRES = (650, 550, 450)  # red, green, blue light
TAILS = (2, 98)  # percentiles of each band that become 0 and 1


def false_colour(scene: Scene) -> np.ndarray:
    """Return the scene as (rows, cols, 3) float64 in 0..1, for looking at.

    Each band is stretched between its 2nd and 98th percentile, so that its unit does not matter. Red, green
    and blue are `scene.rgb_bands`; without those, the bands nearest 650, 550 and 450 nm; without wavelengths,
    bands at three quarters, half and a quarter of the spectrum, as if it began at the blue end.
    """
    image = scene.cube[:, :, list(_rgb_bands(scene))].astype(np.float64)
    low, high = np.percentile(image, TAILS, axis=(0, 1))
    span = np.where(high > low, high - low, 1)  # a constant band is drawn as 0
    return np.clip((image - low) / span, 0, 1)


def class_image(labels: np.ndarray, scene: Scene) -> np.ndarray:
    """Return (rows, cols, 3) float64 in 0..1: the colour of each label 1..K, white for 0 (unlabelled).

    `labels` is (rows, cols) of any integer type: ground truth or a class map.
    """
    return np.array([to_rgb(colour) for colour in (UNLABELLED, *scene.colours)])[labels]


def error_image(labels: np.ndarray, class_map: np.ndarray, test: np.ndarray | None = None) -> np.ndarray:
    """Return (rows, cols, 3) float64 in 0..1: light grey where the map is right, red where it is wrong.

    `labels` and `class_map` are (rows, cols) integers, 0 = unlabelled (white). With `test`, a (rows, cols)
    bool image, only its pixels are judged and all other labelled pixels are pale blue.
    """
    image = np.empty((*labels.shape, 3))
    image[...] = to_rgb(UNLABELLED)
    for colour, pixels in zip((RIGHT, WRONG, NOT_TESTED), _judge(labels, class_map, test), strict=True):
        image[pixels] = to_rgb(colour)
    return image


def draw_map(scene: Scene, class_map: np.ndarray, test: np.ndarray | None = None, title: str = "") -> Figure:
    """Draw false colour, ground truth, class map and errors side by side, with one legend.

    `class_map` is (rows, cols) integer 1..K; `test`, (rows, cols) bool, names the pixels that are judged
    (see `error_image`). The counts of right and wrong pixels stand in the legend. Wide scenes get two panels
    or one in a row; a scene without labels gets no panels of truth and errors.
    """
    panels = {
        "False colour": false_colour(scene),
        "Ground truth": class_image(scene.labels, scene),
        "Class map": class_image(class_map, scene),
        "Errors": error_image(scene.labels, class_map, test),
    }
    classes = [_patch(colour, name) for colour, name in zip(scene.colours, scene.class_names, strict=True)]
    verdicts = []
    if scene.labels.any():
        classes.append(_patch(UNLABELLED, "unlabelled"))
        right, wrong, rest = (int(pixels.sum()) for pixels in _judge(scene.labels, class_map, test))
        verdicts = [_patch(RIGHT, f"right ({right})"), _patch(WRONG, f"wrong ({wrong})")]
        if test is not None:
            verdicts.append(_patch(NOT_TESTED, f"not in the test set ({rest})"))
    else:
        del panels["Ground truth"], panels["Errors"]

    # All lengths are inches: every panel has exactly the scene's proportions, whatever stands around it.
    across, width, height = _panel_layout(scene, len(panels))
    gap, caption, margin, line, heading = 0.12, 0.25, 0.1, 0.17, 0.3 if title else 0.0
    total_width = max(across * (width + gap) - gap, 4.5) + 2 * margin
    longest = max(len(str(patch.get_label())) for patch in classes)
    columns = max(1, int(total_width / (0.45 + 0.07 * longest)))
    verdicts_top = margin + (line + gap if verdicts else 0)
    classes_top = verdicts_top + line * ceil(len(classes) / columns) + gap
    total_height = classes_top + ceil(len(panels) / across) * (caption + height + gap) + heading

    figure = Figure(figsize=(total_width, total_height), dpi=_dots_per_inch(scene, width))
    left = (total_width - across * (width + gap) + gap) / 2
    for index, (name, image) in enumerate(panels.items()):
        row, col = divmod(index, across)
        bottom = total_height - heading - (row + 1) * (caption + height) - row * gap
        box = (left + col * (width + gap), bottom, width, height)
        _show(_add_axes(figure, box), image, name)
    _legend(figure, classes, columns, verdicts_top)
    if verdicts:
        _legend(figure, verdicts, len(verdicts), margin)
    figure.text(0.5, 1 - 0.05 / total_height, title, ha="center", va="top", fontsize=NORMAL + 2)
    return figure


def draw_confusion(matrix: np.ndarray, class_names: Sequence[str], title: str = "") -> Figure:
    """Draw a confusion matrix as percentages of each truth class.

    `matrix` is (K, K) counts, rows truth, columns prediction, so that the diagonal is producer's accuracy.
    Cells without pixels are blank, the number of pixels of each truth class stands at the right, and a class
    that has none is grey.
    """
    classes = len(class_names)
    support = np.asarray(matrix).sum(axis=1)
    percent = 100 * np.divide(
        matrix, support[:, None], out=np.full(np.shape(matrix), np.nan), where=support[:, None] > 0
    )
    side = max(3.0, 0.45 * classes)
    figure = Figure(figsize=(side + 3.2, side + 1.8), dpi=DPI, layout="compressed")
    axes = figure.add_subplot()
    cells = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    axes.set_facecolor("#eeeeee")
    axes.set_xticks(range(classes), class_names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(classes), class_names)
    axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#dddddd", linewidth=0.5)
    axes.tick_params(which="both", length=0, labelsize=SMALL)
    axes.set_xlabel("predicted class", fontsize=NORMAL)
    axes.set_ylabel("true class", fontsize=NORMAL)
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
    bar = figure.colorbar(cells, ax=axes, aspect=30, pad=0.02)
    bar.set_label("% of the true class", fontsize=NORMAL)
    bar.ax.tick_params(labelsize=SMALL)
    axes.set_title(title, fontsize=NORMAL + 2)
    return figure


def draw_history(history: pd.DataFrame) -> Figure:
    """Draw loss and accuracy over the training steps: each step thin, their running mean strong.

    `history` has the columns step, loss and accuracy (a fraction), and may have validation_accuracy with NaN
    where it was not measured.
    """
    figure = Figure(figsize=(9, 3.2), dpi=DPI, layout="constrained")
    left, right = figure.subplots(1, 2)
    window = max(1, len(history) // 20)
    for axes, column, scale in ((left, "loss", 1), (right, "accuracy", 100)):
        values = scale * history[column]
        axes.plot(history["step"], values, color=MEASURED, linewidth=0.6, alpha=0.35)
        mean = values.rolling(window, min_periods=1, center=True).mean()
        axes.plot(history["step"], mean, color=MEASURED, linewidth=1.6, label="training batches")
        axes.set_xlabel("step", fontsize=NORMAL)
        axes.tick_params(labelsize=SMALL)
        axes.grid(color="#e5e5e5", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylabel("loss", fontsize=NORMAL)
    if (history["loss"] > 0).all():
        left.set_yscale("log")
    right.set_ylabel("accuracy (%)", fontsize=NORMAL)
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
    right.legend(fontsize=SMALL, frameon=False, loc="lower right")
    return figure


def draw_confidence(scene: Scene, confidence: np.ndarray) -> Figure:
    """Draw how sure the model is of each pixel: `confidence` is (rows, cols) in 0..1, light is sure."""
    width, height = _fit(scene, 6.5, 6.5)
    below = scene.cols > scene.rows
    gap, caption, labels, thickness = 0.1, 0.3, 0.6, 0.15
    across, down = (0.0, gap + thickness + labels) if below else (gap + thickness + labels, 0.0)
    figure = Figure(figsize=(width + across, height + down + caption), dpi=_dots_per_inch(scene, width))
    axes = _add_axes(figure, (0, down, width, height))
    _show(axes, confidence, "Confidence", cmap="cividis", vmin=0, vmax=1)
    bar = figure.colorbar(
        axes.images[0],
        cax=_add_axes(figure, (0, labels, width, thickness) if below else (width + gap, 0, thickness, height)),
        orientation="horizontal" if below else "vertical",
    )
    bar.set_label("probability of the mapped class", fontsize=NORMAL)
    bar.ax.tick_params(labelsize=SMALL)
    return figure


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
    figure = Figure(figsize=(5.2 * across, 3.1 * down), dpi=DPI)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
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


def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG, whole or not at all; equal figures give equal bytes.

    Raises HsiError where the file cannot be written.
    """
    content = BytesIO()
    # Software would be matplotlib's version, which is no property of the picture.
    figure.savefig(content, format="png", bbox_inches="tight", metadata={"Software": None})
    write(path, content.getvalue())


def _rgb_bands(scene: Scene) -> tuple[int, ...]:
    if scene.rgb_bands is not None:
        return scene.rgb_bands
    if scene.wavelengths is not None:
        wavelengths = np.asarray(scene.wavelengths)
        return tuple(int(np.abs(wavelengths - light).argmin()) for light in NANOMETRES)
    return tuple(round((scene.bands - 1) * part) for part in (0.75, 0.5, 0.25))


def _judge(
    labels: np.ndarray, class_map: np.ndarray, test: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return three (rows, cols) bool images: judged and right, judged and wrong, labelled but not judged."""
    labelled = labels > 0
    judged = labelled if test is None else labelled & test
    right = labels == class_map
    return judged & right, judged & ~right, labelled & ~judged


def _fit(scene: Scene, width: float, height: float) -> tuple[float, float]:
    """Return width and height in inches of the scene drawn as large as the given box allows."""
    scale = min(width / scene.cols, height / scene.rows)
    return scale * scene.cols, scale * scene.rows


def _panel_layout(scene: Scene, panels: int) -> tuple[int, float, float]:
    """Return panels in a row, and width and height of one in inches."""
    aspect = scene.rows / scene.cols
    across, width = (4, 2.6) if aspect > 0.7 else (2, 4.5) if aspect > 0.3 else (1, 9.0)
    return min(across, panels), *_fit(scene, width, 7.5)


def _dots_per_inch(scene: Scene, width: float) -> float:
    """Return the resolution near `DPI` that gives each pixel of the scene a whole number of dots.

    So no pixel is lost or blended with its neighbours into a colour that stands in no legend.
    """
    return max(1, round(DPI * width / scene.cols)) * scene.cols / width


def _add_axes(figure: Figure, box: tuple[float, float, float, float]) -> Axes:
    """Add axes at (left, bottom, width, height) in inches."""
    width, height = figure.get_size_inches()
    return figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))


def _legend(figure: Figure, patches: list[Patch], columns: int, bottom: float) -> None:
    """Put a legend in the middle of the figure, `bottom` inches above its lower edge."""
    figure.legend(
        handles=patches,
        ncols=columns,
        loc="lower center",
        bbox_to_anchor=(0.5, bottom / figure.get_size_inches()[1]),
        borderaxespad=0,
        borderpad=0,
        fontsize=SMALL,
        frameon=False,
        handlelength=1.2,
        handleheight=1.0,
        columnspacing=1.2,
    )


def _patch(colour: str, label: str) -> Patch:
    return Patch(facecolor=colour, edgecolor=FRAME, linewidth=0.4, label=label)


def _show(axes: Axes, image: np.ndarray, caption: str, **how: Any) -> None:
    axes.imshow(image, interpolation="nearest", **how)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(color=FRAME, linewidth=0.5)
    axes.set_title(caption, fontsize=NORMAL, pad=4)


def _percent_text(percent: float) -> str:
    """Return the text of a cell; what is not quite nothing or not quite all is never rounded to it."""
    if np.isnan(percent) or percent == 0:
        return ""
    if percent == 100:
        return "100"
    return "<0.1" if percent < 0.1 else ">99.9" if percent > 99.9 else f"{percent:.1f}"


def _curve(scene: Scene, spectrum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where to draw a (bands,) spectrum and its values, with NaN between bands that are far apart."""
    if scene.wavelengths is None:
        return np.arange(scene.bands), spectrum
    wavelengths = np.asarray(scene.wavelengths, dtype=np.float64)
    steps = np.diff(wavelengths)
    gaps = np.flatnonzero(steps > 3 * np.median(steps)) + 1
    return np.insert(wavelengths, gaps, np.nan), np.insert(spectrum.astype(np.float64), gaps, np.nan)


def _confused_spectra(axes: Axes, scene: Scene, class_map: np.ndarray, truth: int, prediction: int) -> None:
    confused = np.flatnonzero((scene.labels == truth) & (class_map == prediction))
    few = confused[:: max(1, ceil(len(confused) / 6))]
    spectra = scene.cube.reshape(-1, scene.bands)
    for index, pixel in enumerate(few):
        label = f"{len(few)} of {len(confused)} confused pixels" if index == 0 else None
        axes.plot(*_curve(scene, spectra[pixel]), color="black", linewidth=0.5, label=label)
    for number, style in ((truth, "-"), (prediction, "--")):
        right = (scene.labels == number) & (class_map == number)
        if right.any():
            axes.plot(
                *_curve(scene, scene.cube[right].mean(axis=0)),
                style,
                color=scene.colours[number - 1],
                linewidth=1.4,
                label=f"mean of {scene.class_names[number - 1]}",
                # A dark rim keeps light class colours visible on white.
                path_effects=[patheffects.Stroke(linewidth=2.0, foreground="#404040"), patheffects.Normal()],
            )
    name = f"{scene.class_names[truth - 1]} mapped as {scene.class_names[prediction - 1]}"
    axes.set_title(name, fontsize=NORMAL)
    axes.set_xlabel("band" if scene.wavelengths is None else "wavelength (nm)", fontsize=NORMAL)
    axes.set_ylabel("recorded value", fontsize=NORMAL)
    axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.lines:
        axes.legend(fontsize=SMALL, frameon=False)
