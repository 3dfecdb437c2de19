"""Keep the metrics of finished runs under docs/results/; write RESULTS.md and its figures from all that is kept there.

python docs/make_results.py [DIR ...]     DIR: run or sweep directories; none: write the tables again

Not a number in RESULTS.md is typed: the sentences are made from the runs as the tables are.
"""

import re
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from hsi import files
from hsi.comparison import tables
from hsi.comparison.groups import Setting, find_runs, read_settings
from hsi.comparison.pairs import compare_pairs, conclude
from hsi.errors import HsiError
from hsi.evaluation.statistics import spread
from hsi.plots import canvas
from hsi.plots.comparison import draw_cost, draw_gap
from hsi.reports.tables import to_markdown
from hsi.runs.folder import METRICS

KEPT = Path(__file__).parent / "results"
RESULTS = Path(__file__).parent.parent / "RESULTS.md"

BASELINES = ("svm", "svm_window", "random_forest", "knn")
ATTENTION = ("hybridsn", "hybridsn + se", "hybridsn + spatial", "hybridsn + cbam")
LEAKING, HONEST = "random, 10 %", "regions, 50 %"  # the protocols that every network is measured under
LEAKS = {"test_windows_with_training_pixel_of_own_class": "of own class %", "mean_overlap": "mean overlap %"}
SAME_NUMBER = ("random, 30 a class", "regions, 30 a class")  # those of experiment=leak_gap

HEAD = """# Results on Indian Pines

Written by `python docs/make_results.py` from the metrics of finished runs in `docs/results/`, never by hand: the
tables, the figures and the numbers in the sentences. Mean +- standard deviation over seeds; a seed draws the split,
the weights and the shuffle. Every run mapped the whole scene and was tested on all labelled pixels that it did not
train on, under regions on those of the test side.
Commands and machines stand with the full tables at the end; `python docs/make_results.py DIR` adds the runs
of a sweep. Runs of one thread shared the two cores with another run, some with more: their seconds are upper bounds.
"""

Table = dict[str, dict[str, Setting]]  # by protocol, by name


def keep(run: Path) -> None:
    """Copy the metrics of a finished run to a folder that its protocol, model and seed name."""
    metrics = files.read_json(run / METRICS)
    choices = metrics["choices"]
    name = f"{choices['model']}_{choices.get('attention', 'none')}_seed-{metrics['seed']}_{metrics['config_hash'][:8]}"
    files.write_json(KEPT / re.sub(r"\W+", "_", protocol(metrics)).strip("_") / name / METRICS, metrics)


def protocol(metrics: dict[str, Any]) -> str:
    """How the split of a run was made, in words, without its seed."""
    split = metrics["config"]["split"]
    amount = f"{split['per_class']} a class" if split.get("per_class") else f"{100 * split['train']:g} %"
    return f"{metrics['choices']['split']}, {amount}"


def name(metrics: dict[str, Any]) -> str:
    """Model and attention of a run, in words."""
    attention = metrics["choices"].get("attention", "none")
    return metrics["choices"]["model"] + ("" if attention == "none" else f" + {attention}")


def read() -> Table:
    """All kept runs, a setting for each name under each protocol.

    Raises HsiError where two configurations of a protocol have the same name, since a table could not tell them apart.
    """
    found: Table = {}
    for folder in sorted(path for path in KEPT.iterdir() if path.is_dir()):
        for setting in read_settings(find_runs([folder])):
            first = setting.runs[0]
            rows = found.setdefault(protocol(first.metrics), {})
            if name(first.metrics) in rows:
                raise HsiError(f"{folder} holds two configurations of {name(first.metrics)}: keep one of them")
            rows[name(first.metrics)] = setting
    return dict(sorted(found.items(), key=_order))


def _order(item: tuple[str, Any]) -> tuple[str, bool, float]:
    """Random before regions, shares before counts, the most training pixels first."""
    split, amount = item[0].split(", ")
    return split, "class" in amount, -float(amount.split()[0])


def percent(setting: Setting | None, measure: str = "oa") -> str:
    """'mean +- sd' of a setting in percent, of kappa times 100."""
    if setting is None:
        return "-"
    found = spread(setting.values(measure))
    return f"{100 * found.mean:.2f}" + ("" if found.sd is None else f" +- {100 * found.sd:.2f}")


def mean(setting: Setting) -> float:
    """Mean OA in percent."""
    return 100 * spread(setting.values("oa")).mean


def trained(setting: Setting) -> str:
    """Training pixels, on average over the runs."""
    return f"{spread([run.metrics['n_train'] for run in setting.runs]).mean:,.0f}"


def overview(found: Table, names: list[str]) -> str:
    """A table of OA, a row a name and a column a protocol."""
    rows = [{"OA %": row} | {title: percent(of.get(row)) for title, of in found.items()} for row in names]
    leaks = {"OA %": "*test windows of 25 that contain a training pixel, %*"}
    for title, of in found.items():
        shares = [
            100 * run.metrics["leakage"]["test_windows_with_training_pixel"]
            for run in (of["hybridsn"].runs if "hybridsn" in of else ())
        ]
        leaks[title] = f"*{spread(shares).mean:.1f}*" if shares else "-"
    return "\n" + to_markdown(pd.DataFrame([*rows, leaks]))


def tell_the_leak(found: Table) -> list[str]:
    """Sentences on what the same network scores under both ways of splitting, and against spectra alone."""
    leaking, honest = found[LEAKING], found[HONEST]
    told = [
        f"HybridSN is right on {percent(leaking['hybridsn'])} % of the test pixels when training pixels are drawn at "
        f"random ({LEAKING}), and on {percent(honest['hybridsn'])} % when whole fields are held out and no window sees "
        f"the other side ({HONEST}), with {trained(honest['hybridsn'])} training pixels in place of "
        f"{trained(leaking['hybridsn'])}. The difference of "
        f"{mean(leaking['hybridsn']) - mean(honest['hybridsn']):.0f} points is the price of another field, which a "
        "random split does not show: most test windows there contain training pixels of the very field."
    ]
    spectral = [(row, honest[row]) for row in BASELINES if row in honest]
    pairs = compare_pairs([honest["hybridsn"], *(setting for _, setting in spectral)], "oa", {})
    names = dict(enumerate(["HybridSN", *(row for row, _ in spectral)], start=1))
    told.append(
        f"Baselines of scikit-learn under {HONEST}: "
        + "; ".join(f"{row} {percent(setting)} %" for row, setting in spectral)
        + ". "
        + " ".join(conclude(pair, "oa", names) for pair in pairs if pair.first == 1)
    )
    if all(row in of for of in (leaking, honest) for row in ("svm", "svm_window")):
        told.append(
            "No network is needed to see it: the mean spectrum of a window in place of a single one takes the same SVM "
            f"from {percent(leaking['svm'])} % to {percent(leaking['svm_window'])} % under {LEAKING}, and from "
            f"{percent(honest['svm'])} % to {percent(honest['svm_window'])} % under {HONEST}."
        )
    if min(mean(setting) for _, setting in spectral) > mean(honest["hybridsn"]):
        told.append(
            "So here a window of 25 pixels learns what the training fields look like rather than what grows on them: "
            "for a field that was never seen, spectra alone are the better evidence, and the accuracy of the random "
            "split is no promise for the next field. It stays a fair measure of another task: filling in a map "
            "between labels that lie all over it."
        )
    return told


def tell_attention(of: dict[str, Setting]) -> list[str]:
    """Each attention against none on the same splits and seeds, in words; Holm's correction is over these pairs."""
    names = [row for row in ATTENTION if row in of]
    pairs = compare_pairs([of[row] for row in names], "oa", {})
    return [conclude(pair, "oa", dict(enumerate(names, start=1))) for pair in pairs if pair.first == 1]


def scores(found: Table, protocols: tuple[str, str], names: list[str]) -> pd.DataFrame:
    """Mean and standard deviation of OA in percent, as the figures take them."""
    columns = {}
    for title in protocols:
        spreads = [spread(found[title][row].values("oa")) for row in names]
        columns[title, "mean"] = [100 * each.mean for each in spreads]
        columns[title, "std"] = [None if each.sd is None else 100 * each.sd for each in spreads]
    return pd.DataFrame(columns, index=names, dtype=float)


def zoo(found: Table, names: list[str]) -> str:
    """A table of all models under both protocols and what they cost, the best under regions first."""
    rows = []
    for row in names:
        leaking, honest = found[LEAKING][row], found[HONEST][row]
        first = leaking.runs[0].metrics
        price = first["multiply_adds_per_pixel"]
        seconds = tables.tabulate_settings([leaking]).iloc[0]
        rows.append(
            {
                "model": row,
                "seeds": len(leaking.runs),
                "window": first["leakage"]["window"],
                "parameters": f"{first['parameters']:,}" if first["parameters"] else "-",
                "M multiply-adds a pixel": f"{price['shared'] / 1e6:.2f}" if price else "-",
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


def tell_the_zoo(found: Table, names: list[str]) -> list[str]:
    """Which networks are above an SVM on single spectra, by their means, in words."""
    told = []
    for title in (LEAKING, HONEST):
        of = found[title]
        networks = [row for row in names if of[row].runs[0].metrics["parameters"]]
        above = [row for row in networks if mean(of[row]) > mean(of["svm"])]
        others = [row for row in networks if row not in above]
        listed = f"all but {', '.join(others)}" if len(above) > len(others) else ", ".join(above)
        told.append(
            f"Under {title}, the mean OA of {len(above)} of {len(networks)} networks is above that of the SVM on "
            f"single spectra ({percent(of['svm'])} %)" + (f": {listed}." if above and others else ".")
        )
    return told


def full(title: str, of: dict[str, Setting]) -> str:
    """All that is known of a protocol: table, machines, commands."""
    ordered = dict(sorted(of.items(), key=lambda item: -mean(item[1])))
    table = tables.tabulate_settings(list(ordered.values())).assign(setting=list(ordered))
    shown = tables.show_accuracy(table).merge(tables.show_cost(table), on=["no.", "setting"]).drop(columns="no.")
    for key, heading in LEAKS.items():
        shares = [spread([run.metrics["leakage"][key] for run in setting.runs]).mean for setting in ordered.values()]
        shown[heading] = [f"{100 * share:.1f}" for share in shares]
    firsts = [setting.runs[0].metrics for setting in ordered.values()]
    shown["steps"] = [str(m["config"]["train"]["steps"]) if m["parameters"] else "-" for m in firsts]
    metrics = [run.metrics for setting in ordered.values() for run in setting.runs]
    machines = sorted({f"{m['processor']}, {m['device']}, threads: {m['threads']}, {m['precision']}" for m in metrics})
    commands = "".join(f"    {line}\n" for line in sorted({command(m) for m in metrics}))
    return f"### {title}\n\n{to_markdown(shown)}\nMachine: {'; '.join(machines)}.\n\n{commands}"


def command(metrics: dict[str, Any]) -> str:
    """The command that repeats a run, for all seeds alike."""
    return " ".join(word for word in metrics["command"] if not word.startswith(("seed=", "hydra.")))


def write_up() -> str:
    """The text of RESULTS.md, from all that is kept."""
    found = read()
    every = {row for of in found.values() for row in of}
    studied = [row for row in (*ATTENTION, *BASELINES) if row in every]
    parts = [HEAD, "## At a glance", overview(found, studied), *(f"{told}\n" for told in tell_the_leak(found))]
    if all(title in found for title in SAME_NUMBER):
        parts.append(
            "## The same number of training pixels\n\n`python -m hsi.run experiment=leak_gap`: HybridSN with 30 "
            "training pixels of each class, at random or from the train side of whole fields.\n"
        )
        parts.append(overview({title: found[title] for title in SAME_NUMBER}, ["hybridsn"]))
    parts.append("## What attention brings to HybridSN, and what not\n")
    for title in (LEAKING, HONEST):
        parts.append(f"Under {title}:\n\n" + "".join(f"- {sentence}\n" for sentence in tell_attention(found[title])))
    parts.append(
        "## All models\n\nEach by the recipe and with the window of its file in conf/model, HybridSN by "
        f"`experiment=study`. Sorted by {HONEST}; kappa times 100; multiply-adds with the shared trunk.\n"
    )
    parts.append(zoo(found, both(found)))
    parts.extend(f"{told}\n" for told in tell_the_zoo(found, both(found)))
    parts.append("![OA under both protocols](docs/gap.png)\n")
    parts.append("![OA against cost](docs/cost.png)\n")
    parts.append("## Full tables\n")
    return "\n".join([*parts, *(full(title, of) for title, of in found.items())])


def both(found: Table) -> list[str]:
    """Names that were measured under both protocols, the best under regions first."""
    names = [row for row in found[HONEST] if row in found[LEAKING]]
    return sorted(names, key=lambda row: -mean(found[HONEST][row]))


def draw() -> None:
    """Draw the figures of RESULTS.md."""
    found = read()
    table = scores(found, (LEAKING, HONEST), both(found))
    canvas.save(draw_gap(table, "OA (%), mean and standard deviation over the seeds"), KEPT.with_name("gap.png"))
    cost = costs(found)
    figure = draw_cost(table.loc[cost.index], cost, "million multiply-adds a pixel, trunk shared", "OA (%)")
    canvas.save(figure, KEPT.with_name("cost.png"))


def costs(found: Table) -> pd.Series:
    """Million multiply-adds a pixel, of the models that have layers to count."""
    prices = {row: found[HONEST][row].runs[0].metrics["multiply_adds_per_pixel"] for row in both(found)}
    return pd.Series({row: price["shared"] / 1e6 for row, price in prices.items() if price})


def main() -> None:
    """Keep what is named, then write the tables and draw the figures."""
    try:
        for run in find_runs([Path(word) for word in sys.argv[1:]]) if sys.argv[1:] else []:
            keep(run)
        files.write(RESULTS, write_up())
        draw()
    except (HsiError, FileNotFoundError) as error:
        sys.exit(f"Error: {error}")
    print(f"Written: {RESULTS}")


if __name__ == "__main__":
    main()
