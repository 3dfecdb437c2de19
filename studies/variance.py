"""Why results differ from run to run: ``python -m studies.variance --help``.

Short trainings of one network on Indian Pines, over seeds of the split, of the first weights and of the order of the
pixels (with dropout and augmentation), every one with every other. A run repeats to the bit, so these three and their
interplay are all there is; beside them stands what changes a run although no seed does: another precision, another
number of threads, and dropout that was left on while mapping.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from matplotlib.figure import Figure
from scipy import stats
from tqdm import tqdm

import hsi
from hsi import files
from hsi.api.runs import Run
from hsi.api.scenes import Scene
from hsi.engine.forward import logits_of
from hsi.errors import HsiError
from hsi.plots import canvas

HERE = Path(__file__).parent
FACTORS = {"split": "the split", "start": "the first weights", "order": "the order"}
FIRST_ORDER = 100  # no order has the seed of a start: equal seeds go on from one generator
SHARE = 0.1  # of the labelled pixels that trains
DROPOUTS = 5  # maps with dropout left on


def train(scene: Scene, seeds: Sequence[int], **how: Any) -> Run:
    """One short training; `seeds` of split, first weights and order."""
    split, start, order = seeds
    pixels = scene.split("random", train=SHARE, seed=split)
    return hsi.fit(scene, pixels, start_seed=start, order_seed=FIRST_ORDER + order, device="cpu", **how)


def measure(name: str, seeds: Sequence[int], **how: Any) -> dict[str, Any]:
    """The row of one training: its seeds, ``oa``, ``aa``, ``kappa`` (fractions) and seconds."""
    torch.set_num_threads(1)
    started = time.monotonic()
    run = train(hsi.load(name), seeds, **how)
    seconds = time.monotonic() - started
    return {**dict(zip(FACTORS, seeds, strict=True)), **how, **_scores(run), "seconds": round(seconds, 1)}


def _scores(run: Run) -> dict[str, float]:
    return {measure: float(run.scores[measure]) for measure in ("oa", "aa", "kappa")}


def causes(name: str, **how: Any) -> Iterator[dict[str, Any]]:
    """What changes the run whose seeds are all 0, no seed changing.

    Yields
    ------
    cause
        What differs from the first row.
    oa
        Overall accuracy of the map.
    differing
        Share of the map's pixels whose class is not that of the first.
    """
    scene, threads = hsi.load(name), torch.get_num_threads()
    torch.set_num_threads(1)
    run, seeds = train(scene, (0, 0, 0), **how), (0, 0, 0)
    network, image, engine = run.trained.network, run.image, run.trained.engine
    truth, test = scene.labels.ravel(), run.split.pixels(3)

    def row(cause: str, class_map: np.ndarray) -> dict[str, Any]:
        classes = class_map.ravel()
        return {
            "cause": cause,
            "oa": float((classes == truth)[test].mean()),
            "differing": float((classes != run.class_map.ravel()).mean()),
        }

    yield row("none", run.class_map)
    yield row("the same once more", train(scene, seeds, **how).class_map)
    yield row("trained in bfloat16", train(scene, seeds, **how, precision="bf16").class_map)
    torch.set_num_threads(2)
    yield row("two threads", train(scene, seeds, **how).class_map)
    torch.set_num_threads(threads)
    for draw in range(DROPOUTS):
        torch.manual_seed(draw)
        for module in network.modules():
            module.training = isinstance(module, torch.nn.Dropout)
        yield row("dropout left on", logits_of(network, image, engine).argmax(1).numpy() + 1)
    network.eval()


def components(rows: pd.DataFrame, measure: str = "oa") -> pd.DataFrame:
    """Variance of one run by what draws it: an analysis of variance with three crossed random factors.

    Parameters
    ----------
    rows
        One for every combination of the levels of `FACTORS`.

    Returns
    -------
    A row for each factor, and one for the rest, their interplay: ``df``, ``sd`` (root of the variance component, below
    0 cut to 0), ``low`` and ``high`` (95 % interval of Williams and Tukey; of the rest the exact one), ``share`` of the
    sum of the variances. In the unit of `measure`.

    Source: Searle, Casella, McCulloch, "Variance Components", 1992, sections 3.6 and 4.5; all interactions are pooled.
    Raises HsiError where a combination is missing or there twice.
    """
    levels = [rows[factor].nunique() for factor in FACTORS]
    if len(rows) != np.prod(levels) or rows.duplicated([*FACTORS]).any():
        raise HsiError(
            f"{len(rows)} runs are not one for each of {' x '.join(map(str, levels))} seeds: measure them all"
        )
    values = rows[measure]
    total = float(((values - values.mean()) ** 2).sum())
    squares = {
        factor: len(rows) / n * float(((rows.groupby(factor)[measure].mean() - values.mean()) ** 2).sum())
        for factor, n in zip(FACTORS, levels, strict=True)
    }
    left, df = total - sum(squares.values()), len(rows) - 1 - sum(n - 1 for n in levels)
    rest = max(left, 0) / df
    found = [
        {"of": factor, "df": n - 1, **_component(squares[factor], n, len(rows) // n, rest, df)}
        for factor, n in zip(FACTORS, levels, strict=True)
    ]
    low, high = (df * rest / stats.chi2.ppf(p, df) for p in (0.975, 0.025))
    found.append({"of": "rest", "df": df, "variance": rest, "low": np.sqrt(low), "high": np.sqrt(high)})
    table = pd.DataFrame(found).set_index("of")
    table["share"] = table.variance / table.variance.sum()
    table["sd"] = np.sqrt(table.pop("variance"))
    return table[["df", "sd", "low", "high", "share"]]


def _component(square: float, levels: int, each: int, rest: float, df: int) -> dict[str, float]:
    """Variance of a factor of so many levels, `each` of them in so many runs, and the interval of its root."""
    own = levels - 1

    def bound(p: float) -> float:
        beyond = (square - own * rest * stats.f.ppf(p, own, df)) / (each * stats.chi2.ppf(p, own))
        return float(np.sqrt(max(beyond, 0)))

    return {"variance": max((square / own - rest) / each, 0), "low": bound(0.975), "high": bound(0.025)}


def write_tables(rows: pd.DataFrame, other: pd.DataFrame) -> tuple[str, str]:
    """In Markdown, both in percent: what draws the variance of `rows`; what changes a run although no seed does."""
    found = (100 * components(rows)[["sd", "low", "high", "share"]]).rename({**FACTORS, "rest": "their interplay"})
    found = found.rename_axis("drawn by").rename(
        columns={"low": "95 % from", "high": "to", "share": "share of the variance"}
    )
    means = 100 * other.groupby("cause", sort=False)[["oa", "differing"]].mean()
    means = means.rename(columns={"oa": "OA", "differing": "map differs"})
    return found.to_markdown(floatfmt=".2f"), means.to_markdown(floatfmt=".2f")


def draw(rows: pd.DataFrame) -> Figure:
    """OA of every run by the seed of each factor, with the mean of each seed and of all."""
    figure = canvas.make_figure(8, 2.9)
    panels = figure.subplots(1, len(FACTORS), sharey=True)
    for axes, (factor, draws) in zip(panels, FACTORS.items(), strict=True):
        axes.axhline(100 * rows.oa.mean(), color=canvas.UNSEEN, linewidth=0.8, label="mean of all")
        axes.plot(rows[factor], 100 * rows.oa, ".", color=canvas.MEASURED, markersize=5, alpha=0.4, label="a run")
        means = 100 * rows.groupby(factor).oa.mean()
        axes.plot(means.index, means, "_", color=canvas.VALIDATED, markersize=20, label="mean of the seed")
        canvas.finish_chart(axes, f"seed of {draws}", "OA (%)" if axes is panels[0] else "", grid="y")
        axes.set_xticks(means.index)
        axes.margins(x=0.12)
    canvas.add_legend(figure, handles=panels[0].get_legend_handles_labels()[0], loc="outside lower center", ncols=3)
    return figure


def main(words: list[str] | None = None) -> None:
    """Train what is not in the tables yet, and print what they say."""
    parser = argparse.ArgumentParser(prog="python -m studies.variance", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="of each kind; default: 5, so 125 runs")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="runs at once, of one thread each; default: 2")
    parser.add_argument("--scene", default="indian_pines", metavar="NAME", help="default: indian_pines")
    parser.add_argument("--steps", type=int, default=60, metavar="N", help="of a training; default: 60")
    parser.add_argument("--window", type=int, default=15, metavar="N", help="in pixels; default: 15")
    parser.add_argument("--components", type=int, default=15, metavar="N", help="default: 15")
    parser.add_argument("--rate", type=float, default=4e-3, metavar="X", help="learning rate; default: 0.004")
    parser.add_argument("--tables", type=Path, default=HERE, metavar="DIR", help="of variance.csv and causes.csv")
    parser.add_argument("--draw", type=Path, metavar="FILE", help="the figure of all runs, such as docs/variance.png")
    chosen = parser.parse_args(words)
    how = {"model": "hybridsn", "steps": chosen.steps, "patch_size": chosen.window, "components": chosen.components}
    how["learning_rate"] = chosen.rate
    try:
        rows = _measure_all(chosen, how)
        other = chosen.tables / "causes.csv"
        if not other.exists():
            files.write(other, pd.DataFrame(causes(chosen.scene, **how)).to_csv(index=False))
        print(*write_tables(rows, files.read_table(other)), sep="\n\n")
        if chosen.draw:
            canvas.save(draw(rows), chosen.draw)
    except HsiError as error:
        sys.exit(f"Error: {error}")


def _measure_all(chosen: argparse.Namespace, how: dict[str, Any]) -> pd.DataFrame:
    table = chosen.tables / "variance.csv"
    rows = files.read_table(table) if table.exists() else pd.DataFrame(columns=[*FACTORS])
    known = set(rows[[*FACTORS]].itertuples(index=False, name=None))
    lacking = [seeds for seeds in product(range(chosen.seeds), repeat=3) if seeds not in known]
    work = Parallel(chosen.jobs, return_as="generator_unordered")
    found = work(delayed(measure)(chosen.scene, seeds, **how) for seeds in lacking)
    for row in tqdm(found, "Runs", len(lacking), unit="run", disable=not sys.stderr.isatty()):
        rows = pd.concat([rows, pd.DataFrame([row])]) if len(rows) else pd.DataFrame([row])
        files.write(table, rows.sort_values([*FACTORS]).to_csv(index=False))
    return rows


if __name__ == "__main__":
    main()
