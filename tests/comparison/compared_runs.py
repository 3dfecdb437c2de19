"""What a comparison finds beside the metrics.json of a finished run, made without training."""

import json
from pathlib import Path

import numpy as np

from hsi import files
from hsi.scene import Scene
from hsi.splits.roles import Split, save_split

SCENE = {"rows": 40, "cols": 40, "bands": 8, "classes": 3}


def write_position(folder: Path, oa: float | None, skill: float | None) -> None:
    """What position gives, in an existing metrics.json."""
    metrics = json.loads((folder / "metrics.json").read_text())
    files.write_json(folder / "metrics.json", metrics | {"position": {"oa": oa, "skill": skill}})


def write_maps(folder: Path, scene: Scene, wrong: float, seed: int, split: Split | None = None) -> None:
    """Map (a share of wrong pixels), split, probabilities and configuration beside an existing metrics.json."""
    rng = np.random.default_rng(seed)
    split = split or Split(np.where(scene.labels > 0, 3, 0).astype(np.uint8))
    truth = np.maximum(scene.labels, 1)
    class_map = np.where(rng.random(truth.shape) < wrong, truth % 3 + 1, truth).astype(np.uint8)
    np.save(folder / "map.npy", class_map)
    np.save(folder / "probabilities.npy", np.eye(3)[class_map - 1].astype(np.float16))
    save_split(folder / "split.npz", split)
    target = {"_target_": "hsi.scenes.synthetic.make_synthetic", **SCENE}
    files.write(folder / ".hydra/config.yaml", json.dumps({"scene": target}))
    metrics = json.loads((folder / "metrics.json").read_text()) | {"split_hash": split.hash}
    files.write_json(folder / "metrics.json", metrics)
