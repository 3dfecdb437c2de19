"""A temperature that brings confidence nearer to a probability, fitted on validation pixels after the training."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp

HOTTEST = 20.0  # temperatures are sought between its inverse and this


def best_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature of the least negative log-likelihood, between 1/20 and 20.

    Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 4.2. `logits`
    (S, N, K) under S symmetries, whose probabilities are averaged as in the map; `targets` (N,) from 0. The bounds
    keep it finite where all pixels are right, which any sharpening would seem to improve.
    """

    def loss(log_temperature: float) -> float:
        scores = log_softmax(logits / np.exp(log_temperature), axis=2)[:, np.arange(len(targets)), targets]
        return float(-logsumexp(scores, axis=0).mean())

    limit = np.log(HOTTEST)
    return float(np.exp(minimize_scalar(loss, bounds=(-limit, limit), method="bounded").x))
