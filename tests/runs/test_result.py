"""The figure that sweeps are judged by."""

import numpy as np
import pandas as pd
import pytest

from hsi.runs.result import best_validation


@pytest.mark.parametrize(
    ("measured", "best"), [([np.nan, 0.5, np.nan, 0.75, 0.625], 0.75), ([np.nan, np.nan], None), ([], None)]
)
def test_the_best_validation_accuracy_of_a_history(measured, best):
    history = pd.DataFrame({"validation_accuracy": np.array(measured, float), "accuracy": 0.9})
    found = best_validation(history)
    assert found == best
    assert found is None or type(found) is float
