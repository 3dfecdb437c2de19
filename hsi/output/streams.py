"""Files of any size that appear whole or not at all: written block by block under another name, then renamed."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from hsi.errors import HsiError


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a name in the folder of `path` to write to; once all is written, that file takes the place of `path`.

    Nothing is left of a file whose writing fails. Raises HsiError when the disk is full or the folder may not be
    written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch_file(path) as partial:
            yield partial
            os.replace(partial, path)
    except OSError as error:
        reason = error.strerror or error
        raise HsiError(f"{path} could not be written ({reason}): free space or choose another folder") from error


@contextlib.contextmanager
def scratch_file(path: Path, ending: str = "part") -> Iterator[Path]:
    """Give a name beside `path` for a file that nobody sees and that is gone afterwards."""
    scratch = path.with_name(f".{path.name}.{ending}")
    scratch.unlink(missing_ok=True)  # it may be a link that somebody has laid there
    try:
        yield scratch
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
