"""Finished blocks of a map on disk, so that a map goes on where it was interrupted, and in several processes at once.

Each block is a file of its own, written in one rename, and taken by one process at a time: a lock that dies with its
process. So whoever looks for a block that is neither there nor taken may compute it, and nothing has to be agreed on.
"""

import contextlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from safetensors import safe_open
from safetensors.numpy import save

from hsi import files
from hsi.errors import HsiError
from hsi.mapping.blocks import Block, Task, map_block
from hsi.mapping.scene_map import progress_bar

log = logging.getLogger(__name__)

FOLDER, PLAN, LOCK = ".blocks", "plan.json", ".lock"
LARGEST_PLAN = 1000  # bytes: it is read again before and after every block
WAIT = 0.2  # seconds between two looks at what others have done
GOLDEN = (5**0.5 - 1) / 2  # steps of this share of a circle keep away from each other, however many there are


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes from beginning or ending a map in `folder` at the same time; waits for them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        lock.acquire()
    except OSError as error:
        raise HsiError(f"{folder} cannot be used ({error.strerror}): choose another folder with out=") from error
    try:
        yield
    finally:
        lock.release()


@dataclass(frozen=True)
class Kind:
    """An array that every block of a map has.

    Parameters
    ----------
    more
        Its axes behind rows and columns.
    highest
        No value is above, and none below 0; NaN stands where there are no data.
    """

    name: str
    more: tuple[int, ...]
    dtype: np.dtype
    highest: float

    def holds(self, values: np.ndarray) -> bool:
        """Whether the values are such."""
        return not ((values < 0) | (values > self.highest)).any()


@dataclass(frozen=True)
class Store:
    """The blocks of a map in a folder of their own.

    Parameters
    ----------
    folder
        ``.blocks`` in that of the map.
    blocks
        Row by row, as `hsi.mapping.blocks.plan` gives them.
    plan
        SHA-256 of what is mapped, how, and in which blocks.
    """

    folder: Path
    blocks: Sequence[Block]
    plan: str

    def path(self, number: int) -> Path:
        """The file of a block."""
        return self.folder / f"{number}.safetensors"

    def has(self, number: int) -> bool:
        """Whether a block is finished."""
        return files.is_file(self.path(number))

    def is_current(self) -> bool:
        """Whether the folder still is that of this map: the process that joins the blocks takes it away."""
        try:
            return files.read_json(self.folder / PLAN, LARGEST_PLAN).get("plan") == self.plan
        except HsiError:
            return False

    def require_current(self) -> None:
        """Raise HsiError where the folder has gone, or has become that of another map."""
        if not self.is_current():
            raise HsiError(
                f"the blocks in {self.folder} were removed while the map was made: run the same command again, with "
                "a folder of its own"
            )

    @contextlib.contextmanager
    def taken(self, number: int) -> Iterator[bool]:
        """Whether this process may compute a block: no other is at it, and none has finished it."""
        if not self.is_current():  # a lock would make the folder again
            yield False
            return
        try:
            lock = FileLock(self.folder / f"{number}.lock", timeout=0)
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield self.is_current() and not self.has(number)
        finally:
            lock.release()

    def write(self, number: int, **arrays: np.ndarray) -> None:
        """Write a block that this process has taken."""
        files.write(self.path(number), save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))

    def read(self, number: int, kind: Kind, rows: slice) -> np.ndarray:
        """Some rows of an array of a block.

        A damaged file is removed, so that the block is computed again, and raises `DamagedBlock`.
        """
        try:
            with safe_open(self.path(number), framework="np") as content:
                values = content.get_slice(kind.name)
                if values.get_shape() != [*self.blocks[number].shape, *kind.more]:
                    raise ValueError(f"{kind.name} has another shape")
                found: np.ndarray = values[rows]
            if found.dtype != kind.dtype or not kind.holds(found):
                raise ValueError(f"{kind.name} holds other values")
            return found
        except Exception as error:  # libraries answer damage with whatever
            self.path(number).unlink(missing_ok=True)
            raise DamagedBlock(f"{self.path(number)} is damaged: run the same command again") from error


class DamagedBlock(HsiError):
    """A block cannot be read back, as after a power failure."""


def open_store(out: Path, identity: str, blocks: Sequence[Block]) -> Store:
    """The store of a map in its folder `out`, while `alone` there; blocks of any other map are removed.

    `identity` says what is mapped, and how. Raises HsiError: other processes are at work on another map there.
    """
    layout = json.dumps([asdict(block) for block in blocks])
    store = Store(out / FOLDER, tuple(blocks), sha256(f"{identity}\n{layout}".encode()).hexdigest())
    if not store.is_current():
        if found := clear(out):
            log.info("Removed %d blocks of another map from %s.", found, store.folder)
        files.write_json(store.folder / PLAN, {"plan": store.plan, "blocks": len(blocks)})
    return store


def clear(out: Path) -> int:
    """Remove the blocks in a map's folder, finished or not; returns how many were finished."""
    folder = out / FOLDER
    for path in folder.glob("*.lock"):
        try:
            with FileLock(path, timeout=0):
                pass
        except Timeout as error:
            raise HsiError(
                f"another process maps another scene, or maps it otherwise, into {out}: wait for it, or choose another "
                "folder with out="
            ) from error
    found = len(list(folder.glob("*.safetensors")))
    shutil.rmtree(folder, ignore_errors=True)
    return found


def work(store: Store, task: Task, shard: int = 0) -> None:
    """Compute blocks that nobody has taken until all are there; waits for those that others have taken.

    `shard` says where to begin: each number somewhere else.
    """
    count = len(store.blocks)
    first = int(count * (shard * GOLDEN % 1))
    left = [number for place in range(first, first + count) if not store.has(number := place % count)]
    pixels = {number: task.votes * store.blocks[number].pixels for number in range(count)}
    every, to_do = (sum(pixels[number] for number in numbers) for numbers in (pixels, left))
    with progress_bar(every, every - to_do) as bar:
        while left and store.is_current():
            mine = [number for number in left if _compute(store, task, number, bar.update)]
            found = [number for number in left if number not in mine and store.has(number)]
            bar.update(sum(pixels[number] for number in found))
            left = [number for number in left if number not in {*mine, *found}]
            if left and not mine:
                time.sleep(WAIT)


def _compute(store: Store, task: Task, number: int, progress: Callable[[int], object]) -> bool:
    """Compute and write a block, unless another process does or did."""
    if store.has(number):
        return False
    with store.taken(number) as free:
        if free:
            made = map_block(task, store.blocks[number], progress)
            store.require_current()
            kept = {} if made.probabilities is None else {"probabilities": made.probabilities}
            store.write(number, map=made.class_map, confidence=made.confidence, **kept)
        return free
