"""Commands that can be killed: one process loads the libraries, and every command is a fork of it.

The fork runs its module as ``python -m MODULE WORDS`` does: but for the seconds of loading it is that command.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NoReturn, Self

ROOT = Path(__file__).parent.parent
COMMANDS = ("hsi.run", "hsi.predict")
LATE = (  # what a command loads only when it comes to use it
    *("hsi.comparison.report", "hsi.models.hybridsn", "hsi.scenes.custom", "hsi.training.optimizers"),
    *("matplotlib.backends.backend_agg", "pyproj", "rasterio", "torch._dynamo"),
)

Call = tuple[str, dict[str, Any]]  # a function, as ``module:name``, and what it is given by keyword


class Nursery:
    """Runs one command at a time; several nurseries run several."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            text=True,
            start_new_session=True,  # the keyboard interrupts whoever uses it, and not its commands
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def start(
        self,
        module: str,
        *words: str,
        folder: str | Path = ".",
        told: str | Path = os.devnull,
        before: Call | None = None,
    ) -> int:
        """Start a command in a folder; what it says goes to the file `told`. Returns its process id.

        `before` is called in its process, before the command is.
        """
        order = {"module": module, "words": words, "folder": str(folder), "told": str(told), "before": before}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._read()

    def end(self) -> int:
        """Wait for the command: its exit status, or the negative number of the signal that ended it."""
        return self._read()

    def _read(self) -> int:
        line = self._process.stdout.readline()
        assert line, "the nursery has ended"
        return int(line)


def serve() -> None:
    """Give birth to the commands that are asked for, one after another."""
    for name in (*COMMANDS, *LATE):
        import_module(name)
    for name in COMMANDS:
        del sys.modules[name]  # so that it is executed once more, as the main module
    gc.freeze()  # a fork need not look through what it has been given
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _leave(_become(**order))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    os._exit(0)


def _become(module: str, words: list[str], folder: str, told: str, before: Call | None) -> int:
    os.chdir(folder)
    with open(told, "wb") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever is started in the background ignores it
    if before:
        name, given = before
        resolve_name(name)(**given)
    sys.argv = [module, *words]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as leaving:
        return int(leaving.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _leave(status: int) -> NoReturn:
    """End the process without clearing away its libraries, which takes longer than most commands."""
    threading._shutdown()  # as the interpreter does it: first of all the workers of a pool are sent home
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    serve()
