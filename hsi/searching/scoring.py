"""How good a cell is: the engine's own training, cut short, and its accuracy on the validation pixels of each fold."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hsi.engine.device import Device
from hsi.errors import Diverged, HsiError
from hsi.experiment import train
from hsi.models.blocks.cells import Sums
from hsi.recipes import recipe_of
from hsi.runs.result import best_validation
from hsi.scene import Scene
from hsi.splits.roles import Split


@dataclass(frozen=True)
class Score:
    """What a cell reached: the overall accuracy on each fold, as a share, and the parameters of its network."""

    folds: tuple[float, ...]
    parameters: int

    @property
    def mean(self) -> float:
        """Over the folds."""
        return sum(self.folds) / len(self.folds)


def scorer(
    tree: Mapping[str, Any], scene: Scene, folds: Sequence[Split], seed: int, device: Device
) -> Callable[[Sums], Score]:
    """A function that trains the network of a cell on each fold, from the same seed, and scores it.

    Parameters
    ----------
    tree
        A settled configuration with a ``model.cell``, in whose place each cell stands.
    scene, folds
        As `hsi.searching.folds.fold_fields` makes them.

    Raises
    ------
    HsiError
        A model without cells, or what a training raises; one that diverges reaches 0 and raises nothing.
    """
    if "cell" not in tree["model"]:
        raise HsiError("hsi search grows cells: leave model= out, or give model=cell")

    def score(cell: Sums) -> Score:
        recipe = recipe_of({**tree, "model": {**tree["model"], "cell": cell}}, "cell")
        found, parameters = [], 0
        for fold in folds:
            try:
                with _hushed():
                    trained = train(scene, fold, recipe, seed=seed, device=device)
            except Diverged:
                found.append(0.0)
                continue
            found.append(best_validation(trained.history) or 0.0)
            parameters = sum(values.numel() for values in trained.model.network.parameters())
        return Score(tuple(found), parameters)

    return score


@contextmanager
def _hushed() -> Iterator[None]:
    """What a training says of itself is of no interest in a search of hundreds."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)
