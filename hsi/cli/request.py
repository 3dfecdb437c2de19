"""What a command line asks of a run, checked: the settled configuration, and what is built from it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from pydantic import BeforeValidator, Field

from hsi.config.build import build_as, check_value
from hsi.config.shipped import TRACKING
from hsi.config.values import Count, FilePath, Folder, Folds, Index, Positive, Seed, Switch, Window
from hsi.engine.device import Device, Precision
from hsi.errors import HsiError
from hsi.evaluation.areas import AreaSample
from hsi.experiment import Recipe
from hsi.files import file_checksum
from hsi.models.blocks.cells import Operation
from hsi.output.export import Format
from hsi.output.tracking import Rows, Tracker, tracked
from hsi.recipes import chosen, of_the_run, recipe_of, split_of
from hsi.runs.applied import Options, classes_of
from hsi.runs.identity import comparable, settle
from hsi.runs.model import BUNDLE, WEIGHTS, TrainedModel, load_model
from hsi.runs.opened import read_sample
from hsi.scene import Scene
from hsi.scenes.assemble import require_classes
from hsi.searching.strategies import Strategy
from hsi.splits.roles import Split
from hsi.version import __version__

Blocks = Annotated[int, Field(ge=1, le=5, description="a whole number from 1 to 5")]
KEPT = ("scene", "split", "reduce", "patch_size", "data_dir", "attention")  # by the training of what a search has found

CUBE_SHARE = 0.25  # of the memory of a prediction: a cube that is larger stays on disk


@dataclass(frozen=True, kw_only=True)
class PredictRequest(Options):
    """What ``hsi.predict`` is asked for; the keys are explained in conf/predict.yaml.

    Parameters
    ----------
    folder
        Of the map.
    """

    run: FilePath | Annotated[list[FilePath], Field(min_length=1)]
    device: Device
    shard: Index | None
    force: Switch
    trust: Annotated[list[str], BeforeValidator(lambda names: [names] if isinstance(names, str) else names)]
    scene: Mapping[str, Any]
    folder: Path

    @classmethod
    def read(cls, config: DictConfig) -> "PredictRequest":
        """Check a configuration that Hydra has composed."""
        hydra = HydraConfig.get()
        tree = settle(config)
        check_value(Folder | None, tree["out"], "out")
        request = cls(**_own(cls, tree), folder=Path(hydra.runtime.output_dir))
        if request.force and request.shard is not None:
            raise HsiError("force=true would have each shard discard the blocks of the others: choose another out=")
        return replace(request, scene=_scene_to_map(request, hydra.overrides.task))

    @property
    def runs(self) -> list[Path]:
        """The folders of the runs."""
        return [Path(run).expanduser() for run in (self.run if isinstance(self.run, list) else [self.run])]

    def models(self) -> list[TrainedModel]:
        """The models of the runs, which tell the same classes apart."""
        models = [load_model(run, self.trust) for run in self.runs]
        classes_of(models)
        return models

    def load_scene(self) -> Scene:
        """The scene that is asked for."""
        return build_as(Scene, self.scene, "scene")

    def sample(self) -> AreaSample | None:
        """The test pixels of the run; None of several runs, each of which has its own."""
        return read_sample(self.runs[0]) if len(self.runs) == 1 else None

    def options(self) -> Options:
        """How the models are applied to it."""
        return Options(**{each.name: getattr(self, each.name) for each in fields(Options)})

    def about(self, scene: Scene) -> dict[str, Any]:
        """What stands in prediction.json of the request; its identity is that of the map."""
        how = {key: value for key, value in asdict(self.options()).items() if key != "memory_gb"}
        models = [file_checksum(run / name) for run in self.runs for name in (BUNDLE, WEIGHTS)]
        cube = [*scene.cube.shape, str(scene.cube.dtype), dict(scene.checksums), comparable({"scene": self.scene})]
        what = json.dumps([__version__, models, how, cube], sort_keys=True, default=str)
        names = [str(run) for run in self.runs]
        return {
            "run": names if len(names) > 1 else names[0],
            "trust": self.trust,
            **how,
            "identity": sha256(what.encode()).hexdigest(),
        }


def _scene_to_map(request: PredictRequest, words: Sequence[str]) -> dict[str, Any]:
    """The scene's description with what is its own in predicting, unless a word on the command line says otherwise.

    The model knows which bands it wants, and a cube in memory takes a part of what there is for all.
    """
    given = {word.lstrip("+").partition("=")[0] for word in words}
    own = {"drop_bands": "model", "memory_gb": request.memory_gb * CUBE_SHARE}
    changed = {key: value for key, value in own.items() if key in request.scene and f"scene.{key}" not in given}
    return {**request.scene, **changed}


@dataclass(frozen=True)
class ExportRequest:
    """What ``hsi.export`` is asked for; the keys are explained in conf/export.yaml."""

    run: FilePath
    format: Format
    out: FilePath | None
    trust: Annotated[list[str], BeforeValidator(lambda names: [names] if isinstance(names, str) else names)]

    @classmethod
    def read(cls, config: DictConfig) -> "ExportRequest":
        """Check a configuration that Hydra has composed."""
        return cls(**_own(cls, settle(config)))


@dataclass(frozen=True)
class AuditRequest:
    """What ``hsi.audit`` is asked for; the keys are explained in conf/audit.yaml."""

    seed: Seed
    patch_size: Window
    windows: Annotated[list[Window], Field(min_length=1, description="a list of odd whole numbers of pixels")]
    context: Literal["own", "free"]
    scene: Mapping[str, Any]
    split: Mapping[str, Any]

    @classmethod
    def read(cls, config: DictConfig) -> "AuditRequest":
        """Check a configuration that Hydra has composed."""
        return cls(**_own(cls, settle(config)))


@dataclass(frozen=True)
class Request:
    """The top of the configuration, checked, and the rest of it, whose values `build` checks.

    Parameters
    ----------
    tree
        The settled configuration, see `hsi.runs.identity.settle`.
    choices
        The name chosen in each group.
    overrides
        The words on the command line, without those on tracking, which is no part of the run.
    """

    seed: Seed
    patch_size: Window | None
    device: Device
    precision: Precision
    force: Switch
    report: Switch
    tree: Mapping[str, Any]
    choices: Mapping[str, str]
    overrides: list[str]
    folder: Path
    tracker: Tracker

    @classmethod
    def read(cls, config: DictConfig) -> "Request":
        """Check the configuration of a run that Hydra has composed."""
        hydra = HydraConfig.get()
        tree = settle(config)
        checked = _own(cls, tree)
        return cls(
            **checked,
            tree={**tree, **checked},
            choices=chosen(hydra.runtime.choices),
            overrides=of_the_run(hydra.overrides.task),
            folder=Path(hydra.runtime.output_dir),
            tracker=build_as(Tracker, config[TRACKING], TRACKING),  # type: ignore[type-abstract]
        )

    def scene(self) -> Scene:
        """The scene that is asked for, loaded; HsiError where there are no two classes to tell apart."""
        scene = build_as(Scene, self.tree["scene"], "scene")
        require_classes(scene)
        return scene

    def split(self, scene: Scene) -> Split:
        """Who of its pixels trains, validates and tests."""
        return split_of(scene, self.tree["split"])

    def recipe(self) -> Recipe:
        """Every choice but scene, split and seed, built."""
        return recipe_of(self.tree, self.choices["model"])

    def tracked(self) -> AbstractContextManager[Callable[[Rows], None]]:
        """What copies the run to where it is tracked, see `hsi.output.tracking.tracked`."""
        asked = {group: name for group, name in self.choices.items() if name is not None}
        return tracked(self.folder, self.tracker, asked | comparable(self.tree))


@dataclass(frozen=True)
class SearchRequest:
    """What ``hsi.search`` is asked for; the keys are explained in conf/search.yaml.

    Parameters
    ----------
    tree
        The settled configuration, see `hsi.runs.identity.settle`, whose stages `hsi.recipes` builds.
    words
        Those on the command line that a run of what is found needs: with them it has the same data, and the same split.
    folder
        Of all that is found.
    """

    minutes: Positive
    strategy: Strategy
    blocks: Blocks
    beam: Count
    folds: Folds
    operations: Annotated[list[Operation], Field(min_length=1)]
    seed: Seed
    device: Device
    precision: Precision
    force: Switch
    tree: Mapping[str, Any]
    words: list[str]
    folder: Path

    @classmethod
    def read(cls, config: DictConfig) -> "SearchRequest":
        """Check a configuration that Hydra has composed."""
        hydra = HydraConfig.get()
        tree = settle(config)
        check_value(Folder | None, tree["out"], "out")
        words = [word for word in hydra.overrides.task if re.split("[.=]", word.lstrip("+~"))[0] in KEPT]
        if not any(word.startswith("split=") for word in words):
            words.append(f"split={hydra.runtime.choices['split']}")
        if "seed" in tree["split"] and not any(word.startswith("split.seed=") for word in words):
            words.append(f"split.seed={tree['split']['seed']}")  # the same test pixels, which the search has not met
        return cls(**_own(cls, tree), tree=tree, words=words, folder=Path(hydra.runtime.output_dir))


def _own(request: type, tree: Mapping[str, Any]) -> dict[str, Any]:
    """Those values of the top of a configuration that a request has fields for, checked."""
    hints = get_type_hints(request, include_extras=True)
    if "data_dir" in tree:  # the scene has it; a wrong one is told though nobody asks
        check_value(Folder, tree["data_dir"], "data_dir")
    return {key: check_value(hints[key], value, key) for key, value in tree.items() if key in hints}
