"""Blocks joined into the arrays of a map, band by band: nothing of the size of a scene is held in memory."""

from itertools import groupby
from pathlib import Path

import numpy as np

from hsi.mapping.blocks import Task
from hsi.mapping.scene_map import map_type
from hsi.mapping.store import Store
from hsi.output.streams import whole_file

ARRAYS = ("map", "confidence", "probabilities")  # of a block, and with .npy behind them of a map
PART = 2**25  # bytes that are read at once


def join(store: Store, task: Task, folder: Path) -> dict[str, np.ndarray]:
    """Write map.npy, confidence.npy and, where they are kept, probabilities.npy, byte for byte as NumPy does.

    Returns them as arrays on disk. Raises DamagedBlock: a block has to be computed again.
    """
    kinds = {
        "map": ((), np.dtype(map_type(task.classes))),
        "confidence": ((), np.dtype(np.float32)),
        "probabilities": ((task.keep,), np.dtype(np.float16)),
    }
    found = {}
    for name, (more, dtype) in kinds.items():
        path = folder / f"{name}.npy"
        if 0 in more:
            path.unlink(missing_ok=True)  # of an earlier map
            continue
        _write(path, name, (*task.shape, *more), dtype, store)
        found[name] = np.load(path, mmap_mode="r", allow_pickle=False)
    return found


def _write(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype, store: Store) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    row = dtype.itemsize * int(np.prod(shape[1:]))
    step = max(1, PART // row)
    with whole_file(path) as partial, partial.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        numbered = enumerate(store.blocks)
        for (top, bottom), beside in groupby(numbered, key=lambda each: (each[1].top, each[1].bottom)):
            numbers = [number for number, _ in beside]
            for first in range(0, bottom - top, step):
                rows = slice(first, min(first + step, bottom - top))
                stream.write(np.concatenate([store.read(number, name, rows) for number in numbers], axis=1).tobytes())
