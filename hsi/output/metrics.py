"""What a run says of itself: the content of metrics.json.

`hsi.verification` finds all of it again from the other files of the run, by this same function.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hsi.output.manifest import manifest
from hsi.runs.identity import FORMAT, config_hash, identity, plain
from hsi.runs.result import Record, Result
from hsi.scene import scene_hash


def describe(folder: Path, result: Result, record: Record, surroundings: Mapping[str, Any]) -> dict[str, Any]:
    """The content of metrics.json, once all other files are in `folder`; accuracies are fractions."""
    evaluation, scene = result.evaluation.as_json(), result.scene
    evaluation["calibration"]["temperature"] = result.trained.temperature
    content, split = scene_hash(scene), result.split.hash
    cost = result.cost
    return {
        "format": FORMAT,
        **evaluation,
        "validation_oa": result.objective,
        "seconds": {**result.seconds, "load": result.seconds["load"] + record.load_seconds},
        "seed": result.seed,
        "model": record.choices["model"],
        "scene": scene.name,
        "scene_hash": content,
        "scene_notes": list(scene.notes),
        "no_data": scene.no_data,
        "split_hash": split,
        "split_notes": list(result.split.notes),
        "map_notes": list(result.map_notes),
        "parameters": cost and cost.parameters,
        "multiply_adds_per_pixel": cost and {"window_by_window": cost.whole, "shared": cost.shared},
        "data": dict(scene.checksums),
        "files": manifest(folder),
        **{
            key: surroundings[key]
            for key in ("precision", "device", "processor", "threads", "code", "python", "command")
        },
        "libraries": surroundings["packages"],
        "choices": dict(record.choices),
        "identity": identity(record.config, content, split, result.precision),
        "config_hash": config_hash(record.config),
        "config": plain(record.config),
    }
