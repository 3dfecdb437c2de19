"""A finished run, opened: what notebooks and comparisons read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from hsi import files
from hsi.runs.folder import METRICS, load_config
from hsi.scene import Scene
from hsi.splits.roles import Split, load_split


@dataclass(frozen=True)
class Run:
    """A finished run, opened: what the notebook and the comparisons read."""

    folder: Path
    config: DictConfig
    metrics: dict[str, Any]
    class_map: np.ndarray
    confidence: np.ndarray
    split: Split
    confusion: pd.DataFrame
    history: pd.DataFrame

    def load_scene(self, data_dir: str | Path | None = None) -> Scene:
        """The scene that the run classified; `data_dir` says where its files are now, if they have moved."""
        moved = {} if data_dir is None else {"data_dir": str(data_dir)}
        scene: Scene = instantiate(OmegaConf.merge(self.config, moved).scene)
        return scene


def open_run(folder: str | Path) -> Run:
    """Open a run directory; raises HsiError when there is no finished run in it."""
    folder = Path(folder)
    metrics = files.read_json(folder / METRICS)
    return Run(
        folder=folder,
        config=load_config(folder),
        metrics=metrics,
        class_map=np.load(folder / "map.npy", allow_pickle=False),
        confidence=np.load(folder / "confidence.npy", allow_pickle=False),
        split=load_split(folder / "split.npz"),
        confusion=pd.read_csv(folder / "confusion.csv", index_col=0),
        history=pd.read_csv(folder / "history.csv"),
    )
