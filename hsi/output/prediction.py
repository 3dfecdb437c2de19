"""A scene mapped with the model of a finished run, and the files that it leaves."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hsi import files
from hsi.engine.device import Device
from hsi.mapping.scene_map import Prediction
from hsi.plots import canvas
from hsi.plots.maps import draw_map
from hsi.runs.model import TrainedModel, load_model
from hsi.scene import Scene


def map_with(
    run: Path,
    scene: Scene,
    device: Device = "auto",
    memory_gb: float | None = None,
    check: bool = True,
    trust: Collection[str] = (),
) -> tuple[TrainedModel, Prediction]:
    """Map `scene` with the model that the run in the folder `run` has trained.

    Parameters
    ----------
    memory_gb
        Cap in 10^9 bytes on the activations held at once; None takes that of the run.
    check
        Reject a scene that the model does not fit; False maps it where its bands allow that.
    trust
        Callables beside those of hsi that the run may name.
    """
    trained = load_model(run, trust)
    if memory_gb is not None:
        trained = replace(trained, engine=replace(trained.engine, memory_gb=memory_gb))
    if not check:
        trained = replace(trained, sensor=replace(trained.sensor, quantiles=None))
    return trained, trained.map(scene, device)


def write(folder: Path, scene: Scene, trained: TrainedModel, prediction: Prediction, about: Mapping[str, Any]) -> None:
    """Write map.npy, confidence.npy, map.png and, last, prediction.json, which begins with `about`."""
    files.write_array(folder / "map.npy", prediction.class_map)
    files.write_array(folder / "confidence.npy", prediction.confidence)
    title = f"{scene.name}, by {about['run']}"
    canvas.save(draw_map(trained.name_classes_of(scene), prediction.class_map, title=title), folder / "map.png")
    names = trained.class_names
    counts = np.bincount(prediction.class_map.ravel(), minlength=len(names) + 1)[1:]
    summary = {
        **about,
        "scene": scene.name,
        "data": dict(scene.checksums),
        "pixels": dict(zip(names, counts.tolist(), strict=True)),
        "seconds": prediction.seconds,
    }
    files.write_json(folder / "prediction.json", summary)
