"""Votes of a setting's seeds on one split, and where the seeds disagree."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hsi import files
from hsi.comparison.groups import Finished, Setting
from hsi.errors import HsiError
from hsi.evaluation.metrics import Scores, score
from hsi.runs.opened import PROBABILITIES, read_probabilities
from hsi.scene import Scene
from hsi.splits.roles import TEST, Split


@dataclass(frozen=True)
class Ensemble:
    """Runs of one setting that share a split, voting.

    Parameters
    ----------
    setting
        Its number, from 1.
    seeds
        How many vote.
    single_oa
        Mean overall accuracy of the single runs.
    majority, mean_probability
        Scores of the two votes; the second is None where a run kept no probabilities.
    majority_map
        (rows, cols) 1..K, 0 without data; equal votes go to the lower class.
    disagreement
        (rows, cols) float32: share of the runs whose class is not the majority's; NaN without data.
    """

    setting: int
    seeds: int
    single_oa: float
    majority: Scores
    mean_probability: Scores | None
    majority_map: np.ndarray
    disagreement: np.ndarray


def vote(maps: Sequence[np.ndarray], num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Majority map and disagreement, see `Ensemble`, of maps (rows, cols) 1..K, 0 without data: 0 and NaN there."""
    votes = np.stack([sum((one == k).astype(np.int32) for one in maps) for k in range(1, num_classes + 1)])
    data = votes.any(axis=0)
    disagreement = np.where(data, 1 - votes.max(0) / len(maps), np.nan)
    return np.where(data, 1 + votes.argmax(0), 0), disagreement.astype(np.float32)


def combine(
    number: int, setting: Setting, scene: Scene, maps: dict[Path, np.ndarray], splits: dict[Path, Split]
) -> Ensemble | None:
    """Let the largest group of runs that share a split vote; None where no two do.

    Runs on different splits must not vote together: a test pixel of one trained another.
    """
    groups: dict[str, list[Finished]] = defaultdict(list)
    for run in setting.runs:
        if run.folder in maps:
            groups[run.metrics["split_hash"]].append(run)
    members = max(groups.values(), key=len, default=[])
    if len(members) < 2:
        return None
    test = splits[members[0].folder].role == TEST
    majority_map, disagreement = vote([maps[run.folder] for run in members], scene.num_classes)
    mean_probability = None
    if all(files.is_file(run.folder / PROBABILITIES) for run in members):
        shape = *test.shape, scene.num_classes
        total = sum(_of_test_pixels(run.folder, shape, test) for run in members)
        mean_probability = score(scene.labels[test], 1 + np.argmax(total, 1), scene.class_names)
    return Ensemble(
        setting=number,
        seeds=len(members),
        single_oa=float(np.mean([run.metrics["oa"] for run in members])),
        majority=score(scene.labels[test], majority_map[test], scene.class_names),
        mean_probability=mean_probability,
        majority_map=majority_map,
        disagreement=disagreement,
    )


def _of_test_pixels(folder: Path, shape: tuple[int, ...], test: np.ndarray) -> np.ndarray:
    """The probabilities (N, K) float32 of the test pixels; HsiError: missing, damaged, or none for some of them."""
    found = read_probabilities(folder, shape)[test]
    if np.isnan(found).any():
        raise HsiError(f"{folder / PROBABILITIES} has no number for some test pixels: repeat the run with force=true")
    return found.astype(np.float32)
