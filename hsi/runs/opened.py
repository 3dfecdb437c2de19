"""A finished run, opened: what notebooks and comparisons read."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hsi import files
from hsi.config.build import build
from hsi.config.saved import read_config, vet
from hsi.config.shipped import PUBLISHED
from hsi.errors import HsiError
from hsi.runs.folder import CONFIG, METRICS
from hsi.scene import Scene
from hsi.splits.roles import Split, load_split


@dataclass(frozen=True)
class Run:
    """A finished run.

    Parameters
    ----------
    config
        As the run saved it, its references followed.
    metrics
        The content of metrics.json.
    class_map, confidence
        (rows, cols), see `hsi.mapping.scene_map.Prediction`.
    confusion, history
        The tables of confusion.csv and history.csv.
    """

    folder: Path
    config: dict[str, Any]
    metrics: dict[str, Any]
    class_map: np.ndarray
    confidence: np.ndarray
    split: Split
    confusion: pd.DataFrame
    history: pd.DataFrame

    def load_scene(self, data_dir: str | Path | None = None, trust: Collection[str] = ()) -> Scene:
        """The scene that the run classified; arguments as in `load_scene`."""
        return load_scene(self.folder, data_dir, trust)


def open_run(folder: str | Path) -> Run:
    """Open a run directory; raises HsiError when there is no finished run in it, or a damaged one."""
    folder = Path(folder)
    return Run(
        folder=folder,
        config=read_config(folder / CONFIG),
        metrics=files.read_json(folder / METRICS),
        class_map=files.read_array(folder / "map.npy"),
        confidence=files.read_array(folder / "confidence.npy"),
        split=load_split(folder / "split.npz"),
        confusion=files.read_table(folder / "confusion.csv", index_col=0),
        history=files.read_table(folder / "history.csv"),
    )


def load_scene(folder: Path, data_dir: str | Path | None = None, trust: Collection[str] = ()) -> Scene:
    """The scene that the run in `folder` classified, loaded again from its own files.

    `data_dir` says where the files of a published scene are now; without it they are looked for where the run found
    them, then in HSI_DATA_DIR or data. `trust` names callables beside those of hsi that the run may name.

    Raises HsiError: the run does not say, names what is not trusted, or its files cannot be had.
    """
    path = folder / CONFIG
    saved = read_config(path).get("scene")
    if isinstance(saved, dict) and "given" in saved:
        raise HsiError(f"the scene of {folder} was made from arrays in memory, so it cannot be loaded again")
    description = vet(saved, "scene", path, trust)
    if description["_target_"] == PUBLISHED:
        name, file = description["name"], description["cube"]["file"]
        then = Path(str(description.get("data_dir", "")))
        there = any((then / place).is_file() for place in (Path(name) / file, file))
        description["data_dir"] = str(data_dir or (then if there else os.environ.get("HSI_DATA_DIR", "data")))
    scene = build(description, "scene")
    if not isinstance(scene, Scene):
        raise HsiError(f"{path} describes no scene: repeat the run")
    return scene
