"""Pixels unlike any training class: how much the logits speak for the training classes, and below what too little.

The evidence of validation pixels is kept with a model as a table of quantiles, so that a false-alarm rate can be chosen
when a scene is mapped: the share of pixels of the training classes that may be called unknown.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from hsi.errors import HsiError

Kind = Literal["max_logit", "energy"]
KINDS: tuple[Kind, ...] = get_args(Kind)
STEPS = 1000  # of the false-alarm rate that a table of quantiles tells apart


def evidence(logits: Tensor, kind: Kind = "max_logit") -> Tensor:
    """How much logits (N, K) speak for any of the K training classes, (N,): the higher, the more they do.

    ``max_logit``: the largest logit (Hendrycks et al., "Scaling out-of-distribution detection for real-world settings",
    ICML 2022). ``energy``: the negative free energy at temperature 1, the logarithm of the sum of exp(logits) (Liu et
    al., "Energy-based out-of-distribution detection", NeurIPS 2020). Both want the logits as the network puts them
    out, not divided by a fitted temperature. Under several symmetries it is the mean over them that counts.
    """
    if kind == "energy":
        return torch.logsumexp(logits, dim=1)
    return logits.amax(dim=1)


def threshold(validation_evidence: np.ndarray, false_alarm: float) -> float:
    """The value below which the share `false_alarm` of (N,) validation pixels falls, or at most one pixel more.

    A table of `evidence_table` may stand for the values that it was made of.
    """
    return float(np.quantile(np.asarray(validation_evidence, dtype=np.float64), false_alarm))


def evidence_table(logits: np.ndarray) -> dict[str, np.ndarray] | None:
    """What a model keeps of its validation pixels.

    Parameters
    ----------
    logits
        (S, N, K) float32 of N validation pixels under S symmetries.

    Returns
    -------
    For each kind of evidence the quantiles 0, 0.001, ... 1 of its mean over the symmetries, (1001,) float32, ascending;
    of fewer pixels their own values, (N,). None without pixels.
    """
    if logits.shape[1] == 0:
        return None
    views = torch.from_numpy(np.ascontiguousarray(logits))
    found = {kind: torch.stack([evidence(view, kind) for view in views]).mean(0).numpy() for kind in KINDS}
    return {kind: _quantiles(values) for kind, values in found.items()}


def _quantiles(values: np.ndarray) -> np.ndarray:
    if len(values) <= STEPS + 1:
        return np.sort(values)
    return np.quantile(values, np.arange(STEPS + 1) / STEPS).astype(np.float32)


def cut_off(tables: Mapping[str, np.ndarray] | None, kind: Kind, false_alarm: float) -> float:
    """The evidence below which a pixel is unknown; `tables` are the field `unknown` of a trained model.

    Raises HsiError where the model was trained without validation pixels.
    """
    if tables is None:
        raise HsiError(
            f"unknown={false_alarm:g}: the model was trained without validation pixels, which say how sure it is of "
            "its own classes: repeat the run with split.validation=0.1"
        )
    return threshold(tables[kind], false_alarm)


def tables_as_json(tables: Mapping[str, np.ndarray] | None) -> dict[str, list[float]] | None:
    """For bundle.json: the shortest decimals that are the same float32."""
    if tables is None:
        return None
    return {kind: [float(str(value)) for value in np.asarray(table, np.float32)] for kind, table in tables.items()}


def tables_from_json(value: Any) -> dict[str, np.ndarray] | None:
    """Read what `tables_as_json` wrote; ValueError where it is none."""
    if value is None:
        return None
    tables: dict[str, np.ndarray] = {kind: np.asarray(value[kind], dtype=np.float32) for kind in KINDS}
    for kind, table in tables.items():
        sound = table.ndim == 1 and 0 < len(table) <= STEPS + 1 and np.isfinite(table).all()
        if not sound or (np.diff(table) < 0).any():
            raise ValueError(f"unknown: {kind} is no table of ascending numbers")
    return tables
