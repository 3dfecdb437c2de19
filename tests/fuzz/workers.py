"""Processes that read damaged files, and are watched from here: one may crash, hang or take too much memory."""

import faulthandler
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from .cases import CAP, Result, make_seeds, memory, read_case, read_whole
from .every import TARGETS
from .mutations import Files

SLOWEST, LONGEST = 10, 60  # seconds of a processor, and of the clock, that one case may take
TICKS = os.sysconf("SC_CLK_TCK")
LAST_WORDS = "last words"  # file for what faulthandler has to say

Case = tuple[int, int]  # number of the target, and of the damage
Seeds = list[list[Files]]  # of each target
processes = multiprocessing.get_context("forkserver")


@dataclass
class _Worker:
    """A process that reads one case after another."""

    folder: Path
    seeds: Seeds
    process: multiprocessing.process.BaseProcess = field(init=False)
    line: Connection = field(init=False)
    case: Case | None = None
    since: float = 0.0
    used: float = 0.0

    def __post_init__(self) -> None:
        self.line, theirs = processes.Pipe()
        self.process = processes.Process(target=_read_cases, args=(theirs, self.folder, self.seeds), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, case: Case | None) -> None:
        self.case, self.since, self.used = case, time.monotonic(), self.seconds()
        if case is not None:
            self.line.send(case)

    def seconds(self) -> float:
        """Of processor time so far."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            return self.used
        return (int(fields[11]) + int(fields[12])) / TICKS

    def hangs(self) -> bool:
        return self.seconds() - self.used > SLOWEST or time.monotonic() - self.since > LONGEST

    def end(self, kind: str) -> Result:
        """What is left to say of a process that has crashed, or hangs and is killed here."""
        if kind == "hang":
            os.kill(self.process.pid or 0, signal.SIGABRT)  # faulthandler says where it is
        self.process.join(5)
        self.process.kill()
        self.process.join()
        words = (self.folder / LAST_WORDS).read_text(errors="replace")
        return Result(kind, f"{words}exit status {self.process.exitcode}")


def results(every: Iterator[Case], count: int, folder: Path) -> Iterator[tuple[Case, Result]]:
    """Read every case, `count` at a time, with files below `folder`; yields them as they end."""
    processes.set_forkserver_preload([f"{__package__}.every"])
    with ProcessPoolExecutor(1, processes) as maker:
        seeds = maker.submit(_all_seeds, folder / "seeds").result()
    workers = [_Worker(folder / str(number), seeds) for number in range(count)]
    for worker in workers:
        worker.give(next(every, None))
    while busy := [worker for worker in workers if worker.case is not None]:
        ready = wait([worker.line for worker in busy], timeout=0.5)
        for worker in busy:
            case, result = worker.case, None
            if worker.line in ready:
                try:
                    result = worker.line.recv()
                except EOFError:
                    result = worker.end("crash")
            elif worker.hangs():
                result = worker.end("hang")
            if case is None or result is None:
                continue
            yield case, result
            if not worker.process.is_alive():
                workers[workers.index(worker)] = worker = _Worker(worker.folder, seeds)
            worker.give(next(every, None))


def _all_seeds(folder: Path) -> Seeds:
    return [make_seeds(target, folder / str(number)) for number, target in enumerate(TARGETS)]


def _read_cases(line: Connection, folder: Path, seeds: Seeds) -> None:
    """What a process does: one case after another, until the other end of the line is closed."""
    folder.mkdir(exist_ok=True)
    with (folder / LAST_WORDS).open("w") as words, suppress(EOFError):
        os.dup2(words.fileno(), sys.stderr.fileno())  # libraries in C talk of every damaged file
        faulthandler.enable(words)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        space = memory("VmSize") + 2 * CAP  # not all of it that is asked for is ever taken
        resource.setrlimit(resource.RLIMIT_AS, (space, space))
        known: set[int] = set()
        while True:
            which, number = line.recv()
            if which not in known:
                known.add(which)
                read_whole(TARGETS[which], seeds[which], Path(tempfile.mkdtemp(dir=folder)))
            line.send(read_case(TARGETS[which], seeds[which], number, folder / "case"))
