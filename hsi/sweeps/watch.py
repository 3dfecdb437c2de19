"""A sweep in the terminal: a line for each member that has ended, and below them how far the sweep has come."""

import sys
import textwrap
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from tqdm import tqdm

from hsi.comparison.groups import Finished, read_run
from hsi.errors import HsiError
from hsi.reports.tables import TERMINAL_WIDTH
from hsi.reports.times import in_words
from hsi.sweeps import member
from hsi.sweeps.member import Member

PERIOD = 0.5  # s between two looks at the members' files
HEADER = f"{'no.':>4} {'OA %':>7} {'AA %':>7} {'kappa':>8} {'s':>7}  run"
ENDED = "its process ended before it was done: killed, or on a machine that was lost"


class Watch:
    """Looks at the files of a sweep's members in a thread of its own, from whichever process or machine they come.

    Parameters
    ----------
    place
        Where the members of this launch write.
    given
        The words of the command line: what a member has beside them is its name.
    total
        How many members there will be; None where only the sweeper knows.
    """

    def __init__(self, place: Path, given: Sequence[str], total: int | None) -> None:
        self.place, self.given, self.total = place, set(given), total
        self.members: dict[int, Member] = {}
        self._scores: dict[int, Finished] = {}
        self._started, self._over = time.monotonic(), Event()
        self._bar = tqdm(total=total, bar_format="{desc}", disable=not sys.stderr.isatty(), leave=False)
        self._thread = Thread(target=self._look_on, daemon=True)

    def start(self) -> None:
        """Print the head of the table and begin to look."""
        self._say(HEADER)
        self._thread.start()

    def finish(self) -> None:
        """Look a last time; what has not said its end by now has come to none."""
        self._over.set()
        self._thread.join()
        self._look()
        for each in [each for each in self.members.values() if each.state == "running"]:
            self._end(Member(each.number, each.words, each.folder, "failed", why=ENDED))
        self._bar.close()

    def of(self, state: str) -> list[Member]:
        """The members in a state, by number."""
        return [self.members[number] for number in sorted(self.members) if self.members[number].state == state]

    def name(self, one: Member) -> str:
        """The words in which a member differs from the others."""
        return " ".join(word for word in one.words if word not in self.given) or Path(one.folder).name

    def progress(self) -> str:
        """Done, running, failed, waiting, time left, best so far, in a line."""
        done, running, failed = (len(self.of(state)) for state in ("done", "running", "failed"))
        parts = [f"{done} done", f"{running} running", f"{failed} failed"]
        if self.total is not None:
            parts.append(f"{self.total - done - failed - running} waiting")
        if left := self._left(done + failed):
            parts.append(f"{left} left")
        if best := self._best():
            parts.append(best)
        return ", ".join(parts)

    def failures(self) -> str:
        """The members that have failed or never started, and why; empty where there are none."""
        failed = self.of("failed")
        missing = 0 if self.total is None else self.total - len(self.members)
        if not failed and not missing:
            return ""
        total = len(self.members) + missing
        lines = [f"{len(failed)} of {total} members failed; the same command repeats them:"]
        lines += [f"  {self.name(one)}: {one.why}" for one in failed]
        if missing:
            lines.append(f"  {missing} more did not start")
        return "\n".join(lines)

    def _left(self, ended: int) -> str:
        """The time that the rest takes if it goes on as it went; empty before anything can be said."""
        fresh = sum(one.fresh for one in self.of("done"))
        if self.total is None or not fresh or ended == self.total:
            return ""
        return in_words((time.monotonic() - self._started) / fresh * (self.total - ended))

    def _best(self) -> str:
        """The best member by its validation pixels; by its test pixels where there are no others."""
        chosen = {number: run.metrics.get("validation_oa") for number, run in self._scores.items()}
        judged = {number: value for number, value in chosen.items() if value is not None}
        figure = "validation OA" if judged else "OA"
        judged = judged or {number: run.metrics["oa"] for number, run in self._scores.items()}
        if not judged:
            return ""
        best = max(judged, key=lambda number: judged[number])
        return f"best so far {figure} {100 * judged[best]:.2f} % ({self.name(self.members[best])})"

    def _look_on(self) -> None:
        while not self._over.wait(PERIOD):
            self._look()
            self._bar.set_description_str(self.progress())

    def _look(self) -> None:
        for number in member.numbers(self.place):
            before = self.members.get(number)
            if before is None or before.state == "running":
                with suppress(HsiError):  # a file system that shows it late shows it at the next look
                    self._end(member.read(self.place, number))

    def _end(self, one: Member) -> None:
        """Take in what a member says, and a line for it where it has ended."""
        self.members[one.number] = one
        if one.state == "done":
            try:
                self._scores[one.number] = read_run(Path(one.folder))
            except HsiError as error:
                one = self.members[one.number] = Member(one.number, one.words, one.folder, "failed", why=str(error))
        if one.state != "running":
            self._say(self._line(one))

    def _line(self, one: Member) -> str:
        start = f"{one.number:>4} "
        if one.state == "failed":
            start += f"{'failed':<24} {one.seconds:>7.0f}"
            told = f"{self.name(one)}: {one.why}"
        else:
            found = self._scores[one.number].metrics
            start += f"{100 * found['oa']:>7.2f} {100 * found['aa']:>7.2f} {found['kappa']:>8.4f} "
            start += f"{one.seconds:>7.0f}" if one.fresh else f"{'before':>7}"
            told = self.name(one)
        indent = " " * (len(start) + 2)
        return textwrap.fill(f"{start}  {told}", TERMINAL_WIDTH, subsequent_indent=indent, break_long_words=False)

    def _say(self, line: str) -> None:
        """Print a line above the bars; nobody need listen, the sweep goes on."""
        with suppress(BrokenPipeError), tqdm.external_write_mode(file=sys.stdout):
            print(line, flush=True)
