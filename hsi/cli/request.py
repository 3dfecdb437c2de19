"""What a command line asks of a run, checked: the settled configuration, and what is built from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from pydantic import BeforeValidator, Field

from hsi.config.build import build_as, check_value
from hsi.config.values import FilePath, Folder, Positive, Seed, Switch, Window
from hsi.engine.device import Device, Precision
from hsi.experiment import Recipe
from hsi.output.export import Format
from hsi.recipes import chosen, recipe_of, split_of
from hsi.runs.identity import settle
from hsi.scene import Scene
from hsi.scenes.assemble import require_classes
from hsi.splits.roles import Split


@dataclass(frozen=True)
class PredictRequest:
    """What ``hsi.predict`` is asked for; the keys are explained in conf/predict.yaml."""

    run: FilePath
    device: Device
    memory_gb: Positive
    check: Switch
    trust: Annotated[list[str], BeforeValidator(lambda names: [names] if isinstance(names, str) else names)]
    scene: Mapping[str, Any]

    @classmethod
    def read(cls, config: DictConfig) -> "PredictRequest":
        """Check a configuration that Hydra has composed."""
        return cls(**_own(cls, settle(config)))


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
    """

    seed: Seed
    patch_size: Window | None
    device: Device
    precision: Precision
    force: Switch
    tree: Mapping[str, Any]
    choices: Mapping[str, str]
    overrides: list[str]
    folder: Path

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
            overrides=list(hydra.overrides.task),
            folder=Path(hydra.runtime.output_dir),
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


def _own(request: type, tree: Mapping[str, Any]) -> dict[str, Any]:
    """Those values of the top of a configuration that a request has fields for, checked."""
    hints = get_type_hints(request, include_extras=True)
    if "data_dir" in tree:  # the scene has it; a wrong one is told though nobody asks
        check_value(Folder, tree["data_dir"], "data_dir")
    return {key: check_value(hints[key], value, key) for key, value in tree.items() if key in hints}
