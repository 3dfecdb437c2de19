"""What follows from a map and its test pixels: tables, and files for a GIS."""

from pathlib import Path

import numpy as np
import pandas as pd

from hsi import files
from hsi.evaluation.areas import sample_notes
from hsi.mapping.scene_map import Prediction
from hsi.output.areas import write_areas
from hsi.output.gis import write_all
from hsi.scene import Scene


def write_derived(folder: Path, scene: Scene, prediction: Prediction, confusion: np.ndarray, split: str) -> None:
    """Write confusion.csv, areas.csv and areas.txt, and of a georeferenced scene what `hsi.output.gis` writes.

    `confusion` (K, K) counts the test pixels, rows are truth; `split` is the way of splitting that chose them.
    """
    names, place = list(scene.class_names), scene.georeference
    files.write(folder / "confusion.csv", pd.DataFrame(confusion, names, names).to_csv())
    write_areas(folder, prediction.class_map, names, place, confusion, sample_notes(split))
    write_all(folder, prediction.class_map, prediction.confidence, names, scene.colours, place)
