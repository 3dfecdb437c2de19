"""Blocks joined into the arrays of a map, band by band: nothing of the size of a scene is held in memory."""

from itertools import groupby
from pathlib import Path

import numpy as np

from hsi.mapping.blocks import Task
from hsi.mapping.scene_map import map_type
from hsi.mapping.store import Kind, Store
from hsi.output.streams import whole_file
from hsi.runs.opened import SURE

PART = 2**25  # bytes that are read at once


def join(store: Store, task: Task, folder: Path) -> dict[str, np.ndarray]:
    """Write map.npy, confidence.npy and, where they are kept, probabilities.npy, byte for byte as NumPy does.

    Returns them as arrays on disk. Raises DamagedBlock: a block has to be computed again.
    """
    kinds = (
        Kind("map", (), np.dtype(map_type(task.classes)), task.classes),
        Kind("confidence", (), np.dtype(np.float32), SURE),
        Kind("probabilities", (task.keep,), np.dtype(np.float16), SURE),
    )
    found = {}
    for kind in kinds:
        path = folder / f"{kind.name}.npy"
        if 0 in kind.more:
            path.unlink(missing_ok=True)  # of an earlier map
            continue
        _write(path, kind, task.shape, store)
        found[kind.name] = np.load(path, mmap_mode="r", allow_pickle=False)
    return found


def _write(path: Path, kind: Kind, place: tuple[int, int], store: Store) -> None:
    shape = (*place, *kind.more)
    header = {"descr": np.lib.format.dtype_to_descr(kind.dtype), "fortran_order": False, "shape": shape}
    row = kind.dtype.itemsize * int(np.prod(shape[1:]))
    step = max(1, PART // row)
    with whole_file(path) as partial, partial.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        numbered = enumerate(store.blocks)
        for (top, bottom), beside in groupby(numbered, key=lambda each: (each[1].top, each[1].bottom)):
            numbers = [number for number, _ in beside]
            for first in range(0, bottom - top, step):
                rows = slice(first, min(first + step, bottom - top))
                stream.write(np.concatenate([store.read(number, kind, rows) for number in numbers], axis=1).tobytes())
