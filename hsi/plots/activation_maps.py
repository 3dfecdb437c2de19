"""Pictures of activation maps: which part of a window speaks for its leading classes, and decides between."""

from collections.abc import Sequence

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from hsi.evaluation.activation_maps import ActivationMaps
from hsi.plots.canvas import NORMAL, SMALL, add_colour_bar, add_legend, make_figure
from hsi.plots.maps import FRAME, WRONG, false_colour
from hsi.scene import Scene

NO_POSITION = "#ececec"
RIM = [patheffects.Stroke(linewidth=2.6, foreground="white"), patheffects.Normal()]  # black lines on any colour


def draw_activation_maps(scene: Scene, pixels: Sequence[int], found: ActivationMaps, window: int) -> Figure:
    """Draw each window in false colour, the evidence of its two leading classes, and the difference of both.

    `pixels` are the flat numbers (N,) of the pixels in the middle of the windows of `window` x `window` pixels, N at
    least 1; `found` is of the same N. The heat maps of all windows share their scales. Above each stands its mean: the
    logit of the class, or by how much the first logit exceeds the second. Ground beyond the scene is white. The method
    is named below.
    """
    evidence = found.evidence
    pictures = _cut(false_colour(scene), pixels, window)
    logits = evidence.mean((2, 3))
    leading = np.argsort(-logits, axis=1, kind="stable")[:, :2]
    maps = np.take_along_axis(evidence, leading[:, :, None, None], axis=1)
    differences = maps[:, 0] - maps[:, 1]
    farthest = float(np.abs(differences).max()) or 1.0
    bounds, balanced = (float(maps.min()), float(maps.max())), (-farthest, farthest)
    edges = _edges(found.centres, window)

    figure = make_figure(9.2, 2.1 * len(pixels) + 1.2, layout="compressed", w_pad=0.06, h_pad=0.06)
    grid = figure.add_gridspec(len(pixels) + 1, 4, height_ratios=[1] * len(pixels) + [0.08])
    for index, pixel in enumerate(pixels):
        row, col = divmod(int(pixel), scene.cols)
        picture, first, second, difference = (figure.add_subplot(grid[index, place]) for place in range(4))
        picture.imshow(pictures[index], interpolation="nearest")
        _frame(picture, window, edges, f"window around\nrow {row}, column {col}")
        _name_classes(picture, scene, int(scene.labels[row, col]), int(leading[index, 0]) + 1)
        for axes, heat, kind in zip((first, second), maps[index], leading[index], strict=True):
            shown = _heat(axes, heat, edges, "cividis", bounds)
            _frame(axes, window, edges, f"{scene.class_names[kind]}\nlogit {logits[index, kind]:.2f}")
        against = _heat(difference, differences[index], edges, "RdBu_r", balanced)
        _frame(difference, window, edges, f"first minus second\n{differences[index].mean():.2f}")
    for image, text, place in (
        (shown, "evidence for the class", grid[-1, 1:3]),
        (against, "for second | for first", grid[-1, 3]),
    ):
        add_colour_bar(figure, image, text, cax=figure.add_subplot(place), orientation="horizontal")
    told = {"title": found.method, "title_fontsize": SMALL}
    add_legend(figure, handles=_handles(), ncols=3, loc="outside lower center", **told)
    return figure


def _cut(image: np.ndarray, pixels: Sequence[int], window: int) -> list[np.ndarray]:
    """Windows (window, window, 3) of an image (rows, cols, 3); white beyond its border."""
    margin, cols = window // 2, image.shape[1]
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), constant_values=1)
    corners = [divmod(int(pixel), cols) for pixel in pixels]
    return [padded[row : row + window, col : col + window] for row, col in corners]


def _edges(centres: np.ndarray, window: int) -> tuple[float, float]:
    """First and last edge of the positions in pixels; a single position stands for the whole window."""
    half = (centres[1] - centres[0]) / 2 if len(centres) > 1 else window / 2
    return float(centres[0] - half), float(centres[-1] + half)


def _heat(
    axes: Axes, values: np.ndarray, edges: tuple[float, float], colours: str, bounds: tuple[float, float]
) -> AxesImage:
    (first, last), (low, high) = edges, bounds
    extent = (first, last, last, first)  # rows run downwards
    return axes.imshow(values, interpolation="nearest", extent=extent, cmap=colours, vmin=low, vmax=high)


def _frame(axes: Axes, window: int, edges: tuple[float, float], title: str) -> None:
    """Show the whole window, mark its middle pixel and the square where evidence lies, and name it."""
    axes.set_facecolor(NO_POSITION)
    (low, high), middle = edges, window // 2 - 0.5
    axes.add_patch(Rectangle((middle, middle), 1, 1, fill=False, linewidth=1.2, path_effects=RIM))
    axes.add_patch(Rectangle((low, low), high - low, high - low, fill=False, linewidth=0.8, linestyle=":"))
    axes.set(xlim=(-0.5, window - 0.5), ylim=(window - 0.5, -0.5), xticks=[], yticks=[])
    axes.spines[:].set(color=FRAME, linewidth=0.5)
    axes.set_title(title, fontsize=SMALL, pad=4)


def _name_classes(axes: Axes, scene: Scene, truth: int, predicted: int) -> None:
    """Write the true class, if there is one, and the predicted one beside a window; red where they differ."""
    name = scene.class_names[truth - 1] if truth else "unlabelled"
    colour = WRONG if truth not in (0, predicted) else "black"
    for height, text, ink in (
        (0.65, f"true\n{name}", "black"),
        (0.35, f"predicted\n{scene.class_names[predicted - 1]}", colour),
    ):
        place = (-0.06, height)
        axes.annotate(text, place, xycoords="axes fraction", ha="right", va="center", fontsize=NORMAL, color=ink)


def _handles() -> list[Line2D | Patch]:
    square = Line2D([], [], marker="s", markersize=7, markerfacecolor="none", markeredgecolor="black", linestyle="")
    square.set_label("pixel that is classified")
    return [
        square,
        Line2D([], [], label="where evidence lies", color="black", linewidth=0.8, linestyle=":"),
        Patch(label="border without evidence", facecolor=NO_POSITION, edgecolor=FRAME, linewidth=0.4),
    ]
