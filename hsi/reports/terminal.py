"""What a run says in the terminal: at its start what it is about to do, at its end what came out and where it lies."""

import logging
import textwrap
from pathlib import Path

import torch
from tabulate import tabulate

from hsi.engine.cost import Cost
from hsi.evaluation import leakage, position
from hsi.reduce import Features
from hsi.runs.folder import REPORT, manifest_hash
from hsi.runs.result import Result
from hsi.scene import Scene
from hsi.splits.roles import TEST, TRAIN, VALIDATION, Split

log = logging.getLogger(__name__)

TERMINAL_WIDTH = 100  # characters
ROUNDING = 1e-12  # share of the variance below which a component is none


def introduce(
    scene: Scene, split: Split, features: Features, model: str, cost: Cost | None, device: str, precision: str
) -> None:
    """A line each on scene, split, components that hold nothing, model and machine."""
    labelled = int(scene.class_counts.sum())
    train, validation, test = (len(split.pixels(role)) for role in (TRAIN, VALIDATION, TEST))
    log.info(
        "Scene %s: %d x %d pixels, %d bands, %d classes, %s labelled pixels.",
        *(scene.name, scene.rows, scene.cols, scene.bands, scene.num_classes, f"{labelled:,}"),
    )
    log.info(
        "Split %s...: %s train, %s validate, %s test.",
        split.hash[:8],
        *(f"{n:,}" for n in (train, validation, test)),
    )
    for note in split.notes:
        log.info("  %s", note)
    empty = int((features.reducer.explained_variance_ratio < ROUNDING).sum())
    if empty:
        log.warning(
            "The spectra fill %d of %d components, the others are rounding noise, and on another scene anything: lower "
            "reduce.components.",
            *(features.components - empty, features.components),
        )
    log.info("Model %s: %s.", model, cost or "a scikit-learn estimator, its size follows from the training pixels")
    threads = torch.get_num_threads()
    log.info("Training in %s on %s, %d thread%s.", precision, device, threads, "s" if threads > 1 else "")


def conclude(folder: Path, result: Result) -> None:
    """The table of classes, the figures, what position alone gives, the leaks, notes, where map and report lie."""
    scores, calibration, split = result.evaluation.scores, result.evaluation.calibration, result.split
    table = scores.per_class.copy()
    table.insert(
        0,
        "train",
        [int((result.scene.labels[split.role == TRAIN] == k + 1).sum()) for k in range(len(table))],
    )
    for column in ("recall", "precision", "f1"):
        table[column] = (100 * table[column]).map("{:.2f}".format)
    table = table.rename(columns={"recall": "producer's %", "precision": "user's %", "f1": "F1 %", "support": "test"})
    alignment = ("left", *["right"] * len(table.columns))
    log.info("\n%s\n", tabulate(table, headers="keys", colalign=alignment, disable_numparse=True, tablefmt="simple"))
    log.info(
        "OA %.2f %%   AA %.2f %%   kappa %.4f   (trained in %s in %.0f s, mapped in fp32 in %.1f s)",
        *(100 * scores.oa, 100 * scores.aa, scores.kappa),
        *(result.precision, result.seconds["train"], result.seconds["map"]),
    )
    for said in (
        position.in_words(result.evaluation.position, scores.oa),
        leakage.in_words(result.evaluation.leakage),
    ):
        log.info("%s", textwrap.fill(said, TERMINAL_WIDTH))
    log.info(
        "Confidence is %.1f %% on average where %.1f %% are right; expected calibration error %.1f %%%s.",
        *(100 * value for value in (calibration.confidence, scores.oa, calibration.ece)),
        "" if result.trained.temperature == 1 else f", at temperature {result.trained.temperature:.2f}",
    )
    for note in result.map_notes:
        log.warning("%s", textwrap.fill(f"{note}.", TERMINAL_WIDTH))
    log.info("Map: %s", folder / "map.png")
    if (folder / REPORT).exists():
        log.info("Report, to be opened in a browser: %s", folder / REPORT)
    log.info("Manifest: %s", manifest_hash(folder))
