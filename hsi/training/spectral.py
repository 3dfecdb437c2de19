"""Spectra changed at random while training, as other light, another day or a dead band would change them.

The whole scene is changed alike in a step, so that one pass of a shared trunk serves a whole batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hsi.engine.samples import Samples
from hsi.errors import HsiError

STREAM = 1  # keeps these draws apart from those of `hsi.training.batches`


class Change(NamedTuple):
    """Of spectra: ``spectrum * factor + shift`` (bands,) both, in the units of the cube; `dropped` (bands,) bool."""

    factor: np.ndarray
    shift: float
    dropped: np.ndarray


@dataclass(frozen=True)
class Strengths:
    """How much spectra are changed; 0 is not at all.

    Parameters
    ----------
    gain
        Standard deviation of what is added to the factor 1 of all bands.
    offset
        Standard deviation of what is added to all bands, in units of the mean of the training pixels over all bands.
    slope
        Standard deviation of what is added to the factor of the last band and taken from that of the first; in between
        it goes linearly with the number of the band.
    dropout
        Share of the bands that are dropped: all pixels hold the mean of the training pixels there.
    """

    gain: float = 0.0
    offset: float = 0.0
    slope: float = 0.0
    dropout: float = 0.0

    def draw(self, seed: int, step: int, bands: int, mean: float) -> Change:
        """The change that a whole step sees: a pure function of seed and step, so that a training can resume.

        `mean` is that of the training pixels over all bands.
        """
        rng = np.random.default_rng([seed, step, STREAM])
        gain, offset, slope = rng.normal(size=3) * (self.gain, self.offset, self.slope)
        factor = 1 + gain + slope * np.linspace(-1, 1, bands)
        return Change(factor, float(offset * mean), rng.random(bands) < self.dropout)

    def changes(self, samples: Samples, seed: int) -> Callable[[int], Tensor]:
        """A function from the number of a step to the image (C, rows, cols) that it sees.

        It is the image that the changed cube would have been reduced to. Pixels that are 0 in every component lie where
        there are no data, and stay so. Raises HsiError where components are mixed from bands.
        """
        if not any(vars(self).values()):
            return lambda step: samples.image
        if samples.bands is None:
            raise HsiError(
                "train.gain, offset, slope and band_dropout change bands, and what the network sees here is mixed from "
                "them: choose reduce=standardize or none, or leave them 0"
            )
        image, bands = samples.image, samples.bands
        known = image.flatten(1)[:, samples.train].double().mean(1).cpu().numpy()
        mean = float((known / bands.scale + bands.mean).mean())
        seen = (image != 0).any(0)

        def changed(step: int) -> Tensor:
            change = self.draw(seed, step, len(known), mean)
            factor = np.where(change.dropped, 0, change.factor)
            shift = (bands.mean * (change.factor - 1) + change.shift) * bands.scale
            shift = np.where(change.dropped, known, shift)
            times, plus = (torch.from_numpy(v).to(image)[:, None, None] for v in (factor, shift))
            found = torch.addcmul(plus, image, times)
            return found if seen.all() else torch.where(seen, found, found.new_zeros(()))

        return changed
