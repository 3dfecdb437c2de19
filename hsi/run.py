"""One experiment: ``python -m hsi.run [key=value ...]``, and ``-m`` for a sweep of them."""

if __name__ == "__main__":  # the first line appears before the libraries load
    from hsi.cli.start import announce

    announce("config")

import logging
import time
from functools import partial

from omegaconf import DictConfig

from hsi.cli.main import main
from hsi.cli.request import Request
from hsi.engine.device import resolve_device
from hsi.experiment import classify
from hsi.output.result import write
from hsi.reports.terminal import conclude
from hsi.runs.folder import CHECKPOINT, claim, finished, held
from hsi.runs.identity import identity
from hsi.runs.result import Record
from hsi.scene import scene_hash
from hsi.training.checkpoint import Checkpoint

log = logging.getLogger(__name__)


def run(config: DictConfig) -> float | None:
    """Load, split, reduce, fit, map, evaluate, write.

    Returns the overall accuracy on the validation pixels, for a sweeper that optimises; None where there are none.
    """
    request = Request.read(config)
    recipe, folder = request.recipe(), request.folder
    started = time.monotonic()
    with held(folder), request.tracked() as follow:
        scene = request.scene()
        split = request.split(scene)
        precision = recipe.training.precision_on(resolve_device(request.device))
        made_of = scene_hash(scene), split.hash, precision
        if metrics := finished(folder, request.tree, *made_of, force=request.force):
            log.info("Finished already, nothing to do (force=true repeats it): %s", folder)
            (folder / CHECKPOINT).unlink(missing_ok=True)  # of a process that was killed before it could
            return metrics.get("validation_oa")
        log.info("Results go to %s", folder)
        record = Record(request.tree, request.choices, request.overrides, time.monotonic() - started)
        kept = Checkpoint(folder / CHECKPOINT, identity(request.tree, *made_of), follow)
        take = partial(claim, folder, request.tree, request.overrides, request.force)
        result = classify(scene, split, recipe, seed=request.seed, device=request.device, checkpoint=kept, ready=take)
        writing = time.monotonic()
        write(folder, result, record)
        conclude(folder, result, record.load_seconds, time.monotonic() - writing)
    return result.objective


if __name__ == "__main__":
    main(run, "config")
