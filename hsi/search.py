"""Search for the cell of a network: ``python -m hsi.search [minutes=60] [strategy=progressive|random] [...]``.

Cells grow sum by sum; a surrogate chooses which are trained, shortly, on folds of whole fields. Every cell that has
been scored is kept: the same command goes on where it was interrupted.
"""

if __name__ == "__main__":  # the first line appears before the libraries load
    from hsi.cli.start import announce

    announce("search")

import logging

from omegaconf import DictConfig

from hsi.cli.main import main
from hsi.cli.request import SearchRequest
from hsi.config.build import build_as
from hsi.engine.device import resolve_device, resolve_precision
from hsi.experiment import with_data
from hsi.recipes import split_of
from hsi.runs.folder import held
from hsi.runs.identity import identity
from hsi.scene import Scene, scene_hash
from hsi.scenes.assemble import require_classes
from hsi.searching import found
from hsi.searching.folds import fold_fields
from hsi.searching.scoring import scorer
from hsi.searching.strategies import STRATEGIES
from hsi.searching.trials import TABLE, Trials, read_trials
from hsi.splits.roles import VALIDATION

log = logging.getLogger(__name__)


def search(config: DictConfig) -> None:
    """Load, split, fold, try cells, write cells.csv, and at the end the best as a file of model= and as cell.png."""
    request = SearchRequest.read(config)
    with held(request.folder):
        scene = build_as(Scene, request.tree["scene"], "scene")
        require_classes(scene)
        split = split_of(scene, request.tree["split"])
        precision = resolve_precision(request.precision, resolve_device(request.device))
        found.claim(request.folder, identity(request.tree, scene_hash(scene), split.hash, precision), request.force)
        inner, place = with_data(scene)
        known, folds = fold_fields(inner, split.part(*place), request.folds, request.seed)
        counts = " + ".join(f"{len(fold.pixels(VALIDATION)):,}" for fold in folds)
        log.info("%s search on %s, scored on %s validation pixels.", request.strategy, scene.name, counts)
        log.info("Results go to %s", request.folder)
        table = request.folder / TABLE
        trials = Trials(
            table,
            scorer(request.tree, known, folds, request.seed, request.device),
            60 * request.minutes,
            tell=lambda trials: log.info("%s", found.progress(trials)),
            kept=read_trials(table),
        )
        STRATEGIES[request.strategy](
            trials, blocks=request.blocks, beam=request.beam, operations=request.operations, seed=request.seed
        )
        _conclude(request, trials, scene.name)


def _conclude(request: SearchRequest, trials: Trials, scene: str) -> None:
    """Save the best cell, and say what it is and how it is trained."""
    best = trials.best
    place, picture = found.save(request.folder, best, request.strategy, scene)
    for sentence in found.conclude(trials):
        log.info("%s", sentence)
    log.info(
        "The best of %d cells reached %.2f %% of the validation pixels (by fold: %s), the highest of many noisy "
        "numbers: %s",
        len(trials.taken),
        100 * best.score.mean,
        ", ".join(f"{100 * share:.2f}" for share in best.score.folds),
        found.written(best.cell),
    )
    names = (place.relative_to(request.folder), picture.name, trials.path.name)
    log.info("%s for model=, the picture %s and the table %s lie in %s", *names, request.folder)
    log.info("Train it, and judge it by the test pixels: %s", found.command(place, request.words))


if __name__ == "__main__":
    main(search, "search")
