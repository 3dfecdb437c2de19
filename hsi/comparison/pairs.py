"""Every two settings against each other: paired over seeds, and pixel by pixel on one split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from hsi.comparison.groups import Setting
from hsi.evaluation.blocks import ALPHA, LEAST_BLOCK, BlockInterval, block_bootstrap
from hsi.evaluation.statistics import McNemar, Paired, compare_paired, holm, mcnemar

MEASURES = {"oa": "OA", "aa": "AA", "kappa": "kappa"}


@dataclass(frozen=True)
class Pixels:
    """What a test on pixels needs of a run: (rows, cols) bool where its map is right, and where it is tested."""

    right: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Pair:
    """Settings number `first` and `second` (from 1), and what the tests say of first - second.

    Parameters
    ----------
    paired
        None where no run of the one has the split and seed of a run of the other.
    p_holm
        p value of the paired t test, corrected for all pairs at hand.
    left_out
        Runs of both settings without partner.
    seed
        Of the runs whose pixels were compared, or None.
    """

    first: int
    second: int
    paired: Paired | None
    p_holm: float | None
    left_out: int
    seed: int | None = None
    mcnemar: McNemar | None = None
    blocks: BlockInterval | None = None


def compare_pairs(settings: Sequence[Setting], measure: str, pixels: Mapping[Path, Pixels]) -> list[Pair]:
    """Compare every two settings.

    Parameters
    ----------
    measure
        ``oa``, ``aa`` or ``kappa``: what the tests over seeds look at.
    pixels
        Of the runs that left a map; by their folders. The first split and seed that both settings have here is the
        one whose pixels are compared.
    """
    pairs = [
        _compare(first, second, settings, measure, pixels) for first, second in combinations(range(len(settings)), 2)
    ]
    tested = [index for index, pair in enumerate(pairs) if pair.paired and pair.paired.p_t is not None]
    for index, p in zip(tested, holm([pairs[i].paired.p_t for i in tested]), strict=True):  # type: ignore[union-attr,misc]
        pairs[index] = replace(pairs[index], p_holm=float(p))
    return pairs


def _compare(first: int, second: int, settings: Sequence[Setting], measure: str, pixels: Mapping[Path, Pixels]) -> Pair:
    ours, theirs = ({run.key: run for run in settings[place].runs} for place in (first, second))
    common = [key for key in ours if key in theirs]
    differences = [ours[key].metrics[measure] - theirs[key].metrics[measure] for key in common]
    pair = Pair(
        first + 1,
        second + 1,
        compare_paired(differences) if common else None,
        p_holm=None,
        left_out=len(ours) + len(theirs) - 2 * len(common),
    )
    for key in common:
        if ours[key].folder in pixels and theirs[key].folder in pixels:
            one, other = pixels[ours[key].folder], pixels[theirs[key].folder]
            side = max(LEAST_BLOCK, *(run.metrics["leakage"]["window"] for run in (ours[key], theirs[key])))
            return replace(
                pair,
                seed=key[1],
                mcnemar=mcnemar(one.right[one.test], other.right[other.test]),
                blocks=block_bootstrap(one.right, other.right, one.test, side),
            )
    return pair


def conclude(pair: Pair, measure: str, names: Mapping[int, str] | None = None) -> str:
    """In words, what may be concluded of a pair and what not; `names` of the settings in place of their numbers."""
    scale, unit = (100, " points") if measure != "kappa" else (1, "")
    name = MEASURES[measure]
    first, second = _called(pair, names)
    who = f"{first} and {second}"
    if pair.paired is None:
        return (
            f"{who} cannot be paired: they share no split and seed, so their test pixels differ; run both with the "
            "same split and the same seeds."
        )
    found, difference = pair.paired, pair.paired.difference
    alone = "1 run without partner was" if pair.left_out == 1 else f"{pair.left_out} runs without partner were"
    rest = f" {alone} left out." if pair.left_out else ""
    if difference.n > 1 and found.p_t is None:
        return (
            f"{who} differ by {scale * difference.mean:+.4g}{unit} of {name} on each of {difference.n} pairs: seeds "
            f"change nothing here, so they test nothing; vary the split (split.seed) too.{rest}"
        )
    if difference.low is None or difference.high is None or found.p_t is None or found.detectable is None:
        return (
            f"{who} share one split and seed, on which {name} differs by {scale * difference.mean:+.4g}{unit}: one "
            f"pair has no spread, so nothing can be concluded; repeat both with more seeds.{rest}"
        )
    interval = f"95 % interval {scale * difference.low:+.4g} to {scale * difference.high:+.4g}"
    if pair.p_holm is not None and pair.p_holm < ALPHA:
        better, worse = (first, second) if difference.mean > 0 else (second, first)
        return (
            f"{better} is better than {worse} by {scale * abs(difference.mean):.4g}{unit} of {name} ({first} - "
            f"{second}: {interval}; Holm {_say_p(pair.p_holm)}, {difference.n} pairs).{rest}"
        )
    if found.p_t < ALPHA:
        return (
            f"No difference between {who} that stands among so many comparisons: {name} differs by "
            f"{scale * difference.mean:+.4g}{unit} ({interval}; {_say_p(found.p_t)} alone, Holm "
            f"{_say_p(pair.p_holm)}, {difference.n} pairs).{rest}"
        )
    needed = "more than 1000" if found.seeds_needed is None else f"about {found.seeds_needed}"
    return (
        f"No difference between {who} that {difference.n} seeds could show: {name} differs by "
        f"{scale * difference.mean:+.4g}{unit} ({interval}; Holm {_say_p(pair.p_holm)}). A difference of "
        f"{scale * found.detectable:.4g}{unit} would be found in 80 % of such studies; if the observed one is real, "
        f"{needed} seeds would find it so.{rest}"
    )


def conclude_pixels(pair: Pair, names: Mapping[int, str] | None = None) -> str | None:
    """In words, what the pixels of one split say; None where no maps were at hand. `names` as in `conclude`."""
    if pair.mcnemar is None or pair.blocks is None:
        return None
    test, blocks = pair.mcnemar, pair.blocks
    if blocks.blocks < 2:
        verdict = f"all test pixels lie in one block of {blocks.side} pixels, so no interval that respects it exists"
    else:
        apart = blocks.low > 0 or blocks.high < 0
        verdict = (
            f"resampling {blocks.blocks} blocks of {blocks.side} x {blocks.side} pixels, OA differs by "
            f"{100 * blocks.difference:+.2f} points (95 % interval {100 * blocks.low:+.2f} to "
            f"{100 * blocks.high:+.2f}), {'which excludes 0' if apart else 'which includes 0'}"
        )
    first, second = _called(pair, names)
    return (
        f"{first} and {second} on the pixels of seed {pair.seed}: only {first} is right on "
        f"{test.only_first}, only {second} on {test.only_second} (McNemar {_say_p(test.p)}, which takes "
        f"neighbours as independent and is too small); {verdict}."
    )


def _called(pair: Pair, names: Mapping[int, str] | None) -> tuple[str, str]:
    """What the two settings are called."""
    return (names[pair.first], names[pair.second]) if names else (str(pair.first), str(pair.second))


def write_p(p: float | None) -> str:
    """A p value for a table."""
    return "-" if p is None else "< 0.0001" if p < 1e-4 else f"{p:.4f}"


def _say_p(p: float | None) -> str:
    """A p value for a sentence."""
    return f"p {write_p(p)}" if p is not None and p < 1e-4 else f"p = {write_p(p)}"
