"""Draw docs/splits.png: every way of splitting, on Indian Pines. Run it at the top: ``python docs/draw_splits.py``."""

from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hsi.cli import main as cli
from hsi.cli.resolvers import register_resolvers
from hsi.evaluation.leakage import audit
from hsi.plots import canvas
from hsi.scene import Scene
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION, Split

WINDOW = 25
PANELS = {
    "random, 10 %": ["split=random", "split.train=0.1"],
    "grown, 10 %": ["split=grown", "split.train=0.1"],
    "regions, 50 %": ["split=regions"],
    "regions, 40 %, 20 % validate": ["split=regions", "split.train=0.4", "split.validation=0.2"],
    "regions, 30 a class": ["split=regions", "split.per_class=30"],
    "blocks of 16": ["split=blocks"],
    "guard of 3": ["split=guard", "split.distance=3"],
    f"guard of {WINDOW}": ["split=guard"],
}
# The blue and vermilion of hsi.plots.canvas, and a yellow that is lighter than both
COLOURS = {UNUSED: "#d9d9d9", TRAIN: canvas.VALIDATED, VALIDATION: "#f0e442", TEST: canvas.MEASURED}
NAMES = {TRAIN: "trains", VALIDATION: "validates", TEST: "tests", UNUSED: "labelled, unused"}


def main() -> None:
    """Draw the figure."""
    register_resolvers()
    with initialize_config_dir(str(cli.CONF), version_base="1.3"):
        configs = {
            title: compose("audit", overrides=[f"patch_size={WINDOW}", *words]) for title, words in PANELS.items()
        }
    scene = instantiate(next(iter(configs.values())).scene)
    figure = Figure(figsize=(11, 7.2), dpi=150, layout="constrained")
    figure.get_layout_engine().set(h_pad=0.1)  # type: ignore[union-attr]
    for axes, (title, config) in zip(figure.subplots(2, 4).ravel(), configs.items(), strict=True):
        split = instantiate(config.split)(scene.labels)
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
    canvas.save(figure, Path(__file__).with_name("splits.png"))


def paint(scene: Scene, split: Split) -> np.ndarray:
    """Return (rows, cols, 3) float64 in 0..1: roles in full colour, the sides of unlabelled ground pale."""
    image = np.ones((*scene.labels.shape, 3))
    if split.region is not None:
        for side in (TRAIN, VALIDATION, TEST):
            image[split.region == side] = fade(COLOURS[side])
    for role, colour in COLOURS.items():
        image[(split.role == role) & (scene.labels > 0)] = to_rgb(colour)
    return image


def fade(colour: str) -> tuple[float, ...]:
    """Return the colour at a fifth of its strength on white."""
    return tuple(0.8 + 0.2 * channel for channel in to_rgb(colour))


if __name__ == "__main__":
    main()
