"""Disturb commands in every way and print a table: ``python -m tests.soak [--only KIND] [--rounds N] [--seed S]``."""

import argparse
import random
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm

from tests.nursery import Nursery
from tests.soak.commands import OUT, prediction, sweep, training, write_scenes
from tests.soak.kinds import fill, kill_by_count, kill_by_time, kill_in_a_loop, set_back, share
from tests.soak.yard import Tally, Yard

COLUMNS = ("kind", "courses", "disturbances that hit", "files compared", "differing files", "seconds")
TURNS = 4  # members of a sweep that may come to their end between two kills
KINDS = ("training", "writing", "sweep", "prediction", "disk", "clock", "machines", "loop")


def main() -> None:
    """Leave with status 1 when a file differs, when nothing was hit, or when anything else is not as it should be."""
    options = read_options()
    folder = (options.folder or Path(tempfile.mkdtemp(prefix="soak-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    write_scenes(folder, options.size)
    print(f"--seed {options.seed}, in {folder}", flush=True)
    tallies, status = {name: Tally() for name in options.only or KINDS}, 0
    try:
        with ExitStack() as stack:
            yard = Yard(folder, stack.enter_context(Nursery(folder)), options.seed)
            for name, yard.tally in tallies.items():
                started = time.monotonic()
                try:
                    deque(tqdm(disturb(name, yard, options, stack), name, unit="hit"), maxlen=0)
                finally:
                    yard.tally.seconds = time.monotonic() - started
    except KeyboardInterrupt:
        status = 130
    print(table(tallies))
    faults = [fault for tally in tallies.values() for fault in tally.faults]
    print(*faults, sep="\n", file=sys.stderr)
    sys.exit(status or int(bool(faults) or not all(tally.hits for tally in tallies.values())))


def table(tallies: dict[str, Tally]) -> str:
    """A row for each kind, in Markdown."""
    rows = [[name, t.courses, t.hits, t.compared, t.differing, round(t.seconds)] for name, t in tallies.items()]
    return tabulate(rows, COLUMNS, tablefmt="github")


def read_options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--only", action="append", choices=KINDS, help="this kind alone; may be given several times")
    parser.add_argument("--rounds", type=int, default=50, help="SIGKILLs of each kind that hit its phase")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the random moments")
    parser.add_argument("--steps", type=int, default=12, help="of the trainings")
    parser.add_argument("--size", type=int, default=1, help="of the scene: so many times 40 rows and 36 columns")
    parser.add_argument("--every", type=int, default=10, help="writes from one full disk to the next")
    parser.add_argument("--members", type=int, nargs=3, default=(2, 8, 24), help="of the sweep, two at once, the loop")
    parser.add_argument("--workers", type=int, default=4, help="processes of each of two sweeps at once")
    parser.add_argument("--folder", type=Path, help="where all is written; a new one by itself")
    return parser.parse_args()


def disturb(kind: str, yard: Yard, options: argparse.Namespace, stack: ExitStack) -> Iterator[None]:
    """The disturbances of a kind, one by one."""
    run = training(yard.folder, options.steps)
    predict = prediction(yard.folder, yard.whole(run).place / OUT)
    few, crowd, many = (sweep(yard.folder, options.steps, members) for members in options.members)
    match kind:
        case "training":
            yield from kill_by_time(yard, run, options.rounds)
        case "writing":
            yield from kill_by_count(yard, run, options.rounds)
        case "sweep":
            yield from kill_by_time(yard, few, options.rounds)
        case "prediction":
            yield from kill_by_time(yard, predict, options.rounds)
        case "disk":
            yield from chain.from_iterable(fill(yard, command, options.every) for command in (run, predict, few))
        case "clock":
            yield from chain.from_iterable(set_back(yard, command) for command in (run, predict, few))
        case "machines":
            other = stack.enter_context(Nursery(yard.folder))
            yield from share(yard, crowd, options.workers, other)
        case "loop":
            yield from kill_in_a_loop(yard, many, min(1.0, TURNS / options.members[2]))


if __name__ == "__main__":
    main()
