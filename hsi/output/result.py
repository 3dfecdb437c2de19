"""What a run leaves behind: write it, open it again, and the model in it to predict with."""

from pathlib import Path
from typing import Any

import pandas as pd

from hsi import files
from hsi.files import file_checksum
from hsi.plots import canvas
from hsi.plots.calibration import draw_reliability, draw_risk_coverage
from hsi.plots.leakage import draw_leakage
from hsi.plots.maps import draw_map
from hsi.plots.scores import draw_confusion, draw_history
from hsi.runs.folder import CHECKPOINT, METRICS
from hsi.runs.identity import config_hash, plain
from hsi.runs.model import save_model
from hsi.runs.result import Result
from hsi.scene import scene_hash
from hsi.splits.roles import TEST, save_split

# files whose checksums stand in metrics.json, so that `hsi.verify` sees any later change
EVIDENCE = (
    "map.npy",
    "confidence.npy",
    "probabilities.npy",
    "split.npz",
    "confusion.csv",
    "history.csv",
    "model.safetensors",
    "bundle.json",
)


def write(folder: Path, result: Result) -> None:
    """Write every file of a finished run, metrics.json last, and drop the checkpoint."""
    scene, split, prediction, scores = result.scene, result.split, result.prediction, result.evaluation.scores
    title = f"{scene.name}, {result.choices['model']}, seed {result.config.seed}: OA {scores.oa:.2%}"
    files.write_array(folder / "map.npy", prediction.class_map)
    files.write_array(folder / "confidence.npy", prediction.confidence)
    (folder / "probabilities.npy").unlink(missing_ok=True)  # of an earlier run that kept them
    if prediction.probabilities is not None:
        files.write_array(folder / "probabilities.npy", prediction.probabilities)
    save_split(folder / "split.npz", split)
    names = list(scene.class_names)
    files.write(folder / "confusion.csv", pd.DataFrame(scores.confusion, names, names).to_csv())
    files.write(folder / "history.csv", result.history.to_csv(index=False))
    canvas.save(draw_map(scene, prediction.class_map, split.role == TEST, title), folder / "map.png")
    canvas.save(draw_confusion(scores.confusion, names, title), folder / "confusion.png")
    canvas.save(draw_history(result.history), folder / "history.png")
    canvas.save(draw_leakage(result.evaluation.leakage), folder / "leakage.png")
    canvas.save(draw_reliability(result.evaluation.calibration), folder / "reliability.png")
    canvas.save(draw_risk_coverage(result.evaluation.calibration), folder / "risk_coverage.png")
    save_model(folder, result)
    files.write_json(folder / "environment.json", result.environment)
    files.write_json(folder / METRICS, describe(folder, result))
    (folder / CHECKPOINT).unlink(missing_ok=True)


def describe(folder: Path, result: Result) -> dict[str, Any]:
    """The content of metrics.json, once all other files are in `folder`; accuracies are fractions."""
    evaluation, cost, environment = result.evaluation.as_json(), result.cost, result.environment
    evaluation["calibration"]["temperature"] = result.temperature
    return {
        **evaluation,
        "seconds": result.seconds,
        "seed": result.config.seed,
        "model": result.choices["model"],
        "scene": result.scene.name,
        "scene_hash": scene_hash(result.scene),
        "split_hash": result.split.hash,
        "split_notes": list(result.split.notes),
        "parameters": cost and cost.parameters,
        "multiply_adds_per_pixel": cost and {"window_by_window": cost.whole, "shared": cost.shared},
        "data": dict(result.scene.checksums),
        "files": {name: file_checksum(folder / name) for name in EVIDENCE if (folder / name).exists()},
        "precision": environment["precision"],
        "device": environment["device"],
        "processor": environment["processor"],
        "threads": environment["threads"],
        "code": environment["code"],
        "python": environment["python"],
        "libraries": environment["packages"],
        "command": environment["command"],
        "choices": result.choices,
        "config_hash": config_hash(result.config),
        "config": plain(result.config),
    }
