"""How a command ends when it cannot go on: in one sentence, and with a status that says why."""

import atexit
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from hsi.cli.start import Terminated, heed_nothing, leave
from hsi.config.faults import explain


@contextmanager
def telling(argv: Sequence[str] = (), interrupted: str = "") -> Iterator[None]:
    """Tell the faults of what is done within.

    Exit status: 2 a fault that the user can mend, told in one sentence; 130 the keyboard has ended it, 143 SIGTERM
    has, told with the sentence `interrupted`; 141 the reader of a pipe has gone. A fault of this program is raised as
    it is.
    """
    try:
        yield
    except (KeyboardInterrupt, Terminated) as end:
        leave(end, interrupted)
    except BrokenPipeError:
        leave_silently()
    except Exception as error:
        sentence = explain(error, argv)
        if sentence is None:
            raise
        print(f"Error: {sentence}", file=sys.stderr)
        sys.exit(2)
    finally:
        atexit.register(heed_nothing)  # last of all, so it is called first: libraries tidy up after it


def leave_silently() -> NoReturn:
    """Leave when the reader of a pipe, such as head, has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(141)
