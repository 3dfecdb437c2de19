"""A class and a confidence for every pixel of a scene that holds data, labelled or not."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from hsi.config.values import Switch, Symmetries
from hsi.engine import symmetry
from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, logits_of
from hsi.engine.framed import Framed, frame
from hsi.engine.nodata import fill
from hsi.engine.samples import to_labels

NO_DATA = 0  # in a class map


@dataclass(frozen=True)
class Prediction:
    """The map of a scene.

    Parameters
    ----------
    class_map
        (rows, cols) uint8, or uint16 above 255 classes: 1..K, 0 for pixels without data; K + 1 for those that are
        unlike any class, where that is asked for.
    confidence
        (rows, cols) float32, the probability that the network gives to that class: the largest of its softmax, after
        the temperature if one is fitted, averaged over the symmetries; NaN for pixels without data. How far it can be
        taken at its word is measured on the test pixels: `hsi.evaluation.calibration`.
    seconds
        Wall time of the mapping.
    probabilities
        (rows, cols, K) float16 of all classes, or None where they are not kept. Half precision: about three digits, so
        `class_map` and `confidence`, which come from float32, are the ones to trust in a tie. NaN without data.
    """

    class_map: np.ndarray
    confidence: np.ndarray
    seconds: float
    probabilities: np.ndarray | None = None

    def laid_into(self, shape: tuple[int, int], place: tuple[slice, slice], valid: np.ndarray | None) -> "Prediction":
        """The map of a scene of `shape`, of which this is the map of a part; nothing where a pixel is not `valid`."""

        def lay(part: np.ndarray, empty: float) -> np.ndarray:
            whole = part
            if part.shape[:2] != shape:
                whole = np.full((*shape, *part.shape[2:]), empty, dtype=part.dtype)
                whole[place] = part
            if valid is not None and not valid.all():
                whole[~valid] = empty
            return whole

        return replace(
            self,
            class_map=lay(self.class_map, NO_DATA),
            confidence=lay(self.confidence, np.nan),
            probabilities=None if self.probabilities is None else lay(self.probabilities, np.nan),
        )


@dataclass(frozen=True)
class MapSettings:
    """How a scene is mapped.

    Parameters
    ----------
    symmetries
        1, or 8 to average the probabilities of all turns and mirror images (test-time augmentation).
    context
        ``own``: each window is masked to the region of its middle pixel, where the split has regions, as in training;
        ``free``: windows are not masked, so those near a border see the other side.
    calibrate
        ``none``, or ``temperature`` to fit one on the validation pixels (`hsi.training.temperature`).
    save_probabilities
        Keep the probabilities of all classes: 2 K bytes a pixel.
    """

    symmetries: Symmetries = 1
    context: Literal["own", "free"] = "own"
    calibrate: Literal["none", "temperature"] = "none"
    save_probabilities: Switch = True


@dataclass(frozen=True, eq=False)
class Mapper:
    """A trained network, and how it is applied to a scene.

    Parameters
    ----------
    temperature
        By which the logits are divided.
    evidence, cut_off
        Where pixels unlike any class are looked for: how much logits (N, K) speak for a class, (N,), and below what
        that is too little; see `hsi.mapping.unknown`.
    """

    network: WindowClassifier
    engine: Engine
    settings: MapSettings
    temperature: float = 1.0
    evidence: Callable[[Tensor], Tensor] | None = None
    cut_off: float = 0.0


class Votes(NamedTuple):
    """What a network, or the mean of several, says of N pixels.

    `probabilities` (N, K) float32 on the CPU; `surplus` (N,) float64 evidence above the cut-off, or None.
    """

    probabilities: Tensor
    surplus: Tensor | None


def map_scene(
    model: WindowClassifier,
    image: Tensor,
    *,
    engine: Engine,
    settings: MapSettings,
    region: np.ndarray | None = None,
    temperature: float = 1.0,
    valid: np.ndarray | None = None,
) -> Prediction:
    """Map an image (C, rows, cols) float32 at once, in full precision, whatever the training used.

    `region` (rows, cols) masks each window to the region of its middle pixel, unless ``settings.context`` is ``free``.
    Logits are divided by `temperature`. Pixels that hold no data, by `valid` (rows, cols) bool, are not mapped.
    """
    started = time.monotonic()
    held = np.ones(image.shape[1:], dtype=bool) if valid is None else valid
    regions = None if region is None else torch.as_tensor(region, device=image.device)
    image, regions = fill(image, held, model.window, engine.padding, regions)
    with progress_bar(settings.symmetries * int(held.sum())) as bar:
        framed = frame(image, model.window, engine.padding, regions)
        votes = vote(Mapper(model, engine, settings, temperature), framed, held, bar.update)
    classes = votes.probabilities.shape[1] if votes else 1
    return decide(votes, held, classes, classes * settings.save_probabilities, started)


def vote(mapper: Mapper, framed: Framed, valid: np.ndarray, progress: Callable[[int], object]) -> Votes | None:
    """What a network says of the pixels of an image that hold data, row by row; None where there are none.

    `valid` (rows, cols) bool is of the image without its frame. Nothing is computed of what lies around the data.
    """
    rows, cols = (np.flatnonzero(valid.any(axis)) for axis in (1, 0))
    if not len(rows):
        return None
    box = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
    part = framed.part(box[0].start, box[0].stop, box[1].start, box[1].stop)
    pixels = torch.from_numpy(np.flatnonzero(valid[box])).to(framed.image.device)
    turns = symmetric_logits(mapper.network, part, mapper.engine, mapper.settings, pixels=pixels, progress=progress)
    return _average(turns, mapper)


def decide(votes: Votes | None, valid: np.ndarray, classes: int, keep: int, started: float) -> Prediction:
    """The map that follows from what is said of the pixels that hold data, by `valid` (rows, cols) bool.

    `classes` is the last that a map may name, the one of pixels unlike any other where these are looked for; `keep` is
    the number of classes whose probabilities are kept, or 0; `started` when the work began, by `time.monotonic`.
    """
    class_map = np.full(valid.shape, NO_DATA, dtype=map_type(classes))
    confidence = np.full(valid.shape, np.nan, dtype=np.float32)
    probabilities = np.full((*valid.shape, keep), np.nan, dtype=np.float16) if keep else None
    if votes is not None:
        sure, winner = votes.probabilities.max(1)
        confidence[valid] = sure.numpy()
        class_map[valid] = to_labels(winner).numpy()
        if votes.surplus is not None:
            class_map[valid] = np.where(votes.surplus.numpy() < 0, classes, class_map[valid])
        if probabilities is not None:
            probabilities[valid] = votes.probabilities.half().numpy()
    return Prediction(class_map, confidence, time.monotonic() - started, probabilities)


def map_type(classes: int) -> type[np.unsignedinteger]:
    """What the classes of a map are kept in."""
    return np.uint8 if classes <= np.iinfo(np.uint8).max else np.uint16


def mean_probabilities(
    model: WindowClassifier,
    image: Tensor,
    engine: Engine,
    settings: MapSettings,
    region: Tensor | None = None,
    temperature: float = 1.0,
) -> Tensor:
    """Probabilities (rows * cols, K) float32 on the CPU of every pixel, averaged over the symmetries of `settings`."""
    turns = symmetric_logits(model, image, engine, settings, region)
    return _average(turns, Mapper(model, engine, settings, temperature)).probabilities


def symmetric_logits(
    model: WindowClassifier,
    image: Tensor | Framed,
    engine: Engine,
    settings: MapSettings,
    region: Tensor | None = None,
    pixels: Tensor | None = None,
    progress: Callable[[int], object] | None = None,
) -> Iterator[Tensor]:
    """Logits (N, K) float32 on the CPU, once for each symmetry of `settings`.

    `image` (C, rows, cols) is padded, or has its frame and its regions already; `pixels` (N,) None means all of them;
    `progress` is told how many are done, and None shows a bar.
    """
    framed = image if isinstance(image, Framed) else frame(image, model.window, engine.padding, region)
    if settings.context == "free":
        framed = replace(framed, region=None)
    rows, cols = framed.shape
    model.eval()
    wanted = torch.arange(rows * cols, device=framed.image.device) if pixels is None else pixels
    total = settings.symmetries * len(wanted)
    with progress_bar(0 if progress else total) as bar:
        for turn in range(settings.symmetries):
            places = symmetry.transform_pixels(wanted, rows, cols, turn)
            yield logits_of(model, framed.turned(turn), engine, None, places, progress or bar.update).cpu()


def progress_bar(total: int, done: int = 0) -> tqdm:
    """A bar of pixels with the time left, on a terminal alone; none where there is nothing to do."""
    hidden = total == 0 or not sys.stderr.isatty()
    return tqdm(total=total, initial=done, desc="Mapping", unit="pixel", unit_scale=True, disable=hidden, leave=None)


def _average(turns: Iterable[Tensor], mapper: Mapper) -> Votes:
    """The mean over the symmetries."""
    total: Tensor | float = 0.0
    evidence: Tensor | float = 0.0
    for logits in turns:
        total = total + (logits / mapper.temperature).softmax(1)
        if mapper.evidence:
            evidence = evidence + mapper.evidence(logits).double()
    assert isinstance(total, Tensor)
    count = mapper.settings.symmetries
    surplus = evidence / count - mapper.cut_off if isinstance(evidence, Tensor) else None
    return Votes(total / count, surplus)
