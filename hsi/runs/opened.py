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
from hsi.errors import HsiError, shown
from hsi.evaluation.areas import AreaSample, sample_notes
from hsi.evaluation.evaluation import Evaluation, evaluate
from hsi.runs.folder import CONFIG, METRICS
from hsi.scene import Scene
from hsi.splits.roles import TEST, TRAIN, Split, load_split

SURE = 1.001  # the highest probability, to rounding
PROBABILITIES = "probabilities.npy"
HISTORY = ["step", "loss", "accuracy", "learning_rate", "validation_accuracy"]


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

    def evaluate(self, scene: Scene) -> Evaluation:
        """Judge its map again, see `judge`."""
        seen = self.metrics.get("leakage")
        window, context = (seen.get("window"), seen.get("context")) if isinstance(seen, dict) else (None, None)
        return judge(self.folder, scene, self.split, self.class_map, self.confidence, window, context)


def judge(
    folder: Path,
    scene: Scene,
    split: Split,
    class_map: np.ndarray,
    confidence: np.ndarray,
    window: Any,
    context: Any,
) -> Evaluation:
    """Judge the map of the run in `folder`; the rest as in `hsi.evaluation.evaluation.evaluate`, as its files say.

    Raises HsiError: files that do not belong together, or to the scene.
    """
    test = split.role == TEST
    fault = None
    if not class_map.shape == confidence.shape == split.role.shape == scene.labels.shape:
        fault = "map, confidence, split and scene differ in size"
    elif class_map.max() > scene.num_classes:
        fault = f"map.npy has the class {class_map.max()}, the scene has {scene.num_classes}"
    elif not {TRAIN, TEST} <= set(np.unique(split.role).tolist()):
        fault = "its split has no training or no test pixels"
    elif not (scene.labels[test].all() and class_map[test].all() and np.isfinite(confidence[test]).all()):
        fault = "some of its test pixels have no label, no class or no confidence"
    elif window not in range(1, min(class_map.shape) + 1, 2) or context not in ("own", "free"):
        fault = f"no window of this scene is {shown(window)} pixels wide and {shown(context)}"
    if fault is not None:
        raise HsiError(f"{folder}: {fault}: it is damaged, repeat the run with force=true")
    return evaluate(scene, split, class_map, confidence, window, context)


def open_run(folder: str | Path) -> Run:
    """Open a run directory; raises HsiError when there is no finished run in it, or a damaged one."""
    folder = Path(folder)
    return Run(
        folder=folder,
        config=read_config(folder / CONFIG),
        metrics=files.read_json(folder / METRICS),
        class_map=read_map(folder),
        confidence=read_confidence(folder),
        split=read_split(folder),
        confusion=read_confusion(folder),
        history=read_history(folder),
    )


def read_split(folder: Path) -> Split:
    """The split of the run in `folder`; HsiError: missing, damaged or changed."""
    split = load_split(folder / "split.npz")
    if split.role.max(initial=0) > TEST or (split.region is not None and split.region.shape != split.role.shape):
        raise HsiError(f"{folder / 'split.npz'} holds no roles of pixels: it is damaged, repeat the run")
    return split


def read_map(folder: Path) -> np.ndarray:
    """The map (rows, cols) of the run in `folder`: whole numbers, 0 where there are no data; HsiError: damaged."""
    class_map = files.read_array(folder / "map.npy")
    if class_map.ndim != 2 or class_map.dtype.kind not in "ui" or not class_map.any() or class_map.min() < 0:
        raise HsiError(f"{folder / 'map.npy'} holds no map of classes: it is damaged, repeat the run with force=true")
    return class_map


def read_confidence(folder: Path) -> np.ndarray:
    """The confidence (rows, cols) float of the run in `folder`, from 0 to 1, or NaN; HsiError: missing or damaged."""
    values = files.read_array(folder / "confidence.npy")
    if values.ndim != 2 or values.dtype.kind != "f" or not _are_shares(values):
        raise HsiError(
            f"{folder / 'confidence.npy'} holds no confidence: it is damaged, repeat the run with force=true"
        )
    return values


def read_probabilities(folder: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The probabilities (rows, cols, K) float16 of all classes of the run in `folder`.

    Raises HsiError: missing, damaged, or of another shape.
    """
    path = folder / PROBABILITIES
    values = files.read_array(path)
    if values.shape != shape or values.dtype != np.float16 or not _are_shares(values):
        raise HsiError(f"{path} holds no probabilities of shape {shape}: it is damaged, repeat the run with force=true")
    return values


def read_confusion(folder: Path) -> pd.DataFrame:
    """Counts of test pixels, truth by prediction, of the run in `folder`; HsiError: missing or damaged."""
    table = files.read_table(folder / "confusion.csv", index_col=0)
    counts = table.to_numpy()
    if counts.dtype.kind not in "iu" or counts.shape[0] != counts.shape[1] or (counts < 0).any():
        raise HsiError(f"{folder / 'confusion.csv'} holds no counts of test pixels: it is damaged, repeat the run")
    return table


def read_history(folder: Path) -> pd.DataFrame:
    """A row a step of the training of the run in `folder`, by the columns `HISTORY`; HsiError: missing or damaged."""
    table = files.read_table(folder / "history.csv")
    if [*table] != HISTORY or not len(table) or any(kind.kind not in "iuf" for kind in table.dtypes):
        raise HsiError(f"{folder / 'history.csv'} holds no history of a training: it is damaged, repeat the run")
    return table


def read_sample(folder: Path) -> AreaSample | None:
    """The test pixels of the run in `folder`, for areas of another scene that its model maps; None where it has none.

    Raises HsiError: damaged files.
    """
    if not (files.is_file(folder / "confusion.csv") and files.is_file(folder / METRICS)):
        return None
    choices = files.read_json(folder / METRICS).get("choices")
    split = choices.get("split") if isinstance(choices, dict) else None
    return AreaSample(read_confusion(folder).to_numpy(), sample_notes(shown(split or "unknown", 40), other_scene=True))


def _are_shares(values: np.ndarray) -> bool:
    """Whether all are from 0 to 1, to rounding, but for some that are NaN."""
    numbers = values[~np.isnan(values)]
    return bool(numbers.size and numbers.min() >= 0 and numbers.max() <= SURE)


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
        name = str(description["name"])
        then = Path(str(description.get("data_dir", "")))
        there = all(
            any(files.is_file(then / place / file) for place in (name, "."))
            for file in (description[part]["file"] for part in ("cube", "labels"))
        )  # what is missing is fetched to a place that the user chose, not to one that the run names
        description["data_dir"] = str(data_dir or (then if there else os.environ.get("HSI_DATA_DIR", "data")))
    try:
        scene = build(description, "scene")
    except HsiError as error:
        raise type(error)(f"the scene of {path}: {shown(error, 600)}") from error
    except Exception as error:  # whatever values that no run has make of our loaders
        raise HsiError(f"the scene of {path} cannot be loaded ({shown(error, 120)}): repeat the run") from error
    if not isinstance(scene, Scene):
        raise HsiError(f"{path} describes no scene: repeat the run")
    return scene
