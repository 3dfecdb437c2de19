"""Trained models applied to a scene: one, or the mean of several that tell the same classes apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
import torch

from hsi.config.values import Gigabytes, Positive, Share, Switch, Symmetries
from hsi.engine.contract import WindowClassifier
from hsi.engine.device import Device, resolve_device
from hsi.engine.forward import Engine
from hsi.errors import HsiError, shown
from hsi.mapping.blocks import Block, Task, look_at, map_blocks, plan_within
from hsi.mapping.scene_map import Mapper, MapSettings, Prediction, progress_bar
from hsi.mapping.unknown import Kind, cut_off, evidence
from hsi.reduce import Reducer
from hsi.scene import Scene

UNKNOWN, UNKNOWN_COLOUR = "unknown", "#000000"


@dataclass(frozen=True)
class Options:
    """How models are applied to a scene; conf/predict.yaml explains the same keys.

    Parameters
    ----------
    symmetries, temperature
        In place of those of the run; None leaves these.
    scale, resample, accept_range
        What brings the scene to the sensor of the model, see `hsi.runs.adapt.adapt`.
    unknown
        The share of pixels of the training classes that may be called unknown; None: every pixel gets a class.
    unknown_score
        By what pixels unlike any class are told, see `hsi.mapping.unknown.evidence`.
    probabilities
        Keep those of all classes.
    memory_gb
        Cap in 10^9 bytes on what the whole process takes.
    """

    symmetries: Symmetries | None = None
    temperature: Positive | None = None
    scale: Positive = 1.0
    resample: Switch = False
    accept_range: Switch = False
    unknown: Share | None = None
    unknown_score: Kind = "max_logit"
    probabilities: Switch = False
    memory_gb: Gigabytes = 2.0


class Model(Protocol):
    """What a `hsi.runs.model.TrainedModel` is here."""

    @property
    def network(self) -> WindowClassifier: ...  # noqa: D102

    @property
    def reducer(self) -> Reducer: ...  # noqa: D102

    @property
    def engine(self) -> Engine: ...  # noqa: D102

    @property
    def settings(self) -> MapSettings: ...  # noqa: D102

    @property
    def temperature(self) -> float: ...  # noqa: D102

    @property
    def scene(self) -> str: ...  # noqa: D102

    @property
    def class_names(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def colours(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def label_values(self) -> tuple[int, ...]: ...  # noqa: D102

    @property
    def unknown(self) -> Mapping[str, np.ndarray] | None: ...  # noqa: D102

    def adapt(self, scene: Scene, *, resample: bool = False, scale: float = 1.0, accept_range: bool = False) -> Scene:
        """The scene as the model takes it."""


@dataclass(frozen=True, eq=False)
class Classes:
    """The classes that a map may name: `names`, `colours` ('#rrggbb') and `label_values` of class 1, 2, ..."""

    names: tuple[str, ...]
    colours: tuple[str, ...]
    label_values: tuple[int, ...]

    def name(self, scene: Scene, labels: np.ndarray | None = None) -> Scene:
        """The scene with these classes, and with labels (rows, cols) in their numbers, as its map is to be drawn."""
        return replace(
            scene,
            labels=np.zeros_like(scene.labels) if labels is None else labels,
            label_values=self.label_values,
            class_names=self.names,
            colours=self.colours,
        )


def classes_of(models: Sequence[Model], unknown: bool = False) -> Classes:
    """The classes of the models, and of pixels unlike these where they are looked for.

    Raises HsiError: models of other classes.
    """
    first = models[0]
    for number, model in enumerate(models[1:], 2):
        if (model.class_names, model.label_values) != (first.class_names, first.label_values):
            raise HsiError(
                f"the models of an ensemble must know the same classes: model 1 ({first.scene}) has "
                f"{shown(', '.join(first.class_names))}, model {number} ({model.scene}) has "
                f"{shown(', '.join(model.class_names))}: leave one of them out of run="
            )
    if not unknown:
        return Classes(first.class_names, first.colours, first.label_values)
    if UNKNOWN in first.class_names:
        raise HsiError("the model has a class of its own that is called unknown: leave out unknown=")
    return Classes(
        (*first.class_names, UNKNOWN),
        (*first.colours, UNKNOWN_COLOUR),
        (*first.label_values, max(first.label_values) + 1),
    )


@dataclass(frozen=True, eq=False)
class Application:
    """Models, a scene that they are to map, and how.

    Parameters
    ----------
    region
        (rows, cols) integers, or None: masks windows as in `hsi.engine.forward.forward`.
    """

    models: Sequence[Model]
    scene: Scene
    options: Options
    device: Device = "auto"
    region: np.ndarray | None = None

    @property
    def classes(self) -> Classes:
        """The classes that the map may name."""
        return classes_of(self.models, self.options.unknown is not None)

    def plan(self) -> tuple[Task, list[Block]]:
        """What is to be done, and the blocks for which there is memory.

        Raises HsiError: models of other classes, or a scene that does not fit.
        """
        scene, options, device = self.scene, self.options, resolve_device(self.device)
        own = len(classes_of(self.models).names)
        scenes = [
            model.adapt(scene, resample=options.resample, scale=options.scale, accept_range=options.accept_range)
            for model in self.models
        ]
        task = Task(
            members=tuple(
                (_mapper(model, options, device), look_at(fitting, model.reducer, self.region))
                for model, fitting in zip(self.models, scenes, strict=True)
            ),
            shape=(scene.rows, scene.cols),
            device=device,
            classes=len(self.classes.names),
            keep=own if options.probabilities else 0,
        )
        spectrum = max(map(_bytes_of_spectrum, (scene, *scenes)))
        return task, plan_within(options.memory_gb, task, spectrum, _held(scene, scenes))

    def map(self) -> Prediction:
        """The whole map, in memory; errors as of `plan`."""
        task, blocks = self.plan()
        with progress_bar(task.votes * self.scene.rows * self.scene.cols) as bar:
            return map_blocks(task, blocks, bar.update)


def _mapper(model: Model, options: Options, device: torch.device) -> Mapper:
    return Mapper(
        network=model.engine.lay_out(model.network.to(device)),
        engine=replace(model.engine, memory_gb=options.memory_gb),
        settings=replace(model.settings, symmetries=options.symmetries or model.settings.symmetries),
        temperature=options.temperature or model.temperature,
        evidence=None if options.unknown is None else partial(evidence, kind=options.unknown_score),
        cut_off=0.0 if options.unknown is None else cut_off(model.unknown, options.unknown_score, options.unknown),
    )


def _bytes_of_spectrum(scene: Scene) -> int:
    return scene.bands * scene.cube.dtype.itemsize


def _held(scene: Scene, scenes: Sequence[Scene]) -> int:
    """Bytes of the scene, and of what it was changed into, that stay in memory."""
    arrays = [scene.labels, scene.valid, scene.polygons, scene.tiles]
    cubes = {id(each.cube): each.cube for each in (scene, *scenes)}.values()
    arrays += [cube for cube in cubes if isinstance(cube, np.ndarray)]
    return sum(array.nbytes for array in arrays if array is not None)
