"""Labels from binary masks, an image a class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hsi.errors import HsiError, shown
from hsi.scenes.label_image import Grid, LabelImage
from hsi.scenes.label_rasters import read_label_raster, short_name


def read_masks(paths: Sequence[str | Path], grid: Grid, key: str | None = None) -> LabelImage:
    """Read masks, of which number k (from 1) marks class k by whatever is not 0; the files name the classes.

    Each may lie on a grid of its own, see `hsi.scenes.label_rasters`. Pixels in two masks are unlabelled; a note counts
    them.

    Raises HsiError: no mask at all; two of one name; an image of several values beside 0; what cannot be read.
    """
    files = [Path(path).expanduser() for path in paths]
    if not files:
        raise HsiError("scene.labels=[] names no mask: give one image a class, such as [water.tif,forest.tif]")
    names = [shown(short_name(path)) for path in files]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise HsiError(f"two masks of scene.labels are called {twice[0]}: rename one, their names are the classes'")
    labels = np.zeros(grid.shape, dtype=np.int64)
    marks = np.zeros(grid.shape, dtype=np.uint16)
    found: list[Path] = []
    notes: list[str] = []
    clashing = set()
    for number, path in enumerate(files, 1):
        mask = read_label_raster(path, grid, key)
        marked = mask.labels != 0
        values = np.unique(mask.labels[marked])
        if len(values) > 1:
            raise HsiError(
                f"{path} holds {len(values)} values beside 0 ({', '.join(f'{value:g}' for value in values[:3])}...): "
                "a mask marks one class; give a label image of several classes by itself, not in a list"
            )
        if len(values) == 0:
            notes.append(f"{path.name} marks no pixel of the scene")
        clashing |= {names[other - 1] for other in np.unique(labels[marked]) if other} | (
            {names[number - 1]} if (marked & (marks > 0)).any() else set()
        )
        labels[marked] = number
        marks += marked
        found += mask.files
        notes += mask.notes
    if both := int((marks > 1).sum()):
        labels[marks > 1] = 0
        notes.append(f"{both:,} pixels are in two masks or more ({', '.join(sorted(clashing))}): they are unlabelled")
    return LabelImage(
        labels, {number: (name, None) for number, name in enumerate(names, 1)}, None, tuple(found), tuple(notes)
    )
