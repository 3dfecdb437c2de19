"""A scene that a trained model has mapped."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hsi import scene as values
from hsi.evaluation.areas import AreaSample
from hsi.mapping.scene_map import Prediction
from hsi.output import prediction as output
from hsi.plots import maps
from hsi.plots.thinned import thin
from hsi.runs.applied import Classes


@dataclass(frozen=True, eq=False)
class SceneMap:
    """A scene mapped by a trained model, or by several.

    `class_map` (rows, cols) 1..K, 0 where there is no data, K + 1 where a pixel is unlike any class, if such are looked
    for; `confidence` (rows, cols) float32; `probabilities` (rows, cols, K) float16 or None; `pixels` counts them by
    class.
    """

    scene: values.Scene
    classes: Classes
    prediction: Prediction
    source: str
    trust: tuple[str, ...] = ()
    sample: AreaSample | None = None  # of the run's test pixels, for its areas

    @property
    def class_map(self) -> np.ndarray:
        """Class 1..K of every pixel."""
        return self.prediction.class_map

    @property
    def confidence(self) -> np.ndarray:
        """Probability of that class."""
        return self.prediction.confidence

    @property
    def probabilities(self) -> np.ndarray | None:
        """Probabilities of all classes, where they were asked for."""
        return self.prediction.probabilities

    @property
    def pixels(self) -> pd.Series:
        """Number of pixels of each class."""
        return pd.Series(output.count_pixels(self.class_map, self.classes), name="pixels")

    def plot(self) -> Figure:
        """False colour and class map."""
        shown, drawn = thin(self.scene, self.class_map)
        return maps.draw_map(self.classes.name(shown), drawn)

    def save(self, folder: str | Path) -> Path:
        """Write map.npy, confidence.npy, map.png and prediction.json, as the command does; returns the folder."""
        place = Path(folder).absolute()
        about = {"run": self.source, "trust": list(self.trust)}
        output.save(place, self.scene, self.classes, self.prediction, about, self.sample)
        return place
