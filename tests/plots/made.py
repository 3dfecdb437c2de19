"""A small scene, a training history, and the texts of a figure, for the tests of the pictures."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hsi.scene import Scene

COLOURS = ("#e69f00", "#56b4e9", "#009e73")
NAMES = ("Corn", "Woods", "Buildings-Grass-Trees-Drives")


def make_scene(rows: int = 12, cols: int = 9, bands: int = 8, classes: int = 3) -> Scene:
    random = np.random.default_rng(0)
    return Scene(
        name="made",
        cube=random.integers(900, 9000, (rows, cols, bands)).astype(np.uint16),
        labels=random.integers(0, classes + 1, (rows, cols)),
        label_values=tuple(range(1, classes + 1)),
        class_names=tuple(NAMES[index % 3] for index in range(classes)),
        colours=tuple(COLOURS[index % 3] for index in range(classes)),
        wavelengths=None,
        georeference=None,
        rgb_bands=None,
        checksums={},
    )


def make_history(steps: int) -> pd.DataFrame:
    step = np.arange(1, steps + 1)
    return pd.DataFrame(
        {
            "step": step,
            "loss": 3 / step,
            "accuracy": 1 - 1 / step,
            "learning_rate": 1e-3,
            "validation_accuracy": np.where(step % 10 == 0, 1 - 2 / step, np.nan),
        }
    )


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]
