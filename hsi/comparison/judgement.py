"""What tests say of settings against each other, and what a reader should know beside."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hsi.comparison.groups import Finished, Setting
from hsi.comparison.pairs import Pair, Pixels, compare_pairs, conclude, conclude_pixels
from hsi.comparison.votes import Ensemble, combine
from hsi.errors import HsiError
from hsi.evaluation.blocks import ALPHA
from hsi.evaluation.statistics import Ranking, rank
from hsi.runs.folder import CONFIG
from hsi.runs.opened import load_scene, read_map, read_split
from hsi.scene import Scene
from hsi.splits.roles import TEST, Split

MIXED = {  # keys of metrics.json in which runs of one configuration can differ, and what follows from it
    "precision": "part of a difference may be that of the arithmetic.",
    "threads": "sums are rounded differently, so that not even the same seed gives the same bytes.",
}


@dataclass(frozen=True)
class Judgement:
    """What the tests say of settings against each other.

    Parameters
    ----------
    pairs
        Every two settings.
    ranking
        None for fewer than three settings.
    ensembles
        The votes of each setting that has some.
    spoken, remarks
        In words: of each pair, and what a reader should know beside.
    scene, splits
        None and empty where its files are not at hand; splits by the folders of their runs.
    """

    pairs: list[Pair]
    ranking: Ranking | None
    ensembles: list[Ensemble]
    spoken: list[str]
    remarks: list[str]
    scene: Scene | None
    splits: Mapping[Path, Split]

    @property
    def conclusions(self) -> list[str]:
        """All sentences."""
        return [*self.spoken, *self.remarks]

    @property
    def disagreements(self) -> dict[int, np.ndarray]:
        """By the numbers of the settings: see `hsi.comparison.votes.Ensemble`."""
        return {each.setting: each.disagreement for each in self.ensembles}


def judge(settings: Sequence[Setting], measure: str = "oa", trust: Collection[str] = ()) -> Judgement:
    """Test settings against each other by `measure`; nothing is written.

    `trust` as in `hsi.runs.opened.load_scene`. Raises HsiError for runs of different scenes, or runs that were changed.
    """
    require_one_scene([run for setting in settings for run in setting.runs])
    maps, splits, scene, missing = _read_maps(settings, trust)
    pixels = {}
    if scene is not None:
        pixels = {folder: Pixels(maps[folder] == scene.labels, splits[folder].role == TEST) for folder in maps}
    pairs = compare_pairs(settings, measure, pixels)
    spoken = [conclude(pair, measure) for pair in pairs]
    spoken += [sentence for pair in pairs if (sentence := conclude_pixels(pair))]
    remarks = [*_remarks(settings), *([missing] if missing else [])]
    ranking = _rank(settings, measure)
    if ranking:
        remarks.append(_conclude_ranking(ranking))
    ensembles = []
    if scene is not None:
        found = [combine(number, setting, scene, maps, splits) for number, setting in enumerate(settings, start=1)]
        ensembles = [ensemble for ensemble in found if ensemble]
        if not ensembles:
            remarks.append(
                "No vote of seeds: no two runs of a setting share a split; split.seed=0 with several seeds makes them."
            )
    return Judgement(pairs, ranking, ensembles, spoken, remarks, scene, splits)


def require_one_scene(runs: Sequence[Finished]) -> None:
    """Raise HsiError for runs of different scenes, also where they share a name."""
    metrics = [run.metrics for run in runs]
    names = sorted({one["scene"] for one in metrics})
    if len(names) > 1:
        raise HsiError(f"runs of different scenes ({', '.join(names)}) cannot be compared: name the runs of one scene")
    classes = {tuple(sorted(one["per_class"])) for one in metrics}
    if len(classes) > 1 or len({one["scene_hash"] for one in metrics if "scene_hash" in one}) > 1:
        raise HsiError(
            f"the runs are of scenes that share the name {metrics[0]['scene']} but not their content: compare runs of "
            "the same files"
        )


def _remarks(settings: Sequence[Setting]) -> list[str]:
    """What a reader of any of the tables should know."""
    single = [str(number) for number, setting in enumerate(settings, start=1) if len(setting.runs) == 1]
    remarks = []
    if single:
        remarks.append(
            f"A single run has no spread ({', '.join(single)}): repeat it, for instance with -m seed=0,1,2,3,4."
        )
    most = max(len(setting.runs) for setting in settings)
    if len(settings) > 1 and 2 <= most < 6:
        remarks.append(
            f"With {most} pairs Wilcoxon's p cannot fall below {2 / 2**most:.4f}, so it alone shows nothing."
        )
    if len({run.key[0] for setting in settings for run in setting.runs}) == 1 and most > 1:
        remarks.append(
            "All runs share one split: the spread is that of the training alone, not of the choice of pixels."
        )
    if len(settings) > 1:
        remarks.append("All runs are of one scene: whatever is concluded holds for this scene and these seeds' splits.")
    return remarks + [told for key, meaning in MIXED.items() if (told := _mixed(settings, key, meaning))]


def _mixed(settings: Sequence[Setting], key: str, meaning: str) -> str:
    """What a reader should know where runs differ in a key of metrics.json that is none of their configuration."""
    having: dict[str, list[str]] = {}
    for number, setting in enumerate(settings, start=1):
        for word in setting.words(key):
            having.setdefault(word, []).append(str(number))
    told = "; ".join(f"{word} in {', '.join(numbers)}" for word, numbers in having.items())
    return f"Not all runs have the same {key} ({told}): {meaning}" if len(having) > 1 else ""


def _read_maps(
    settings: Sequence[Setting], trust: Collection[str] = ()
) -> tuple[dict[Path, np.ndarray], dict[Path, Split], Scene | None, str | None]:
    """Maps and splits of the runs that have them, the scene, and a sentence on what is missing."""
    runs = [run for setting in settings for run in setting.runs]
    whole = [run for run in runs if all((run.folder / name).exists() for name in ("map.npy", "split.npz"))]
    described = next((run for run in whole if (run.folder / CONFIG).exists()), None)
    if described is None:
        return {}, {}, None, "No run has its map, split and configuration: tests on pixels and votes are left out."
    try:
        scene = load_scene(described.folder, trust=trust)
    except HsiError as error:
        return {}, {}, None, f"Tests on pixels and votes are left out, since the scene cannot be loaded: {error}"
    maps, splits = {}, {}
    for run in whole:
        split = read_split(run.folder)
        class_map = read_map(run.folder)
        whole_scene = class_map.shape == split.role.shape == scene.labels.shape and class_map.max() <= scene.num_classes
        if split.hash != run.metrics["split_hash"] or not whole_scene or not (split.role == TEST).any():
            raise HsiError(f"{run.folder} was changed after the run: python -m hsi.verify says how, repeat the run")
        maps[run.folder], splits[run.folder] = class_map, split
    lacking = len(runs) - len(whole)
    missing = f"{lacking} of {len(runs)} runs have no map: they take no part in tests on pixels and votes."
    return maps, splits, scene, missing if lacking else None


def _rank(settings: Sequence[Setting], measure: str) -> Ranking | None:
    """Rank three settings or more on the splits and seeds that all share; None without two that are no copies."""
    if len(settings) < 3:
        return None
    scores = pd.DataFrame(
        {
            number: {run.key: run.metrics[measure] for run in setting.runs}
            for number, setting in enumerate(settings, start=1)
        }
    ).dropna()
    return rank(scores) if len(scores.drop_duplicates()) >= 2 else None


def _conclude_ranking(ranking: Ranking) -> str:
    order = ", ".join(f"{number} ({mean:.2f})" for number, mean in ranking.ranks.items())
    start = f"Mean ranks over {ranking.n} shared splits and seeds: {order}; Friedman p = {ranking.p_friedman:.4f}"
    if ranking.p_friedman >= ALPHA:
        return f"{start}: no setting stands out."
    return f"{start}; settings farther apart than {ranking.critical_difference:.2f} ranks differ (Nemenyi)."
