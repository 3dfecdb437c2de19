"""The kinds of disturbance. Each yields after every hit, and counts in the tally of its yard."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.nursery import Nursery
from tests.soak.commands import OUT, Command
from tests.soak.disturbed import DECADE, FILLED
from tests.soak.yard import TOLD, Yard, wait_for

KILLS = 6  # at most, of a command before it is left to come to its end
COURSES = 10  # at most, for each kill that is to hit
OTHERS = 0.1  # share of each of the other two signals
STATUS = {signal.SIGKILL: (-9,), signal.SIGTERM: (-15, 143), signal.SIGINT: (130,)}


def kill_by_time(yard: Yard, command: Command, rounds: int) -> Iterator[None]:
    """Kill a command at random moments of its phase until so many kills have hit it."""
    yield from _kill(yard, command, rounds, partial(_strike, yard, command))


def _strike(yard: Yard, command: Command, place: Path, number: int, share: float = 1.0) -> bool:
    """Start a command and send it a signal in the first `share` of its phase; whether it was in its phase then."""
    whole, first, last = yard.whole(command), *(place / OUT / name for name in (command.begins, command.ends))
    seconds = whole.ended - (0 if first.exists() else whole.begun)
    process = yard.start(command, place)
    wait_for(process, first)
    time.sleep(yard.chance.uniform(0, share * seconds))
    in_phase = first.exists() and not last.exists()
    with suppress(ProcessLookupError):
        os.kill(process, number)
    return in_phase


def kill_by_count(yard: Yard, command: Command, rounds: int) -> Iterator[None]:
    """Kill a run in the middle of a file operation, at random ones since its map was begun."""
    files = sum(1 for path in (yard.whole(command).place / OUT).rglob("*") if path.is_file())

    def strike(place: Path, number: int) -> bool:
        operation = yard.chance.randint(1, 3 * files)  # each is opened, written and renamed
        given = {"below": OUT, "operation": operation, "number": number, "after": command.ends}
        yard.start(command, place, before=("tests.soak.disturbed:end_at", given))
        return True

    yield from _kill(yard, command, rounds, strike)


def _kill(yard: Yard, command: Command, rounds: int, strike: Callable[[Path, int], bool]) -> Iterator[None]:
    """Strike a command several times, let it come to its end, and begin again."""
    hits, courses = 0, 0
    while hits < rounds:
        courses += 1
        if courses > COURSES * rounds:
            yard.expect(False, yard.folder, f"{command.name} was hit only {hits} times in {courses} courses")
            return
        place = yard.place()
        for _ in range(yard.chance.randint(1, KILLS)):
            number = yard.chance.choices([*STATUS], [1 - 2 * OTHERS, OTHERS, OTHERS])[0]
            in_phase = strike(place, number)
            status = yard.end(command, place, STATUS[number])
            if status == 0:
                break
            said = (place / TOLD).read_text()
            yard.expect(status != 130 or "Interrupted." in said, place, "an interruption without a word")
            if status == -signal.SIGKILL and in_phase:
                hits += 1
                yard.tally.hits += 1
                yield
                if hits == rounds:
                    break
        yard.finish(command, place)


def fill(yard: Yard, command: Command, every: int) -> Iterator[None]:
    """Have the disk be full at every so many writes over the whole course, once to stay so and once for a moment."""
    for lasts in (True, False):
        operation, filled = 0, True
        while filled:
            operation += every
            place = yard.place()
            given = {"below": OUT, "operation": operation, "lasts": lasts}
            yard.start(command, place, before=("tests.soak.disturbed:fill_disk", given))
            status = yard.end(command, place, (1, 2) if "-m" in command.words else (2,))
            said = (place / TOLD).read_text().splitlines()
            sentences = sum(line.startswith("Error: ") for line in said)
            filled = (place / FILLED).exists()
            if status != 0:
                yard.expect(sentences == 1 or "-m" in command.words, place, f"{sentences} sentences on a full disk")
                halves = [path.name for path in place.rglob(".*") if path.suffix in (".part", ".tiles")]
                yard.expect(not halves, place, f"{halves} left behind by a full disk")
            if filled:
                yard.tally.hits += 1
                yield
            yard.finish(command, place)


def set_back(yard: Yard, command: Command) -> Iterator[None]:
    """Run a command by a clock that runs back; then one that was killed, whose files come from ten years on."""
    back = ("tests.soak.disturbed:set_clock_back", {})
    place = yard.place()
    yard.finish(command, place, back)
    yard.tally.hits += 1
    yield
    status = 0
    while status == 0:
        place = yard.place()
        _strike(yard, command, place, signal.SIGKILL)
        status = yard.end(command, place, (-9,))
    later = time.time() + DECADE
    for path in place.rglob("*"):
        os.utime(path, (later, later))
    yard.tally.hits += 1
    yard.finish(command, place, back)
    yield


def share(yard: Yard, command: Command, workers: int, other: Nursery) -> Iterator[None]:
    """Run a sweep twice at once in one folder, each by so many workers of joblib, and then what was left out."""
    joined = replace(command, words=(*command.words, "hydra/launcher=joblib", f"hydra.launcher.n_jobs={workers}"))
    yard.whole(command)
    place = yard.place()
    for nursery in (yard.nursery, other):
        yard.start(joined, place, nursery)
    for nursery in (yard.nursery, other):
        yard.end(joined, place, (1,), nursery)
    yard.tally.hits += 1
    yard.finish(command, place)
    yield


def kill_in_a_loop(yard: Yard, command: Command, share: float) -> Iterator[None]:
    """Kill a sweep, each time in the first `share` of its course, and start it again until all members are there."""
    place, status = yard.place(), 1
    while status != 0:
        in_phase = _strike(yard, command, place, signal.SIGKILL, share)
        status = yard.end(command, place, (-9,))
        yard.tally.hits += in_phase and status != 0
        yield
    yard.finish(command, place)
