"""What the recipes reached, in their own headers: ``python -m studies.recipes SWEEP_DIR...``.

Each run of ``experiment=ip_*`` in or below the folders goes to its recipe. The lines of conf/experiment/NAME.yaml that
begin with "# Measured:" or follow it are written anew from them; what is typed by hand stays.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hsi import files
from hsi.comparison.groups import find_runs
from hsi.config.shipped import CONF
from hsi.errors import HsiError
from hsi.runs.folder import METRICS

START, GOES_ON = "# Measured: ", "#   "
PREFIX = "ip_"


def main(argv: Sequence[str] | None = None) -> None:
    """Write the headers of the recipes that the runs in or below the folders of the command line are of."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", nargs="+", type=Path)
    try:
        rewrite(parser.parse_args(argv).folders)
    except HsiError as error:
        sys.exit(f"Error: {error}")


def rewrite(folders: Sequence[Path], recipes: Path = CONF / "experiment") -> None:
    """Write the headers of all recipes that the runs in or below `folders` are of."""
    runs = defaultdict(list)
    for folder in find_runs(folders):
        metrics = files.read_json(folder / METRICS)
        if (name := metrics["choices"].get("experiment") or "").startswith(PREFIX):
            runs[name].append(metrics)
    if not runs:
        raise HsiError(
            f"no finished run of experiment={PREFIX}... in {', '.join(map(str, folders))}: run a sweep first"
        )
    for name, measured in sorted(runs.items()):
        path = recipes / f"{name}.yaml"
        files.write(path, with_header(path.read_text(encoding="utf-8"), measured))
        print(name, *header(measured), sep="\n  ")


def with_header(text: str, measured: Sequence[Mapping[str, Any]]) -> str:
    """The text of a recipe with the lines that say what was measured, before its first key."""
    lines = text.splitlines()
    first = next(place for place, line in enumerate(lines) if not line.startswith("#"))
    kept = [line for line in lines[:first] if not line.startswith((START, GOES_ON))]
    return "\n".join([*kept, *header(measured), *lines[first:]]) + "\n"


def header(measured: Sequence[Mapping[str, Any]]) -> list[str]:
    """Scores with their standard deviations over the seeds, seconds and machine, as comments.

    Raises HsiError: two runs of one seed, or runs of several configurations or machines.
    """
    seeds = sorted(run["seed"] for run in measured)
    if len(set(seeds)) < len(seeds):
        raise HsiError(f"seed {seeds} more than once for one recipe: give the sweep that counts, alone")
    for key in ("processor", "threads", "device"):
        if len({run[key] for run in measured}) > 1:
            raise HsiError(f"runs of one recipe differ in {key}: give a sweep of one machine")
    first = measured[0]
    skill = [run["position"]["skill"] for run in measured if "position" in run]
    scores = f"OA {_percent(measured, 'oa')}, AA {_percent(measured, 'aa')}, kappa {_spread(measured, 'kappa', 1, 4)}"
    seconds = np.mean([sum(run["seconds"].values()) for run in measured])
    alike = "; the same for every seed" if len({run["oa"] for run in measured}) == 1 < len(measured) else ""
    where = first["processor"] if first["device"] == "cpu" else first["device"]
    threads = f"{first['threads']} thread{'s' if first['threads'] > 1 else ''}"
    return [
        f"{START}{scores};",
        f"{GOES_ON}mean and standard deviation of {len(seeds)} seeds, {seeds[0]} to {seeds[-1]}{alike};",
        *([f"{GOES_ON}skill over position alone {100 * np.mean(skill):.1f} %;"] if skill else []),
        f"{GOES_ON}{seconds:.1f} s a seed to load, train and map on {where}, {threads}.",
    ]


def _percent(measured: Sequence[Mapping[str, Any]], key: str) -> str:
    return f"{_spread(measured, key, 100, 2)} %"


def _spread(measured: Sequence[Mapping[str, Any]], key: str, factor: float, digits: int) -> str:
    values = factor * np.array([run[key] for run in measured])
    deviation = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{values.mean():.{digits}f} ± {deviation:.{digits}f}"


if __name__ == "__main__":
    main()
