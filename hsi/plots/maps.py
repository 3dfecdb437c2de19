"""Pictures of the scene, pixel by pixel: what it looks like, what it is, what the map says, how sure that is."""

from collections.abc import Mapping
from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hsi.plots.canvas import DPI, LARGE, NORMAL, add_colour_bar, add_legend, literal, make_figure
from hsi.plots.ground import add_scale_and_north
from hsi.scene import Scene, holds_data

UNLABELLED = "#ffffff"
RIGHT = "#b8b8b8"
WRONG = "#d7191c"
NOT_TESTED = "#ececec"  # greys, so that neither looks like a class
MOST_NAMED = 100  # classes in the legend
FRAME = "#8c8c8c"

NANOMETRES = (650, 550, 450)  # red, green, blue light
TAILS = (2, 98)  # percentiles of each band that become 0 and 1


def false_colour(scene: Scene) -> np.ndarray:
    """Return the scene as (rows, cols, 3) float64 in 0..1, for looking at.

    Each band is stretched between its 2nd and 98th percentile, so that its unit does not matter. Red, green
    and blue are `scene.rgb_bands`; without those, the bands nearest 650, 550 and 450 nm; without wavelengths,
    bands at three quarters, half and a quarter of the spectrum, as if it began at the blue end. Pixels without data
    are white, and have no part in the stretch.
    """
    image = scene.cube[:, :, list(_rgb_bands(scene))].astype(np.float64)
    valid = scene.valid if scene.valid is not None else holds_data(image, scene.nodata)
    if not valid.any():
        return np.ones_like(image)
    low, high = np.percentile(image[valid], TAILS, axis=0)
    span = np.where(high > low, high - low, 1)  # a constant band is drawn as 0
    return np.clip((np.where(valid[:, :, None], image, span + low) - low) / span, 0, 1)


def class_image(labels: np.ndarray, scene: Scene) -> np.ndarray:
    """Return (rows, cols, 3) float64 in 0..1: the colour of each label 1..K, white for 0 (unlabelled).

    `labels` is (rows, cols) of any integer type: ground truth or a class map.
    """
    return np.array([to_rgb(colour) for colour in (UNLABELLED, *scene.colours)])[labels]


def error_image(labels: np.ndarray, class_map: np.ndarray, test: np.ndarray | None = None) -> np.ndarray:
    """Return (rows, cols, 3) float64 in 0..1: grey where the map is right, red where it is wrong.

    `labels` and `class_map` are (rows, cols) integers, 0 = unlabelled (white). With `test`, a (rows, cols)
    bool image, only its pixels are judged and all other labelled pixels are a paler grey.
    """
    image = np.empty((*labels.shape, 3))
    image[...] = to_rgb(UNLABELLED)
    for colour, pixels in zip((RIGHT, WRONG, NOT_TESTED), _judge(labels, class_map, test), strict=True):
        image[pixels] = to_rgb(colour)
    return image


def draw_map(
    scene: Scene,
    class_map: np.ndarray | None,
    test: np.ndarray | None = None,
    title: str = "",
    counts: tuple[int, int, int] | None = None,
    confidence: np.ndarray | None = None,
) -> Figure:
    """Draw false colour, ground truth, class map, its confidence and errors side by side, with one legend.

    `class_map` is (rows, cols) integer 1..K, or None for a scene that has not been mapped; `test`, (rows, cols) bool,
    names the pixels that are judged (see `error_image`). The counts of right and wrong pixels stand in the legend:
    those of the whole scene, `count_judged`, are to be given where only every n-th row and column of it is drawn.
    `confidence`, (rows, cols) in 0..1, is drawn where it is given, dark where it is low.
    Wide scenes get two panels or one in a row; a scene without labels gets no panels of truth and errors.
    """
    panels = _panels(scene, class_map, test, confidence)
    named = list(zip(scene.colours, scene.class_names, strict=True))[:MOST_NAMED]
    classes = [_patch(colour, literal(name)) for colour, name in named]
    if scene.num_classes > MOST_NAMED:
        classes.append(_patch(UNLABELLED, f"and {scene.num_classes - MOST_NAMED} more"))
    verdicts = []
    empty = scene.valid is not None and not scene.valid.all()
    if scene.labels.any() or empty:
        white = [word for word, there in (("unlabelled", scene.labels.any()), ("no data", empty)) if there]
        classes.append(_patch(UNLABELLED, " or ".join(white)))
    if scene.labels.any() and class_map is not None:
        right, wrong, rest = counts or count_judged(scene.labels, class_map, test)
        verdicts = [_patch(RIGHT, f"right ({right})"), _patch(WRONG, f"wrong ({wrong})")]
        if test is not None:
            verdicts.append(_patch(NOT_TESTED, f"not in the test set ({rest})"))

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
        axes = _add_axes(figure, box)
        _show(axes, image, name)
        if name == "Class map" and scene.georeference is not None:
            add_scale_and_north(axes, scene.georeference, scene.rows, scene.cols)
    _legend(figure, classes, columns, verdicts_top)
    if verdicts:
        _legend(figure, verdicts, len(verdicts), margin)
    figure.text(0.5, 1 - 0.05 / total_height, literal(title), ha="center", va="top", fontsize=LARGE)
    return figure


def _panels(
    scene: Scene, class_map: np.ndarray | None, test: np.ndarray | None, confidence: np.ndarray | None
) -> dict[str, np.ndarray]:
    """The images of `draw_map` by their captions, (rows, cols, 3) each."""
    panels = {"False colour": false_colour(scene)}
    if scene.labels.any():
        panels["Ground truth"] = class_image(scene.labels, scene)
    if class_map is not None:
        panels["Class map"] = class_image(class_map, scene)
        if confidence is not None:
            shade = np.where(class_map > 0, confidence, 1.0)
            panels["Confidence: 0 black, 1 white"] = np.repeat(shade[:, :, None], 3, axis=2)
        if scene.labels.any():
            panels["Errors"] = error_image(scene.labels, class_map, test)
    return panels


def count_judged(labels: np.ndarray, class_map: np.ndarray, test: np.ndarray | None = None) -> tuple[int, int, int]:
    """How many pixels are judged and right, judged and wrong, labelled and not judged; see `error_image`."""
    right, wrong, rest = (int(pixels.sum()) for pixels in _judge(labels, class_map, test))
    return right, wrong, rest


def draw_confidence(scene: Scene, confidence: np.ndarray) -> Figure:
    """Draw how sure the model is of each pixel: `confidence` is (rows, cols) in 0..1, light is sure."""
    width, height = _fit(scene, 6.5, 6.5)
    below = scene.cols > scene.rows
    gap, caption, labels, thickness = 0.1, 0.3, 0.6, 0.15
    across, down = (0.0, gap + thickness + labels) if below else (gap + thickness + labels, 0.0)
    figure = Figure(figsize=(width + across, height + down + caption), dpi=_dots_per_inch(scene, width))
    axes = _add_axes(figure, (0, down, width, height))
    _show(axes, confidence, "Confidence", cmap="cividis", vmin=0, vmax=1)
    add_colour_bar(
        figure,
        axes.images[0],
        "probability of the mapped class",
        cax=_add_axes(figure, (0, labels, width, thickness) if below else (width + gap, 0, thickness, height)),
        orientation="horizontal" if below else "vertical",
    )
    return figure


def draw_disagreement(maps: Mapping[int, np.ndarray]) -> Figure:
    """Draw which share of the seeds is against the majority: light is agreed on.

    `maps` are (rows, cols) in 0..1, by the number of their setting.
    """
    rows, cols = next(iter(maps.values())).shape
    across = min(len(maps), 4)
    down = ceil(len(maps) / across)
    width = 3.0 * min(1.0, cols / rows)
    figure = make_figure(across * width + 1.2, down * (width * rows / cols + 0.3) + 0.2)
    every = figure.subplots(down, across, squeeze=False).ravel()
    for axes in every:
        axes.set_axis_off()
    top = max(0.5, *(float(np.nanmax(each)) for each in maps.values()))
    for axes, (number, disagreement) in zip(every, maps.items(), strict=False):
        image = axes.imshow(disagreement, cmap="magma_r", vmin=0, vmax=top)
        axes.set_title(f"setting {number}", fontsize=NORMAL)
    add_colour_bar(figure, image, "share of the seeds against the majority", ax=list(every), aspect=30, pad=0.02)
    return figure


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
    across, width = (5, 2.6) if aspect > 0.7 else (2, 4.5) if aspect > 0.3 else (1, 9.0)
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
    add_legend(
        figure,
        handles=patches,
        ncols=columns,
        loc="lower center",
        bbox_to_anchor=(0.5, bottom / figure.get_size_inches()[1]),
        borderaxespad=0,
        borderpad=0,
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
