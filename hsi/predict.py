"""Map a scene with the model of a finished run: ``python -m hsi.predict run=DIR scene=...``.

The scene meets the reducer that the run fitted, never one of its own; a scene that the model does not fit is rejected.
"""

if __name__ == "__main__":  # the first line appears before the libraries load
    from hsi.cli.start import announce

    announce("predict")

import logging
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from hsi.cli.main import main
from hsi.cli.request import PredictRequest
from hsi.config.build import build
from hsi.output.prediction import map_with, write

log = logging.getLogger(__name__)


def predict(config: DictConfig) -> None:
    """Write map.npy, confidence.npy, map.png and, last, prediction.json."""
    request = PredictRequest.read(config)
    folder = Path(HydraConfig.get().runtime.output_dir)
    scene = build(request.scene, "scene")
    trained, prediction = map_with(request.run, scene, request.device, request.memory_gb, request.check, request.trust)
    write(folder, scene, trained, prediction, {"run": str(request.run), "trust": request.trust})
    log.info("Mapped %d pixels in %.1f s: %s", prediction.class_map.size, prediction.seconds, folder / "map.png")


if __name__ == "__main__":
    main(predict, "predict")
