"""Draw docs/splits.png, every way of splitting Indian Pines: ``python -m studies.draw_splits``."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import hsi
from hsi.evaluation.leakage import audit
from hsi.plots import canvas
from hsi.scene import Scene
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION, Split

WINDOW = 25
PANELS: dict[str, tuple[str, dict[str, Any]]] = {
    "random, 10 %": ("random", {"train": 0.1}),
    "grown, 10 %": ("grown", {"train": 0.1}),
    "regions, 50 %": ("regions", {}),
    "regions, 40 %, 20 % validate": ("regions", {"train": 0.4, "validation": 0.2}),
    "regions, 30 a class": ("regions", {"per_class": 30}),
    "blocks of 16": ("blocks", {}),
    "guard of 3": ("guard", {"distance": 3, "patch_size": WINDOW}),
    f"guard of {WINDOW}": ("guard", {"patch_size": WINDOW}),
}
# The blue and vermilion of hsi.plots.canvas, and a yellow that is lighter than both
COLOURS = {UNUSED: "#d9d9d9", TRAIN: canvas.VALIDATED, VALIDATION: "#f0e442", TEST: canvas.MEASURED}
NAMES = {TRAIN: "trains", VALIDATION: "validates", TEST: "tests", UNUSED: "labelled, unused"}


def main() -> None:
    """Draw the figure."""
    scene = hsi.load("indian_pines")
    figure = Figure(figsize=(11, 7.2), dpi=150)
    figure.set_layout_engine("constrained", h_pad=0.1)
    for axes, (title, (kind, how)) in zip(figure.subplots(2, 4).ravel(), PANELS.items(), strict=True):
        split = scene.split(kind, **how)
        share = audit(split, scene.labels, WINDOW)["test_windows_with_training_pixel"]
        classes = len(np.unique(scene.labels[split.role == TRAIN]))
        axes.imshow(paint(scene, split), interpolation="nearest")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel(f"{classes} classes; {share:.0%} of the test windows\nhold a training pixel", fontsize=8)
        axes.set_xticks([])
        axes.set_yticks([])
    handles = [Patch(facecolor=COLOURS[role], label=name) for role, name in NAMES.items()]
    handles.append(Patch(facecolor=fade(COLOURS[TEST]), label="pale: unlabelled ground of that side"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=9, frameon=False)
    canvas.save(figure, Path(__file__).parents[1] / "docs" / "splits.png")


def paint(scene: Scene, split: Split) -> np.ndarray:
    """Return (rows, cols, 3) float64 in 0..1: roles in full colour, the sides of unlabelled ground pale."""
    image = np.ones((*scene.labels.shape, 3))
    if split.region is not None:
        for side in (TRAIN, VALIDATION, TEST):
            image[split.region == side] = fade(COLOURS[side])
    for role, colour in COLOURS.items():
        image[(split.role == role) & (scene.labels > 0)] = to_rgb(colour)
    return image


def fade(colour: str) -> tuple[float, float, float]:
    """Return the colour at a fifth of its strength on white."""
    red, green, blue = (0.8 + 0.2 * channel for channel in to_rgb(colour))
    return red, green, blue


if __name__ == "__main__":
    main()
