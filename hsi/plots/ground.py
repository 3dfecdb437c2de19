"""A scale bar and an arrow to the north, on a picture of a georeferenced scene."""

import logging
from math import floor, log10, pi
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Affine2D, ScaledTranslation, Transform, blended_transform_factory

from hsi.errors import HsiError
from hsi.evaluation.ground import ground_of
from hsi.georeference import Georeference

log = logging.getLogger(__name__)

DARK, LIGHT = "#1a1a1a", "#ffffff"
FONT = 6.5  # points, as are all lengths below
MARGIN = 6.0  # from the edges of the picture
BAR_HEIGHT, BAR_EDGE = 2.4, 0.5
ARROW_LENGTH, ARROW_HALF_WIDTH, NOTCH = 13.0, 4.0, 3.5
LETTER_GAP = 4.5  # from the tip of the arrow to the middle of its letter
HALO = 1.2
SHARE = 0.25  # of the picture's width, about, that the bar takes
STEPS = (1, 2, 5)
ABOVE = 20  # z order


def add_scale_and_north(axes: Axes, georeference: Georeference | None, rows: int, cols: int) -> None:
    """Draw a scale bar at the lower left and an arrow to the north at the upper right.

    The bar has a round length in metres or kilometres along the rows of the scene, on the ground at its middle. The
    arrow points along the meridian there, so it follows the rotation of the transform and of the grid. Nothing is
    drawn where the coordinate reference system is not known, or rasterio, which knows them, is not installed.

    Parameters
    ----------
    axes
        shows the scene by `imshow`, in coordinates of pixels.
    georeference
        where its pixels lie, or None.
    rows, cols
        its size in pixels.
    """
    try:
        ground = ground_of(georeference)
        if ground is None:
            return
        steps = ground.steps(rows / 2, cols / 2)
    except HsiError as error:
        log.debug("no scale bar: %s", error)
        return
    metres = float(np.hypot(*steps[:, 0]))
    if not (np.isfinite(steps).all() and metres > 0 and np.linalg.det(steps)):
        return
    length = round_length(SHARE * cols * metres)
    _add_bar(axes, length / metres, say_length(length))
    col, row = np.linalg.solve(steps, [0, 1])
    _add_arrow(axes, float(np.arctan2(-row, col)))


def round_length(metres: float) -> float:
    """The length of 1, 2 or 5 times a power of ten that is nearest by its ratio."""
    ten = 10.0 ** floor(log10(metres))
    candidates = [each * step for each in (ten, 10 * ten) for step in STEPS]
    return min(candidates, key=lambda candidate: abs(log10(candidate / metres)))


def say_length(metres: float) -> str:
    """A length in the unit that makes a short number of it."""
    for size, unit in ((1000, "km"), (1, "m"), (0.01, "cm")):
        if metres >= size:
            return f"{metres / size:g} {unit}"
    return f"{metres * 1000:g} mm"


def _points_from(axes: Axes, across: float, up: float) -> Transform:
    """Lengths in points from a place of the axes, which are 0..1 wide and high."""
    inches = axes.figure.dpi_scale_trans
    return Affine2D().scale(1 / 72) + inches + ScaledTranslation(across, up, axes.transAxes)  # type: ignore[arg-type]


def _add_bar(axes: Axes, pixels: float, text: str) -> None:
    """Two halves, dark and light: as long as so many pixels of the scene, a few points high."""
    left, right = axes.get_xlim()
    share = pixels / abs(right - left)
    from_left = axes.transAxes + ScaledTranslation(MARGIN / 72, 0, axes.figure.dpi_scale_trans)
    place = blended_transform_factory(from_left, _points_from(axes, 0, 0))
    how: dict[str, Any] = {"transform": place, "edgecolor": DARK, "linewidth": BAR_EDGE, "zorder": ABOVE}
    wide_edge = {"facecolor": LIGHT, "edgecolor": LIGHT, "linewidth": 2 * HALO}
    halo = Rectangle((0, MARGIN), share, BAR_HEIGHT, **(how | wide_edge))
    halves = [
        Rectangle((index * share / 2, MARGIN), share / 2, BAR_HEIGHT, facecolor=colour, **how)
        for index, colour in enumerate((DARK, LIGHT))
    ]
    for patch in (halo, *halves):
        axes.add_patch(patch)
    # A text that is wider than its bar begins with it, so that it does not leave the picture.
    wide = 0.6 * FONT * len(text) > share * axes.get_window_extent().width / axes.figure.dpi * 72
    _write(axes, (0 if wide else share / 2, MARGIN + BAR_HEIGHT + 1.8), text, place, ha="left" if wide else "center")


def _add_arrow(axes: Axes, direction: float) -> None:
    """Halves, dark and light, and an N beyond the tip; `direction` is counterclockwise from the right."""
    whole = ARROW_LENGTH + LETTER_GAP + FONT / 2
    inside = MARGIN + whole / 2
    # upright around the middle of arrow and letter, turned, then moved to the upper right corner
    place = Affine2D().translate(0, -whole / 2).rotate(direction - pi / 2).translate(-inside, -inside)
    onto = place + _points_from(axes, 1, 1)
    tip, notch, left, right = (0, ARROW_LENGTH), (0, NOTCH), (-ARROW_HALF_WIDTH, 0), (ARROW_HALF_WIDTH, 0)
    how: dict[str, Any] = {"transform": onto, "zorder": ABOVE, "joinstyle": "miter"}
    axes.add_patch(Polygon([tip, right, notch, left], facecolor=LIGHT, edgecolor=LIGHT, linewidth=2 * HALO, **how))
    for side, colour in ((left, DARK), (right, LIGHT)):
        axes.add_patch(Polygon([tip, side, notch], facecolor=colour, edgecolor=DARK, linewidth=BAR_EDGE, **how))
    _write(axes, (0, ARROW_LENGTH + LETTER_GAP), "N", onto, ha="center", va="center_baseline", weight="bold")


def _write(axes: Axes, place: tuple[float, float], text: str, onto: Transform, **how: Any) -> None:
    halo = [withStroke(linewidth=1.5 * HALO, foreground=LIGHT)]
    axes.text(*place, text, transform=onto, fontsize=FONT, color=DARK, path_effects=halo, zorder=ABOVE, **how)
