"""A scene mapped with the model of a finished run, and the files that it leaves."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hsi import files
from hsi.engine.device import Device
from hsi.mapping.scene_map import Prediction
from hsi.plots import canvas
from hsi.plots.maps import draw_map
from hsi.runs.model import TrainedModel
from hsi.scene import Scene


def map_with(
    trained: TrainedModel,
    scene: Scene,
    device: Device = "auto",
    memory_gb: float | None = None,
    check: bool = True,
) -> Prediction:
    """Map `scene` with a trained model.

    Parameters
    ----------
    memory_gb
        Cap in 10^9 bytes on the activations held at once; None takes that of the run.
    check
        Reject a scene that the model does not fit; False maps it where its bands allow that.
    """
    if memory_gb is not None:
        trained = replace(trained, engine=replace(trained.engine, memory_gb=memory_gb))
    if not check:
        trained = trained.without_values()
    return trained.map(scene, device)


def write(folder: Path, scene: Scene, trained: TrainedModel, prediction: Prediction, about: Mapping[str, Any]) -> None:
    """Write map.npy, confidence.npy, map.png and, last, prediction.json, which begins with `about`."""
    files.write_array(folder / "map.npy", prediction.class_map)
    files.write_array(folder / "confidence.npy", prediction.confidence)
    title = f"{scene.name}, by {about['run']}"
    canvas.save(draw_map(trained.name_classes_of(scene), prediction.class_map, title=title), folder / "map.png")
    summary = {
        **about,
        "scene": scene.name,
        "data": dict(scene.checksums),
        "pixels": count_pixels(trained, prediction),
        "seconds": prediction.seconds,
    }
    files.write_json(folder / "prediction.json", summary)


def count_pixels(trained: TrainedModel, prediction: Prediction) -> dict[str, int]:
    """Pixels of each class of a map, by name."""
    counts = np.bincount(prediction.class_map.ravel(), minlength=len(trained.class_names) + 1)[1:]
    return dict(zip(trained.class_names, counts.tolist(), strict=True))
