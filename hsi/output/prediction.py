"""A scene mapped with the models of finished runs, and the files that it leaves."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hsi import files
from hsi.cube import blocks
from hsi.errors import HsiError
from hsi.evaluation.areas import AreaSample
from hsi.evaluation.matched import match
from hsi.evaluation.one_class import notes_on
from hsi.mapping.scene_map import NO_DATA, Prediction
from hsi.mapping.store import DamagedBlock, alone, clear, open_store, work
from hsi.output import gis
from hsi.output.areas import write_areas
from hsi.output.joined import join
from hsi.plots import canvas
from hsi.plots.maps import draw_map
from hsi.plots.thinned import thin
from hsi.runs.applied import UNKNOWN, Application, Classes
from hsi.runs.folder import METRICS
from hsi.scene import Scene

log = logging.getLogger(__name__)

SUMMARY = "prediction.json"  # written last, in one rename: its presence means that the map is whole
COUNTED = 2**21  # bytes of a map that are counted at once
LABELLED = (
    "The adjusted areas and all intervals hold for a probability sample of the mapped area; fields that somebody chose "
    "to label are none.",
    "All labelled pixels of the scene are taken as the sample: where the model was trained on some of them, it is "
    "flattered.",
)


def map_into(
    folder: Path,
    application: Application,
    about: Mapping[str, Any],
    sample: AreaSample | None = None,
    shard: int = 0,
) -> None:
    """Map a scene block by block into a folder, which ends with map.npy, confidence.npy, map.png and prediction.json.

    Finished blocks are kept, so that an interrupted map goes on; several processes may share the work, and the last of
    them joins the blocks. What is finished is not repeated.

    Parameters
    ----------
    about
        How prediction.json begins; its ``identity`` tells maps apart.
    sample
        As in `describe`.
    shard
        With which block to begin, see `hsi.mapping.store.work`.

    Raises
    ------
    HsiError
        A scene that does not fit, or a folder with another map.
    """
    started = time.monotonic()
    with alone(folder):
        if finished(folder, about["identity"]):
            log.info("Finished already, nothing to do (force=true repeats it): %s", folder)
            clear(folder)  # of a process that was killed before it could
            return
        task, plan = application.plan()
        store = open_store(folder, about["identity"], plan)
        if done := sum(map(store.has, range(len(plan)))):
            log.info("%d of %d blocks are there already.", done, len(plan))
    while True:
        work(store, task, shard)
        with alone(folder):
            if finished(folder, about["identity"]):
                log.info("Another process has joined the blocks: %s", folder)
                clear(folder)
                return
            store.require_current()
            try:
                arrays = join(store, task, folder)
            except DamagedBlock as error:
                log.warning("%s", error)
                continue
            made = Prediction(
                arrays["map"], arrays["confidence"], time.monotonic() - started, arrays.get("probabilities")
            )
            describe(folder, application.scene, application.classes, made, about, sample)
            clear(folder)
            return


def require_no_run(folder: Path) -> None:
    """Raise HsiError where a folder holds a run."""
    if (folder / METRICS).exists():
        raise HsiError(f"{folder} holds a run, whose map would be replaced: choose another folder with out=")


def require_free(folder: Path, identity: str) -> None:
    """Raise HsiError where a folder holds a run, or another map than the one of this identity."""
    require_no_run(folder)
    path = folder / SUMMARY
    if path.exists() and files.read_json(path).get("identity") != identity:
        raise HsiError(
            f"{folder} holds another map (of other files, models or settings): choose another folder with out=, or "
            "replace it with force=true"
        )


def finished(folder: Path, identity: str) -> bool:
    """Whether a folder holds this very map; raises HsiError as `require_free`."""
    require_free(folder, identity)
    return (folder / SUMMARY).exists()


def discard(folder: Path) -> None:
    """Remove the map in a folder, finished or not, before it is made again."""
    with alone(folder):
        (folder / SUMMARY).unlink(missing_ok=True)
        clear(folder)


def save(
    folder: Path,
    scene: Scene,
    classes: Classes,
    prediction: Prediction,
    about: Mapping[str, Any],
    sample: AreaSample | None = None,
) -> None:
    """Write a map that is in memory, with all that belongs to it; parameters as of `describe`."""
    with alone(folder):
        files.write_array(folder / "map.npy", prediction.class_map)
        files.write_array(folder / "confidence.npy", prediction.confidence)
        (folder / "probabilities.npy").unlink(missing_ok=True)  # of an earlier map
        if prediction.probabilities is not None:
            files.write_array(folder / "probabilities.npy", prediction.probabilities)
        describe(folder, scene, classes, prediction, about, sample)


def describe(
    folder: Path,
    scene: Scene,
    classes: Classes,
    prediction: Prediction,
    about: Mapping[str, Any],
    sample: AreaSample | None = None,
) -> None:
    """Write what follows from a map whose arrays are there already: picture, GIS files, areas, prediction.json last.

    `sample` are the test pixels of the run, from which areas are estimated where the scene has no labels of its own.
    """
    class_map = prediction.class_map
    matched = match(scene, class_map, classes.names, classes.label_values)
    if matched:
        matched.tell()
    shown, drawn = thin(scene, class_map)
    labels = matched.lookup[shown.labels] if matched else None
    title = f"{scene.name}, by {about['run']}"
    canvas.save(draw_map(classes.name(shown, labels), drawn, title=title), folder / "map.png")
    gis.write_all(
        folder,
        class_map,
        prediction.confidence,
        classes.names,
        classes.colours,
        scene.georeference,
        prediction.probabilities,
    )
    if matched and matched.scores:
        sample = AreaSample(matched.scores.confusion, LABELLED)
    confusion, notes = (sample.confusion, sample.notes) if sample else (None, ())
    write_areas(folder, class_map, classes.names, scene.georeference, confusion, notes)
    summary = {
        **about,
        "scene": scene.name,
        "data": dict(scene.checksums),
        **_counts(class_map, classes),
        "scores": matched and matched.as_json(),
        "map_notes": list(notes_on(class_map, prediction.confidence, classes.names)),
        "seconds": prediction.seconds,
    }
    files.write_json(folder / SUMMARY, summary)
    if empty := summary["pixels_without_data"]:
        log.info("%s pixels hold no data: they have no class.", f"{empty:,}")
    if UNKNOWN in summary["pixels"]:
        log.info("%s pixels are unlike any class: they are called unknown.", f"{summary['pixels'][UNKNOWN]:,}")
    for note in summary["map_notes"]:
        log.warning("%s.", note)
    log.info(
        "Mapped %s pixels in %.1f s: %s",
        *(f"{sum(summary['pixels'].values()):,}", prediction.seconds, folder / "map.png"),
    )


def count_pixels(class_map: np.ndarray, classes: Classes) -> dict[str, int]:
    """Pixels of each class of a map, by name."""
    return dict(zip(classes.names, _bincount(class_map, classes)[1:].tolist(), strict=True))


def _counts(class_map: np.ndarray, classes: Classes) -> dict[str, Any]:
    return {
        "pixels": count_pixels(class_map, classes),
        "pixels_without_data": int(_bincount(class_map, classes)[NO_DATA]),
    }


def _bincount(class_map: np.ndarray, classes: Classes) -> np.ndarray:
    count = len(classes.names) + 1
    parts = [np.bincount(part.ravel(), minlength=count) for _, _, part in blocks(class_map, COUNTED)]
    return np.asarray(np.sum(parts, axis=0))
