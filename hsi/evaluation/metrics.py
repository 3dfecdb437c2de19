"""From a map and a truth to the figures of the field, by scikit-learn."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score, confusion_matrix, precision_recall_fscore_support


@dataclass(frozen=True)
class Scores:
    """Agreement of a map with the truth on the test pixels.

    Parameters
    ----------
    confusion
        (K, K) int: rows are truth, columns are prediction.
    oa, aa, kappa
        Overall accuracy, average (mean per-class) accuracy and Cohen's kappa, as fractions.
    per_class
        A row a class: recall (producer's accuracy), precision (user's accuracy), f1, support.
    """

    confusion: np.ndarray
    oa: float
    aa: float
    kappa: float
    per_class: pd.DataFrame


def score(truth: np.ndarray, predicted: np.ndarray, class_names: tuple[str, ...]) -> Scores:
    """Compare two (N,) arrays of labels 1..K; classes without a test pixel count in no average."""
    values = np.arange(1, len(class_names) + 1)
    confusion = confusion_matrix(truth, predicted, labels=values)
    precision, recall, f1, support = precision_recall_fscore_support(truth, predicted, labels=values, zero_division=0.0)
    per_class = pd.DataFrame(
        {"recall": recall, "precision": precision, "f1": f1, "support": support},
        index=pd.Index(class_names, name="class"),
    )
    return Scores(
        confusion=confusion,
        oa=float(np.trace(confusion) / confusion.sum()),
        aa=float(recall[support > 0].mean()),
        kappa=float(cohen_kappa_score(truth, predicted, labels=values)),
        per_class=per_class,
    )
