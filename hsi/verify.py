"""Compute a run's figures again from its files: ``python -m hsi.verify RUN_DIR``."""

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hydra.utils import instantiate

from hsi import files
from hsi.errors import HsiError
from hsi.evaluation.evaluation import evaluate
from hsi.files import file_checksum
from hsi.runs.folder import METRICS, load_config
from hsi.runs.identity import config_hash, flatten
from hsi.scene import Scene, scene_hash
from hsi.splits.roles import load_split

TOLERANCE = 1e-9  # of figures that were written as decimal numbers


def main() -> None:
    """Entry point; exit status 0 verified, 1 something differs, 2 cannot be judged."""
    parser = argparse.ArgumentParser(prog="python -m hsi.verify", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="RUN_DIR", help="directory of a finished run")
    folder = parser.parse_args().folder
    try:
        differences = verify(folder)
    except HsiError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    for difference in differences:
        print(difference)
    print(f"NOT verified: {len(differences)} differences in {folder}" if differences else f"verified: {folder}")
    sys.exit(1 if differences else 0)


def verify(folder: Path) -> list[str]:
    """What in a run's folder does not agree with its metrics.json, a line each; an empty list means verified.

    The scene is loaded again from its own files, and every accuracy, calibration and leak figure is computed again
    from map.npy, confidence.npy and split.npz. Checksums of the files, of the scene and of the configuration are
    compared too, so a changed byte is found even where it changes no figure. Times and versions are taken on trust.

    Raises HsiError where the run or the scene cannot be read.
    """
    metrics = files.read_json(folder / METRICS)
    return [*_changed_files(folder, metrics), *_changed_config(folder, metrics), *_other_figures(folder, metrics)]


def _changed_files(folder: Path, metrics: dict[str, Any]) -> Iterator[str]:
    for name, checksum in metrics.get("files", {}).items():
        if not (folder / name).exists():
            yield f"{name} is missing"
        elif file_checksum(folder / name) != checksum:
            yield f"{name} was changed after the run"


def _changed_config(folder: Path, metrics: dict[str, Any]) -> Iterator[str]:
    written = hashlib.sha256(json.dumps(metrics["config"], sort_keys=True).encode()).hexdigest()
    if written != metrics["config_hash"]:
        yield f"{METRICS}: config does not have the hash that stands beside it"
    if config_hash(load_config(folder)) != metrics["config_hash"]:
        yield ".hydra/config.yaml is not the configuration of this run"


def _other_figures(folder: Path, metrics: dict[str, Any]) -> Iterator[str]:
    scene: Scene = instantiate(load_config(folder).scene)
    if scene_hash(scene) != metrics["scene_hash"] or dict(scene.checksums) != metrics["data"]:
        yield f"scene {scene.name}: its files are not those of the run"
    try:
        split = load_split(folder / "split.npz")
    except HsiError as error:
        yield str(error)
        return
    if split.hash != metrics["split_hash"]:
        yield f"split_hash: {metrics['split_hash']} written, {split.hash} found"
    class_map, confidence = (_load_array(folder / name) for name in ("map.npy", "confidence.npy"))
    if not class_map.shape == confidence.shape == split.role.shape == scene.labels.shape:
        yield f"map, confidence, split and scene differ in size: {class_map.shape}, {confidence.shape}, "
        f"{split.role.shape}, {scene.labels.shape}"
        return
    seen = metrics["leakage"]
    evaluation = evaluate(scene, split, class_map, confidence, seen["window"], seen["context"])
    found = flatten(json.loads(json.dumps(evaluation.as_json())))
    written = flatten({key: metrics.get(key) for key in evaluation.as_json()})
    written.pop("calibration.temperature", None)  # fitted on logits, which are not kept
    for key in sorted(found | written):
        if not _agree(written.get(key), found.get(key)):
            yield f"{key}: {written.get(key)} written, {found.get(key)} found"
    try:
        confusion = pd.read_csv(folder / "confusion.csv", index_col=0).to_numpy()
    except (OSError, ValueError) as error:
        raise HsiError(f"{folder / 'confusion.csv'} is missing or damaged: repeat the run with force=true") from error
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


def _load_array(path: Path) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise HsiError(f"{path} is missing or damaged: repeat the run with force=true") from error
    return array


if __name__ == "__main__":
    main()
