"""Scenes and splits, with the methods that lead from one step to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hsi import scene as values
from hsi.config.build import build
from hsi.errors import HsiError
from hsi.evaluation.leakage import audit, ladder
from hsi.evaluation.position import by_position
from hsi.plots import leakage as leak_plots
from hsi.plots import maps
from hsi.recipes import compose_settings, override, split_of
from hsi.scenes.assemble import from_arrays as scene_of_arrays
from hsi.splits import roles

WINDOWS = tuple(range(3, 26, 2))  # of the ladder of an audit


@dataclass(frozen=True, eq=False)
class Scene(values.Scene):
    """A scene (see `hsi.scene.Scene`: cube (rows, cols, bands), labels (rows, cols), 0 unlabelled) that can be split.

    `overrides` are the overrides that make it on the command line; None for a scene of arrays, which no file describes.
    """

    overrides: tuple[str, ...] | None = None

    def split(self, kind: str = "random", **settings: Any) -> "Split":
        """Draw training, validation and test pixels; `kind` and `settings` as in ``split=`` (conf/split/)."""
        overrides = (f"split={kind}", *(override(f"split.{key}", value) for key, value in settings.items()))
        tree, _ = compose_settings([*(self.overrides or ()), *overrides])
        made = split_of(self, tree["split"])
        return Split(made.role, made.region, made.notes, scene=self, overrides=overrides)

    def use(self, role: np.ndarray, region: np.ndarray | None = None) -> "Split":
        """Take the roles (rows, cols) from an array: 0 unused, 1 train, 2 validation, 3 test; see `Split.region`."""
        if role.shape != self.labels.shape or not np.isin(role, range(4)).all():
            raise HsiError(f"roles must be 0 to 3 in an array of {self.rows} x {self.cols}, not {role.shape}")
        labelled = np.where(self.labels > 0, role, 0).astype(np.uint8)
        return Split(labelled, None if region is None else region.astype(np.uint8), scene=self)

    def plot(self) -> Figure:
        """False colour and ground truth."""
        return maps.draw_map(self, None)


@dataclass(frozen=True, eq=False)
class Split(roles.Split):
    """Who trains, validates and tests, of a scene; see `hsi.splits.roles.Split`."""

    scene: Scene | None = None
    overrides: tuple[str, ...] | None = None

    def audit(self, window: int = 25, windows: Sequence[int] = WINDOWS) -> "Audit":
        """What test windows see of the training pixels, for several windows; nothing is trained."""
        assert self.scene is not None
        labels = self.scene.labels
        scene = self.scene
        found = audit(self, labels, window, polygons=scene.polygons, valid=scene.valid)
        found["position"] = by_position(self, labels, scene.class_names)
        return Audit(ladder(self, labels, windows, valid=scene.valid), leakage=found)


class Audit(pd.DataFrame):
    """A row a window, see `hsi.evaluation.leakage.ladder`; `leakage` has the figures of one window, and `position`."""

    _metadata = ("leakage",)

    def __init__(self, *args: Any, leakage: Mapping[str, Any] | None = None, **how: Any) -> None:
        super().__init__(*args, **how)
        self.leakage = leakage

    @property
    def _constructor(self) -> type[pd.DataFrame]:  # what is cut out of an audit is a plain table
        return pd.DataFrame

    def plot(self) -> Figure:
        """Distances of test pixels to the nearest training pixel, and what windows of each size would see."""
        assert self.leakage is not None
        return leak_plots.draw_leakage(self.leakage, self.leakage["position"])


def load(name: str = "indian_pines", **settings: Any) -> Scene:
    """Load a scene of conf/scene/ by its name, fetching its files where they are missing.

    `settings` are keys of its file, such as ``ignored_labels=[1]``, and ``data_dir``, the folder of the files (default:
    HSI_DATA_DIR, or data).
    """
    data_dir = settings.pop("data_dir", None)
    overrides = [f"scene={name}", *([] if data_dir is None else [override("data_dir", data_dir)])]
    return _scene([*overrides, *(override(f"scene.{key}", value) for key, value in settings.items())])


def open(cube: str | Path, labels: str | Path | None = None, **settings: Any) -> Scene:
    """Open a scene in your own files; `settings` are keys of conf/scene/custom.yaml, such as ``cube_key="x"``."""
    settings = {"name": Path(cube).stem, "cube": str(cube), "labels": labels and str(labels)} | settings
    return _scene(["scene=custom", *(override(f"scene.{key}", value) for key, value in settings.items())])


def from_arrays(cube: np.ndarray, labels: np.ndarray | None = None, **details: Any) -> Scene:
    """Make a scene of arrays: cube (rows, cols, bands), labels (rows, cols) with 0 for unlabelled.

    `details` as in `hsi.scenes.assemble.from_arrays`: name, classes, wavelengths, ...
    """
    return _with_overrides(scene_of_arrays(cube, labels, **details), None)


def _scene(overrides: Sequence[str]) -> Scene:
    tree, _ = compose_settings(overrides)
    return _with_overrides(build(tree["scene"], "scene"), tuple(overrides))


def _with_overrides(scene: values.Scene, overrides: tuple[str, ...] | None) -> Scene:
    return Scene(**{field.name: getattr(scene, field.name) for field in fields(scene)}, overrides=overrides)
