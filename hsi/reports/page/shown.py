"""What a page is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hsi.evaluation.evaluation import Evaluation
from hsi.mapping.scene_map import Prediction
from hsi.scene import Scene
from hsi.splits.roles import Split


@dataclass(frozen=True, eq=False)
class Shown:
    """A finished run, fresh or opened.

    Parameters
    ----------
    history
        A row a step of the training.
    metrics
        The content of metrics.json. It may come from somebody else: all of it is escaped.
    manifest
        Its hash, '<kind>:<hex>'.
    areas, area_notes
        See `hsi.output.areas.area_table`.
    """

    scene: Scene
    split: Split
    prediction: Prediction
    evaluation: Evaluation
    history: pd.DataFrame
    metrics: Mapping[str, Any]
    manifest: str
    areas: pd.DataFrame
    area_notes: Sequence[str]
