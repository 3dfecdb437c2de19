"""What Hydra calls before, during and after a sweep: here, and in the processes and on the machines of its members."""

import logging
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Optional
from uuid import uuid4

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from hsi.config.faults import explain
from hsi.errors import HsiError
from hsi.runs.folder import METRICS, held
from hsi.sweeps.count import count_members
from hsi.sweeps.member import Member, note

if TYPE_CHECKING:
    from hsi.sweeps.watch import Watch

log = logging.getLogger(__name__)

MEMBERS = ".members"  # in the folder of a sweep: a folder for each launch, while it lasts
LAUNCHERS = ("joblib", "submitit")  # packages that say in exceptions of their own that a process is lost


class Sweep(Callback):
    """A line for each member in place of its log, the table of all at the end, and the members that failed.

    A copy goes to every process that a launcher starts. There, and here, a member says in a file how far it has come;
    what it logs goes to its run.log alone.
    """

    current: ClassVar[Optional["Sweep"]] = None

    def __init__(self) -> None:
        self.place: Path | None = None  # of this launch; None in a single run
        self._watch: Watch | None = None  # where the sweep was launched
        self._held = ExitStack()
        self._heard = _LastError()
        self._started = 0.0

    def __getstate__(self) -> dict[str, Any]:
        return {"place": self.place}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]
        self.place = state["place"]

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Begin to watch the members."""
        from hsi.sweeps.watch import Watch  # a single run need not wait for what this imports

        folder = Path(config.hydra.sweep.dir).absolute()
        _clear(folder / MEMBERS)
        self.place = folder / MEMBERS / uuid4().hex[:8]
        self._held.enter_context(held(self.place))
        Sweep.current, total = self, count_members(config)
        count = "Runs" if total is None else f"{total} run{'s' if total != 1 else ''}"
        print(f"{count} in {config.hydra.sweep.dir}, a run.log in the folder of each.", flush=True)
        self._watch = Watch(self.place, config.hydra.overrides.task, total)
        self._watch.start()

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Have a member log to its file alone."""
        if self.place is None:
            return
        root = logging.getLogger()
        for handler in [each for each in root.handlers if type(each) is logging.StreamHandler]:
            root.removeHandler(handler)
        root.addHandler(self._heard)
        member = _member(config)
        if self._watch is None:  # a terminal that several processes share is not theirs to draw bars on
            sys.stdout = sys.stderr = open(Path(member.folder) / "run.log", "a", encoding="utf-8")  # noqa: SIM115
        self._heard.sentence, self._started = "", time.time()
        note(self.place, member)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Say how a member has ended."""
        if self.place is None:
            return
        begun = _member(config)
        metrics = Path(begun.folder) / METRICS
        why = self._heard.sentence or ("" if metrics.exists() else "it has left no metrics.json")
        state, seconds = "failed" if why else "done", time.time() - self._started
        fresh = not why and metrics.stat().st_mtime >= self._started
        note(self.place, Member(begun.number, begun.words, begun.folder, state, seconds, fresh, why))  # type: ignore[arg-type]

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print and write the table; leave with status 1 when a member failed, with 2 when there can be no table."""
        self._conclude(Path(config.hydra.sweep.dir))

    def _conclude(self, folder: Path) -> None:
        from hsi.comparison import report  # its statistics take seconds to import, which a single run need not wait for

        if self._watch:
            self._watch.finish()
            self._held.close()
            _clear(folder / MEMBERS)
        finished = sorted(path.parent for path in folder.rglob(METRICS))
        try:
            if finished:
                report.summarise(finished, folder)
        except Exception as error:  # Hydra would make a warning of it, and status 0
            print(f"Error: {explain(error) or repr(error)}", file=sys.stderr)
            sys.exit(2)
        if self._watch and (told := self._watch.failures()):
            print(told, file=sys.stderr)
            sys.exit(1)


@contextmanager
def surviving() -> Iterator[None]:
    """End a sweep as ever where a launcher gives it up because one of its processes is lost."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in LAUNCHERS:
            raise
        sweep = Sweep.current
        if sweep is None or sweep.place is None:
            raise HsiError("a process that took part was killed, or its machine is lost: rerun the command") from error
        sweep._conclude(sweep.place.parents[1])


class _LastError(logging.Handler):
    """Keeps the last sentence that a run has logged as an error."""

    sentence = ""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)

    def emit(self, record: logging.LogRecord) -> None:
        self.sentence = record.getMessage().removeprefix("Error: ")


def _member(config: DictConfig) -> Member:
    """A member that starts, as Hydra describes it."""
    hydra = config.hydra
    return Member(int(hydra.job.num), list(hydra.overrides.task), str(hydra.runtime.output_dir))


def _clear(folder: Path) -> None:
    """Remove what launches have left that nobody is at work on."""
    for place in folder.glob("*"):
        with suppress(HsiError), held(place):
            shutil.rmtree(place, ignore_errors=True)
    with suppress(OSError):
        folder.rmdir()  # refused where something is in it
