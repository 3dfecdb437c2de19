"""The files of a finished run."""

from pathlib import Path

from matplotlib.figure import Figure

from hsi import files
from hsi.evaluation.calibration import risks
from hsi.output.derived import write_derived
from hsi.output.manifest import ENVIRONMENT
from hsi.output.metrics import describe
from hsi.output.report import write_report
from hsi.plots import canvas
from hsi.plots.calibration import draw_reliability, draw_risk_coverage
from hsi.plots.leakage import draw_leakage
from hsi.plots.maps import count_judged, draw_map
from hsi.plots.scores import draw_confusion, draw_history
from hsi.plots.thinned import places, thin
from hsi.runs.environment import environment
from hsi.runs.folder import CHECKPOINT, METRICS, REPORT
from hsi.runs.identity import plain
from hsi.runs.model import save_model
from hsi.runs.opened import PROBABILITIES
from hsi.runs.result import Record, Result
from hsi.splits.roles import TEST, save_split


def write(folder: Path, result: Result, record: Record) -> None:
    """Write every file of a finished run, report.html last but one and metrics.json last, and drop the checkpoint."""
    prediction, split = result.prediction, result.split
    files.write_array(folder / "map.npy", prediction.class_map)
    files.write_array(folder / "confidence.npy", prediction.confidence)
    (folder / PROBABILITIES).unlink(missing_ok=True)  # of an earlier run that kept them
    if prediction.probabilities is not None:
        files.write_array(folder / PROBABILITIES, prediction.probabilities)
    save_split(folder / "split.npz", split)
    write_derived(folder, result.scene, prediction, result.evaluation.scores.confusion, record.choices["split"])
    files.write(folder / "history.csv", result.history.to_csv(index=False))
    for name, figure in figures(result, record.choices["model"]).items():
        canvas.save(figure, folder / name)
    save_model(folder, result.trained, plain(record.config))
    surroundings = environment(result.device, result.precision, record.overrides)
    files.write_json(folder / ENVIRONMENT, surroundings)
    metrics = files.to_json(describe(folder, result, record, surroundings))
    (folder / REPORT).unlink(missing_ok=True)  # of an earlier run
    if record.config.get("report", True):
        made = result.scene, result.split, prediction, result.evaluation, result.history
        write_report(folder, *made, metrics)
    files.write(folder / METRICS, metrics)
    (folder / CHECKPOINT).unlink(missing_ok=True)


def figures(result: Result, model: str) -> dict[str, Figure]:
    """The pictures of a run, by the names of their files; `model` stands in the titles."""
    scene, scores = result.scene, result.evaluation.scores
    title = f"{scene.name}, {model}, seed {result.seed}: OA {scores.oa:.2%}"
    class_map, confidence = result.prediction.class_map, result.prediction.confidence
    test = result.split.role == TEST
    shown, drawn = thin(scene, class_map)
    seen = places(scene.rows, scene.cols)
    counts = count_judged(scene.labels, class_map, test)
    return {
        "map.png": draw_map(shown, drawn, test[seen], title, counts, confidence[seen]),
        "confusion.png": draw_confusion(scores.confusion, list(scene.class_names), title),
        "history.png": draw_history(result.history),
        "leakage.png": draw_leakage(result.evaluation.leakage, result.evaluation.position),
        "reliability.png": draw_reliability(result.evaluation.calibration),
        "risk_coverage.png": draw_risk_coverage(risks(confidence[test], (class_map == scene.labels)[test])),
    }
