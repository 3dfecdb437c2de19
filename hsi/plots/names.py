"""Names beside points, none over another."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from hsi.plots.canvas import MEASURED, UNSEEN, VALIDATED, literal

SIZE = 7  # of the font in points
WIDER = 1.05  # than its outline a name is drawn, at most, for the sake of whole pixels
APART = 1.0  # points between two names
DOT = 3.0  # half the side of the square in points that a point keeps free
LINE = 1.0  # half the width in points that a line keeps free
DIRECTIONS, STEP, RINGS = 24, 4.0, 60  # places that are tried around a point: directions, on rings so many points apart
POINTS_AN_INCH = 72


def name_points(axes: Axes, points: np.ndarray, names: Mapping[str, bool], line: np.ndarray) -> None:
    """Write the name of each of the points (N, 2) beside it; true ones in another colour.

    The figure has to be laid out: names are placed by what it looks like. They also keep away from `line`, corners
    (M, 2) of steps. A thin line leads to a name that is not next to its point.
    """
    scale = POINTS_AN_INCH / axes.figure.dpi
    places, corners = (axes.transData.transform(each) * scale for each in (points, line))
    sizes = np.array([_size(name) for name in names])
    steps = np.column_stack(
        [np.minimum(corners[:-1], corners[1:]) - LINE, np.maximum(corners[:-1], corners[1:]) + LINE]
    )
    left_bottom, right_top = axes.get_window_extent().get_points() * scale
    found = place_names(places, sizes, np.concatenate([left_bottom, right_top]), steps)
    for (name, chosen), point, place, corner, size in zip(names.items(), points, places, found, sizes, strict=True):
        axes.annotate(
            literal(name),
            tuple(point),
            tuple(corner + size / 2 - place),
            textcoords="offset points",
            fontsize=SIZE,
            color=VALIDATED if chosen else MEASURED,
            ha="center",
            va="center",
            arrowprops={"arrowstyle": "-", "color": UNSEEN, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2},
            path_effects=[patheffects.withStroke(linewidth=1.5, foreground="white")],
        ).set_in_layout(False)


def place_names(points: np.ndarray, sizes: np.ndarray, within: np.ndarray, kept_free: np.ndarray) -> np.ndarray:
    """Where names may stand beside their points: near them, over no other name, no point, and nothing `kept_free`.

    Parameters
    ----------
    points, sizes
        (N, 2), and (N, 2) the widths and heights of the names, all in one unit.
    within, kept_free
        (4,) and (M, 4) left, bottom, right, top: no name goes beyond the one, or over the others, if there is room.

    Returns
    -------
    (N, 2): lower left corners, in the order of the points. Those with the most neighbours choose first. Where nothing
    is free, the place that covers the least is taken.
    """
    corners = np.zeros_like(points, dtype=np.float64)
    taken = np.vstack([np.column_stack([points - DOT, points + DOT]), kept_free])
    crowd = (np.abs(points[:, None] - points).max(axis=2) < sizes.max()).sum(axis=1)
    for index in np.argsort(-crowd, kind="stable"):
        boxes = _around(points[index], sizes[index])
        cover = _overlap(boxes, taken).sum(axis=1)
        outside = np.maximum(within[:2] - boxes[:, :2], boxes[:, 2:] - within[2:]).max(axis=1)
        cost = cover + 1e3 * np.maximum(outside, 0)
        best = boxes[np.argmin(cost)]  # of equal ones the first, which is the nearest
        corners[index] = best[:2]
        taken = np.vstack([taken, best + APART * np.array([-1, -1, 1, 1])])
    return corners


def _around(point: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Boxes (M, 4) of a name around a point, the nearest first; left, bottom, right, top."""
    angles = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False)
    direction = np.column_stack([np.cos(angles), np.sin(angles)])
    # as far along each direction as brings the box beside the dot, and rings beyond
    reach = np.min((size / 2 + DOT + APART) / np.maximum(np.abs(direction), 1e-9), axis=1)
    middles = np.concatenate([point + direction * (reach + ring * STEP)[:, None] for ring in range(RINGS)])
    return np.column_stack([middles - size / 2, middles + size / 2])


def _overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Areas (M, N) that boxes (M, 4) share with others (N, 4)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared: np.ndarray = np.maximum(high - low, 0).prod(axis=2)
    return shared


def _size(name: str) -> Sequence[float]:
    """Width and height of a name in points."""
    found = TextPath((0, 0), literal(name), size=SIZE, prop=FontProperties()).get_extents()
    return WIDER * found.width, SIZE
