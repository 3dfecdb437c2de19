"""Runs of earlier versions, whose metrics.json says less: their figures, files and configuration."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hsi.config.saved import read_config
from hsi.errors import shown
from hsi.runs.folder import CONFIG, METRICS
from hsi.runs.identity import comparable, config_hash
from hsi.runs.model import load_model
from hsi.runs.opened import PROBABILITIES, judge, read_confusion
from hsi.scene import Scene, scene_hash
from hsi.verification.again import read_pixels
from hsi.verification.agreement import differences
from hsi.verification.listed import different_files
from hsi.verification.verdict import Verdict

OLDER = (None, 2)  # formats of metrics.json
WHOLE = (3,)  # formats that lack `LATER` alone: their runs are put together again like those of today
LATER = ("position", "leakage.fields")  # keys of metrics.json, dotted where nested, that came with format 4
FILES = ("map.npy", "confidence.npy", "split.npz", "confusion.csv", "history.csv", "model.safetensors", "bundle.json")
SOMETIMES = (PROBABILITIES, "areas.csv", "map.tif", "confidence.tif")


def without_later(found: Mapping[str, Any]) -> dict[str, Any]:
    """What metrics.json would hold, as it was before format 4: without `LATER`."""
    kept = dict(found)
    for key in LATER:
        group, _, name = key.rpartition(".")
        if group:
            kept[group] = {inner: value for inner, value in kept[group].items() if inner != name}
        else:
            del kept[name]
    return kept


def verify_older(
    folder: Path, metrics: Mapping[str, Any], scene: Scene, verdict: Verdict, trust: Collection[str] = ()
) -> None:
    """Judge a run of format 2 or before; parameters and errors as in `hsi.verification.checked.verify`."""
    verdict.differences += different_files(folder, metrics["files"], FILES, SOMETIMES)
    trained = load_model(folder, trust)
    prediction, split = read_pixels(folder, scene, len(trained.class_names))
    window, context = trained.network.window, trained.settings.context
    evaluation = judge(folder, scene, split, prediction.class_map, prediction.confidence, window, context)
    found = without_later(json.loads(json.dumps(evaluation.as_json())))
    del found["leakage"]["sentence"]  # versions word it in their own ways
    found["calibration"]["temperature"] = trained.temperature
    found |= {"scene_hash": scene_hash(scene), "data": dict(scene.checksums), "split_hash": split.hash}
    written = {key: value for key, value in metrics.items() if key in found}
    written["leakage"] = {key: value for key, value in metrics["leakage"].items() if key != "sentence"}
    verdict.differences += _different_config(folder, metrics)
    verdict.differences += differences(written, found)
    if not np.array_equal(read_confusion(folder).to_numpy(), evaluation.scores.confusion):
        verdict.differences.append("confusion.csv does not follow from map and split")
    rest = sorted(metrics.keys() - found.keys() - {"files", "config", "config_hash"})
    verdict.trusted.append(f"{', '.join(map(shown, rest))}: the run is of an earlier version")
    verdict.trusted.append("model.safetensors: that the training gives these weights, and these weights the map")


def _different_config(folder: Path, metrics: Mapping[str, Any]) -> Iterator[str]:
    config = metrics["config"]
    if metrics.get("format"):
        written = config_hash(config)
    else:  # the hash of the configuration as it stood
        written = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
    if written != metrics["config_hash"]:
        yield f"{METRICS}: config does not have the hash that stands beside it"
    if comparable(read_config(folder / CONFIG)) != comparable(config):
        yield f"{CONFIG} is not the configuration of this run"
