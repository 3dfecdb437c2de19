"""What all figures share: colours, font sizes, an empty figure, labelled axes, legends, colour bars, saving."""

from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from hsi.errors import shown
from hsi.files import write

MEASURED, VALIDATED = "#0072b2", "#d55e00"  # blue and vermilion of Okabe and Ito's colour-blind-safe set
UNSEEN = "#555555"  # what stands beside them

DPI = 200
LONGEST = 100  # signs of a name
SMALL, NORMAL, LARGE = 8, 9, 11  # font sizes in points


def make_figure(
    width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained", **padding: float
) -> Figure:
    """Return an empty figure of `width` by `height` inches that makes room for all labels.

    `padding` goes to the layout: `w_pad` and `h_pad` in inches.
    """
    figure = Figure(figsize=(width, height), dpi=DPI)
    figure.set_layout_engine(layout, **padding)
    return figure


def literal(text: str) -> str:
    """A name as it stands, for a figure: its dollar signs set no mathematics, and a very long one is cut."""
    return shown(text, LONGEST).replace("$", r"\$")


def label_axes(axes: Axes, across: str = "", up: str = "", title: str = "") -> None:
    """Say what runs `across` and `up` the axes and what they show; small tick labels."""
    axes.set_xlabel(across, fontsize=NORMAL)
    axes.set_ylabel(up, fontsize=NORMAL)
    axes.set_title(title, fontsize=NORMAL)
    axes.tick_params(labelsize=SMALL)


def finish_chart(
    axes: Axes, across: str = "", up: str = "", title: str = "", grid: Literal["both", "x", "y"] | None = "both"
) -> None:
    """Label the axes of curves or bars (see `label_axes`), with a pale grid behind them and no frame at top and right.

    `grid` names the axis at whose ticks the lines stand; None leaves them out.
    """
    label_axes(axes, across, up, title)
    if grid:
        axes.grid(axis=grid, color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def add_legend(owner: Axes | Figure, **how: Any) -> None:
    """Add a small legend without a frame; `how` goes to the `legend` of the axes or the figure."""
    owner.legend(fontsize=SMALL, frameon=False, **how)


def add_colour_bar(figure: Figure, image: ScalarMappable, text: str, **how: Any) -> None:
    """Add a bar that says which colours of `image` mean which values; `how` goes to `Figure.colorbar`."""
    bar = figure.colorbar(image, **how)
    bar.set_label(text, fontsize=NORMAL)
    bar.ax.tick_params(labelsize=SMALL)


def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG, whole or not at all; equal figures give equal bytes.

    Raises HsiError where the file cannot be written.
    """
    content = BytesIO()
    # Software would be matplotlib's version, which is no property of the picture.
    figure.savefig(content, format="png", bbox_inches="tight", metadata={"Software": None})
    write(path, content.getvalue())
