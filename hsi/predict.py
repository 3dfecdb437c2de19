"""Map a scene with the model of a finished run: ``python -m hsi.predict run=DIR scene.cube=FILE out=DIR``.

The scene meets the reducer that the run fitted, never one of its own; a scene that the model does not fit is rejected.
Finished blocks are kept: the same command goes on where it was interrupted, and several can share the work.
"""

if __name__ == "__main__":  # the first line appears before the libraries load
    from hsi.cli.start import announce

    announce("predict")

import logging
import sys
from types import ModuleType
from typing import Any

from omegaconf import DictConfig

from hsi import api
from hsi.cli.main import main
from hsi.cli.request import PredictRequest
from hsi.output.prediction import discard, map_into, require_no_run
from hsi.runs.applied import Application

log = logging.getLogger(__name__)


def predict(config: DictConfig) -> None:
    """Write map.npy, confidence.npy, map.png and, last, prediction.json."""
    request = PredictRequest.read(config)
    require_no_run(request.folder)
    models = request.models()
    scene = request.load_scene()
    application = Application(models, scene, request.options(), request.device)
    about = request.about(scene)
    if request.force:
        discard(request.folder)
    map_into(request.folder, application, about, request.sample(), request.shard or 0)


class _Callable(ModuleType):
    """Python knows one `hsi.predict`: this module, once anything has imported it. So it is a function as well."""

    def __call__(self, *given: Any, **settings: Any) -> Any:
        return api.predict(*given, **settings)


sys.modules[__name__].__class__ = _Callable

if __name__ == "__main__":
    main(predict, "predict")
