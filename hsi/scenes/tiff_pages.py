"""TIFF images by Pillow: those whose bands are pages, and all others where rasterio is not installed.

Pillow reads the pixels and leaves georeference, nodata and wavelengths alone.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence
from PIL.TiffImagePlugin import BITSPERSAMPLE, SAMPLEFORMAT

from hsi.errors import HsiError
from hsi.scenes.limits import require_held
from hsi.scenes.raster import Raster

# tags of a GeoTIFF: sizes, tie points and matrix of the transform, keys of the CRS, metadata and nodata of GDAL
ONLY_BY_RASTERIO = (33550, 33922, 34264, 34735, 42112, 42113)
SUBFILE_TYPE = 254  # tag whose bits 0 and 2 mark overviews and masks of another page
KINDS = {1: "u", 2: "i", 3: "f"}  # of the tag SampleFormat


def read_pages(path: Path) -> Raster:
    """Read a TIFF file of one band, or of several that are the samples of a pixel or pages of equal size.

    Raises HsiError: pages of different sizes; other exceptions for what Pillow cannot read.
    """
    pages: list[np.ndarray] = []
    with Image.open(path, formats=["TIFF"]) as image:
        for page in ImageSequence.Iterator(image):
            if not _tag(page, SUBFILE_TYPE, 0) & 5:
                shape = (page.height, page.width, len(page.getbands()), len(pages) + 1)
                require_held(path, shape, np.dtype(np.uint32))  # Pillow has no wider samples
                pages.append(_pixels(page))
    if len({page.shape for page in pages}) != 1 or (len(pages) > 1 and pages[0].ndim > 2):
        raise HsiError(
            f"{path} holds pages of shapes {', '.join(str(page.shape) for page in pages[:5]) or 'none'}, which are no "
            "bands of one image: save the image as .npy or ENVI."
        )
    return Raster(pages[0] if len(pages) == 1 else np.stack(pages, axis=2), (path,))


def says_more(path: Path) -> bool:
    """Whether the file says things that Pillow does not read, such as where its pixels lie."""
    with Image.open(path, formats=["TIFF"]) as image:
        return any(tag in image.tag_v2 for tag in ONLY_BY_RASTERIO)  # type: ignore[attr-defined]


def _pixels(page: Image.Image) -> np.ndarray:
    """Return the pixels in the file's own type; Pillow widens some, and takes others for a type of equal width."""
    array = np.array(page)
    bits, kind = _tag(page, BITSPERSAMPLE, 1), KINDS.get(_tag(page, SAMPLEFORMAT, 1))
    if kind is None or bits not in (8, 16, 32):
        return array
    own = np.dtype(f"{kind}{bits // 8}")
    return array.view(own) if array.dtype.itemsize == own.itemsize else array.astype(own)


def _tag(page: Image.Image, tag: int, default: int) -> int:
    """Return a numeric tag, of several values the first."""
    value = page.tag_v2.get(tag, default)  # type: ignore[attr-defined]
    return int(value[0] if isinstance(value, tuple) else value)
