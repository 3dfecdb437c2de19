"""``python -m tests.fuzz``: many damaged files, read in processes of their own that are watched.

Exits with 1 where one file makes a traceback, a crash, a hang, takes more memory than the cap, or makes something run.
"""

import argparse
import faulthandler
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm

from .cases import FAULTS, KINDS, Result, make_seeds, read_case, read_whole
from .every import TARGETS
from .workers import results


def main() -> int:
    """Run the cases that the command line asks for; returns the exit status."""
    options = _options()
    chosen = [number for number, target in enumerate(TARGETS) if options.target in (None, target.name)]
    if not chosen:
        raise SystemExit(f"there is no such target: choose one of {', '.join(target.name for target in TARGETS)}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        if options.case:
            return _one(options.case, Path(options.folder or folder))
        start = options.seed * 10**7
        every = ((chosen[n % len(chosen)], start + n // len(chosen)) for n in range(options.cases))
        counts: Counter[tuple[int, str]] = Counter()
        faults: dict[tuple[int, str, str], list[tuple[int, Result]]] = {}
        bar = tqdm(total=options.cases, unit="case", disable=not sys.stderr.isatty())
        for (which, number), result in results(every, options.processes, Path(folder)):
            counts[which, result.kind] += 1
            if result.kind in FAULTS:
                faults.setdefault((which, result.kind, _signature(result)), []).append((number, result))
            bar.update()
        bar.close()
    _tell(faults)
    rows = [
        [TARGETS[n].name, sum(counts[n, kind] for kind in KINDS), *(counts[n, kind] for kind in KINDS)] for n in chosen
    ]
    rows.append(["all", *(sum(column) for column in list(zip(*rows, strict=True))[1:])])
    print(tabulate(rows, ["target", "cases", *KINDS], tablefmt="github"))
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="how many, over all targets")
    parser.add_argument("--target", help="the name of one target; all of them without")
    parser.add_argument("--seed", type=int, default=0, help="other numbers, other cases")
    parser.add_argument("--processes", type=int, default=2, help="how many cases at a time")
    parser.add_argument("--case", metavar="TARGET:NUMBER", help="repeat one case in this process")
    parser.add_argument("--folder", help="keep the damaged file of --case here")
    return parser.parse_args()


def _one(case: str, folder: Path) -> int:
    name, _, number = case.rpartition(":")
    target = next(target for target in TARGETS if target.name == name)
    faulthandler.enable()
    seeds = make_seeds(target, folder / "seeds")
    read_whole(target, seeds, folder / "whole")
    result = read_case(target, seeds, int(number), folder / "case")
    print(f"{result.kind}: {result.said}")
    return int(result.kind in FAULTS)


def _signature(result: Result) -> str:
    """What faults of one cause have in common: where a process stood when it ended, or what was raised last."""
    lines = result.said.strip().split("\n")
    stood = [line for line in lines if line.startswith("  File ")]
    return stood[0] if stood and result.kind in ("crash", "hang") else lines[-1][:100]


def _tell(faults: dict[tuple[int, str, str], list[tuple[int, Result]]]) -> None:
    """Each fault once, with the command that repeats it."""
    for (which, kind, _), found in faults.items():
        number, result = found[0]
        name = TARGETS[which].name
        print(f"\n{kind}, {len(found)} x: python -m tests.fuzz --case '{name}:{number}'\n{result.said.rstrip()}")
    print()


if __name__ == "__main__":
    sys.exit(main())
