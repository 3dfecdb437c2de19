"""Where commands are disturbed, and what they leave is held against what they leave undisturbed."""

import json
import random
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hsi.runs.folder import REPORT
from tests.nursery import Call, Nursery
from tests.soak.commands import OUT, Command

TOLD = "told.txt"  # what a command said, in its place
UNLIKE = {"run.log", "predict.log", ".lock", "multirun.yaml", "summary.md", "summary.csv"}  # they hold times and places
SO_FAR = {"summary.tex", "settings.png"}  # of a sweep that has failed: the members that are finished
OF_A_PAGE = rb"sha256:[0-9a-f]{64}|(?<=seconds: )\w+</th><td>[0-9.]+|commit\W[^.]{0,20}[0-9a-f]{40}"
OTHERS = ("seconds", "code")  # so do these keys of .json files; the code may be edited meanwhile
LOOK = 0.002  # s between two looks at a command


@dataclass
class Tally:
    """What has come of a kind of disturbance.

    `courses` are commands that were disturbed and came to their end, `hits` disturbances that came where they should,
    `compared` files that were held against those of the undisturbed, `faults` sentences on whatever should not be.
    """

    courses: int = 0
    hits: int = 0
    compared: int = 0
    differing: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Whole:
    """A command that ran undisturbed: its place, and when its phase began and ended, in s from its start."""

    place: Path
    begun: float
    ended: float


class Yard:
    """Commands in places of their own below a folder; at every end their files are looked at."""

    def __init__(self, folder: Path, nursery: Nursery, seed: int) -> None:
        self.folder, self.nursery, self.chance, self.tally = folder, nursery, random.Random(seed), Tally()
        self._places = 0
        self._whole: dict[str, Whole] = {}

    def place(self) -> Path:
        """An empty place."""
        self._places += 1
        place = self.folder / str(self._places)
        place.mkdir()
        return place

    def start(self, command: Command, place: Path, nursery: Nursery | None = None, before: Call | None = None) -> int:
        """Start a command; returns its process id."""
        words = {"folder": place, "told": place / TOLD, "before": before}
        return (nursery or self.nursery).start(command.module, *command.words, **words)

    def whole(self, command: Command) -> Whole:
        """The command of this name undisturbed, run when it is first asked for."""
        if command.name not in self._whole:
            place, started = self.place(), time.monotonic()
            process = self.start(command, place)
            begun, ended = (wait_for(process, place / OUT / name) - started for name in (command.begins, command.ends))
            if self.nursery.end() != 0:
                raise SystemExit(f"{command.name} fails undisturbed: {(place / TOLD).read_text()}")
            self._whole[command.name] = Whole(place, begun, ended)
        return self._whole[command.name]

    def end(self, command: Command, place: Path, allowed: Sequence[int] = (), nursery: Nursery | None = None) -> int:
        """Wait for a command and judge its end: the status, which is 0 or one allowed, its words and its files.

        After status 0 all files have to be those of the undisturbed, before that those that are there.
        """
        status, said = (nursery or self.nursery).end(), (place / TOLD).read_text()
        self.expect(status in (0, *allowed), place, f"{command.name} ends with status {status}")
        self.expect("Traceback (most recent call last)" not in said, place, f"{command.name} prints a traceback")
        self._compare(command, place, whole=status == 0)
        return status

    def finish(self, command: Command, place: Path, before: Call | None = None) -> None:
        """Have a command that was disturbed come to its end, and clear its place if all is well."""
        self.start(command, place, before=before)
        self.end(command, place)
        self.tally.courses += 1
        if not any(fault.startswith(f"{place}:") for fault in self.tally.faults):
            shutil.rmtree(place)

    def expect(self, holds: bool, place: Path, otherwise: str) -> None:
        """Note what should not be, and keep what the command said."""
        if not holds:
            self.tally.faults.append(f"{place}: {otherwise}")
            shutil.copy(place / TOLD, place / f"fault_{len(self.tally.faults)}.txt")

    def _compare(self, command: Command, place: Path, whole: bool) -> None:
        model, found = files_of(self.whole(command).place), files_of(place)
        wrong = (model.keys() ^ found.keys()) if whole else set()
        both = model.keys() & found.keys() - (set() if whole else SO_FAR)
        wrong |= {name for name in both if content(found[name]) != content(model[name])}
        self.tally.compared += len(both)
        self.tally.differing += len(wrong)
        self.expect(
            not wrong, place, f"{command.name} leaves {len(wrong)} files unlike the undisturbed: {sorted(wrong)[:3]}"
        )


def wait_for(process: int, path: Path) -> float:
    """Wait for a file, or for the end of the process; when that was."""
    while not path.exists() and Path(f"/proc/{process}").exists():
        time.sleep(LOOK)
    return time.monotonic()


def files_of(place: Path) -> dict[str, Path]:
    """The files of a command that have to be alike, by name."""
    below = place / OUT
    return {str(p.relative_to(below)): p for p in below.rglob("*") if p.is_file() and p.name not in UNLIKE}


def content(path: Path) -> object:
    """What has to be alike in a file: its bytes, of a .json file all but some keys, of a page all but what follows."""
    if path.name == REPORT:
        return re.sub(OF_A_PAGE, b"", path.read_bytes())
    if path.suffix != ".json":
        return path.read_bytes()
    return {key: value for key, value in json.loads(path.read_bytes()).items() if key not in OTHERS}
