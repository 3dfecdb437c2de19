"""Each seed reaches what it is named after, and nothing else."""

from dataclasses import dataclass, field, replace
from itertools import product

import pandas as pd
import torch
from conftest import TRIAL

from hsi.experiment import train
from hsi.recipes import compose_settings, recipe_of, split_of
from hsi.scenes.synthetic import make_synthetic
from hsi.training.fitted import Fitted


@dataclass
class Watch:
    """A training that notes the first weights, the seed of the order, and what dropout would draw."""

    seen: list[tuple[bytes, int, float]] = field(default_factory=list)

    def precision_on(self, device):
        return "fp32"

    def fit(self, model, samples, engine, seed=0, checkpoint=None):
        weights = next(iter(model.parameters())).detach().numpy().tobytes()
        self.seen.append((weights, seed, torch.rand(()).item()))
        return Fitted(pd.DataFrame(), 0.0)


def seen(*words):
    scene = make_synthetic(rows=24, cols=20, bands=20, classes=2)
    tree, _ = compose_settings([*TRIAL, *words])
    watch = Watch()
    recipe = replace(recipe_of(tree, "hybridsn"), training=watch)
    train(scene, split_of(scene, tree["split"]), recipe, seed=tree["seed"], device="cpu")
    return watch.seen[0]


def test_start_and_order_have_seeds_of_their_own():
    """Over 2 x 2 seeds the weights follow the one, order and dropout the other."""
    found = {
        (start, order): seen(f"start_seed={start}", f"order_seed={order}") for start, order in product((1, 2), (3, 4))
    }
    weights, orders, draws = ({at: values[place] for at, values in found.items()} for place in range(3))
    assert weights[1, 3] == weights[1, 4] != weights[2, 3] == weights[2, 4]
    assert orders == {(start, order): order for start, order in found}
    assert draws[1, 3] == draws[2, 3] != draws[1, 4] == draws[2, 4]


def test_the_seed_sets_both_where_they_have_none():
    assert seen("seed=5") == seen("seed=5", "start_seed=5", "order_seed=5") == seen("start_seed=5", "order_seed=5")
    assert seen("seed=5", "start_seed=6")[1] == 5
    assert seen("seed=5", "order_seed=6")[0] == seen("seed=5")[0]


def test_the_split_keeps_its_own():
    scene = make_synthetic(rows=24, cols=20, bands=20, classes=2)
    hashes = {
        words: split_of(scene, compose_settings([*TRIAL, *words])[0]["split"]).hash
        for words in (("seed=0",), ("seed=0", "start_seed=1", "order_seed=1"), ("seed=1",), ("seed=1", "split.seed=0"))
    }
    first, others, second, back = hashes.values()
    assert first == others == back != second
