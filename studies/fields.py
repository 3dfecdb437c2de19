"""What helps in fields never seen: each idea alone and together, over random draws of fields.

``python -m studies.fields [--seeds 100 124]`` scores every idea on each draw (``split=regions split.draw=random
split.train=0.5`` of Indian Pines) and appends to studies/fields.csv; draws that are there already are kept. ``--table``
prints the tables of docs/what_helped.md from that file. Test pixels are scored, so choose with other seeds.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.model_selection import GroupKFold, KFold
from sklearn.svm import SVC
from tabulate import tabulate

import hsi
from hsi.evaluation.statistics import compare_paired, holm
from hsi.models.baselines import FOLDS
from hsi.models.scales import SHRINKAGE
from studies.drawn import Drawn, Posteriors

TABLE = Path(__file__).with_suffix(".csv")
BASE = "SVM on spectra (C = 100, gamma = 1 / bands)"
GRID = [(C, gamma) for C in (1.0, 10.0, 100.0, 1000.0) for gamma in (0.25, 1.0, 4.0)]  # of conf/model/svm.yaml
TILLAGE = {3: 2, 4: 2, 11: 10, 12: 10}  # corn and soybean, whatever their tillage
BALANCE = 0.2  # as in conf/model/posteriors.yaml
DRAWS = 8  # of the ensemble over draws of fields, each of so large a share of the fields:
SHARE = 0.6

CHOICES = {"C and gamma by folds of pixels": False, "C and gamma by folds of fields": True}  # by fields or not


@cache
def chosen_by(drawn: Drawn, by_fields: bool) -> tuple[float, float]:
    """C and gamma of `GRID` with the best accuracy in three folds of the training pixels, or of their fields."""
    known, truth = drawn.spectra[drawn.train], drawn.truth
    order = np.lexsort(np.vstack([known.T, truth]))
    known, truth, fields = known[order], truth[order], drawn.fields[order]
    folds = GroupKFold(FOLDS) if by_fields else KFold(FOLDS, shuffle=True, random_state=0)
    parts = list(folds.split(known, truth, fields if by_fields else None))
    apart, right = euclidean_distances(known, squared=True), []
    for C, gamma in GRID:
        kernel = np.exp(-gamma / known.shape[1] * apart)
        scores = []
        for one, other in parts:
            fitted = SVC(C=C, kernel="precomputed").fit(kernel[np.ix_(one, one)], truth[one])
            scores.append((fitted.predict(kernel[np.ix_(other, one)]) == truth[other]).mean())
        right.append(np.mean(scores))
    return GRID[int(np.argmax(right))]


def by_choice(drawn: Drawn, by_fields: bool) -> Posteriors:
    """The support vector machine of `chosen_by`."""
    C, gamma = chosen_by(drawn, by_fields)
    return drawn.machine(drawn.spectra, gamma, C)


def weighed(drawn: Drawn, of: np.ndarray) -> Posteriors:
    """Every group of training pixels weighing alike, the mean weight being 1."""
    _, place, sizes = np.unique(of, return_inverse=True, return_counts=True)
    return drawn.machine(drawn.spectra, weights=len(of) / len(sizes) / sizes[place])


def augmented(drawn: Drawn, change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Posteriors:
    """Each training spectrum a second time, changed."""
    known = drawn.cube[drawn.train]
    more = change(known, np.random.default_rng(drawn.seed))
    return drawn.machine(drawn.spectra, more=(more - known.mean(axis=0)) / known.std(axis=0))


def lit(known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gain, offset and slope over the bands, of 5 % of the mean each."""
    gain, offset, slope = 0.05 * rng.normal(size=(3, len(known), 1))
    return np.asarray(known * (1 + gain + slope * np.linspace(-1, 1, known.shape[1])) + offset * known.mean())


def dropped(known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A tenth of the bands at their mean."""
    return np.where(rng.random(known.shape) < 0.1, known.mean(axis=0), known)


def over_draws(drawn: Drawn) -> Posteriors:
    """Machines on random shares of the fields of each class, their posteriors averaged."""
    rng, found = np.random.default_rng(drawn.seed), []
    for _ in range(DRAWS):
        kept = np.zeros(len(drawn.truth), dtype=bool)
        for k in np.unique(drawn.truth):
            numbers = np.unique(drawn.fields[drawn.truth == k])
            taken = rng.choice(numbers, max(1, round(SHARE * len(numbers))), replace=False)
            kept |= np.isin(drawn.fields, taken)
        found.append(drawn.machine(drawn.spectra, truth=np.where(kept, drawn.truth, -1)))
    return np.asarray(np.mean(found, axis=0))


def window_means(drawn: Drawn, size: int) -> np.ndarray:
    """Means of the bands over windows masked to their side, standardised."""
    found = np.empty_like(drawn.cube)
    for side in (drawn.side, ~drawn.side):
        planes = torch.from_numpy(np.moveaxis(drawn.cube * side[..., None], 2, 0)[None].copy())
        count = torch.from_numpy(side[None, None].astype(float))
        total, seen = (
            torch.nn.functional.avg_pool2d(v, size, 1, size // 2, divisor_override=1) for v in (planes, count)
        )
        found[side] = np.moveaxis((total / seen.clamp_min(1))[0].numpy(), 0, 2)[side]
    return drawn.standardised(found)


def edge_preserving(drawn: Drawn, posteriors: Posteriors, radius: int = 8, width: float = 0.4) -> Posteriors:
    """Means over a window within the test side, alike pixels weighing most: a bilateral filter guided by components."""
    guide = drawn.noise_fractions(4)
    guide = guide / np.sqrt(guide[~drawn.side].var(axis=0).sum()) / width
    rows, cols = drawn.side.shape
    total, weight = np.zeros_like(posteriors), np.zeros((rows, cols))
    for down in range(-radius, radius + 1):
        for right in range(-radius, radius + 1):
            here = np.s_[max(0, -down) : rows - max(0, down), max(0, -right) : cols - max(0, right)]
            there = np.s_[max(0, down) : rows - max(0, -down), max(0, right) : cols - max(0, -right)]
            alike = np.exp(-0.5 * ((guide[here] - guide[there]) ** 2).sum(axis=2)) * drawn.side[there]
            total[here] += alike[..., None] * posteriors[there]
            weight[here] += alike
    return np.asarray(total / weight[..., None].clip(1e-12))


def shifted(drawn: Drawn) -> np.ndarray:
    """Spectra, those of the test side moved so that their mean is that of the train side: it is seen, transductive."""
    found = drawn.spectra.copy()
    found[drawn.side] += found[~drawn.side].mean(axis=0) - found[drawn.side].mean(axis=0)
    return found


def crop_first(drawn: Drawn) -> Posteriors:
    """Corn and soybean as one class each first, then their tillage: posteriors multiplied."""
    crops = np.array([TILLAGE.get(k, k) for k in range(1, drawn.scene.num_classes + 1)]) - 1
    own = crops[drawn.truth]
    crop = drawn.machine(drawn.spectra, truth=own)
    found = crop.copy()
    for first in sorted({k - 1 for k in TILLAGE.values()}):
        members = np.flatnonzero(crops == first)
        if len(members) < 2:
            continue
        within = drawn.machine(drawn.spectra, truth=np.where(own == first, drawn.truth, -1))
        found[..., members] = crop[..., first : first + 1] * within[..., members]
    return found


def mean(*posteriors: Posteriors) -> Posteriors:
    """Of several machines."""
    return np.asarray(np.mean(posteriors, axis=0))


def pooled(drawn: Drawn) -> Posteriors:
    """The linear discriminant with the covariance within classes, fields not told apart."""
    found = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE).fit(drawn.spectra[drawn.train], drawn.truth)
    return drawn.laid_out(found.predict_proba(drawn.spectra[drawn.test]), found.classes_, drawn.test)


def unit(cube: np.ndarray) -> np.ndarray:
    """Spectra of length 1."""
    return np.asarray(cube / np.linalg.norm(cube, axis=2, keepdims=True))


def normal(cube: np.ndarray) -> np.ndarray:
    """Each spectrum of mean 0 and standard deviation 1 over its bands (SNV)."""
    return np.asarray((cube - cube.mean(axis=2, keepdims=True)) / cube.std(axis=2, keepdims=True))


TRANSDUCTIVE = "transductive: "
RECIPE = "the same, balanced (`experiment=ip_regions`)"
SPECTRA: dict[str, Callable[[Drawn], Posteriors]] = {  # the ways to make a support vector machine on single spectra
    BASE: lambda d: d.by_spectra,
    **{name: partial(by_choice, by_fields=by_fields) for name, by_fields in CHOICES.items()},
    "logarithm of the spectra": lambda d: d.machine(d.standardised(np.log(d.cube))),
    "SNV": lambda d: d.machine(d.standardised(normal(d.cube))),
    "spectra of length 1": lambda d: d.machine(d.standardised(unit(d.cube))),
    "spectral derivative": lambda d: d.machine(d.standardised(np.gradient(d.cube, axis=2))),
    "every field weighs alike": lambda d: weighed(d, d.fields),
    "every class weighs alike": lambda d: weighed(d, d.truth),
    "augmented by gain, offset, slope": lambda d: augmented(d, lit),
    "augmented by band drop-out": lambda d: augmented(d, dropped),
}
IDEAS: dict[str, Callable[[Drawn], Posteriors]] = {
    **SPECTRA,
    "window means, 3 x 3": lambda d: d.machine(window_means(d, 3)),
    "window means, 5 x 5": lambda d: d.machine(window_means(d, 5)),
    "LDA, covariance within classes": pooled,
    "LDA, covariance within fields": lambda d: d.by_discriminant,
    "15 MNF components": lambda d: d.machine(d.noise_fractions(15), "scale"),
    "10 components within fields": lambda d: d.by_components,
    "ensemble over draws of fields": over_draws,
    "crop first, tillage second": crop_first,
    "spectra and components": lambda d: mean(d.by_spectra, d.by_components),
    "spectra, components and LDA": lambda d: mean(d.by_spectra, d.by_components, d.by_discriminant),
    "posteriors averaged at 1": lambda d: d.averaged(d.by_spectra, 1),
    "posteriors averaged at 2.5": lambda d: d.averaged(d.by_spectra),
    "posteriors averaged, edge-preserving": lambda d: edge_preserving(d, d.by_spectra),
    "the same at 2.5, balanced": lambda d: d.averaged(d.by_spectra, balance=BALANCE),
    "LDA within fields, averaged at 2.5": lambda d: d.averaged(d.by_discriminant),
    "components, averaged at 2.5": lambda d: d.averaged(d.by_components),
    "spectra and components, averaged at 2.5": lambda d: d.averaged(mean(d.by_spectra, d.by_components)),
    RECIPE: lambda d: d.averaged(mean(d.by_spectra, d.by_components), balance=BALANCE),
    "the same with LDA": lambda d: d.averaged(mean(d.by_spectra, d.by_components, d.by_discriminant), balance=BALANCE),
    f"{TRANSDUCTIVE}mean shift": lambda d: d.machine(shifted(d)),
    f"{TRANSDUCTIVE}mean shift, averaged at 2.5": lambda d: d.averaged(d.machine(shifted(d), whole=True)),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Score draws, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, nargs=2, default=(100, 124), metavar=("FIRST", "END"))
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--file", type=Path, default=TABLE)
    chosen = parser.parse_args(argv)
    if chosen.table:
        scores = pd.read_csv(chosen.file)
        print(table(scores), "The recipe, and every machine on spectra:", beaten(scores), sep="\n\n")
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
    """Scores of every idea on a draw, fractions: OA, AA, and OA with corn and soybean whatever their tillage."""
    test, found = drawn.test, []
    truth = drawn.scene.labels[test].astype(int)
    crops = np.array([TILLAGE.get(k, k) for k in range(drawn.scene.num_classes + 1)])
    for name, idea in IDEAS.items():
        mapped = idea(drawn)[test].argmax(axis=1) + 1
        right = mapped == truth
        scores = {"oa": right.mean(), "aa": np.mean([right[truth == k].mean() for k in np.unique(truth)])}
        scores["crops"] = (crops[mapped] == crops[truth]).mean()
        chosen = "C={:g} gamma={:g}".format(*chosen_by(drawn, CHOICES[name])) if name in CHOICES else ""
        found.append({"seed": drawn.seed, "idea": name, **scores, "chosen": chosen})
    return found


def table(scores: pd.DataFrame) -> str:
    """Means over draws in percent, differences in OA from `BASE` with intervals, and p values of paired t tests.

    Holm's correction is for all ideas of the table.
    """
    wide = {key: scores.pivot(index="seed", columns="idea", values=key) * 100 for key in ("oa", "aa", "crops")}
    names = [name for name in IDEAS if name in wide["oa"]]
    beside = compare_draws({name: wide["oa"][name] - wide["oa"][BASE] for name in names if name != BASE})
    rows = []
    for name in names:
        oa, aa, crops = (wide[key][name] for key in ("oa", "aa", "crops"))
        row = [name, *(f"{value:.1f}" for value in (oa.mean(), oa.std(), aa.mean(), crops.mean()))]
        rows.append(row + beside.get(name, []))
    return tabulate_compared(rows, ["idea", "OA %", "sd", "AA %", "crops %"])


def beaten(scores: pd.DataFrame) -> str:
    """By how much `RECIPE` is better than each of `SPECTRA`, as in `table`; Holm's correction is for these alone."""
    oa = scores.pivot(index="seed", columns="idea", values="oa") * 100
    beside = compare_draws({name: oa[RECIPE] - oa[name] for name in SPECTRA})
    return tabulate_compared(
        [[name, f"{oa[name].mean():.1f}", *words] for name, words in beside.items()], ["machine", "OA %"]
    )


def compare_draws(differences: Mapping[str, pd.Series]) -> dict[str, list[str]]:
    """Mean, interval, how often above 0, and p by Holm over all, of differences in percent by draw."""
    pairs = {name: compare_paired(values) for name, values in differences.items()}
    adjusted = holm([pair.p_t if pair.p_t is not None else 1.0 for pair in pairs.values()])
    found = {}
    for (name, pair), p in zip(pairs.items(), adjusted, strict=True):
        apart, better = pair.difference, int((differences[name] > 0).sum())
        found[name] = [f"{apart.mean:+.2f}", f"{apart.low:+.2f} to {apart.high:+.2f}", f"{better} of {apart.n}"]
        found[name].append("< 0.0001" if p < 1e-4 else f"{p:.4f}")
    return found


def tabulate_compared(rows: list[list[str]], headings: list[str]) -> str:
    """A table whose last columns are those of `compare_draws`."""
    compared = ["difference", "95 % interval", "better", "Holm p"]
    return tabulate(rows, [*headings, *compared], tablefmt="github", disable_numparse=True)


if __name__ == "__main__":
    main()
