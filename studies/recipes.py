"""What the recipes reach, measured again: ``python -m studies.recipes [NAME ...]``.

Runs the command in the header of each conf/experiment/ip_*.yaml, or of those named, in a process of its own. The lines
of the header that begin with "# Measured:" or follow it are written anew; what is typed by hand stays. Scores, seconds
and the peak of memory go to studies/recipes.csv too, and from there into RESULTS.md, which is written again at the end.
"""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from hsi import files
from hsi.comparison.groups import find_runs
from hsi.config.shipped import CONF
from hsi.errors import HsiError
from hsi.reports.tables import to_markdown
from hsi.runs.folder import METRICS
from studies import table, write_up
from studies.protocols import group

START, GOES_ON = "# Measured: ", "#   "
PREFIX, SCENE = "ip_", "Indian Pines, "
HERE = Path(__file__).parent
RECIPES, TABLE = CONF / "experiment", HERE / "recipes.csv"
WATCH = """import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)"""
MEASURES = {"oa": (100, 2), "aa": (100, 2), "kappa": (1, 4)}  # factor and digits
PUBLISHED = {"ip_30": "HybridSN 99.75 ± 0.11 / 99.63"}  # OA / AA %, as docs/trust.md quotes them


def main(argv: Sequence[str] | None = None, recipes: Path = RECIPES, kept: Path = TABLE) -> None:
    """Measure the recipes of the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as ip_10; default: all")
    known = sorted(path.stem for path in recipes.glob(f"{PREFIX}*.yaml"))
    names = parser.parse_args(argv).names or known
    try:
        if unknown := [name for name in names if name not in known]:
            raise HsiError(f"no recipe {unknown[0]}: choose {', '.join(known)}")
        for name in names:
            measured, memory = measure(recipes / f"{name}.yaml")
            keep(recipes / f"{name}.yaml", measured, memory, kept)
            print(name, *header(measured, memory), sep="\n  ", flush=True)
        write_up.write(group(run.as_finished() for run in table.read(HERE).values()), HERE.parent, section(kept))
    except HsiError as error:
        sys.exit(f"Error: {error}")


def measure(path: Path) -> tuple[list[dict[str, Any]], float]:
    """The metrics of the runs of a recipe, and the peak of memory in MB of the one process that made them.

    Raises HsiError: a recipe without a command, or a run that failed.
    """
    found = re.search(r"^# hsi run (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise HsiError(f"{path} names no command: its header needs '# hsi run -m experiment={path.stem} seed=...'")
    with TemporaryDirectory() as folder:
        words = [*shlex.split(found[1]), f"hydra.sweep.dir={folder}"]
        status, memory = peak_of([sys.executable, "-m", "hsi.run", *words])
        if status:
            raise HsiError(f"hsi run {found[1]} ended with status {status}: its messages stand above")
        return [files.read_json(run / METRICS) for run in find_runs([Path(folder)])], memory


def peak_of(command: Sequence[str]) -> tuple[int, float]:
    """Run a command; its exit status, and the largest resident set of its process in 10^6 bytes.

    A small process starts it, since the peak of a process begins with the size of the one that it was forked from.
    """
    with TemporaryDirectory() as folder:
        told = Path(folder) / "peak"
        status = subprocess.run([sys.executable, "-c", WATCH, str(told), *command], check=False).returncode
        return status, int(told.read_text()) * (1 if sys.platform == "darwin" else 1024) / 1e6


def keep(path: Path, measured: Sequence[Mapping[str, Any]], memory: float, kept: Path) -> None:
    """Write what was measured into the header of a recipe, and into its row of the table."""
    text = with_header(path.read_text(encoding="utf-8"), measured, memory)
    row: dict[str, Any] = {"recipe": path.stem, "protocol": _protocol(text), "seeds": len(measured)}
    for key in MEASURES:
        values = [run[key] for run in measured]
        row |= {key: np.mean(values), f"{key}_sd": np.std(values, ddof=1) if len(values) > 1 else 0.0}
    row |= {"skill": np.mean([run["position"]["skill"] for run in measured]), "seconds": _seconds(measured)}
    row |= {"memory_mb": memory, "machine": _machine(measured[0])}
    rows = pd.DataFrame([row])
    if kept.exists():
        earlier = pd.read_csv(kept)
        rows = pd.concat([earlier[earlier["recipe"] != path.stem], rows], ignore_index=True)
    files.write(path, text)
    files.write(kept, rows.sort_values("recipe").to_csv(index=False, float_format="%.6f", lineterminator="\n"))


def section(kept: Path) -> str:
    """The part of RESULTS.md about recipes; empty without their table."""
    if not kept.exists():
        return ""
    found = pd.read_csv(kept)
    rows = []
    for row in found.to_dict("records"):
        scores = {
            name: f"{factor * row[key]:.{digits}f} ± {factor * row[f'{key}_sd']:.{digits}f}"
            for name, (key, (factor, digits)) in zip(("OA %", "AA %", "kappa"), MEASURES.items(), strict=True)
        }
        rows.append(
            {"`experiment=`": f"`{row['recipe']}`", "training pixels": row["protocol"], "seeds": row["seeds"]}
            | scores
            | {"skill %": f"{100 * row['skill']:.1f}", "seconds": f"{row['seconds']:.1f}"}
            | {"memory MB": f"{row['memory_mb']:.0f}", "published OA / AA %": PUBLISHED.get(row["recipe"], "-")}
        )
    machines = "; ".join(sorted(set(found["machine"])))
    return (
        "## Recipes\n\nEach by the command in the header of its file in conf/experiment/, measured by `python -m "
        "studies.recipes`. The skill is beside what position alone gives ([docs/position.md](docs/position.md)); "
        "seconds are those of a seed to load, train and map; memory is the peak of the process that ran all seeds, in "
        f"10^6 bytes. How they were chosen: [docs/what_helped.md](docs/what_helped.md). Machine: {machines}.\n\n"
        + to_markdown(pd.DataFrame(rows))
    )


def with_header(text: str, measured: Sequence[Mapping[str, Any]], memory: float) -> str:
    """The text of a recipe with the lines that say what was measured, before its first key."""
    lines = text.splitlines()
    first = next(place for place, line in enumerate(lines) if not line.startswith("#"))
    kept = [line for line in lines[:first] if not line.startswith((START, GOES_ON))]
    return "\n".join([*kept, *header(measured, memory), *lines[first:]]) + "\n"


def header(measured: Sequence[Mapping[str, Any]], memory: float) -> list[str]:
    """Scores with their standard deviations over the seeds, seconds, memory in MB and machine, as comments.

    Raises HsiError: two runs of one seed, or runs of several configurations or machines.
    """
    seeds = sorted(run["seed"] for run in measured)
    if len(set(seeds)) < len(seeds):
        raise HsiError(f"seed {seeds} more than once for one recipe: give each seed once in its header")
    for key in ("processor", "threads", "device"):
        if len({run[key] for run in measured}) > 1:
            raise HsiError(f"runs of one recipe differ in {key}: measure it on one machine")
    skill = [run["position"]["skill"] for run in measured]
    scores = f"OA {_percent(measured, 'oa')}, AA {_percent(measured, 'aa')}, kappa {_spread(measured, 'kappa', 1, 4)}"
    alike = "; the same for every seed" if len({run["oa"] for run in measured}) == 1 < len(measured) else ""
    return [
        f"{START}{scores};",
        f"{GOES_ON}mean and standard deviation of {len(seeds)} seeds, {seeds[0]} to {seeds[-1]}{alike};",
        f"{GOES_ON}skill over position alone {100 * np.mean(skill):.1f} %;",
        f"{GOES_ON}{_seconds(measured):.1f} s a seed to load, train and map, at most {memory:.0f} MB of memory,",
        f"{GOES_ON}on {_machine(measured[0])}.",
    ]


def _protocol(text: str) -> str:
    """What trains, by the second line of a recipe: '# Indian Pines, 10 % of the pixels at random within each class.'"""
    return text.splitlines()[1].removeprefix("# ").removeprefix(SCENE).partition(" (conf/")[0].rstrip(".")


def _seconds(measured: Sequence[Mapping[str, Any]]) -> float:
    return float(np.mean([sum(run["seconds"].values()) for run in measured]))


def _machine(run: Mapping[str, Any]) -> str:
    where = run["processor"] if run["device"] == "cpu" else run["device"]
    return f"{where}, {run['threads']} thread{'s' if run['threads'] > 1 else ''}"


def _percent(measured: Sequence[Mapping[str, Any]], key: str) -> str:
    return f"{_spread(measured, key, 100, 2)} %"


def _spread(measured: Sequence[Mapping[str, Any]], key: str, factor: float, digits: int) -> str:
    values = factor * np.array([run[key] for run in measured])
    deviation = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{values.mean():.{digits}f} ± {deviation:.{digits}f}"


if __name__ == "__main__":
    main()
