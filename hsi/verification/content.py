"""What follows from a map, a split and the weights, compared with the files that say so."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hsi import files
from hsi.experiment import follow, with_data
from hsi.output import gis
from hsi.output.derived import write_derived
from hsi.runs.identity import plain
from hsi.runs.model import BUNDLE, TrainedModel, describe_model
from hsi.runs.result import Record, Result
from hsi.runs.sensor import sensor_of
from hsi.scenes.formats import read_raster
from hsi.splits.roles import VALIDATION
from hsi.verification.agreement import agree, differences
from hsi.verification.verdict import Verdict

ROUNDING = 5e-3  # by which probabilities of one network may differ between processors, and in half precision
FITTED = 0.02  # relative, of what is fitted on validation pixels
MOST_WORK = 1e13  # multiply-adds of a map that is computed again: about two minutes on two cores


def different_holes(result: Result) -> Iterator[str]:
    """Where map or confidence have a value for a pixel without data, or none for one with."""
    scene, prediction = result.scene, result.prediction
    if scene.valid is not None and not np.array_equal(prediction.class_map > 0, scene.valid):
        yield "map.npy has other pixels without a class than the scene has without data"
    if not np.array_equal(np.isnan(prediction.confidence), prediction.class_map == 0):
        yield "confidence.npy has other pixels without a number than map.npy without a class"


def different_end(result: Result) -> Iterator[str]:
    """Whether the weights that were kept are as good on the validation pixels as the history says.

    The map tells it where it is made of the same forward passes: no other symmetries, windows masked alike.
    """
    chosen, settings = result.split.role == VALIDATION, result.trained.settings
    alike = settings.symmetries == 1 and (settings.context == "own" or result.split.region is None)
    if result.objective is None or not alike or not chosen.any():
        return
    found = float((result.prediction.class_map == result.scene.labels)[chosen].mean())
    decided_by_rounding = max(1, chosen.sum() // 1000) / chosen.sum()
    if abs(found - result.objective) > decided_by_rounding + 1e-9:
        yield f"history.csv says {result.objective:.4f} of the validation pixels are right, by map.npy {found:.4f} are"


def judge_tables(folder: Path, result: Result, record: Record, verdict: Verdict) -> None:
    """Write tables and files for a GIS again, elsewhere; what differs, or cannot be compared, goes to `verdict`."""
    written_by_rasterio = () if result.scene.georeference is None else gis.GEOTIFF
    not_compared = []
    with TemporaryDirectory() as place:
        again = Path(place)
        confusion = result.evaluation.scores.confusion
        write_derived(again, result.scene, result.prediction, confusion, record.choices["split"])
        made = {path.name for path in again.iterdir()}
        for name in sorted(made | {*gis.EVERY}):
            there = files.is_file(folder / name)
            if there != (name in made) and name in written_by_rasterio:
                not_compared.append(name)
            elif there and name not in made:
                verdict.differences.append(f"{name} is no file that this run writes")
            elif there and not _same(again / name, folder / name):
                verdict.differences.append(f"{name} does not follow from map and split")
            elif not there and name in made:
                verdict.differences.append(f"{name} is missing")
    if not_compared:
        verdict.trusted.append(f"{', '.join(not_compared)}: the run or this machine could not write GeoTIFF")


def _same(one: Path, other: Path) -> bool:
    if one.name in (gis.MAP, gis.CONFIDENCE):  # whose bytes depend on the library's version
        return _same_raster(one, other)
    return one.read_bytes() == other.read_bytes()


def _same_raster(one: Path, other: Path) -> bool:
    first, second = (read_raster(path, ndim=2) for path in (one, other))
    return first.georeference == second.georeference and np.array_equal(
        np.asarray(first.array), np.asarray(second.array), equal_nan=first.array.dtype.kind == "f"
    )


def work(result: Result) -> float:
    """Multiply-adds of mapping the scene once more; of an estimator about as many as it has values to look at."""
    scene, settings = result.scene, result.trained.settings
    pixels = scene.rows * scene.cols * settings.symmetries
    if result.cost is None:
        width = result.trained.reducer.weights.shape[1] * result.trained.network.window**2
        return float(pixels * width * result.evaluation.pixels["n_train"])
    return float(pixels * result.cost.shared)


def different_model(folder: Path, result: Result, record: Record, again: TrainedModel) -> Iterator[str]:
    """Where bundle.json is not what scene, configuration and `again`, the model by its weights, make it."""
    scene, _ = with_data(result.scene)
    wanted = replace(
        again,
        scene=scene.name,
        sensor=sensor_of(scene),
        class_names=scene.class_names,
        colours=scene.colours,
        label_values=scene.label_values,
    )
    written, found = files.read_json(folder / BUNDLE), describe_model(wanted, plain(record.config))
    for key in ("temperature", "unknown"):
        if not agree(written.pop(key, None), found.pop(key), FITTED):
            yield f"{BUNDLE}: {key} does not follow from the weights"
    yield from (f"{BUNDLE}: {line}" for line in differences(written, found))


def different_map(result: Result) -> tuple[TrainedModel, list[str]]:
    """The model with what its weights say of the validation pixels, and where the map is not theirs."""
    keeping = replace(result.trained.settings, save_probabilities=True)  # they tell a tie
    again, found = follow(result.scene, result.split, replace(result.trained, settings=keeping))
    written, told = result.prediction, []
    held = found.class_map > 0
    near = np.abs(found.confidence - written.confidence)[held] <= ROUNDING
    if not near.all():
        told.append(f"confidence.npy: {(~near).sum():,} pixels differ from what the weights give")
    other = held & (found.class_map != written.class_map)
    if found.probabilities is not None:
        rows, cols = np.nonzero(other)
        chances = found.probabilities[rows, cols, written.class_map[rows, cols].astype(int) - 1].astype(float)
        other[rows, cols] = found.confidence[rows, cols] - chances > ROUNDING  # a tie otherwise
    if other.any():
        row, col = np.argwhere(other)[0]
        told.append(f"map.npy: {other.sum():,} pixels have another class than the weights give, row {row} column {col}")
    if written.probabilities is not None and found.probabilities is not None:
        spread = np.abs(written.probabilities[held].astype(float) - found.probabilities[held].astype(float))
        if not (spread <= ROUNDING).all():
            told.append("probabilities.npy differs from what the weights give")
    return again, told
