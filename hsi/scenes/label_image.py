"""What labels are read into, whatever they come from, and the grid of the scene that they are laid on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hsi.georeference import Georeference


@dataclass(frozen=True)
class Grid:
    """The pixels of a scene: how many, and where on the ground (None where its files do not say)."""

    rows: int
    cols: int
    georeference: Georeference | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.cols


@dataclass(frozen=True, eq=False)
class LabelImage:
    """The labels of a scene, on its grid.

    Parameters
    ----------
    labels
        (rows, cols), integer or floating as the file holds them; 0 unlabelled.
    classes
        label value -> (name, colour '#rrggbb' or None), where the source says so; or None.
    polygons
        (rows, cols) int32, or None: which polygon, or group of touching points, a labelled pixel was drawn with, from
        1 on; 0 elsewhere.
    files
        all files read.
    notes
        what was decided or found out, a sentence each.
    """

    labels: np.ndarray
    classes: dict[int, tuple[str, str | None]] | None = None
    polygons: np.ndarray | None = None
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
