"""A run put together again from its files, so that `hsi.output.metrics` can say what metrics.json should hold.

Whatever a run's files name passes `hsi.config.saved` before anything is called.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from hsi import files
from hsi.config.build import check_value
from hsi.config.saved import read_config, read_words, vet, vet_words
from hsi.config.values import Seed
from hsi.engine.cost import cost
from hsi.engine.device import Device
from hsi.errors import HsiError, shown
from hsi.experiment import Recipe, with_data
from hsi.mapping.scene_map import Prediction
from hsi.output.manifest import ENVIRONMENT
from hsi.recipes import compose_settings, recipe_of, split_of
from hsi.runs.environment import command_of
from hsi.runs.folder import CONFIG, METRICS, OVERRIDES
from hsi.runs.identity import comparable
from hsi.runs.model import load_model
from hsi.runs.opened import (
    PROBABILITIES,
    judge,
    read_confidence,
    read_history,
    read_map,
    read_probabilities,
    read_split,
)
from hsi.runs.result import Record, Result
from hsi.scene import Scene
from hsi.splits.roles import Split
from hsi.verification.verdict import Verdict

STAGES = ("reduce", "model", "optimizer", "schedule", "train", "engine", "map")
OF_THE_MACHINE = ("code", "python", "platform", "processor", "packages", "threads")  # in environment.json
SECONDS = {"load": 0.0, "train": 0.0, "map": 0.0}  # what only a clock knows


@dataclass(frozen=True)
class Again:
    """A run put together again.

    Parameters
    ----------
    surroundings
        What environment.json should hold: what follows from the configuration, and what it says of the machine.
    """

    result: Result
    record: Record
    recipe: Recipe
    surroundings: Mapping[str, Any]


def put_together(folder: Path, scene: Scene, verdict: Verdict, trust: Collection[str] = ()) -> Again:
    """Put the run in `folder` together again; what differs, or cannot be found, goes to `verdict`.

    Raises HsiError: files that are damaged, or do not fit each other in size.
    """
    metrics, config = files.read_json(folder / METRICS), read_config(folder / CONFIG)
    words = read_words(folder / OVERRIDES)
    stages = {stage: vet(config.get(stage), stage, folder / CONFIG, trust) for stage in STAGES}
    choices = _choices(config, words, metrics, verdict)
    recipe = recipe_of({**config, **stages}, choices["model"])
    trained = load_model(folder, trust)
    prediction, split = read_pixels(folder, scene, len(trained.class_names))
    window, context = trained.network.window, trained.settings.context
    evaluation = judge(folder, scene, split, prediction.class_map, prediction.confidence, window, context)
    notes = _split_notes(folder, config, scene, split, metrics, verdict, trust)
    surroundings = files.read_json(folder / ENVIRONMENT)
    device = "cpu" if check_value(Device, config["device"], "device") == "cpu" else surroundings["device"]
    on_cpu = recipe.training.precision_on(torch.device("cpu"))
    inner, _ = with_data(scene)
    result = Result(
        scene=scene,
        split=replace(split, notes=notes),
        seed=check_value(Seed, config["seed"], "seed"),
        trained=trained,
        cost=cost(trained.network, inner.rows, inner.cols),
        history=read_history(folder),
        prediction=prediction,
        evaluation=evaluation,
        seconds=SECONDS,
        device=device,
        precision=on_cpu if device == "cpu" else surroundings["precision"],
    )
    found = {key: surroundings[key] for key in OF_THE_MACHINE} | {
        "hsi": surroundings["code"]["version"],
        "command": command_of(words),
        "device": device,
        "precision": result.precision,
    }
    return Again(result, Record(config, choices, words), recipe, found)


def read_pixels(folder: Path, scene: Scene, classes: int) -> tuple[Prediction, Split]:
    """The map and the split of the run in `folder`, whose model has so many classes; HsiError: not those of the scene.

    Whether they fit each other, and the scene in size, `hsi.runs.opened.judge` says.
    """
    if classes != scene.num_classes:
        raise HsiError(f"{folder}: its model has {classes} classes and the scene {scene.num_classes}: repeat the run")
    chances = None
    if files.is_file(folder / PROBABILITIES):
        chances = read_probabilities(folder, (*scene.labels.shape, classes))
    return Prediction(read_map(folder), read_confidence(folder), 0.0, chances), read_split(folder)


def _choices(
    config: Mapping[str, Any], words: list[str], metrics: Mapping[str, Any], verdict: Verdict
) -> Mapping[str, str]:
    """The name chosen in each group: as the words of the command line say, or on trust as written."""
    try:
        vet_words(words, OVERRIDES)
        tree, choices = compose_settings(words)
        if _given(config):
            tree["split"], choices["split"] = config["split"], "roles"
        theirs, ours = comparable(config), comparable(tree)
        differing = [key for key in sorted(theirs | ours) if theirs.get(key) != ours.get(key)]
        if not differing:
            return choices
        reason = f"{OVERRIDES} makes another configuration in this version of hsi, {shown(differing[0])} for one"
    except HsiError as error:
        reason = f"this version of hsi does not understand {OVERRIDES}: {shown(error, 120)}"
    verdict.trusted.append(f"choices: {reason}")
    written: dict[str, str] = check_value(dict[str, str], metrics.get("choices"), f"{METRICS}: choices")
    return written


def _split_notes(
    folder: Path,
    config: Mapping[str, Any],
    scene: Scene,
    split: Split,
    metrics: Mapping[str, Any],
    verdict: Verdict,
    trust: Collection[str],
) -> tuple[str, ...]:
    """The notes of the split, made again, or on trust as written."""
    try:
        if _given(config):
            raise HsiError("it was given as an array")
        made = split_of(scene, vet(config.get("split"), "split", folder / CONFIG, trust))
    except HsiError as error:
        verdict.trusted.append(f"split.npz, split_notes: the split cannot be made again ({shown(error, 120)})")
        return tuple(check_value(list[str], metrics.get("split_notes"), f"{METRICS}: split_notes"))
    if made.hash != split.hash:
        verdict.differences.append(f"split.npz is not the split that {CONFIG} makes of the scene")
    return made.notes


def _given(config: Mapping[str, Any]) -> bool:
    """Whether the split came from Python as an array."""
    return isinstance(config.get("split"), dict) and "given" in config["split"]
