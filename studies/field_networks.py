"""Networks for fields never seen: fields that weigh alike, spectra changed at random; and leaving fields undecided.

``python -m studies.field_networks [--seeds 100 124]`` trains the 1-D CNN in each way on each draw of fields (as
`studies.fields`), and measures beside it what two ways of leaving pixels out are worth: the least sure pixels, or the
least sure fields of the map. It appends to studies/field_networks.csv; draws that are there already are kept.
``--table`` prints the tables of docs/what_helped.md from that file.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import hsi
from hsi.engine.device import seed_everything
from hsi.engine.forward import logits_of
from hsi.engine.samples import Bands, Samples, gather
from hsi.evaluation.abstention import field_confidence
from hsi.evaluation.calibration import calibration
from hsi.recipes import compose_settings, recipe_of
from studies.drawn import Drawn, Posteriors
from studies.fields import BASE, IDEAS, RECIPE, TILLAGE, compare_draws, tabulate_compared

TABLE = Path(__file__).with_suffix(".csv")
CPU = torch.device("cpu")
STEPS = ("model=cnn_1d", "train.steps=500", "train.batch_size=64")
BY_FIELDS = ("train.class_weights=fields",)
CHANGED = ("train.gain=0.05", "train.offset=0.05", "train.slope=0.05", "train.band_dropout=0.1")
PLAIN = "1-D CNN"
NETWORKS: dict[str, Sequence[str]] = {
    PLAIN: (),
    "fields of a class weigh alike": BY_FIELDS,
    "spectra changed": CHANGED,
    "both": (*BY_FIELDS, *CHANGED),
}
MACHINES = (BASE, RECIPE)  # of `studies.fields`, to leave out what they are not sure of


def main(argv: Sequence[str] | None = None) -> None:
    """Train and score, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, nargs=2, default=(100, 124), metavar=("FIRST", "END"))
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--file", type=Path, default=TABLE)
    chosen = parser.parse_args(argv)
    if chosen.table:
        scores = pd.read_csv(chosen.file)
        print(table(scores), "Pixels or fields left out:", undecided(scores), sep="\n\n")
        return
    known = pd.read_csv(chosen.file) if chosen.file.exists() else pd.DataFrame()
    for seed in range(*chosen.seeds):
        if len(known) and (known["seed"] == seed).any():
            continue
        rows = pd.DataFrame(judge(Drawn(hsi.load("indian_pines"), seed)))
        known = pd.concat([known, rows], ignore_index=True)
        known.to_csv(chosen.file, index=False, float_format="%.6f")
        print(seed, *(f"{row.oa:.4f}" for row in rows.itertuples()), flush=True)


def judge(drawn: Drawn) -> list[dict[str, Any]]:
    """A row for each way, fractions, see `scores_of`."""
    found = {name: network(drawn, (*STEPS, *words)) for name, words in NETWORKS.items()}
    found |= {name: IDEAS[name](drawn) for name in MACHINES}
    return [{"seed": drawn.seed, "way": name, **scores_of(drawn, posteriors)} for name, posteriors in found.items()]


def network(drawn: Drawn, words: Sequence[str]) -> Posteriors:
    """Posteriors on the test side by a network of single spectra, trained as `hsi run` does with these words."""
    tree, choices = compose_settings(words)
    recipe = recipe_of(tree, choices["model"])
    features = recipe.reduce(drawn.scene.cube, drawn.split, valid=drawn.scene.valid)
    samples = gather(features.image, drawn.scene.labels, drawn.split, drawn.scene.num_classes, CPU)
    samples = replace(samples, bands=Bands(features.reducer.mean, np.diag(features.reducer.weights)))
    seed_everything(drawn.seed)
    model = recipe.model(features.components, drawn.scene.num_classes)
    recipe.training.fit(model, in_a_row(samples), recipe.engine, drawn.seed)
    places = torch.from_numpy(np.flatnonzero(drawn.side))
    posteriors = logits_of(model, samples.image, recipe.engine, samples.region, places).softmax(1).numpy()
    return drawn.laid_out(posteriors, np.arange(drawn.scene.num_classes), drawn.side)


def in_a_row(samples: Samples) -> Samples:
    """The training pixels alone, as a scene of one row: all that a network of single spectra sees, in less time."""
    pixels = samples.train
    return replace(
        samples,
        image=samples.image.flatten(1)[:, pixels][:, None].contiguous(),
        targets=samples.targets[pixels],
        train=torch.arange(len(pixels)),
        region=None,
    )


def scores_of(drawn: Drawn, posteriors: Posteriors) -> dict[str, float]:
    """OA, AA, OA of crops; by pixels and by fields the area under the risk-coverage curve and OA of the surer half."""
    test, mapped = drawn.test, np.where(drawn.side, posteriors.argmax(axis=2) + 1, 0)
    confidence = posteriors.max(axis=2) / posteriors.sum(axis=2).clip(1e-12)
    truth, found = drawn.scene.labels[test].astype(int), mapped[test]
    right = found == truth
    crops = np.array([TILLAGE.get(k, k) for k in range(drawn.scene.num_classes + 1)])
    scores = {"oa": right.mean(), "aa": np.mean([right[truth == k].mean() for k in np.unique(truth)])}
    scores["crops"] = (crops[found] == crops[truth]).mean()
    for by, values in (("pixels", confidence), ("fields", field_confidence(mapped, confidence))):
        curve = calibration(values[test], right)
        scores |= {f"aurc_{by}": curve.aurc, f"surer_half_{by}": 1 - curve.risk[len(curve.risk) // 2 - 1]}
    return scores


def table(scores: pd.DataFrame) -> str:
    """Means over draws in percent, and differences in OA from the plain network, as in `studies.fields.table`."""
    wide = {key: scores.pivot(index="seed", columns="way", values=key) * 100 for key in ("oa", "aa", "crops")}
    oa = wide["oa"]
    beside = compare_draws({name: oa[name] - oa[PLAIN] for name in NETWORKS if name != PLAIN})
    rows = []
    for name in NETWORKS:
        values = oa[name].mean(), oa[name].std(), wide["aa"][name].mean(), wide["crops"][name].mean()
        rows.append([name, *(f"{value:.1f}" for value in values), *beside.get(name, [])])
    return tabulate_compared(rows, ["way", "OA %", "sd", "AA %", "crops %"])


def undecided(scores: pd.DataFrame) -> str:
    """Errors in percent by how much is left out, and how much fewer they are by fields."""
    wide = {
        (key, by): scores.pivot(index="seed", columns="way", values=f"{key}_{by}") * 100
        for key in ("aurc", "surer_half")
        for by in ("pixels", "fields")
    }
    names = [*NETWORKS, *MACHINES]
    beside = compare_draws({name: wide["aurc", "fields"][name] - wide["aurc", "pixels"][name] for name in names})
    rows = []
    for name in names:
        values = [wide[place][name].mean() for place in wide]
        difference, interval, _, p = beside[name]
        fewer = int((wide["aurc", "fields"][name] < wide["aurc", "pixels"][name]).sum())
        rows.append([name, *(f"{v:.1f}" for v in values), difference, interval, f"{fewer} of {len(scores) // 6}", p])
    area, half = "area under risk, by {}, %", "OA of the surer half, by {}, %"
    headings = [words.format(by) for words in (area, half) for by in ("pixels", "fields")]
    return tabulate_compared(rows, ["way", *headings])


if __name__ == "__main__":
    main()
