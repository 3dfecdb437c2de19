"""RESULTS.md and its figures, made from the tables: not a number in them is typed."""

from pathlib import Path
from typing import Any

import pandas as pd

from hsi import files
from hsi.comparison import tables
from hsi.comparison.groups import Setting
from hsi.errors import HsiError
from hsi.evaluation.statistics import spread
from hsi.plots import canvas
from hsi.plots.comparison import draw_cost, draw_gap
from hsi.reports.tables import to_markdown
from studies.protocols import HONEST, LEAKING, Study, both, mean, otherwise
from studies.sentences import (
    ATTENTION,
    BASELINES,
    describe_attention,
    describe_few_labels,
    describe_leak,
    describe_models,
    describe_position,
    percent,
)

LEAKS = {"test_windows_with_training_pixel_of_own_class": "of own class %", "mean_overlap": "mean overlap %"}
SAME_NUMBER = ("random, 30 a class", "regions, 30 a class")  # those of experiment=leak_gap
NEEDED = ("hybridsn", "svm")  # the sentences are about these
# Measured before their defaults changed (CHANGELOG.md); a network leaves the list when it has been measured again.
EARLIER = {
    *("a2s2k_resnet", "alexnet", "cnn_3d", "drn_a", "drn_b", "drn_c", "googlenet", "mamba", "mobilenet_v2"),
    *("mobilenet_v3", "spectralformer", "squeezenet", "ssrn"),
}

HEAD = """# Results on Indian Pines

Written by `python -m studies write` from the metrics of finished runs in `studies/`, never by hand: the
tables, the figures and the numbers in the sentences. Mean ± standard deviation over seeds; a seed draws the split,
the weights and the shuffle. Every run mapped the whole scene and was tested on all labelled pixels that it did not
train on, under regions on those of the test side. What position alone gives is found again from scene, split and seed
(`python -m studies position`).
Commands and machines stand with the full tables at the end; `python -m studies extend DIR` adds the runs
of a sweep. Runs of one thread shared the two cores with another run, some with more: their seconds are upper bounds.
"""


def write(found: Study, root: Path, recipes: str = "") -> None:
    """Write RESULTS.md at the top of a source tree, and its figures, docs/gap.png and docs/cost.png.

    `recipes` is the part about them, see `studies.recipes.section`.
    Raises HsiError where runs are missing that the sentences are about.
    """
    text = write_up(found, recipes)
    table = scores(found, (LEAKING, HONEST), both(found))
    cost = costs(found)
    gap_figure = draw_gap(table, "OA (%), mean and standard deviation over the seeds")
    cost_figure = draw_cost(table.loc[cost.index], cost, "million multiply-adds a pixel, trunk shared", "OA (%)")
    files.write(root / "RESULTS.md", text)
    canvas.save(gap_figure, root / "docs" / "gap.png")
    canvas.save(cost_figure, root / "docs" / "cost.png")


def write_up(found: Study, recipes: str = "") -> str:
    """The text of RESULTS.md; parameters and errors as of `write`."""
    missing = [
        f"{row} under {title}" for title in (LEAKING, HONEST) for row in NEEDED if row not in found.get(title, {})
    ]
    if missing:
        raise HsiError(f"RESULTS.md is also about {missing[0]}, of which the tables hold no run: add its runs first")
    every = {row for of in found.values() for row in of}
    first, *others = ATTENTION
    studied = [row for row in (first, *otherwise(every, first), *others, *BASELINES) if row in every]
    parts = [HEAD, "## At a glance", overview(found, studied), *(f"{line}\n" for line in describe_leak(found))]
    parts.extend(f"{line}\n" for line in describe_position(found))
    if few := describe_few_labels(found):
        parts.append(
            "## HybridSN with few labels\n\n300 steps in place of the 60 of `experiment=study`, augmentation, and "
            "the mean of eight views:\n"
        )
        parts.append("".join(f"- {sentence}\n" for sentence in few))
    parts.extend([recipes] if recipes else [])
    if all(title in found for title in SAME_NUMBER):
        parts.append(
            "## The same number of training pixels\n\n`python -m hsi.run experiment=leak_gap`: HybridSN with 30 "
            "training pixels of each class, at random or from the train side of whole fields.\n"
        )
        parts.append(overview({title: found[title] for title in SAME_NUMBER}, ["hybridsn"]))
    parts.append("## What attention brings to HybridSN, and what not\n")
    for title in (LEAKING, HONEST):
        sentences = describe_attention(found[title])
        parts.append(f"Under {title}:\n\n" + "".join(f"- {sentence}\n" for sentence in sentences))
    parts.append(
        "## All models\n\nEach by the recipe and with the window of its file in conf/model, HybridSN by "
        f"`experiment=study`. Sorted by {HONEST}; kappa times 100; multiply-adds with the shared trunk. The input, the "
        "window, the width or a layer of networks with a dagger (†) has changed since (CHANGELOG.md): their rows, here "
        "and in the full tables, are of the network before.\n"
    )
    parts.append(zoo(found, both(found)))
    parts.extend(f"{sentence}\n" for sentence in describe_models(found, both(found)))
    parts.append("![OA under both protocols](docs/gap.png)\n")
    parts.append("![OA against cost](docs/cost.png)\n")
    parts.append("## Full tables\n")
    return "\n".join([*parts, *(full(title, of) for title, of in found.items())])


def overview(found: Study, names: list[str]) -> str:
    """A table of OA, a row a name and a column a protocol."""
    rows = [{"OA %": row} | {title: percent(of.get(row)) for title, of in found.items()} for row in names]
    alone = {title: of["hybridsn"].beside("oa") if "hybridsn" in of else [] for title, of in found.items()}
    if any(alone.values()):
        told = {title: _spread_of(values) if values else "-" for title, values in alone.items()}
        rows.append({"OA %": "*position alone, no spectrum read*"} | {title: f"*{told[title]}*" for title in told})
    leaks = {"OA %": "*test windows of 25 that contain a training pixel, %*"}
    for title, of in found.items():
        shares = [
            100 * run.metrics["leakage"]["test_windows_with_training_pixel"]
            for run in (of["hybridsn"].runs if "hybridsn" in of else ())
        ]
        leaks[title] = f"*{spread(shares).mean:.1f}*" if shares else "-"
    return "\n" + to_markdown(pd.DataFrame([*rows, leaks]))


def _spread_of(values: list[float]) -> str:
    """'mean ± sd' in percent."""
    found = spread(values)
    return f"{100 * found.mean:.2f}" + ("" if found.sd is None else f" ± {100 * found.sd:.2f}")


def zoo(found: Study, names: list[str]) -> str:
    """A table of all models under both protocols and what they cost, the best under regions first."""
    rows = []
    for row in names:
        leaking, honest = found[LEAKING][row], found[HONEST][row]
        first = leaking.runs[0].metrics
        cost = first["multiply_adds_per_pixel"]
        seconds = tables.tabulate_settings([leaking]).iloc[0]
        rows.append(
            {
                "model": f"{row} †" if row in EARLIER else row,
                "seeds": len(leaking.runs),
                "window": first["leakage"]["window"],
                "parameters": f"{first['parameters']:,}" if first["parameters"] else "-",
                "M multiply-adds a pixel": f"{cost['shared'] / 1e6:.2f}" if cost else "-",
                "train s": f"{seconds['train_seconds_mean']:.0f}",
                "map s": f"{seconds['map_seconds_mean']:.1f}",
            }
            | {
                f"{measure} {title}": percent(setting, measure.lower())
                for title, setting in ((HONEST, honest), (LEAKING, leaking))
                for measure in ("OA", "AA", "kappa")
            }
        )
    return to_markdown(pd.DataFrame(rows))


def full(title: str, of: dict[str, Setting]) -> str:
    """All that is known of a protocol: table, machines, commands."""
    ordered = dict(sorted(of.items(), key=lambda item: -mean(item[1])))
    table = tables.tabulate_settings(list(ordered.values())).assign(setting=list(ordered))
    shown = tables.show_accuracy(table).merge(tables.show_cost(table), on=["no.", "setting"]).drop(columns="no.")
    for key, heading in LEAKS.items():
        shares = [spread([run.metrics["leakage"][key] for run in setting.runs]).mean for setting in ordered.values()]
        shown[heading] = [f"{100 * share:.1f}" for share in shares]
    firsts = [setting.runs[0].metrics for setting in ordered.values()]
    shown["steps"] = [str(m["config"]["train"].get("steps", "-")) if m["parameters"] else "-" for m in firsts]
    metrics = [run.metrics for setting in ordered.values() for run in setting.runs]
    machines = sorted({f"{m['processor']}, {m['device']}, threads: {m['threads']}, {m['precision']}" for m in metrics})
    commands = "".join(f"    {line}\n" for line in sorted({command(m) for m in metrics}))
    return f"### {title}\n\n{to_markdown(shown)}\nMachine: {'; '.join(machines)}.\n\n{commands}"


def command(metrics: dict[str, Any]) -> str:
    """The command that repeats a run, for all seeds and machines alike."""
    return " ".join(
        word for word in metrics["command"] if not word.startswith(("seed=", "hydra.", "data_dir=", "force="))
    )


def scores(found: Study, protocols: tuple[str, str], names: list[str]) -> pd.DataFrame:
    """Mean and standard deviation of OA in percent, as the figures take them."""
    columns: dict[tuple[str, str], list[float | None]] = {}
    for title in protocols:
        spreads = [spread(found[title][row].values("oa")) for row in names]
        columns[title, "mean"] = [100 * each.mean for each in spreads]
        columns[title, "std"] = [None if each.sd is None else 100 * each.sd for each in spreads]
    return pd.DataFrame(columns, index=names, dtype=float)


def costs(found: Study) -> pd.Series:
    """Million multiply-adds a pixel, of the models that have layers to count."""
    counts = {row: found[HONEST][row].runs[0].metrics["multiply_adds_per_pixel"] for row in both(found)}
    return pd.Series({row: count["shared"] / 1e6 for row, count in counts.items() if count})
