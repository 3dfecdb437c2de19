"""Runs as `hsi run` leaves them, of which only metrics.json is there."""

from pathlib import Path

from hsi import files

CLASSES = ("class 1", "class 2", "class 3")


def write_run(
    folder: Path, *, seed: int, oa: float, split: str = "a", model: str = "svm", scene: str = "synthetic", **config
) -> Path:
    """A metrics.json as a run would leave it."""
    folder.mkdir(parents=True, exist_ok=True)
    metrics = {
        "oa": oa,
        "aa": oa - 0.01,
        "kappa": oa - 0.1,
        "per_class": dict.fromkeys(CLASSES, oa),
        "seconds": {"load": 0.1, "train": 60.0, "map": 2.0},
        "leakage": {"window": 5, "test_windows_with_training_pixel": 0.5},
        "seed": seed,
        "model": model,
        "scene": scene,
        "scene_hash": scene,
        "split_hash": split,
        "parameters": None if model == "svm" else 1234567,
        "choices": {"model": model, "scene": scene},
        "config": {
            "scene": {"name": scene},
            "seed": seed,
            "split": {"seed": seed},
            "model": {"_target_": model},
            **config,
        },
    }
    files.write_json(folder / "metrics.json", metrics)
    return folder
