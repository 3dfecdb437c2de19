"""Compute a run's figures again from its files: ``python -m hsi.verify RUN_DIR``."""

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hsi import files
from hsi.cli.help import COMMANDS
from hsi.cli.options import strict
from hsi.cli.telling import telling
from hsi.config.saved import read_config
from hsi.errors import HsiError, shown
from hsi.evaluation.evaluation import evaluate
from hsi.files import file_checksum, is_file
from hsi.runs.folder import CONFIG, METRICS
from hsi.runs.identity import comparable, config_hash, flatten
from hsi.runs.opened import load_scene, read_confidence, read_map, read_split
from hsi.scene import Scene, scene_hash
from hsi.splits.roles import TEST, TRAIN

TOLERANCE = 1e-9  # of figures that were written as decimal numbers


def main() -> None:
    """Entry point; exit status 0 verified, 1 something differs, 2 cannot be judged."""
    with telling():
        _verify()


def _verify() -> None:
    parser = argparse.ArgumentParser(prog="hsi verify", description=COMMANDS["verify"].summary)
    parser.add_argument("folder", type=Path, metavar="RUN_DIR", help="directory of a finished run")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where the scene's files are, if they have moved")
    parser.add_argument(
        "--trust", action="append", default=[], metavar="NAME", help="a function outside hsi that the run may name"
    )
    argv = strict(parser).parse_args()
    folder = argv.folder
    differences = verify(folder, argv.data_dir, argv.trust)
    for difference in differences:
        print(difference)
    print(f"NOT verified: {len(differences)} differences in {folder}" if differences else f"verified: {folder}")
    sys.exit(1 if differences else 0)


def verify(folder: Path, data_dir: Path | None = None, trust: Collection[str] = ()) -> list[str]:
    """What in a run's folder does not agree with its metrics.json, a line each; an empty list means verified.

    The scene is loaded again from its own files, and every accuracy, calibration and leak figure is computed again
    from map.npy, confidence.npy and split.npz. Checksums of the files, of the scene and of the configuration are
    compared too, so a changed byte is found even where it changes no figure. Times and versions are taken on trust.

    `data_dir` and `trust` as in `hsi.runs.opened.load_scene`. Raises HsiError where run or scene cannot be read.
    """
    metrics = files.read_json(folder / METRICS)
    scene = load_scene(folder, data_dir, trust)
    try:
        return [
            *_changed_files(folder, metrics),
            *_changed_config(folder, metrics),
            *_other_figures(folder, metrics, scene),
        ]
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        reason = shown(error, 120)
        raise HsiError(f"{folder / METRICS} is damaged ({reason}): repeat the run with force=true") from error


def _changed_files(folder: Path, metrics: dict[str, Any]) -> Iterator[str]:
    for name, checksum in metrics.get("files", {}).items():
        if Path(name).name != name or not is_file(folder / name):
            yield f"{shown(name)} is missing"
        elif file_checksum(folder / name) != checksum:
            yield f"{shown(name)} was changed after the run"


def _changed_config(folder: Path, metrics: dict[str, Any]) -> Iterator[str]:
    config = metrics["config"]
    if metrics.get("format"):
        written = config_hash(config)
    else:  # of a run before there was a format: the hash of the configuration as it stood
        written = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
    if written != metrics["config_hash"]:
        yield f"{METRICS}: config does not have the hash that stands beside it"
    if comparable(read_config(folder / CONFIG)) != comparable(config):
        yield ".hydra/config.yaml is not the configuration of this run"


def _other_figures(folder: Path, metrics: dict[str, Any], scene: Scene) -> Iterator[str]:
    if scene_hash(scene) != metrics["scene_hash"] or dict(scene.checksums) != metrics["data"]:
        yield f"scene {scene.name}: its files are not those of the run"
    try:
        split = read_split(folder)
    except HsiError as error:
        yield str(error)
        return
    if split.hash != metrics["split_hash"]:
        yield f"split_hash: {shown(metrics['split_hash'], 64)} written, {split.hash} found"
    class_map, confidence = read_map(folder), read_confidence(folder)
    if not class_map.shape == confidence.shape == split.role.shape == scene.labels.shape:
        yield f"map, confidence, split and scene differ in size: {class_map.shape}, {confidence.shape}, "
        f"{split.role.shape}, {scene.labels.shape}"
        return
    if (highest := int(class_map.max())) > scene.num_classes:
        yield f"map.npy has the class {highest}, the scene has {scene.num_classes}"
        return
    if scene.valid is not None and not np.array_equal(class_map > 0, scene.valid):
        yield "map.npy has other pixels without a class than the scene has without data"
    if not np.array_equal(np.isnan(confidence), class_map == 0):
        yield "confidence.npy has other pixels without a number than map.npy without a class"
    if (found := scene.no_data) != metrics.get("no_data", found):
        yield f"no_data: {shown(metrics['no_data'])} written, {shown(found)} found"
    if not {TRAIN, TEST} <= set(np.unique(split.role).tolist()):
        yield "split.npz has no training or no test pixels"
        return
    window, context = metrics["leakage"]["window"], metrics["leakage"]["context"]
    if window not in range(1, min(class_map.shape) + 1, 2) or context not in ("own", "free"):
        yield f"leakage: no window of this scene is {shown(window)} pixels wide and {shown(context)}"
        return
    evaluation = evaluate(scene, split, class_map, confidence, window, context)
    found = flatten(json.loads(json.dumps(evaluation.as_json())))
    written = flatten({key: metrics.get(key) for key in evaluation.as_json()})
    written.pop("calibration.temperature", None)  # fitted on logits, which are not kept
    for key in sorted(found | written):
        if not _agree(written.get(key), found.get(key)):
            yield f"{shown(key)}: {shown(written.get(key))} written, {shown(found.get(key))} found"
    confusion = files.read_table(folder / "confusion.csv", index_col=0).to_numpy()
    if not np.array_equal(confusion, evaluation.scores.confusion):
        yield "confusion.csv does not follow from map and split"


def _agree(written: Any, found: Any) -> bool:
    if isinstance(written, list) and isinstance(found, list):
        return len(written) == len(found) and all(map(_agree, written, found))
    if isinstance(written, dict) and isinstance(found, dict):
        return written.keys() == found.keys() and all(_agree(written[key], found[key]) for key in written)
    if isinstance(written, int | float) and isinstance(found, int | float):
        return math.isclose(written, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(written == found)


if __name__ == "__main__":
    main()
