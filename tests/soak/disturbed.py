"""What is done to a command from inside: a disk that fills, an end in the middle of a file, a clock that runs back."""

import builtins
import errno
import io
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

FILLED = "filled"  # a file beside the folder of the command, once its disk was full
Function = Callable[..., Any]
DECADE, HOUR = 10 * 365 * 24 * 3600, 3600  # s


def end_at(below: str, operation: int, number: int, after: str = "") -> None:
    """Send this process the signal `number` in the middle of the n-th `operation` on the files below a folder.

    `after` counts from the first file on whose name contains it.
    """
    watch = _Watch(below, operation, after, lambda *_: os.kill(os.getpid(), number), lasts=False)
    watch.listen()
    os.unlink = watch.counted(os.unlink)


def fill_disk(below: str, operation: int, lasts: bool) -> None:
    """Have the disk below a folder be full at the n-th `operation`, within a write; for good if it `lasts`."""
    watch = _Watch(below, operation, "", lambda *path: fail(*path), lasts)

    def fail(*path: str) -> None:
        Path(FILLED).touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *path)

    watch.listen()


def set_clock_back() -> None:
    """Ten years at once, and a further hour with every look at the clock."""
    real, looks = time.time_ns, [0]

    def back_ns() -> int:
        looks[0] += 1
        return real() - (DECADE + HOUR * looks[0]) * 10**9

    time.time_ns, time.time = back_ns, lambda: back_ns() / 1e9


class _Watch:
    """Counts what is done to the files below a folder and acts at the n-th operation; if it `lasts`, from then on."""

    def __init__(self, below: str, operation: int, after: str, act: Function, lasts: bool) -> None:
        self.below, self.operation, self.after = os.path.abspath(below), operation, after
        self.act, self.lasts, self.count = act, lasts, 0

    def is_due(self, path: Any) -> bool:
        """Count an operation on a file; whether to act now."""
        if isinstance(path, int) or not os.path.abspath(os.fspath(path)).startswith(self.below):
            return False
        if self.after not in os.path.basename(os.fspath(path)):
            return False
        self.after = ""
        self.count += 1
        return self.count == self.operation or (self.lasts and self.count > self.operation)

    def touch(self, path: Any) -> None:
        """Count an operation, and act if it is time to."""
        if self.is_due(path):
            self.act(os.fspath(path))

    def counted(self, real: Function, makes: Function = lambda *_: True) -> Function:
        """A function of the file system that is counted, by its last path, where it `makes` something."""

        def call(*given: Any, **more: Any) -> Any:
            if makes(*given):
                self.touch(given[-1] if isinstance(given[-1], str | os.PathLike) else given[0])
            return real(*given, **more)

        return call

    def listen(self) -> None:
        """Count from now on files that are opened for writing, written, made or renamed, and folders that are made."""
        builtins.open = io.open = partial(_open, self, builtins.open)
        os.open = self.counted(os.open, lambda path, flags, *_: bool(flags & os.O_CREAT))
        os.replace, os.mkdir = self.counted(os.replace), self.counted(os.mkdir)


class _File(io.FileIO):
    """A file whose writes are counted; of one that is disturbed half is written."""

    def __init__(self, watch: _Watch, path: Any, mode: str) -> None:
        super().__init__(path, mode)
        self.watch = watch

    def write(self, content: Any) -> int:
        """Write, or write half and act: as the system tells of it, without a name."""
        if not self.watch.is_due(self.name):
            return super().write(content)
        written = super().write(memoryview(content)[: len(content) // 2])
        self.watch.act()
        return written


def _open(
    watch: _Watch, real: Function, file: Any, mode: str = "r", buffering: int = -1, *how: Any, **more: Any
) -> Any:
    if isinstance(file, int) or not set(mode) & set("wax"):
        return real(file, mode, buffering, *how, **more)
    watch.touch(file)
    raw = _File(watch, file, mode.replace("b", "").replace("t", ""))
    if buffering == 0:
        return raw
    buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
    return buffered if "b" in mode else io.TextIOWrapper(buffered, *how, **more)
