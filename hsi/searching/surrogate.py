"""What ranks cells that nobody has trained: an ensemble of regressors on what cells consist of.

Liu et al., "Progressive Neural Architecture Search", ECCV 2018, sections 3.3 and 4.2: five predictors, each fitted on
4/5 of the cells that have been scored, whose mean ranks cells of one sum more. Deviation: theirs are a recurrent
network or a perceptron on embedded words, fitted on a hundred cells and more; here they are Bayesian ridge regressions
on counts, which a dozen cells can fit, and which go beyond the number of sums that they have seen by a straight line.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.linear_model import BayesianRidge
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hsi.models.blocks.cells import OPERATIONS, OUTSIDE, Sums

MEMBERS = 5
NAMES = {name: number for number, name in enumerate(OPERATIONS)}


def encode(cells: Sequence[Sums]) -> np.ndarray:
    """What cells consist of, (N, 4 |O| + 1) float64.

    Columns: how often each operation stands in a cell; how often on h[-2], on h[-1], on a sum of the cell itself; the
    longest way through its sums.
    """
    counts = np.zeros((len(cells), 4, len(NAMES)))
    depths = np.zeros((len(cells), 1))
    for row, cell in enumerate(cells):
        depth = [0] * OUTSIDE
        for left, of_left, right, of_right in cell:
            for name, of in ((left, of_left), (right, of_right)):
                counts[row, [0, 1 + min(of, OUTSIDE)], NAMES[name]] += 1
            depth.append(1 + max(depth[of_left], depth[of_right]))
        depths[row] = max(depth)
    return np.hstack([counts.reshape(len(cells), -1), depths])


def predict(scored: Mapping[Sums, float], cells: Sequence[Sums], seed: int) -> np.ndarray:
    """The accuracies (N,) float64 that the cells may reach, by those which others have reached.

    `scored` has one cell at least. Below five cells there are as many predictors as cells, each without one of them;
    a single cell speaks for all.
    """
    known, reached = encode(list(scored)), np.array(list(scored.values()))
    if len(known) == 1:
        return np.full(len(cells), reached[0])
    wanted = encode(cells)
    parts = KFold(min(MEMBERS, len(known)), shuffle=True, random_state=seed)
    fits = (
        make_pipeline(StandardScaler(), BayesianRidge()).fit(known[at], reached[at]) for at, _ in parts.split(known)
    )
    return np.asarray(np.mean([fit.predict(wanted) for fit in fits], axis=0))
