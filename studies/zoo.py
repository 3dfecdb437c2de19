"""The part of RESULTS.md on all networks: on one budget, and each by its own recipe."""

from statistics import fmean

import pandas as pd

from hsi.comparison import tables
from hsi.comparison.groups import Setting
from hsi.errors import HsiError
from hsi.reports.tables import to_markdown
from studies.protocols import HONEST, LEAKING, ONE_BUDGET, Study, mean
from studies.sentences import BASELINES, describe_models, describe_position, percent

# Measured before their defaults changed (CHANGELOG.md); a network leaves the list when it has been measured again.
EARLIER = {
    *("a2s2k_resnet", "alexnet", "cnn_3d", "drn_a", "drn_b", "drn_c", "googlenet", "mamba", "mobilenet_v2"),
    *("mobilenet_v3", "spectralformer", "squeezenet", "ssrn"),
}
MEASURES = ("OA", "AA", "kappa")


def on_one_budget(found: Study) -> str:
    """Table and sentences of the networks by `experiment=equal`, the best first.

    Raises HsiError where their steps, batches or training pixels differ.
    """
    steps, size, passes = _budget(found[ONE_BUDGET])
    of = found[ONE_BUDGET] | {row: found[LEAKING][row] for row in BASELINES if row in found[LEAKING]}
    rows = [cost(row, of[row]) | scores(of[row]) | trust(of[row]) for row in sorted(of, key=lambda row: -mean(of[row]))]
    sentences = [*describe_position(found[ONE_BUDGET], LEAKING), *describe_models(of, LEAKING)]
    return (
        f"## All networks on one budget\n\nUnder {LEAKING}, each by `experiment=equal`: {steps} steps of {size} "
        f"windows, that is {passes:.0f} passes over the training pixels, with augmentation. Input, window, width and "
        "learning rate are those "
        "of the network's file in conf/model; the baselines of scikit-learn know no steps. Kappa times 100; "
        "multiply-adds with the shared trunk; seconds of one thread. Trained: the accuracy on the batches of the last "
        "tenth of the steps. Confidence: the mean over the test pixels. Skill: beside position alone.\n\n"
        + "\n".join([to_markdown(pd.DataFrame(rows)), *(f"{sentence}\n" for sentence in sentences)])
    )


def _budget(of: dict[str, Setting]) -> tuple[int, int, float]:
    """Steps, windows of a step, and passes over the training pixels, the same in all runs."""
    runs = [run.metrics for setting in of.values() for run in setting.runs]
    budgets = {(*(run["config"]["train"][key] for key in ("steps", "batch_size")), run["n_train"]) for run in runs}
    if len(budgets) > 1:
        raise HsiError(f"runs of {ONE_BUDGET} differ in steps, batches or training pixels: keep those of one budget")
    steps, size, pixels = budgets.pop()
    return steps, size, steps * size / pixels


def by_own_recipes(found: Study) -> str:
    """Table and sentence of the models under regions, the best first."""
    of = found[HONEST]
    rows = [
        cost(f"{row} †" if row in EARLIER else row, of[row]) | scores(of[row])
        for row in sorted(of, key=lambda row: -mean(of[row]))
    ]
    return (
        f"## All models under regions\n\nUnder {HONEST}, each by the recipe and with the window of its file in "
        "conf/model, HybridSN by `experiment=study`. The input, the window, the width or a layer of networks with a "
        "dagger (†) has changed since (CHANGELOG.md): their rows, here and in the full tables, are of the network "
        "before.\n\n"
        + "\n".join([to_markdown(pd.DataFrame(rows)), *(f"{sentence}\n" for sentence in describe_models(of, HONEST))])
    )


def cost(row: str, setting: Setting) -> dict[str, object]:
    """What a model is given and what it costs, the first columns of its row."""
    first = setting.runs[0].metrics
    adds, seconds = first["multiply_adds_per_pixel"], tables.tabulate_settings([setting]).iloc[0]
    return {
        "model": row,
        "seeds": len(setting.runs),
        "input": first["choices"]["reduce"],
        "window": first["leakage"]["window"],
        "parameters": f"{first['parameters']:,}" if first["parameters"] else "-",
        "M multiply-adds a pixel": f"{adds['shared'] / 1e6:.2f}" if adds else "-",
        "train s": f"{seconds['train_seconds_mean']:.0f}",
        "map s": f"{seconds['map_seconds_mean']:.1f}",
    }


def scores(setting: Setting) -> dict[str, object]:
    """OA, AA and kappa in percent, with their spread."""
    return {measure: percent(setting, measure.lower()) for measure in MEASURES}


def trust(setting: Setting) -> dict[str, str]:
    """What was learned of the training pixels, how sure the maps are, and what they add to position, in percent."""
    metrics = [run.metrics for run in setting.runs]
    shares = {
        "trained %": [each["training_accuracy"] for each in metrics],
        "confidence %": [each["calibration"] and each["calibration"]["confidence"] for each in metrics],
        "skill %": setting.beside("skill"),
    }
    return {title: "-" if None in values else f"{100 * fmean(values):.1f}" for title, values in shares.items()}
