"""Whether confidence means what it says: calibration error, temperature, and what a reject option would buy."""

from dataclasses import dataclass
from typing import Any

import numpy as np

BINS = 15  # as in Guo et al.
COVERAGES = np.arange(1, 21) / 20  # at which the risk-coverage curve is stored


@dataclass(frozen=True)
class Calibration:
    """How confidence and correctness agree on N test pixels.

    Parameters
    ----------
    ece
        Expected calibration error: the mean over the pixels of |accuracy - mean confidence| of their bin.
    confidence, accuracy
        Means over all pixels.
    bin_count, bin_confidence, bin_accuracy
        (15,) of each equal-width bin ((m - 1) / 15, m / 15]; NaN for means of empty bins.
    coverage, risk
        (20,): the share of pixels kept when the least sure are rejected, and the share of errors among those.
    aurc
        Area under the risk-coverage curve: the mean risk over all N coverages.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, eq. 3. Geifman, El-Yaniv,
    "Selective Classification for Deep Neural Networks", NeurIPS 2017. Deviation: pixels of equal confidence count
    with their mean error, so that their order does not matter.
    """

    ece: float
    confidence: float
    accuracy: float
    bin_count: np.ndarray
    bin_confidence: np.ndarray
    bin_accuracy: np.ndarray
    coverage: np.ndarray
    risk: np.ndarray
    aurc: float

    def as_json(self) -> dict[str, Any]:
        """For metrics.json; empty bins have null means."""
        return {
            name: [None if np.isnan(v) else v for v in value.tolist()] if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }


def calibration(confidence: np.ndarray, correct: np.ndarray) -> Calibration:
    """Measure confidence (N,) float in 0..1 against correct (N,) bool."""
    confidence, correct = confidence.astype(np.float64), correct.astype(bool)
    edges = np.arange(1, BINS) / BINS
    place = np.digitize(confidence, edges, right=True)
    count = np.bincount(place, minlength=BINS)
    with np.errstate(invalid="ignore"):  # empty bins have no mean
        bin_confidence = np.bincount(place, confidence, BINS) / count
        bin_accuracy = np.bincount(place, correct, BINS) / count
    filled = count > 0
    gaps = np.abs(bin_accuracy - bin_confidence)[filled]
    risk = risks(confidence, correct)
    kept = np.maximum(np.round(COVERAGES * len(correct)).astype(int), 1)
    return Calibration(
        ece=float(gaps @ count[filled] / len(correct)),
        confidence=float(confidence.mean()),
        accuracy=float(correct.mean()),
        bin_count=count,
        bin_confidence=bin_confidence,
        bin_accuracy=bin_accuracy,
        coverage=COVERAGES,
        risk=risk[kept - 1],
        aurc=float(risk.mean()),
    )


def risks(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """(N,): share of errors among the 1, 2, ..., N surest pixels."""
    _, level = np.unique(-confidence, return_inverse=True)  # the surest first
    kept = np.cumsum(np.bincount(level))
    errors = np.cumsum(np.bincount(level, ~correct))
    numbers = np.arange(1, len(correct) + 1)
    return np.interp(numbers, np.append(0, kept), np.append(0, errors)) / numbers
