"""Map a scene with the model of a finished run: ``python -m hsi.predict run=DIR scene=...``.

The scene meets the reducer that the run fitted, never one of its own; a scene that the model does not fit is rejected.
"""

if __name__ == "__main__":  # the first line appears before the libraries load
    from hsi.cli.start import announce

    announce("predict")

import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from hsi import api
from hsi.cli.main import main
from hsi.cli.request import PredictRequest
from hsi.config.build import build
from hsi.output.prediction import map_with, write
from hsi.runs.model import load_model

log = logging.getLogger(__name__)


def predict(config: DictConfig) -> None:
    """Write map.npy, confidence.npy, map.png and, last, prediction.json."""
    request = PredictRequest.read(config)
    folder = Path(HydraConfig.get().runtime.output_dir)
    scene = build(request.scene, "scene")
    trained = load_model(request.run, request.trust)
    prediction = map_with(trained, scene, request.device, request.memory_gb, request.check)
    write(folder, scene, trained, prediction, {"run": str(request.run), "trust": request.trust})
    log.info("Mapped %d pixels in %.1f s: %s", prediction.class_map.size, prediction.seconds, folder / "map.png")


class _Callable(ModuleType):
    """Python knows one `hsi.predict`: this module, once anything has imported it. So it is a function as well."""

    def __call__(self, *given: Any, **settings: Any) -> Any:
        return api.predict(*given, **settings)


sys.modules[__name__].__class__ = _Callable

if __name__ == "__main__":
    main(predict, "predict")
