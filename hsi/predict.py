"""Map a scene with the model of a finished run: ``python -m hsi.predict run=DIR scene=...``.

The scene meets the reducer that the run fitted, never one of its own; a scene that the model does not fit is refused.
"""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig

from hsi import files
from hsi.cli.main import main
from hsi.engine.device import resolve_device
from hsi.engine.forward import as_image
from hsi.errors import HsiError
from hsi.mapping.scene_map import map_scene
from hsi.plots import canvas
from hsi.plots.maps import draw_map
from hsi.runs.model import load_model
from hsi.scene import Scene

log = logging.getLogger(__name__)

WAVELENGTH_TOLERANCE = 5.0  # nm; bands of imaging spectrometers are about 10 nm wide


def predict(config: DictConfig) -> None:
    """Write map.npy, confidence.npy, map.png and, last, prediction.json."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    device = resolve_device(config.device)
    model, reducer, description = load_model(Path(config.run))
    scene = instantiate(config.scene)
    require_fit(scene, description)
    image = as_image(reducer.transform(scene.cube), device)
    names = description["class_names"]
    engine = instantiate(description["engine"], memory_gb=config.memory_gb)
    prediction = map_scene(
        engine.lay_out(model.to(device)),
        image,
        len(names),
        engine=engine,
        mapping=instantiate(description["map"]),
        temperature=description["temperature"],
    )
    shown = replace(
        scene,
        labels=np.zeros_like(scene.labels),
        label_values=tuple(description["label_values"]),
        class_names=tuple(names),
        colours=tuple(description["colours"]),
    )
    files.write_array(folder / "map.npy", prediction.class_map)
    files.write_array(folder / "confidence.npy", prediction.confidence)
    canvas.save(draw_map(shown, prediction.class_map, title=f"{scene.name}, by {config.run}"), folder / "map.png")
    counts = np.bincount(prediction.class_map.ravel(), minlength=len(names) + 1)[1:]
    summary = {
        "run": str(config.run),
        "scene": scene.name,
        "data": dict(scene.checksums),
        "pixels": dict(zip(names, counts.tolist(), strict=True)),
        "seconds": prediction.seconds,
    }
    files.write_json(folder / "prediction.json", summary)
    log.info("Mapped %d pixels in %.1f s: %s", image[0].numel(), prediction.seconds, folder / "map.png")


def require_fit(scene: Scene, description: dict[str, Any]) -> None:
    """Raise HsiError unless the scene has the bands that the model was trained on."""
    if scene.bands != description["bands"]:
        raise HsiError(
            f"scene {scene.name} has {scene.bands} bands, the model was trained on {description['bands']} "
            f"({description['scene']}): predict scenes of the same sensor and bands"
        )
    trained = description["wavelengths_nm"]
    if trained is not None and scene.wavelengths is not None:
        apart = np.abs(scene.wavelengths - np.array(trained))
        if apart.max() > WAVELENGTH_TOLERANCE:
            band = int(apart.argmax())
            raise HsiError(
                f"scene {scene.name}: band {band} lies at {scene.wavelengths[band]:.0f} nm, the model was trained with "
                f"{trained[band]:.0f} nm there: resample the scene to the bands of {description['scene']}"
            )


if __name__ == "__main__":
    main(predict, "predict")
