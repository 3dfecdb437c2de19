"""One case: a damaged file is read, and all that this does besides is watched."""

import shutil
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from hsi.errors import HsiError

from .mutations import Files, damaged, lay, load
from .targets import Target

CAP = 2**30  # bytes that reading a file of some thousand may take at its peak
FAULTS = ("traceback", "crash", "hang", "over the cap", "executed")
KINDS = ("read", "sentence", *FAULTS)
STARTED = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "subprocess.Popen",
    "pickle.find_class",
)
CALLED = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "urllib.Request")
WITHIN = ("os.remove", "os.rmdir", "os.mkdir")
CHANGED = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")

_folder: Path | None = None  # of the case that is being read
_seen: list[str] = []


@dataclass(frozen=True)
class Result:
    """How a case ended: one of KINDS, and its sentence or traceback."""

    kind: str
    said: str = ""


def make_seeds(target: Target, folder: Path) -> list[Files]:
    """The valid files of a target, written into an empty folder and read back."""
    folder.mkdir(parents=True)
    return [load(path) for path in target.seeds(folder)]


def read_whole(target: Target, seeds: Sequence[Files], folder: Path) -> None:
    """Read a valid file first, with nobody watching: libraries that come late write here and there."""
    target.read(lay(seeds[0], folder))


def read_case(target: Target, seeds: Sequence[Files], number: int, folder: Path) -> Result:
    """Write the damaged file of a number into `folder`, where nothing stays of the last, and read it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = lay(damaged(seeds, number), folder)
    before = _begin_peak()
    with _watched(folder):
        result = _read(target, path)
    if _seen:
        return Result("executed", "; ".join(_seen))
    if (grown := memory("VmHWM") - before) > CAP:
        return Result("over the cap", f"{grown / 2**20:,.0f} MiB at the peak. {result.said}")
    return result


def _read(target: Target, path: Path) -> Result:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", module="hsi")  # as in the tests
            target.read(path)
    except HsiError as error:
        causes = list(_causes(error))
        if any(isinstance(cause, MemoryError) for cause in causes):
            return Result("over the cap", "".join(traceback.format_exception(error)))
        if "\n" in str(error) or not str(error).strip():
            return Result("traceback", f"a sentence of several lines: {error}")
        return Result("sentence", str(error))
    except MemoryError:
        return Result("over the cap", traceback.format_exc())
    except Exception:
        return Result("traceback", traceback.format_exc())
    return Result("read")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _begin_peak() -> int:
    """Forget the peak of this process so far; returns what it takes now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(name: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


@contextmanager
def _watched(folder: Path) -> Iterator[None]:
    global _folder
    _seen.clear()
    _folder = folder.resolve()
    try:
        with mock.patch("tempfile.tempdir", str(_folder)):
            yield
    finally:
        _folder = None


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if _folder is None:
        return
    if event in STARTED or event in CALLED:
        _seen.append(f"{event}{arguments}")
    elif event in CHANGED or (event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")):
        path = arguments[0]
        opened = arguments[-1] if event in WITHIN else -1  # the number of a folder that is open
        if isinstance(path, str | bytes | Path) and not _inside(path, opened, _folder):
            _seen.append(f"{event}{arguments}")


def _inside(path: str | bytes | Path, opened: int, folder: Path) -> bool:
    beside = Path.cwd() if opened < 0 else Path(f"/proc/self/fd/{opened}").resolve()
    return (beside / (path.decode("utf-8", "replace") if isinstance(path, bytes) else path)).is_relative_to(folder)


sys.addaudithook(_listen)  # there is no way to take it off again, so it looks away where nothing is read
