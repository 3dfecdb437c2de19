"""Runs: a scene classified, fresh or opened from its folder, and other scenes mapped with its model."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from hsi import scene as values
from hsi.api.scene_map import SceneMap
from hsi.api.scenes import open
from hsi.config.build import check
from hsi.config.nearest import suggest
from hsi.engine.device import Device
from hsi.engine.forward import as_image
from hsi.errors import HsiError
from hsi.evaluation.activation_maps import activation_maps_of
from hsi.evaluation.areas import AreaSample, sample_notes
from hsi.evaluation.evaluation import Evaluation
from hsi.output.export import Format, export
from hsi.output.report import report_again
from hsi.output.result import write
from hsi.plots import activation_maps, maps, scores, spectra
from hsi.plots import leakage as leak_plots
from hsi.runs.applied import Application, Options
from hsi.runs.folder import claim, finished, held
from hsi.runs.model import TrainedModel, load_model
from hsi.runs.opened import Run as Opened
from hsi.runs.opened import open_run as open_folder
from hsi.runs.opened import read_sample
from hsi.runs.result import Record, Result
from hsi.scene import scene_hash
from hsi.splits import roles
from hsi.splits.roles import TEST


@dataclass(frozen=True, eq=False)
class Run:
    """A scene classified, fresh from `fit` or opened from its folder.

    Parameters
    ----------
    class_map, confidence
        (rows, cols), see `hsi.mapping.scene_map.Prediction`.
    history
        A row a step of the training.
    trained
        The model, ready to map other scenes.
    """

    scene: values.Scene
    split: roles.Split
    class_map: np.ndarray
    confidence: np.ndarray
    history: pd.DataFrame
    evaluation: Evaluation
    trained: TrainedModel
    made: tuple[Result, Record] | None = None  # None where it was opened
    opened: Opened | None = None  # None where it is fresh

    @property
    def scores(self) -> pd.Series:
        """Overall accuracy, average accuracy and kappa on the test pixels (fractions), and the numbers of pixels."""
        found = self.evaluation
        return pd.Series({"oa": found.scores.oa, "aa": found.scores.aa, "kappa": found.scores.kappa, **found.pixels})

    @property
    def per_class(self) -> pd.DataFrame:
        """A row a class: recall (producer's accuracy), precision (user's accuracy), f1, support."""
        return self.evaluation.scores.per_class

    @property
    def confusion(self) -> pd.DataFrame:
        """Counts: rows are truth, columns are prediction."""
        names = list(self.scene.class_names)
        return pd.DataFrame(self.evaluation.scores.confusion, names, names)

    @property
    def leakage(self) -> Mapping[str, Any]:
        """What test windows have seen of the training pixels, see `hsi.evaluation.leakage.audit`."""
        return self.evaluation.leakage

    @property
    def position(self) -> Mapping[str, Any]:
        """What position alone gives, and the map's skill beside it, see `hsi.evaluation.position.by_position`."""
        return self.evaluation.position

    @cached_property
    def image(self) -> Tensor:
        """The scene as the network sees it: (components, rows, cols) float32."""
        return as_image(self.trained.reducer.transform(self.scene.cube), torch.device("cpu"))

    @property
    def seen_region(self) -> np.ndarray | None:
        """(rows, cols) or None: what windows were masked to when the scene was mapped."""
        return None if self.trained.settings.context == "free" else self.split.region

    def doubtful(self, count: int) -> list[int]:
        """Flat numbers of the `count` test pixels that are wrong with the most confidence, and right with the least."""
        order = np.argsort(self.confidence, axis=None)
        test = (self.split.role == TEST).ravel()[order]
        right = (self.class_map == self.scene.labels).ravel()[order]
        return [*order[test & ~right][::-1][:count].tolist(), *order[test & right][:count].tolist()]

    @cached_property
    def plot(self) -> "Plots":
        """Its figures: ``run.plot.map()``, ``.confidence()``, ``.confusion()``, ``.history()``, ..."""
        return Plots(self)

    def predict(self, scene: "str | Path | values.Scene", **how: Any) -> "SceneMap":
        """Map another scene; arguments as in `hsi.api.predict`."""
        return predict(self, scene, **how)

    def export(self, path: str | Path, format: Format = "onnx") -> list[Path]:
        """Write the model for other programs, see `hsi.output.export.export`; returns the files."""
        return export(self.trained, Path(path), format)

    def report(self, path: str | Path) -> Path:
        """Write a run that was opened as a page, to a file or as report.html into a folder; returns the file."""
        if self.opened is None:
            raise HsiError("this run is in no folder yet: save it, which writes report.html too")
        return report_again(Path(path), self.opened, self.scene)

    def save(self, folder: str | Path, force: bool = False) -> Path:
        """Write the files that the command writes, byte for byte, but for times and the command; returns the folder.

        Raises HsiError where a run of another configuration is there, unless `force`.
        """
        if self.made is None:
            raise HsiError("this run was opened from its folder: it is saved already")
        result, record = self.made
        place = Path(folder).absolute()
        with held(place):
            identity = scene_hash(result.scene), result.split.hash, result.precision
            if not finished(place, record.config, *identity, force=force):
                claim(place, record.config, record.overrides, force)
                write(place, result, record)
        return place


@dataclass(frozen=True)
class Plots:
    """The figures of a run."""

    run: Run

    def map(self) -> Figure:
        """False colour, truth, class map and errors."""
        return maps.draw_map(self.run.scene, self.run.class_map, self.run.split.role == TEST)

    def confidence(self) -> Figure:
        """How sure the model is of each pixel."""
        return maps.draw_confidence(self.run.scene, self.run.confidence)

    def confusion(self) -> Figure:
        """The confusion matrix in percent of its rows."""
        return scores.draw_confusion(self.run.evaluation.scores.confusion, list(self.run.scene.class_names))

    def spectra(self) -> Figure:
        """Spectra of the most frequent confusions."""
        scene, test = self.run.scene, self.run.split.role == TEST
        return spectra.draw_spectra(replace(scene, labels=np.where(test, scene.labels, 0)), self.run.class_map)

    def activation_maps(self, pixels: Sequence[int] | None = None, count: int = 2) -> Figure:
        """Where in their windows the evidence for the classes of some pixels lies.

        `pixels` are flat numbers, ``row * cols + col``; None takes the `count` test pixels that are wrong with the most
        confidence, and as many that are right with the least. By class activation maps where a network has them, else
        by gradients, which the figure says: see `hsi.evaluation.activation_maps`. Raises HsiError for a model without
        gradients, such as a support vector machine.
        """
        run, trained = self.run, self.run.trained
        chosen = list(pixels) if pixels is not None else [*run.doubtful(count)]
        found = activation_maps_of(trained.network, run.image, chosen, trained.engine, run.seen_region)
        return activation_maps.draw_activation_maps(run.scene, chosen, found, trained.network.window)

    def history(self) -> Figure:
        """Loss and accuracy over the steps."""
        return scores.draw_history(self.run.history)

    def leakage(self) -> Figure:
        """Distances of test pixels to the nearest training pixel; accuracy against them, the map's and position's."""
        return leak_plots.draw_leakage(self.run.leakage, self.run.position)


def open_run(folder: str | Path, data_dir: str | Path | None = None, trust: Collection[str] = ()) -> Run:
    """Open the folder of a finished run; its map is evaluated again.

    `data_dir` says where the scene's files are now, if they have moved; `trust` names callables outside hsi that the
    run may name, such as a model of your own.
    """
    opened = open_folder(folder)
    scene = opened.load_scene(data_dir, trust)
    return Run(
        scene=scene,
        split=opened.split,
        class_map=opened.class_map,
        confidence=opened.confidence,
        history=opened.history,
        evaluation=opened.evaluate(scene),
        trained=load_model(opened.folder, trust),
        opened=opened,
    )


def predict(
    run: Run | str | Path | Sequence[Run | str | Path],
    scene: values.Scene | str | Path,
    *,
    device: Device = "auto",
    trust: Collection[str] = (),
    **settings: Any,
) -> SceneMap:
    """Map a scene with a trained model, or with the mean of several; the map is in memory, the scene need not be.

    Parameters
    ----------
    run
        From `fit` or `open_run`, or the folder of a finished run; or a list of such, of the same classes.
    scene
        A scene, or the file of its cube.
    trust
        Callables outside hsi that the run may name.
    settings
        Fields of `hsi.runs.applied.Options`, such as ``accept_range=True`` or ``symmetries=8``; for the file of a cube
        also those of `hsi.api.open`.
    """
    several = [run] if isinstance(run, Run | str | Path) else list(run)
    models = [each.trained if isinstance(each, Run) else load_model(Path(each), trust) for each in several]
    if not models:
        raise HsiError("run=[]: give a run, or a list of runs")
    known = {field.name for field in fields(Options)}
    asked = {key: value for key, value in settings.items() if key in known}
    rest = {key: value for key, value in settings.items() if key not in known}
    options = Options(**check(Options, asked, ""))
    if isinstance(scene, values.Scene):
        if rest:
            raise HsiError(f"{next(iter(rest))}: {suggest(next(iter(rest)), sorted(known))}")
        target = scene
    else:
        target = open(scene, **{"drop_bands": "model", **rest})
    application = Application(models, target, options, device)
    source = ", ".join("a run in memory" if isinstance(each, Run) else str(each) for each in several)
    sample = _sample_of(several[0]) if len(several) == 1 else None
    return SceneMap(target, application.classes, application.map(), source, tuple(trust), sample)


def _sample_of(run: Run | str | Path) -> AreaSample | None:
    """The test pixels of a run, from which areas are estimated."""
    if not isinstance(run, Run):
        return read_sample(Path(run))
    kind = run.made[1].choices["split"] if run.made else "unknown"
    return AreaSample(run.evaluation.scores.confusion, sample_notes(kind, other_scene=True))
