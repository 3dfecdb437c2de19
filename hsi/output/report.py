"""report.html, from a fresh run or an opened one."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from hsi import files
from hsi.evaluation.areas import sample_notes
from hsi.evaluation.evaluation import Evaluation
from hsi.mapping.scene_map import Prediction
from hsi.output.areas import area_table
from hsi.reports.page.page import page
from hsi.reports.page.shown import Shown
from hsi.runs.folder import METRICS, REPORT
from hsi.runs.opened import PROBABILITIES, Run, read_probabilities
from hsi.scene import Scene
from hsi.splits.roles import Split


def write_report(
    path: Path,
    scene: Scene,
    split: Split,
    prediction: Prediction,
    evaluation: Evaluation,
    history: pd.DataFrame,
    content: bytes,
) -> Path:
    """Write the page of a run to `path`, or as report.html into the folder that it is; returns the file.

    `content` is that of metrics.json, whose hash the page quotes: so the page cannot be among the files of the
    manifest, which metrics.json holds. It follows from them all the same, to the byte.

    Raises HsiError where the file cannot be written.
    """
    metrics = json.loads(content)
    choices = metrics.get("choices")
    kind = str(choices.get("split", "unknown")) if isinstance(choices, Mapping) else "unknown"
    names, confusion = list(scene.class_names), evaluation.scores.confusion
    areas, notes = area_table(prediction.class_map, names, scene.georeference, confusion)
    manifest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    every = [*sample_notes(kind), *notes]
    shown = Shown(scene, split, prediction, evaluation, history, metrics, manifest, areas, every)
    place = path / REPORT if path.is_dir() else path
    files.write(place, page(shown))
    return place


def report_again(path: Path, run: Run, scene: Scene) -> Path:
    """Write the page of a finished run that was opened, of the scene that it classified; `path` as in `write_report`.

    Raises HsiError: damaged files.
    """
    files.read_json(run.folder / METRICS)  # or a sentence
    content, chances = files.read_bytes(run.folder / METRICS, files.LARGEST_JSON), None
    if files.is_file(run.folder / PROBABILITIES):
        chances = read_probabilities(run.folder, (*run.class_map.shape, scene.num_classes))
    made = Prediction(run.class_map, run.confidence, 0.0, chances)
    return write_report(path, scene, run.split, made, run.evaluate(scene), run.history, content)
