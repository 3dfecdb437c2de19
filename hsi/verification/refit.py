"""The training of a run, repeated."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from scipy.stats import norm, t

from hsi import files
from hsi.comparison.groups import find_runs, group_runs, read_run
from hsi.config.build import check_value
from hsi.config.values import Count
from hsi.engine.device import generators_kept
from hsi.errors import HsiError
from hsi.experiment import classify
from hsi.output.manifest import ENVIRONMENT
from hsi.runs.environment import environment
from hsi.runs.identity import plain
from hsi.runs.model import WEIGHTS, save_model
from hsi.runs.result import Result
from hsi.verification.again import Again
from hsi.verification.verdict import Verdict

SAME = ("code", "processor", "packages", "threads", "device", "precision", "python")  # where bytes must repeat
FEWEST_SEEDS = 3  # for a spread
LEVEL = 0.95
MOST_THREADS = 256  # whatever a file says


def refit_run(folder: Path, again: Again, verdict: Verdict) -> None:
    """Repeat the training of the run in `folder`, with as many threads as it had, and judge what comes out.

    On the same machine with the same versions, weights and map have to be the same bytes. Elsewhere the overall
    accuracy has to lie as near as that of another seed would: `spread`.
    """
    written, result, device = again.surroundings, again.result, again.record.config["device"]
    count = check_value(Count, written.get("threads"), f"{ENVIRONMENT}: threads")
    with generators_kept(), _threads(min(count, MOST_THREADS)):
        made = classify(result.scene, result.split, again.recipe, seed=result.seed, device=device)
        here = environment(made.device, made.precision, again.record.overrides)
    other = [key for key in SAME if here[key] != written.get(key)]
    if _same_weights(folder, made, again) and np.array_equal(made.prediction.class_map, result.prediction.class_map):
        return
    if not other:
        verdict.differences.append(
            f"{WEIGHTS}: the training repeated gives other weights, though machine and versions are those of the run"
        )
        return
    ours, theirs = made.evaluation.scores.oa, result.evaluation.scores.oa
    width, why = spread(folder, theirs, result.evaluation.pixels["n_test"])
    told = f"OA {ours:.4f} repeated with another {' and '.join(other)}, {theirs:.4f} written"
    if abs(ours - theirs) > width:
        verdict.differences.append(f"{WEIGHTS}: {told}: further apart than {width:.4f}, {why}")
    else:
        verdict.trusted.append(f"{WEIGHTS}: to the byte; {told}: within {width:.4f}, {why}")


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def spread(folder: Path, accuracy: float, pixels: int) -> tuple[float, str]:
    """How far apart two runs of one setting may lie, and by what that is judged.

    Runs of the same setting beside the folder give it, from three seeds on: the 95 % interval of a difference of two of
    them, by their standard deviation and Student's t. Else that of two samples of so many test pixels.
    """
    runs = []
    for place in find_runs([folder.parent]):
        try:
            runs.append(read_run(place))
        except HsiError:
            continue  # what lies beside it is not judged here
    for setting in group_runs(runs):
        found = setting.values("oa")
        if len(found) >= FEWEST_SEEDS and any(run.folder == folder for run in setting.runs):
            quantile = t.ppf((1 + LEVEL) / 2, len(found) - 1)
            return float(quantile * np.sqrt(2) * np.std(found, ddof=1)), f"by {len(found)} runs of this setting"
    error = np.sqrt(2 * accuracy * (1 - accuracy) / max(1, pixels))
    return float(norm.ppf((1 + LEVEL) / 2) * error + 1 / max(1, pixels)), f"by {pixels} test pixels"


def _same_weights(folder: Path, made: Result, again: Again) -> bool:
    with TemporaryDirectory() as place:
        save_model(Path(place), made.trained, plain(again.record.config))
        return files.file_checksum(Path(place) / WEIGHTS) == files.file_checksum(folder / WEIGHTS)
