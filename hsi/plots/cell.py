"""The picture of a cell: boxes for operations, arrows for what they see, sum after sum from left to right."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hsi.models.blocks.cells import OUTSIDE, Sums
from hsi.plots.canvas import MEASURED, NORMAL, SMALL, VALIDATED, make_figure

COLOURS = {  # pale, of the first part of an operation's name
    "separable": "#cfe3f2",
    "factorised": "#d9d2e9",
    "dilated": "#fbe0cf",
    "average": "#e3efd4",
    "max": "#f7efc5",
    "identity": "#eeeeee",
}
INPUTS = ("h[-2]", "h[-1]")
ACROSS, UP = 2.6, 2.2  # from one sum to the next, and from one level to the next, in units of the figure
SIZE = 0.5  # inches of a unit
HALF = 0.36  # of the height of an operation
LINE, FAINT = "#555555", "#bbbbbb"
SEEN = {0: MEASURED, 1: VALIDATED}  # lines from the two inputs, which may pass behind operations


def draw_cell(cell: Sums, title: str) -> Figure:
    """Draw a cell: its two inputs at the bottom, each sum above all that it sees, their concatenation on top."""
    levels = [0, 0]
    for _, of_left, _, of_right in cell:
        levels.append(1 + max(levels[of_left], levels[of_right]))
    width, top = ACROSS * len(cell), UP * (max(levels) + 1)
    figure = make_figure(SIZE * max(width + 1, 8), SIZE * (top + 2))
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_title(title, fontsize=NORMAL)
    axes.set_xlim(-ACROSS / 2 - 0.2, width - ACROSS / 2 + 0.2)
    axes.set_ylim(-0.6, top + 0.6)

    middle = (width - ACROSS) / 2
    places = [(middle - ACROSS / 2, 0.0), (middle + ACROSS / 2, 0.0)]
    for name, place in zip(INPUTS, places, strict=True):
        _box(axes, place, name, "white")
    for number, (left, of_left, right, of_right) in enumerate(cell):
        place = (ACROSS * number, UP * levels[OUTSIDE + number])
        for name, of, aside in ((left, of_left, -0.62), (right, of_right, 0.62)):
            beside = (place[0] + aside, place[1] - 0.95)
            _arrow(axes, places[of], (beside[0], beside[1] - HALF), SEEN.get(of, LINE))
            _arrow(axes, (beside[0], beside[1] + HALF), (place[0] + aside / 3, place[1] - HALF / 2))
            _box(axes, beside, name.replace("_", "\n"), COLOURS[name.partition("_")[0]])
        places.append(place)
    for number, place in enumerate(places[OUTSIDE:], 1):
        _arrow(axes, place, (place[0], top - HALF), FAINT)
        frame = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": LINE}
        axes.text(*place, f"+ {number}", ha="center", va="center", fontsize=SMALL, bbox=frame, zorder=3)
    _box(axes, (middle, top), "concatenated", "white", width)
    return figure


def _box(axes: Axes, place: tuple[float, float], text: str, colour: str, width: float = 1.16) -> None:
    corner = place[0] - width / 2, place[1] - HALF
    axes.add_patch(Rectangle(corner, width, 2 * HALF, facecolor=colour, edgecolor=LINE, zorder=3))
    axes.text(*place, text, ha="center", va="center", fontsize=SMALL, zorder=4)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = LINE) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops={**style, "linewidth": 0.8}, zorder=1)
