"""A scene mapped block by block: what a block gives is what the whole scene gives there, and no more is in memory.

Each block is read with what the windows of its pixels see around it, reduced, and mapped by one pass of the network.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, isqrt
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from hsi.engine.cost import peak_floats
from hsi.engine.forward import as_image
from hsi.engine.framed import Framed, frame, require_room
from hsi.engine.memory import give_back
from hsi.engine.nodata import fill, reach
from hsi.mapping.scene_map import Mapper, Prediction, Votes, decide, map_type, vote
from hsi.reduce import Reducer
from hsi.scene import Scene

PROCESS = 0.6e9  # bytes that Python and the libraries take
LEAST_ROOM = 0.25  # of the memory that is given, where the process itself leaves less
LARGEST = 2**20  # pixels of a block: some work to lose when it is interrupted, and to share with other processes
SMALLER = 0.9  # the next block that is tried, where one needs too much
NUMBERS = 8 * 8  # bytes of a pixel's number, which is kept in several orders
COPIES = 3  # of the values of a block while it is read and reduced


@dataclass(frozen=True)
class Block:
    """Rows top..bottom-1 and columns left..right-1 of a scene."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def place(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.bottom - self.top, self.right - self.left

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.shape[0] * self.shape[1]

    def grown(self, by: int, rows: int, cols: int) -> "Block":
        """With so many rows and columns around it, as far as the scene goes."""
        return Block(
            max(0, self.top - by), min(rows, self.bottom + by), max(0, self.left - by), min(cols, self.right + by)
        )


class Seen(NamedTuple):
    """A part of a scene as a network sees it.

    `image` (rows, cols, C) float32; `valid` (rows, cols) bool, which pixels hold data; `region` (rows, cols) integers,
    or None.
    """

    image: np.ndarray
    valid: np.ndarray
    region: np.ndarray | None = None


Look = Callable[[slice, slice], Seen]


@dataclass(frozen=True, eq=False)
class Task:
    """A scene of `shape` (rows, cols), to be mapped by the mean of several networks, each with its own look at it.

    Parameters
    ----------
    classes
        The last class that the map may name: K, or K + 1 where pixels unlike any class are looked for.
    keep
        The number of classes K whose probabilities are kept, or 0.
    """

    members: Sequence[tuple[Mapper, Look]]
    shape: tuple[int, int]
    device: torch.device
    classes: int
    keep: int = 0

    @property
    def votes(self) -> int:
        """How often each pixel is classified."""
        return sum(mapper.settings.symmetries for mapper, _ in self.members)


def look_at(scene: Scene, reducer: Reducer, region: np.ndarray | None = None) -> Look:
    """How a network sees a scene that meets the reducer of its training; parts without data are not read."""

    def look(rows: slice, cols: slice) -> Seen:
        sides = None if region is None else region[rows, cols]
        if scene.valid is not None and not scene.valid[rows, cols].any():
            valid = scene.valid[rows, cols]
            return Seen(np.zeros((*valid.shape, reducer.weights.shape[1]), dtype=np.float32), valid, sides)
        values, valid = scene.read(rows, cols)
        return Seen(reducer.transform(values, valid), valid, sides)

    return look


def plan(rows: int, cols: int, around: int, positions: float) -> list[Block]:
    """Cut a scene into blocks of nearly equal size, row by row.

    Parameters
    ----------
    around
        Rows, and columns, that a block carries beside its own.
    positions
        How many pixels of a block and around it there is room for.

    Returns
    -------
    One block where the scene fits; else blocks that are as square as the scene allows, since these carry the least.
    """
    if rows * cols <= LARGEST and (rows + around) * (cols + around) <= positions:
        return [Block(0, rows, 0, cols)]
    side = max(1, min(isqrt(int(positions)) - around, isqrt(LARGEST)))
    height, width = min(side, rows), min(side, cols)
    if width == cols:  # a narrow scene has long blocks, a flat one wide ones
        height = _length(cols, around, positions)
    elif height == rows:
        width = _length(rows, around, positions)
    down, across = _cut(rows, height), _cut(cols, width)
    return [Block(top, bottom, left, right) for top, bottom in down for left, right in across]


def _length(other: int, around: int, positions: float) -> int:
    return max(1, min(int(positions / (other + around)) - around, LARGEST // other))


def _cut(length: int, most: int) -> list[tuple[int, int]]:
    count = ceil(length / most)
    edges = [length * number // count for number in range(count + 1)]
    return list(pairwise(edges))


def plan_within(memory_gb: float, task: Task, bytes_per_pixel: int, held: int = 0) -> list[Block]:
    """Cut a scene into blocks for which the memory of a process, in 10^9 bytes, has room.

    `bytes_per_pixel` is the size of a spectrum in the cube, `held` what of the scene is in memory all the time. Raises
    HsiError: windows larger than the scene.
    """
    for mapper, _ in task.members:
        require_room(mapper.network.window, *task.shape)
    around = 2 * max(reach(mapper.network.window, mapper.engine.padding) for mapper, _ in task.members)
    space = _room(memory_gb, task, held)
    positions = float((task.shape[0] + around) * (task.shape[1] + around))
    while True:  # how much a position needs depends on the shape of the block
        blocks = plan(*task.shape, around, positions)
        rows, cols = (max(sides) + around for sides in zip(*(block.shape for block in blocks), strict=True))
        needed = max(_bytes(mapper, bytes_per_pixel, task.classes, rows, cols) for mapper, _ in task.members)
        if needed <= space or (rows, cols) == (around + 1, around + 1):
            return blocks
        positions = min(SMALLER * positions, rows * cols - 1, max(1.0, space / needed * rows * cols))


def _room(memory_gb: float, task: Task, held: int) -> float:
    """Bytes that the process, the weights and the scene leave of the memory for what a block needs."""
    weights = sum(_size(mapper.network) for mapper, _ in task.members)
    return max(memory_gb * 1e9 - PROCESS - weights - held, LEAST_ROOM * memory_gb * 1e9)


def _size(network: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def _bytes(mapper: Mapper, bytes_per_pixel: int, classes: int, rows: int, cols: int) -> float:
    """What a block takes at the most, with what is around it: while it is read, or while the network sees it."""
    network, image = mapper.network, 4 * mapper.network.in_channels
    reading = COPIES * bytes_per_pixel + 2 * image
    seeing: float = 4 * image
    if mapper.engine.mode != "patch":
        turned = [(rows, cols), (cols, rows)][: mapper.settings.symmetries]
        field = max(peak_floats(network.trunk, (network.in_channels, *sides)) for sides in turned) / (rows * cols)
        seeing = 3 * image + 4 * (field + network.trunk_channels)  # windows are cut from a table of positions
    return rows * cols * (max(reading, seeing) + 4 * 5 * classes + NUMBERS)  # logits, their softmax, sums


def map_block(task: Task, block: Block, progress: Callable[[int], object]) -> Prediction:
    """The part of the map that a block is; `progress` is told how many pixels are done, each as often as it is seen.

    A pixel is mapped where all networks have data of it. Raises HsiError: pixels without data, which the padding of a
    network has no answer for.
    """
    started = time.monotonic()
    seen = [_frame(mapper, look, block, task) for mapper, look in task.members]
    valid = np.logical_and.reduce([held for _, held in seen])
    total: Votes | None = None
    for (mapper, _), (framed, _) in zip(task.members, seen, strict=True):
        votes = vote(mapper, framed, valid, progress)
        total = votes if total is None else _add(total, votes)
    progress(task.votes * int((~valid).sum()))
    mean = None if total is None else _divide(total, len(task.members))
    made = decide(mean, valid, task.classes, task.keep, started)
    give_back()
    return made


def map_blocks(task: Task, blocks: Sequence[Block], progress: Callable[[int], object]) -> Prediction:
    """The whole map, in memory."""
    started = time.monotonic()
    if len(blocks) == 1:
        return map_block(task, blocks[0], progress)
    class_map = np.empty(task.shape, dtype=map_type(task.classes))
    confidence = np.empty(task.shape, dtype=np.float32)
    probabilities = np.empty((*task.shape, task.keep), dtype=np.float16) if task.keep else None
    for block in blocks:
        part = map_block(task, block, progress)
        class_map[block.place], confidence[block.place] = part.class_map, part.confidence
        if probabilities is not None and part.probabilities is not None:
            probabilities[block.place] = part.probabilities
    return Prediction(class_map, confidence, time.monotonic() - started, probabilities)


def _frame(mapper: Mapper, look: Look, block: Block, task: Task) -> tuple[Framed, np.ndarray]:
    """A block with what its windows see around it, and which of its pixels hold data."""
    window, padding = mapper.network.window, mapper.engine.padding
    margin = window // 2
    read, framed = (block.grown(by, *task.shape) for by in (reach(window, padding), margin))
    seen = look(*read.place)
    region = None if seen.region is None else torch.as_tensor(seen.region, device=task.device)
    image, region = fill(as_image(seen.image, task.device), seen.valid, window, padding, region)
    inside = Block(
        framed.top - read.top, framed.bottom - read.top, framed.left - read.left, framed.right - read.left
    ).place
    wanting = (
        margin - (block.left - framed.left),
        margin - (framed.right - block.right),
        margin - (block.top - framed.top),
        margin - (framed.bottom - block.bottom),
    )
    own = Block(block.top - read.top, block.bottom - read.top, block.left - read.left, block.right - read.left).place
    part = None if region is None else region[inside]
    return frame(image[:, *inside], window, padding, part, wanting), seen.valid[own]


def _add(total: Votes, votes: Votes | None) -> Votes:
    assert votes is not None
    surplus = None if total.surplus is None or votes.surplus is None else total.surplus + votes.surplus
    return Votes(total.probabilities + votes.probabilities, surplus)


def _divide(total: Votes, count: int) -> Votes:
    return Votes(total.probabilities / count, total.surplus)
