"""The commands that are disturbed, and the small scene that they classify."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests import own_scene

OUT = "here"  # the folder of a command, in the place where it is started
TRIAL = ("experiment=trial", "patch_size=9", "split.validation=0.1", "train.validate_every=3", "device=cpu")


@dataclass(frozen=True)
class Command:
    """A command, and the phase of its course in which it is to be hit: from its first file `begins` to `ends`."""

    name: str
    module: str
    words: tuple[str, ...]
    begins: str
    ends: str


def write_scenes(folder: Path, size: int) -> None:
    """A georeferenced scene, its labels, and the next scene; `size` times as high and as wide as own_scene's."""
    for name, seed in (("field", 0), ("next", 1)):
        labels = own_scene.crops(seed)
        cube = own_scene.strip(labels, seed + 2)
        own_scene.write_envi(folder / f"{name}.hdr", np.tile(cube, (size, size, 1)))
        own_scene.write_tiff(folder / f"{name}_labels.tif", np.tile(labels, (size, size)), own_scene.transform(), 0)


def scene(folder: Path, name: str) -> tuple[str, ...]:
    """The words that choose one of them."""
    return f"data_dir={folder}", f"scene.cube={folder / name}.hdr", f"scene.labels={folder / name}_labels.tif"


def training(folder: Path, steps: int) -> Command:
    """A run with a checkpoint after each step."""
    words = (*_words(folder, steps), f"hydra.run.dir={OUT}")
    return Command("run", "hsi.run", words, "checkpoint.safetensors", "map.npy")


def sweep(folder: Path, steps: int, members: int, *more: str) -> Command:
    """Runs of several seeds."""
    words = ("-m", *_words(folder, steps), f"seed=range({members})", f"hydra.sweep.dir={OUT}", *more)
    return Command(f"sweep of {members}", "hsi.run", words, "multirun.yaml", "summary.md")


def _words(folder: Path, steps: int) -> tuple[str, ...]:
    named = ("scene=custom", "scene.name=field", *scene(folder, "field"))
    return *TRIAL, *named, f"train.steps={steps}", "train.checkpoint_seconds=0"


def prediction(folder: Path, run: Path) -> Command:
    """The next scene, mapped by a run in several blocks."""
    words = (*scene(folder, "next"), f"run={run}", f"out={OUT}", "memory_gb=0.006", "symmetries=8", "device=cpu")
    return Command("predict", "hsi.predict", (*words, "probabilities=true"), ".blocks/plan.json", "prediction.json")
