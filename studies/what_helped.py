"""What helps Gaussian scales between labels: one change at a time, judged on validation pixels alone.

``python -m studies.what_helped [--seeds N] [--protocols NAME ...] [--variants NAME ...]`` prints the tables of
docs/what_helped.md. No test pixel is scored, and the seeds (60 on) are other ones than those of the recipes in
conf/experiment/.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from tabulate import tabulate

import hsi
from hsi import reduce
from hsi.api.scenes import Scene
from hsi.models.scales import SHRINKAGE
from hsi.splits.fields import pixels_of_fields
from hsi.splits.regions import cut_across
from hsi.splits.roles import TRAIN, VALIDATION

FIRST_SEED = 60
SCALES = (1, 2, 4, 8, 16, 24)
DRAWN = {
    "10 a class": {"per_class": 10, "validation": 0.1},
    "5 %": {"train": 0.05, "validation": 0.1},
    "10 %": {"train": 0.1, "validation": 0.1},
}
PUBLISHED = {"695": "spectralformer_695", "DASE": "grss_dase"}
LEAST = 3  # pixels of a clump that is cut in two


@dataclass(frozen=True)
class Variant:
    """One way to do it; the defaults are those of conf/model/scales.yaml."""

    name: str = "as in `model=scales`"
    components: str = "mnf 15"
    scales: Sequence[float] = SCALES
    spread: Sequence[float] = ()  # scales at which the local standard deviation is added
    head: str = "svm"
    gamma: float = 1
    C: float = 100
    smoothed: float = 0  # of the posteriors, in pixels
    units: tuple[int, ...] = (100,)  # of the hidden layers of a network


BASE = Variant()
VARIANTS = (
    BASE,
    replace(BASE, name="30 PCA of standardised bands", components="pca 30"),
    replace(BASE, name="the same at 2, 3, 6, 12", components="pca 30", scales=(2, 3, 6, 12)),
    replace(BASE, name="30 MNF components", components="mnf 30"),
    replace(BASE, name="8 MNF components", components="mnf 8"),
    replace(BASE, name="MNF of the logarithm", components="log 15"),
    replace(BASE, name="MNF of spectra of length 1", components="unit 15"),
    replace(BASE, name="scales 2, 3, 6", scales=(2, 3, 6)),
    replace(BASE, name="scales 1, 2, 4", scales=(1, 2, 4)),
    replace(BASE, name="the pixel itself beside them", scales=(0, *SCALES)),
    replace(BASE, name="nine scales", scales=(1, 2, 3, 4, 6, 8, 12, 16, 24)),
    replace(BASE, name="four scales: 1, 3, 8, 24", scales=(1, 3, 8, 24)),
    replace(BASE, name="local standard deviation at 2, 4", spread=(2, 4)),
    replace(BASE, name="gamma 0.3", gamma=0.3),
    replace(BASE, name="gamma 0.5", gamma=0.5),
    replace(BASE, name="gamma 2", gamma=2),
    replace(BASE, name="C 10", C=10),
    replace(BASE, name="LDA", head="lda"),
    replace(BASE, name="SVM times LDA", head="product"),
    replace(BASE, name="SVM on the discriminants", head="discriminants"),
    replace(BASE, name="the mean of a kernel for each scale", head="sum"),
    replace(BASE, name="the same, and a scale of 0.5", head="sum", scales=(0.5, *SCALES)),
    replace(BASE, name="a network of 100 units", head="network"),
    replace(BASE, name="a network of 200 units", head="network", units=(200,)),
    replace(BASE, name="a network of 100 and 100 units", head="network", units=(100, 100)),
    replace(BASE, name="posteriors smoothed at 1", smoothed=1),
    replace(BASE, name="posteriors smoothed at 2", smoothed=2),
)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table: OA / AA in percent on validation pixels, means over seeds, and CPU seconds of a judgement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--protocols", nargs="*", default=[*DRAWN, *PUBLISHED])
    names = [variant.name for variant in VARIANTS]
    parser.add_argument("--variants", nargs="*", default=names, choices=names, metavar="NAME")
    chosen = parser.parse_args(argv)
    scene = hsi.load("indian_pines")
    sets = {name: list(held_out(scene, name, chosen.seeds)) for name in chosen.protocols}
    rows = []
    for variant in (variant for variant in VARIANTS if variant.name in chosen.variants):
        stack, started = features(scene, variant), time.process_time()
        found = {name: np.mean([judge(scene, stack, variant, *masks) for masks in sets[name]], axis=0) for name in sets}
        seconds = (time.process_time() - started) / sum(map(len, sets.values()))
        cells = [f"{100 * oa:.2f} / {100 * aa:.2f}" for oa, aa in found.values()]
        rows.append([variant.name, *cells, f"{seconds:.1f}"])
        print(*rows[-1], sep="   ", flush=True)
    print("\n" + tabulate(rows, ["variant", *sets, "seconds"], tablefmt="github", disable_numparse=True))


def held_out(scene: Scene, protocol: str, seeds: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Training and validation pixels, (rows, cols) bool each, for so many seeds.

    Of a published mask, a part of its training pixels validates: a fifth of the clumps of each class (695), or one end
    of each clump (DASE), as near to the rest as its own test pixels are.
    """
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        if protocol in DRAWN:
            split = scene.split("random", seed=seed, **DRAWN[protocol])
            yield split.role == TRAIN, split.role == VALIDATION
            continue
        train = scene.split(PUBLISHED[protocol]).role == TRAIN
        rng, chosen = np.random.default_rng(seed), np.zeros(train.size, dtype=bool)
        for k in range(1, scene.num_classes + 1):
            clumps = pixels_of_fields(train & (scene.labels == k))
            for clump in _some(clumps, rng) if protocol == "695" else _ends(clumps, rng, scene.cols):
                chosen[clump] = True
        validation = chosen.reshape(train.shape)
        yield train & ~validation, validation


def _some(clumps: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    count = max(1, round(len(clumps) / 5)) if len(clumps) > 1 else 0
    return [clumps[place] for place in rng.permutation(len(clumps))[:count]]


def _ends(clumps: list[np.ndarray], rng: np.random.Generator, cols: int) -> list[np.ndarray]:
    ends = []
    for clump in clumps:
        if len(clump) >= LEAST:
            share = rng.uniform(0.35, 0.65)
            ends.append(cut_across(clump, np.array([1 - share, share]), cols)[rng.integers(2)])
    return ends


def features(scene: Scene, variant: Variant) -> np.ndarray:
    """What a pixel is judged by: (pixels, features) float64."""
    image = _components(scene.name, variant.components)
    means = [blur(image, scale) for scale in variant.scales]
    spreads = [np.sqrt(np.maximum(blur(image**2, scale) - blur(image, scale) ** 2, 0)) for scale in variant.spread]
    return np.concatenate([*means, *spreads], axis=2).reshape(scene.rows * scene.cols, -1)


@cache
def _components(name: str, words: str) -> np.ndarray:
    scene = hsi.load(name)
    kind, count = words.split()
    cube = np.asarray(scene.cube, dtype=float)
    if kind == "log":
        cube = np.log(cube)
    if kind == "unit":
        cube = cube / np.linalg.norm(cube, axis=2, keepdims=True)
    split = scene.split("random")  # its pixels do not matter: all are fitted on
    if kind == "pca":
        cube = reduce.standardize(cube, split).image.astype(float)
        return reduce.pca(cube, split, components=int(count), whiten=False).image.astype(float)
    return reduce.mnf(cube, split, components=int(count)).image.astype(float)


def blur(image: np.ndarray, scale: float) -> np.ndarray:
    """Normalised Gaussian means of (rows, cols, C), cut off at three standard deviations."""
    if scale == 0:
        return image
    smooth = partial(gaussian_filter, sigma=scale, mode="constant", truncate=3)
    inside = smooth(np.ones(image.shape[:2]))
    return np.stack([smooth(plane) / inside for plane in np.moveaxis(image, 2, 0)], axis=2)


def judge(
    scene: Scene, stack: np.ndarray, variant: Variant, train: np.ndarray, validation: np.ndarray
) -> tuple[float, float]:
    """Overall and average accuracy, fractions, on the validation pixels."""
    truth, known = scene.labels.ravel(), train.ravel()
    scaler = StandardScaler().fit(stack[known])
    seen = scaler.transform(stack)
    wanted = np.ones_like(known) if variant.smoothed else validation.ravel()
    posteriors = HEADS[variant.head](seen[known], truth[known], seen[wanted], variant)
    if variant.smoothed:
        posteriors = blur(posteriors.reshape(*train.shape, -1), variant.smoothed)[validation]
    found, right = np.unique(truth[known])[posteriors.argmax(1)], truth[validation.ravel()]
    return float((found == right).mean()), float(np.mean([(found[right == k] == k).mean() for k in np.unique(right)]))


def _svm(known: np.ndarray, truth: np.ndarray, seen: np.ndarray, variant: Variant) -> np.ndarray:
    machine = SVC(C=variant.C, gamma=variant.gamma / known.shape[1]).fit(known, truth)
    return _softmax(2 * machine.decision_function(seen))


def _lda(known: np.ndarray, truth: np.ndarray, seen: np.ndarray, _: Variant) -> np.ndarray:
    found: np.ndarray = _discriminant().fit(known, truth).predict_proba(seen)
    return found


def _network(known: np.ndarray, truth: np.ndarray, seen: np.ndarray, variant: Variant) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # two hundred passes over the pixels, converged or not
        machine = MLPClassifier(variant.units, random_state=0).fit(known, truth)
    return np.asarray(machine.predict_proba(seen))


def _product(known: np.ndarray, truth: np.ndarray, seen: np.ndarray, variant: Variant) -> np.ndarray:
    return _svm(known, truth, seen, variant) * (_lda(known, truth, seen, variant) + 1e-3)


def _discriminants(known: np.ndarray, truth: np.ndarray, seen: np.ndarray, variant: Variant) -> np.ndarray:
    axes = _discriminant().fit(known, truth)
    scaler = StandardScaler().fit(axes.transform(known))
    inner, outer = (scaler.transform(axes.transform(values)) for values in (known, seen))
    return _svm(inner, truth, outer, variant)


def _sum(known: np.ndarray, truth: np.ndarray, seen: np.ndarray, variant: Variant) -> np.ndarray:
    blocks = np.split(np.arange(known.shape[1]), len(variant.scales))

    def kernel(values: np.ndarray) -> np.ndarray:
        return np.mean([_radial(values[:, b], known[:, b], variant.gamma / len(b)) for b in blocks], axis=0)

    machine = SVC(C=variant.C, kernel="precomputed").fit(kernel(known), truth)
    return _softmax(2 * machine.decision_function(kernel(seen)))


def _radial(values: np.ndarray, others: np.ndarray, gamma: float) -> np.ndarray:
    apart = (values**2).sum(1)[:, None] + (others**2).sum(1) - 2 * values @ others.T
    return np.exp(-gamma * np.maximum(apart, 0))


def _discriminant() -> LinearDiscriminantAnalysis:
    return LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE)


def _softmax(values: np.ndarray) -> np.ndarray:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


HEADS: dict[str, Callable[..., np.ndarray]] = {
    "svm": _svm,
    "lda": _lda,
    "network": _network,
    "product": _product,
    "discriminants": _discriminants,
    "sum": _sum,
}

if __name__ == "__main__":
    main()
