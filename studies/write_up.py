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
from studies import zoo
from studies.protocols import HONEST, LEAKING, ONE_BUDGET, Study, both, mean, otherwise
from studies.sentences import (
    ATTENTION,
    BASELINES,
    describe_attention,
    describe_few_labels,
    describe_leak,
    percent,
    position_alone,
)

LEAKS = {"test_windows_with_training_pixel_of_own_class": "of own class %", "mean_overlap": "mean overlap %"}
SAME_NUMBER = ("random, 30 a class", "regions, 30 a class")  # those of experiment=leak_gap
NEEDED = ("hybridsn", "svm")  # the sentences are about these

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
    gap_figure = draw_gap(table, "OA (%), mean and standard deviation over the seeds")
    cost = costs(found[ONE_BUDGET])
    fair = scores(found, (ONE_BUDGET,), list(cost.index))
    position = {ONE_BUDGET: 100 * position_alone(found[ONE_BUDGET])}
    across, up = "million multiply-adds a pixel, trunk shared", "OA (%), its errors logarithmic"
    cost_figure = draw_cost(fair, cost, across, up, position)
    files.write(root / "RESULTS.md", text)
    canvas.save(gap_figure, root / "docs" / "gap.png")
    canvas.save(cost_figure, root / "docs" / "cost.png")


def write_up(found: Study, recipes: str = "") -> str:
    """The text of RESULTS.md; parameters and errors as of `write`."""
    missing = [
        *(f"{row} under {title}" for title in (LEAKING, HONEST) for row in NEEDED if row not in found.get(title, {})),
        *(f"networks under {title}" for title in (ONE_BUDGET,) if title not in found),
    ]
    if missing:
        raise HsiError(f"RESULTS.md is also about {missing[0]}, of which the tables hold no run: add its runs first")
    every = {row for of in found.values() for row in of}
    own_recipes = {title: of for title, of in found.items() if title != ONE_BUDGET}
    first, *others = ATTENTION
    studied = [row for row in (first, *otherwise(every, first), *others, *BASELINES) if row in every]
    parts = [HEAD, "## At a glance", overview(own_recipes, studied), *(f"{line}\n" for line in describe_leak(found))]
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
    parts.extend([zoo.on_one_budget(found), "![OA against cost](docs/cost.png)\n"])
    parts.extend([zoo.by_own_recipes(found), "![OA under both protocols](docs/gap.png)\n"])
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
    apart = ("seed=", "hydra.", "data_dir=", "force=", "report=")
    return " ".join(word for word in metrics["command"] if not word.startswith(apart))


def scores(found: Study, protocols: tuple[str, ...], names: list[str]) -> pd.DataFrame:
    """Mean and standard deviation of OA in percent, as the figures take them."""
    columns: dict[tuple[str, str], list[float | None]] = {}
    for title in protocols:
        spreads = [spread(found[title][row].values("oa")) for row in names]
        columns[title, "mean"] = [100 * each.mean for each in spreads]
        columns[title, "std"] = [None if each.sd is None else 100 * each.sd for each in spreads]
    return pd.DataFrame(columns, index=names, dtype=float)


def costs(of: dict[str, Setting]) -> pd.Series:
    """Million multiply-adds a pixel, of the models that have layers to count."""
    counts = {row: setting.runs[0].metrics["multiply_adds_per_pixel"] for row, setting in of.items()}
    return pd.Series({row: count["shared"] / 1e6 for row, count in counts.items() if count})
