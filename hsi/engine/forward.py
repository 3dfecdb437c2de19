"""One trunk pass over the scene in place of one per window, exact by construction.

`forward` is the only way a network meets a scene, in training and in mapping:

* shared: the trunk runs once over the padded scene, the windows are cut from its output, the head sees them;
* by window: the windows are cut from the padded scene itself, and the whole network sees them.

Because a trunk has no padding, stride or pooling (see `hsi.engine.contract`), both give the same logits to
rounding. Measured ratios: ``python -m hsi.bench``.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isqrt
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.config.values import Gigabytes, Switch
from hsi.engine.contract import PlainHead, WindowClassifier
from hsi.engine.cost import activation_floats
from hsi.engine.framed import Framed, Padding, frame, split_by_region

log = logging.getLogger(__name__)

HEAD_CHUNK = 1024  # windows a head sees at once while mapping: larger ones gain no speed


@dataclass(frozen=True)
class Engine:
    """How networks are evaluated.

    Parameters
    ----------
    mode
        ``dense`` shares the trunk, ``patch`` evaluates window by window, ``auto`` shares while mapping and
        in training where it is the cheaper way (`shares_training`).
    padding
        What lies beyond the scene's border: ``zero``, ``reflect`` or ``edge``.
    memory_gb
        Cap in 10^9 bytes on the activations held at once; a larger scene is mapped in parts.
    channels_last
        Keep convolution weights in channels-last memory: ``auto`` does where it was found faster, on GPUs and on
        processors with AVX-512, not on older ones.
    """

    mode: Literal["auto", "dense", "patch"] = "auto"
    padding: Padding = "zero"
    memory_gb: Gigabytes = 2.0
    channels_last: Literal["auto"] | Switch = "auto"

    def lay_out(self, model: WindowClassifier) -> WindowClassifier:
        """Put the convolution weights of `model` where the processor likes them; the values stay.

        Those of a plain module stay where they are: its forward may ask for contiguous memory, as ``view`` does.
        """
        if isinstance(model.head, PlainHead):
            return model
        on_gpu = any(weight.is_cuda for weight in model.parameters())
        auto = on_gpu or torch.backends.cpu.get_cpu_capability().startswith("AVX512")
        if auto if self.channels_last == "auto" else self.channels_last:
            formats = {4: torch.channels_last, 5: torch.channels_last_3d}
            for weight in model.parameters():
                if weight.dim() in formats:
                    weight.data = weight.data.contiguous(memory_format=formats[weight.dim()])
        return model

    def shares_training(self, model: WindowClassifier, rows: int, cols: int, batch: int) -> bool:
        """Whether a training step of `batch` scattered pixels runs the trunk once over the scene; logs why."""
        if self.mode != "auto":
            return self.mode == "dense"
        margin = model.window - 1
        by_window, by_scene = batch * model.window**2, (rows + margin) * (cols + margin)
        needed = 2 * 4 * trunk_floats(model) * by_scene / 1e9  # a step keeps every activation, and as much in gradients
        if isinstance(model.trunk, nn.Identity):
            shared, reason = False, "the network has no trunk to share"
        elif any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in model.trunk.modules()):
            shared, reason = False, "the trunk normalises by batch statistics"
        elif by_window <= by_scene:
            shared, reason = False, f"{by_window:,} window positions are fewer than the scene's {by_scene:,}"
        elif needed > self.memory_gb:
            shared, reason = (
                False,
                f"the scene would need {needed:.1f} GB, engine.memory_gb is {self.memory_gb:g}",
            )
        else:
            shared, reason = (
                True,
                f"{by_scene:,} scene positions in place of {by_window:,} window positions a step",
            )
        log.info("Training %s: %s.", "shares the trunk" if shared else "goes window by window", reason)
        return shared


def as_image(features: np.ndarray, device: torch.device) -> Tensor:
    """(rows, cols, C) float32 array -> (C, rows, cols) tensor on `device`."""
    return torch.from_numpy(features).to(device).permute(2, 0, 1).contiguous()


def cut(field: Tensor, corners: Tensor, size: int) -> Tensor:
    """Windows (N, C, size, size) of a field (C, rows, cols), by the flat number of their top left corner.

    An embedding look-up over (positions, channels): its backward is a sum into rows, ten times
    cheaper than that of `unfold`. The result lies in channels-last memory.
    """
    windows = F.embedding(_places(field, corners, size), _table(field))
    return windows.view(-1, size, size, field.shape[0]).permute(0, 3, 1, 2)


def _table(field: Tensor) -> Tensor:
    """(C, rows, cols) -> (rows * cols, C)."""
    return field.permute(1, 2, 0).reshape(-1, field.shape[0])


def _places(field: Tensor, corners: Tensor, size: int) -> Tensor:
    """Flat numbers (N, size * size) of the positions of windows."""
    steps = torch.arange(size, device=field.device)
    return corners[:, None] + (steps[:, None] * field.shape[2] + steps).flatten()


def _cut_all(field: Tensor, corners: Tensor, size: int, chunk: int) -> Iterator[Tensor]:
    """What `cut` gives of `chunk` windows after the other, without gradients; each goes where the one before was.

    New memory for each would have to be cleared by the kernel, a fifth of the time of a map.
    """
    table, channels = _table(field), field.shape[0]
    held = table.new_empty(min(chunk, len(corners)) * size**2, channels)
    for some in corners.split(chunk):
        places = _places(field, some, size).flatten()
        windows = torch.index_select(table, 0, places, out=held[: len(places)])
        yield windows.view(-1, size, size, channels).permute(0, 3, 1, 2)


def forward(
    model: WindowClassifier,
    image: Tensor | Framed,
    pixels: Tensor,
    *,
    shared: bool,
    padding: Padding = "zero",
    region: Tensor | None = None,
) -> Tensor:
    """Logits (N, classes) of the windows around N pixels; differentiable.

    Parameters
    ----------
    image
        (C, rows, cols) float, which is padded; or an image that has its frame, and its regions, already.
    pixels
        (N,) flat pixel numbers, ``row * cols + col``.
    shared
        Run the trunk once over the scene (True) or once a window (False).
    region
        (rows, cols) integers, or None: each window is masked to the region of its middle pixel.
    """
    framed = _framed(model, image, padding, region)
    cols = framed.shape[1]
    parts, order = [], []
    for padded, served in split_by_region(framed, pixels):
        field, size, classify = _field(model, padded, shared)
        rows_of, cols_of = pixels[served] // cols, pixels[served] % cols
        parts.append(classify(cut(field, rows_of * field.shape[2] + cols_of, size)))
        order.append(served)
    return torch.cat(parts)[torch.argsort(torch.cat(order))] if len(parts) > 1 else parts[0]


def _field(model: WindowClassifier, padded: Tensor, shared: bool) -> tuple[Tensor, int, nn.Module]:
    """What windows are cut from, their side, and what classifies them."""
    if shared:
        return model.trunk(padded[None])[0], model.trunk_window, model.head
    return padded, model.window, model


@torch.inference_mode()
def logits_of(
    model: WindowClassifier,
    image: Tensor | Framed,
    engine: Engine,
    region: Tensor | None = None,
    pixels: Tensor | None = None,
    progress: Callable[[int], object] | None = None,
) -> Tensor:
    """Logits (N, classes) of many pixels, in their order; not differentiable.

    Parameters
    ----------
    image
        (C, rows, cols) float, which is padded; or an image that has its frame, and its regions, already.
    region
        As in `forward`.
    pixels
        (N,) flat pixel numbers; None means every pixel of the scene, row by row.
    progress
        Called with the number of pixels of each part that is done.
    """
    seen = _framed(model, image, engine.padding, region)
    rows, cols = seen.shape
    wanted = torch.arange(rows * cols, device=seen.image.device) if pixels is None else pixels
    found = None
    for served, logits in map_logits(model, seen, engine, wanted):
        if found is None:  # at once: what is kept between large tensors would keep the memory from being used again
            found = logits.new_empty((len(wanted), logits.shape[1]))
        found[served] = logits
        if progress:
            progress(len(served))
    assert found is not None
    return found


@torch.inference_mode()
def map_logits(
    model: WindowClassifier, image: Tensor | Framed, engine: Engine, pixels: Tensor, region: Tensor | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits in parts that respect the memory cap: (places in `pixels` (N,), logits (N, classes)).

    Rows are taken in strips, and where a single row is too much, in tiles; each carries the window's margin around it,
    so that they change nothing. A part is to be used before the next is asked for. Parameters as in `logits_of`.
    """
    shared = engine.mode != "patch"
    framed = _framed(model, image, engine.padding, region)
    rows, cols = framed.shape
    budget = engine.memory_gb * 1e9 / 4  # float32 values
    chunk = max(1, min(HEAD_CHUNK, int(budget / head_floats(model, engine))))
    tiles = [(0, rows, 0, cols)]
    if shared:
        tiles = list(_tiles(rows, cols, model.window - 1, budget / trunk_floats(model)))
    for padded, places in split_by_region(framed, pixels):
        row, col = pixels[places] // cols, pixels[places] % cols
        for top, bottom, left, right in tiles:
            inside = places[(row >= top) & (row < bottom) & (col >= left) & (col < right)]
            if len(inside) == 0:
                continue
            part = padded[:, top : bottom + model.window - 1, left : right + model.window - 1]
            field, size, classify = _field(model, part, shared)
            numbers = pixels[inside]
            corners = (numbers // cols - top) * field.shape[2] + numbers % cols - left
            windows = _cut_all(field, corners, size, chunk)
            yield from zip(inside.split(chunk), map(classify, windows), strict=True)


def trunk_floats(model: WindowClassifier) -> float:
    """How many values the layers of the trunk put out for a position of a window, its input included.

    Fewer than for one of a large field, of which unpadded layers lose less: see `hsi.engine.cost.peak_floats`."""
    counted = _floats(model.trunk, (model.in_channels, model.window, model.window)) / model.window**2
    if model.trunk_window == 1:  # of a window a wide filter puts out one position, of a field nearly as many as go in
        counted = max(counted, model.in_channels + model.trunk_channels)
    return counted


def head_floats(model: WindowClassifier, engine: Engine) -> int:
    """How many values are put out for a window by what sees windows: the head, or where nothing is shared, all."""
    if engine.mode == "patch":
        return _floats(model, (model.in_channels, model.window, model.window))
    return _floats(model.head, (model.trunk_channels, model.trunk_window, model.trunk_window))


_counted: WeakKeyDictionary[nn.Module, dict[tuple[int, int, int], int]] = WeakKeyDictionary()


def _floats(module: nn.Module, shape: tuple[int, int, int]) -> int:
    """`activation_floats`, counted once: a scene of many blocks asks many times, and each count copies the module."""
    known = _counted.setdefault(module, {})
    if shape not in known:
        known[shape] = activation_floats(module, shape)
    return known[shape]


def _framed(model: WindowClassifier, image: Tensor | Framed, padding: Padding, region: Tensor | None) -> Framed:
    return image if isinstance(image, Framed) else frame(image, model.window, padding, region)


def _tiles(rows: int, cols: int, around: int, positions: float) -> Iterator[tuple[int, int, int, int]]:
    """Top, bottom, left, right of parts that have at most so many positions, those around them included."""
    height, width = min(rows, int(positions / (cols + around)) - around), cols
    if height < 1:
        height = width = max(1, isqrt(int(positions)) - around)
    for top in range(0, rows, height):
        for left in range(0, cols, width):
            yield top, min(top + height, rows), left, min(left + width, cols)
