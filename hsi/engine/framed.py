"""An image and what its windows see beyond it: the padding of a scene, or the pixels around a part of one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from hsi.engine import symmetry
from hsi.errors import HsiError

Padding = Literal["zero", "reflect", "edge"]
PAD_MODES = {"zero": "constant", "reflect": "reflect", "edge": "replicate"}


def pad(image: Tensor, window: int, padding: Padding = "zero") -> Tensor:
    """(C, rows, cols) -> (C, rows + window - 1, cols + window - 1)."""
    return frame(image, window, padding).image


def require_room(window: int, rows: int, cols: int) -> None:
    """Raise HsiError where windows are larger than the scene."""
    if window > min(rows, cols):
        raise HsiError(
            f"patch_size={window} is larger than the scene of {rows} x {cols} pixels: choose a smaller window"
        )


@dataclass(frozen=True, eq=False)
class Framed:
    """An image with what its windows see beyond it: a part of a scene gives the same logits as the whole scene there.

    Parameters
    ----------
    image
        (C, rows + 2 * margin, cols + 2 * margin) float.
    margin
        ``window // 2``.
    region
        (rows + 2 * margin, cols + 2 * margin) integers, or None; as in `forward`.
    """

    image: Tensor
    margin: int
    region: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns without the frame."""
        rows, cols = self.image.shape[-2:]
        return rows - 2 * self.margin, cols - 2 * self.margin

    def turned(self, turn: int) -> "Framed":
        """Transformed by one of the symmetries of the square: the frame goes along."""
        region = None if self.region is None else symmetry.transform(self.region, turn)
        return Framed(symmetry.transform(self.image, turn).contiguous(), self.margin, region)

    def part(self, top: int, bottom: int, left: int, right: int) -> "Framed":
        """Rows top..bottom-1 and columns left..right-1, with a frame of their own."""
        place = slice(top, bottom + 2 * self.margin), slice(left, right + 2 * self.margin)
        return Framed(self.image[:, *place], self.margin, None if self.region is None else self.region[place])

    def regions_of(self, pixels: Tensor) -> Tensor | None:
        """The region of each of N pixels, flat numbers without the frame; None where there are no regions."""
        if self.region is None:
            return None
        rows, cols = self.shape
        inner = self.region[self.margin : self.margin + rows, self.margin : self.margin + cols]
        return inner.flatten()[pixels]


def frame(
    image: Tensor,
    window: int,
    padding: Padding = "zero",
    region: Tensor | None = None,
    sides: Sequence[int] | None = None,
) -> Framed:
    """An image (C, rows, cols) and its regions (rows, cols), framed by the padding.

    `sides` is what is wanting of the frame on the left, on the right, above and below, where the image has a part of it
    already; None for a whole scene.
    """
    margin = window // 2
    if sides is None:
        require_room(window, *image.shape[-2:])
        sides = (margin,) * 4
    around = None
    if region is not None:  # what lies beyond the border belongs where its values come from
        around = _pad(region[None].double(), sides, padding)[0].to(region.dtype)
    return Framed(_pad(image, sides, padding), margin, around)


def _pad(image: Tensor, sides: Sequence[int], padding: Padding) -> Tensor:
    return F.pad(image[None], tuple(sides), mode=PAD_MODES[padding])[0]


def split_by_region(framed: Framed, pixels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The framed images that windows may see: (image, positions in `pixels` it serves), one pair a region.

    Without regions the scene itself serves all. With them, each window sees only its middle pixel's region,
    the rest being zero (Nalepa, Myller, Kawulok, "Validating Hyperspectral Image Segmentation", GRSL 2019).
    """
    own = framed.regions_of(pixels)
    if own is None:
        yield framed.image, torch.arange(len(pixels), device=pixels.device)
        return
    for value in torch.unique(own):
        yield framed.image * (framed.region == value), torch.nonzero(own == value).flatten()
