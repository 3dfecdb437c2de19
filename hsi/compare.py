"""Many finished runs in one table: ``python -m hsi.compare DIR...``."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

from hsi import files
from hsi.errors import HsiError
from hsi.folder import METRICS, flatten

log = logging.getLogger(__name__)

SEED_KEYS = ("seed", "split.seed")  # runs that differ in these alone are repetitions of one setting
MEASURES = {"OA %": ("oa", 100), "AA %": ("aa", 100), "kappa": ("kappa", 1)}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m hsi.compare", description=__doc__)
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="DIR", help="run or sweep directories, searched recursively"
    )
    parser.add_argument("--out", type=Path, help="where summary.csv and summary.md go (default: the first DIR)")
    words = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        runs = find_runs(words.folders)
        summarise(runs, words.out or words.folders[0])
    except HsiError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)


def find_runs(folders: Sequence[Path]) -> list[Path]:
    """Directories of all finished runs at or below `folders`, each once."""
    for folder in folders:
        if not folder.is_dir():
            raise HsiError(f"{folder} is no directory: name run or sweep directories")
    found = sorted({path.parent for folder in folders for path in folder.rglob(METRICS)})
    if not found:
        raise HsiError(f"no finished run (no {METRICS}) at or below {', '.join(map(str, folders))}")
    return found


def summarise(runs: Sequence[Path], out: Path) -> pd.DataFrame:
    """Log the table of `runs` and write it to summary.csv and summary.md in `out`."""
    table = tabulate_settings([files.read_json(run / METRICS) for run in runs])
    shown = for_people(table)
    files.write(out / "summary.csv", table.to_csv(index=False))
    files.write(out / "summary.md", shown.to_markdown(index=False) + "\n")
    log.info("\n%s\n", tabulate(shown, headers="keys", showindex=False, disable_numparse=True, tablefmt="simple"))
    log.info("Summary: %s and summary.csv beside it", out / "summary.md")
    return table


def tabulate_settings(metrics: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """A row a setting: mean and standard deviation (n - 1) over its seeds of OA, AA, kappa (fractions), seconds.

    A setting is the configuration without its seeds; its name lists what differs between the settings at hand. The
    standard deviation of a single run is NaN.
    """
    rows = []
    for name, run in zip(_name_settings(metrics), metrics, strict=True):
        row = {"setting": name, "oa": run["oa"], "aa": run["aa"], "kappa": run["kappa"]}
        rows.append(row | {f"{part}_seconds": run["seconds"][part] for part in ("train", "map")})
    groups = pd.DataFrame(rows).groupby("setting", sort=False)
    table = groups.agg(["mean", "std"])
    table.columns = [f"{name}_{statistic}" for name, statistic in table.columns]
    table.insert(0, "runs", groups.size())
    return table.reset_index()


def _name_settings(metrics: Sequence[dict[str, Any]]) -> list[str]:
    """A name a run: the groups and keys in which the runs at hand differ, seeds apart.

    Keys below a group whose choice differs follow from that choice and are left out.
    """
    choices = [{"attention": "none"} | run["choices"] for run in metrics]
    keys = [flatten(run["config"]) for run in metrics]
    groups = _varied(choices)
    implied = tuple("model.attention." if group == "attention" else f"{group}." for group in groups)
    others = [
        key
        for key in _varied(keys)
        if key not in SEED_KEYS and not f"{key}.".startswith(implied) and not _echoes(key, keys)
    ]
    return [
        ", ".join([f"{g}={chosen.get(g)}" for g in groups] + [f"{k}={values.get(k)}" for k in others])
        or f"{run['scene']}, {run['model']}"
        for run, chosen, values in zip(metrics, choices, keys, strict=True)
    ]


def _varied(tables: Sequence[dict[str, Any]]) -> list[str]:
    """Keys whose values are not the same in all tables."""
    every = sorted({key for table in tables for key in table})
    return [key for key in every if len({repr(table.get(key)) for table in tables}) > 1]


def _echoes(key: str, tables: Sequence[dict[str, Any]]) -> bool:
    """Whether a nested key repeats a key of the top, as model.patch_size does patch_size."""
    top = key.rpartition(".")[2]
    return top != key and all(top in table and table[top] == table.get(key) for table in tables)


def for_people(table: pd.DataFrame) -> pd.DataFrame:
    """The table with 'mean +- sd' in percent."""
    shown = table[["setting", "runs"]].copy()
    for heading, (key, factor) in MEASURES.items():
        digits = 2 if factor == 100 else 4
        shown[heading] = [
            f"{factor * mean:.{digits}f}" + ("" if pd.isna(sd) else f" +- {factor * sd:.{digits}f}")
            for mean, sd in zip(table[f"{key}_mean"], table[f"{key}_std"], strict=True)
        ]
    shown["train s"] = table["train_seconds_mean"].map("{:.0f}".format)
    shown["map s"] = table["map_seconds_mean"].map("{:.1f}".format)
    return shown


if __name__ == "__main__":
    main()
