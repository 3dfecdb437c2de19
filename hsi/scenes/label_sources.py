"""Labels from whatever they are given as, laid on the grid of a scene."""

from collections.abc import Sequence

from hsi.config.values import FilePath
from hsi.scenes.formats import read_raster
from hsi.scenes.label_image import Grid, LabelImage


def read_labels(
    source: FilePath | Sequence[FilePath],
    grid: Grid,
    *,
    key: str | None = None,
    field: str | None = None,
    all_touched: bool = False,
) -> LabelImage:
    """Read a label image."""
    raster = read_raster(source, key, ndim=2)
    return LabelImage(raster.load(), raster.classes, files=raster.files)
