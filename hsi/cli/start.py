"""The first second of a command: questions that need no library are answered, everything else is announced."""

import codecs
import os
import signal
import sys
from types import FrameType, TracebackType
from typing import NoReturn

from hsi.cli.help import answer
from hsi.config.shipped import CONF
from hsi.errors import HsiError
from hsi.version import __version__

HYDRA_ASKS = ("--hydra-help", "--cfg", "-c", "--info", "-i", "--shell-completion", "-sc")
LIBRARIES = 1.3e9  # bytes of address space that the libraries take on Linux; with less they abort, or wait for ever
PLAIN = {"±": "+-", "µ": "u"}  # signs of our own for a terminal that does not have them


class Terminated(BaseException):
    """SIGTERM has come: like KeyboardInterrupt it passes what handles errors, and what tidies up sees it."""


def announce(config_name: str) -> None:
    """Prepare; answer --help and --keys and leave; else say that the command has started, before its libraries load."""
    prepare()
    answer_and_leave(config_name)
    require_room()
    if not any(word.partition("=")[0] in HYDRA_ASKS for word in sys.argv[1:]):
        print(f"hsi {__version__}: loading libraries ...", flush=True)


def answer_and_leave(config_name: str) -> None:
    """Print what --help or --keys ask for and exit with status 0, or 2 for a word that is not known."""
    try:
        text = answer(sys.argv[1:], config_name, CONF)
    except HsiError as error:
        _refuse(str(error))
    if text is not None:
        print(text, end="")
        sys.exit(0)


def prepare() -> None:
    """Make the process fit for any terminal, any locale and any end, before its libraries load."""
    if sys.getfilesystemencoding() == "ascii":  # else no word with an umlaut is text, and no such file has a name
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    codecs.register_error("hsi.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="hsi.plain")  # type: ignore[union-attr]
    sys.excepthook = _leave_while_loading
    heed_termination()


def require_room() -> None:
    """Leave with a sentence and status 2 where the address space has no room for the libraries."""
    room = _address_space()
    if room < LIBRARIES:
        _refuse(
            f"this process may take {room / 1e9:.2g} GB of address space, and its libraries alone take "
            f"{LIBRARIES / 1e9:.2g}: raise the limit, for instance with ulimit -v unlimited"
        )


def heed_termination() -> None:
    """Have SIGTERM raise `Terminated`, once; a process that was told to ignore it goes on ignoring it."""
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def heed_nothing() -> None:
    """Ignore the keyboard and SIGTERM from now on: all is done, and libraries that tidy up would print tracebacks."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def leave(end: BaseException, advice: str = "") -> NoReturn:
    """Say that the keyboard or a signal has ended the command; exit status 130 or 143."""
    word, status = ("Terminated", 143) if isinstance(end, Terminated) else ("Interrupted", 130)
    print(f"\n{word}. {advice}".rstrip(), file=sys.stderr)
    sys.exit(status)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends the process on the spot
    raise Terminated


def _leave_while_loading(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What Python calls with an exception that nothing has caught, before `hsi.cli.telling.telling` tells them."""
    if issubclass(kind, KeyboardInterrupt | Terminated):
        leave(error)
    if issubclass(kind, MemoryError) or "failed to map segment" in str(error):
        _refuse("the machine has too little memory for the libraries: end other programs, or raise the limit")
    sys.__excepthook__(kind, error, trace)


def _address_space() -> float:
    """Bytes of address space that the process may take."""
    try:
        import resource
    except ImportError:  # there is none on Windows
        return float("inf")
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    return float("inf") if most == resource.RLIM_INFINITY else float(most)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Write what a stream has no sign for, as `codecs.register_error` wants it."""
    assert isinstance(error, UnicodeEncodeError)
    part = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in part), error.end


def _refuse(sentence: str) -> NoReturn:
    print(f"Error: {sentence}", file=sys.stderr)
    sys.exit(2)
