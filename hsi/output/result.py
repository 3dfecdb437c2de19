"""The files of a finished run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from hsi import files
from hsi.evaluation.areas import sample_notes
from hsi.files import file_checksum
from hsi.output.areas import write_areas
from hsi.output.gis import write_all
from hsi.plots import canvas
from hsi.plots.calibration import draw_reliability, draw_risk_coverage
from hsi.plots.leakage import draw_leakage
from hsi.plots.maps import count_judged, draw_map
from hsi.plots.scores import draw_confusion, draw_history
from hsi.plots.thinned import places, thin
from hsi.runs.environment import environment
from hsi.runs.folder import CHECKPOINT, METRICS
from hsi.runs.identity import FORMAT, config_hash, identity, plain
from hsi.runs.model import save_model
from hsi.runs.result import Record, Result
from hsi.scene import scene_hash
from hsi.splits.roles import TEST, save_split

# files whose checksums stand in metrics.json, so that `hsi.verify` sees any later change
CHECKED = (
    "map.npy",
    "confidence.npy",
    "probabilities.npy",
    "split.npz",
    "confusion.csv",
    "history.csv",
    "model.safetensors",
    "bundle.json",
    "areas.csv",
    "map.tif",
    "confidence.tif",
)


def write(folder: Path, result: Result, record: Record) -> None:
    """Write every file of a finished run, metrics.json last, and drop the checkpoint."""
    prediction, split = result.prediction, result.split
    files.write_array(folder / "map.npy", prediction.class_map)
    files.write_array(folder / "confidence.npy", prediction.confidence)
    (folder / "probabilities.npy").unlink(missing_ok=True)  # of an earlier run that kept them
    if prediction.probabilities is not None:
        files.write_array(folder / "probabilities.npy", prediction.probabilities)
    save_split(folder / "split.npz", split)
    scene, confusion = result.scene, result.evaluation.scores.confusion
    names = list(scene.class_names)
    write_all(folder, prediction.class_map, prediction.confidence, names, scene.colours, scene.georeference)
    notes = sample_notes(record.choices["split"])
    write_areas(folder, prediction.class_map, names, scene.georeference, confusion, notes)
    files.write(folder / "confusion.csv", pd.DataFrame(confusion, names, names).to_csv())
    files.write(folder / "history.csv", result.history.to_csv(index=False))
    for name, figure in figures(result, record.choices["model"]).items():
        canvas.save(figure, folder / name)
    save_model(folder, result.trained, plain(record.config))
    surroundings = environment(result.device, result.precision, record.overrides)
    files.write_json(folder / "environment.json", surroundings)
    files.write_json(folder / METRICS, describe(folder, result, record, surroundings))
    (folder / CHECKPOINT).unlink(missing_ok=True)


def figures(result: Result, model: str) -> dict[str, Figure]:
    """The pictures of a run, by the names of their files; `model` stands in the titles."""
    scene, scores = result.scene, result.evaluation.scores
    title = f"{scene.name}, {model}, seed {result.seed}: OA {scores.oa:.2%}"
    class_map, test = result.prediction.class_map, result.split.role == TEST
    shown, drawn = thin(scene, class_map)
    counts = count_judged(scene.labels, class_map, test)
    return {
        "map.png": draw_map(shown, drawn, test[places(scene.rows, scene.cols)], title, counts),
        "confusion.png": draw_confusion(scores.confusion, list(scene.class_names), title),
        "history.png": draw_history(result.history),
        "leakage.png": draw_leakage(result.evaluation.leakage),
        "reliability.png": draw_reliability(result.evaluation.calibration),
        "risk_coverage.png": draw_risk_coverage(result.evaluation.calibration),
    }


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
        "parameters": cost and cost.parameters,
        "multiply_adds_per_pixel": cost and {"window_by_window": cost.whole, "shared": cost.shared},
        "data": dict(scene.checksums),
        "files": {name: file_checksum(folder / name) for name in CHECKED if (folder / name).exists()},
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
