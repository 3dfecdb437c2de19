"""Draw what position alone makes of Indian Pines, for docs/position.md: ``python -m studies.draw_position``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import hsi
from hsi.api.scenes import Scene
from hsi.evaluation.position import by_position
from hsi.plots import canvas
from hsi.splits.nearest import nearest_classes
from hsi.splits.roles import TEST, TRAIN

DOCS = Path(__file__).parents[1] / "docs"
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
SEEDS = range(10)
PANELS: dict[str, tuple[str, dict[str, Any]]] = {
    "10 % at random": ("random", {"train": 0.1}),
    "half of the fields": ("regions", {}),
}
WRONG, RIGHT, KNOWN = "#d55e00", "#d9d9d9", "#0072b2"


def main() -> None:
    """Draw both figures, and print the table beside the second."""
    scene = hsi.load("indian_pines")
    canvas.save(draw_maps(scene), DOCS / "position.png")
    found = measure(scene)
    canvas.save(draw_shares(found), DOCS / "position_shares.png")
    print("| training pixels | OA % | standard deviation | AA % | standard deviation |\n|---|---|---|---|---|")
    for share, figures in found.items():
        print(write_row(share, *figures))


def write_row(share: float, oa: Sequence[float], aa: Sequence[float]) -> str:
    """A row of the table: mean and standard deviation over the seeds, in percent."""
    cells = [f"{100 * value:.2f}" for values in (oa, aa) for value in (np.mean(values), np.std(values, ddof=1))]
    return f"| {100 * share:g} % | {' | '.join(cells)} |"


def draw_maps(scene: Scene) -> Figure:
    """Training pixels, the map that position draws, and its errors, a row a split; seed 0."""
    figure = canvas.make_figure(9.5, 6.6)
    colours = ListedColormap(["#ffffff", *scene.colours])
    for row, (title, (kind, how)) in zip(figure.subplots(len(PANELS), 3), PANELS.items(), strict=True):
        split = scene.split(kind, **how)
        drawn, test = nearest_classes(split, scene.labels), split.role == TEST
        oa = by_position(split, scene.labels, scene.class_names)["oa"]
        errors = np.select([split.role == TRAIN, test & (drawn != scene.labels), test], [1, 2, 3], 0)
        for axes, image, what in zip(
            row,
            (np.where(split.role == TRAIN, scene.labels, 0), drawn, errors),
            (
                f"{title}: training pixels",
                "the map that position draws",
                f"right on {100 * oa:.1f} % of the test pixels",
            ),
            strict=True,
        ):
            palette = ListedColormap(["#ffffff", KNOWN, WRONG, RIGHT]) if image is errors else colours
            axes.imshow(image, cmap=palette, vmin=0, vmax=palette.N - 1, interpolation="nearest")
            axes.set_title(what, fontsize=canvas.NORMAL)
            axes.set_axis_off()
    kinds = ((KNOWN, "trains"), (RIGHT, "tests, right"), (WRONG, "tests, wrong"))
    handles = [Patch(facecolor=colour, label=text) for colour, text in kinds]
    canvas.add_legend(figure, handles=handles, loc="outside lower right", ncols=len(handles))
    return figure


def measure(scene: Scene, shares: Sequence[float] = SHARES) -> dict[float, tuple[list[float], list[float]]]:
    """OA and AA of position alone, of every seed, by the share of pixels that train, drawn at random."""
    found = {}
    for share in shares:
        splits = [scene.split("random", train=share, seed=seed) for seed in SEEDS]
        each = [by_position(split, scene.labels, scene.class_names) for split in splits]
        found[share] = ([one["oa"] for one in each], [one["aa"] for one in each])
    return found


def draw_shares(found: Mapping[float, tuple[list[float], list[float]]]) -> Figure:
    """Accuracy against the share of pixels that train: every seed, and the means."""
    figure = canvas.make_figure(6, 3.6)
    axes = figure.subplots()
    shares = [100 * share for share in found]
    for place, (name, colour, style) in enumerate((("OA", canvas.MEASURED, "-"), ("AA", canvas.VALIDATED, "--"))):
        values = 100 * np.array([figures[place] for figures in found.values()])
        axes.plot(np.repeat(shares, values.shape[1]), values.ravel(), ".", color=colour, markersize=3, alpha=0.4)
        axes.plot(shares, values.mean(axis=1), style, color=colour, linewidth=1.4, label=f"{name}, mean of the seeds")
    axes.set_xscale("log")
    axes.set_xticks(shares, [f"{share:g}" for share in shares])
    axes.minorticks_off()
    axes.set_ylim(top=101)
    canvas.finish_chart(
        axes, "labelled pixels that train, at random (%)", "test pixels that position alone has right (%)"
    )
    canvas.add_legend(axes, loc="lower right")
    return figure


if __name__ == "__main__":
    main()
