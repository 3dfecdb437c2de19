"""The comparison of finished runs, in tables, sentences and figures; ``python -m hsi.compare`` calls it."""

import logging
import textwrap
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hsi import files
from hsi.comparison import tables, typeset
from hsi.comparison.groups import Finished, Setting, group_runs, read_run, read_settings
from hsi.comparison.pairs import MEASURES, Pixels, compare_pairs, conclude, conclude_pixels
from hsi.comparison.paper import Compared, block_of
from hsi.comparison.prose import account, cited
from hsi.comparison.votes import Ensemble, combine
from hsi.config.build import check_value
from hsi.config.values import Name
from hsi.errors import HsiError
from hsi.evaluation.blocks import ALPHA
from hsi.evaluation.statistics import Ranking, rank
from hsi.plots import canvas
from hsi.plots.comparison import draw_critical_difference, draw_settings
from hsi.plots.maps import draw_disagreement
from hsi.reports.bibliography import bibliography
from hsi.reports.markup import latex
from hsi.reports.tables import TERMINAL_WIDTH, to_latex, to_markdown, to_terminal
from hsi.runs.folder import CONFIG
from hsi.runs.opened import load_scene, read_map, read_split
from hsi.scene import Scene
from hsi.splits.roles import TEST, Split

log = logging.getLogger(__name__)

MIXED = {  # keys of metrics.json in which runs of one configuration can differ, and what follows from it
    "precision": "part of a difference may be that of the arithmetic.",
    "threads": "sums are rounded differently, so that not even the same seed gives the same bytes.",
}
FOLDED = {name: name.replace(" ", "\n", 1) for name in ("leaking test windows %", "position OA %")}  # for the terminal
MOST_SPOKEN = 10  # pairs that the terminal tells of; the report has all


def summarise(runs: Sequence[Path], out: Path) -> pd.DataFrame:
    """Log the tables of finished `runs`, write summary.csv, .md, .tex and settings.png to `out`; returns the CSV's."""
    table = tables.tabulate_settings(read_settings(runs))
    _write_summary(table, out)
    log.info("Summary: %s, summary.csv and settings.png beside it", out / "summary.md")
    return table


def compare(runs: Sequence[Path], out: Path, measure: str = "oa", trust: Collection[str] = ()) -> None:
    """Summarise `runs` and test their settings against each other.

    Writes to `out`, or for several scenes to a folder in it for each: summary.csv/.md/.tex, per_class.csv, pairs.csv,
    comparison.md (all in words), settings.png, critical_difference.png (three settings or more), disagreement.png and
    disagreement_<no.>.npy (seeds that share a split). To `out` itself paper.tex/.md/.csv, the tables of all scenes as
    a paper has them, methods.tex/.md, what was done in words, and references.bib, the works that it cites.

    `trust` as in `hsi.runs.opened.load_scene`. Raises HsiError for scenes that share a name but not their content.
    """
    of_scenes: dict[str, list[Finished]] = {}
    for run in map(read_run, runs):
        of_scenes.setdefault(run.metrics["scene"], []).append(run)
    for found in of_scenes.values():
        _require_one_scene(found)
    places = {name: out / check_value(Name, name, "scene") if len(of_scenes) > 1 else out for name in of_scenes}
    compared = [_compare_scene(group_runs(found), places[name], measure, trust) for name, found in of_scenes.items()]
    _write_paper(compared, out, measure)


def _compare_scene(settings: Sequence[Setting], out: Path, measure: str, trust: Collection[str]) -> Compared:
    """Write what is said of one scene."""
    table, classes = tables.tabulate_settings(settings), tables.tabulate_classes(settings)
    _write_summary(table, out, measure)
    files.write(out / "per_class.csv", classes.to_csv(index=False))

    maps, splits, scene, missing = _read_maps(settings, trust)
    pixels = {}
    if scene is not None:
        pixels = {folder: Pixels(maps[folder] == scene.labels, splits[folder].role == TEST) for folder in maps}
    pairs = compare_pairs(settings, measure, pixels)
    files.write(out / "pairs.csv", tables.tabulate_pairs(pairs, settings).to_csv(index=False))
    spoken = [conclude(pair, measure) for pair in pairs]
    spoken += [sentence for pair in pairs if (sentence := conclude_pixels(pair))]
    remarks = [*_remarks(settings), *([missing] if missing else [])]
    ranking = _rank(settings, measure)
    if ranking:
        remarks.append(_conclude_ranking(ranking))
        canvas.save(draw_critical_difference(ranking), out / "critical_difference.png")
    ensembles = []
    if scene is not None:
        found = [combine(number, setting, scene, maps, splits) for number, setting in enumerate(settings, start=1)]
        ensembles = [ensemble for ensemble in found if ensemble]
        remarks += _write_disagreement(ensembles, out)

    in_terminal = {
        f"Pairs, {MEASURES[measure]} of first - second": tables.show_pairs(pairs, measure),
        "Votes of the seeds that share a split": tables.show_ensembles(ensembles),
    }
    parts = {
        "Accuracy": tables.show_accuracy(table),
        "Cost and leaks": tables.show_cost(table),
        "Producer's accuracy of the classes, %": tables.show_classes(classes, settings),
        **in_terminal,
    }
    _show(in_terminal, spoken, remarks)
    report = [f"## {heading}\n\n{to_markdown(part)}" for heading, part in parts.items() if len(part)]
    report.append("## What may be concluded\n\n" + "".join(f"- {sentence}\n" for sentence in [*spoken, *remarks]))
    files.write(out / "comparison.md", "\n".join(["# Comparison\n", *report]))
    log.info("Report: %s, tables and figures beside it", out / "comparison.md")
    return Compared(settings, pairs, scene, splits)


def _write_paper(compared: Sequence[Compared], out: Path, measure: str) -> None:
    """Write the tables of all scenes as a paper has them, and what was done."""
    blocks = [block_of(each) for each in compared]
    about, pairs = typeset.caption(compared), typeset.pairs_of(compared, measure)
    tested = f"Paired tests of {MEASURES[measure]}, first – second."
    in_latex = [
        typeset.PACKAGES,
        typeset.table(typeset.accuracy_in_latex(blocks), latex(about, len(about)), "tab:accuracy"),
    ]
    in_markdown = [typeset.accuracy_in_markdown(blocks), f"{about}\n"]
    if len(pairs):
        in_latex.append(typeset.table(typeset.pairs_in_latex(pairs), latex(tested), "tab:pairs"))
        in_markdown += [typeset.pairs_in_markdown(pairs), f"{tested}\n"]
    files.write(out / "paper.csv", typeset.to_csv(blocks))
    files.write(out / "paper.md", "\n".join(in_markdown))
    files.write(out / "paper.tex", "\n".join(in_latex))
    told = account(compared)
    files.write(out / "methods.md", typeset.account_in_markdown(told))
    files.write(out / "methods.tex", typeset.account_in_latex(told))
    files.write(out / "references.bib", bibliography(cited(told)))
    log.info("For a paper: %s, also .md and .csv; methods.tex, .md and references.bib beside it", out / "paper.tex")


def _write_disagreement(ensembles: Sequence[Ensemble], out: Path) -> list[str]:
    """Write where the seeds of each setting disagree; returns a remark where no two of them share a split."""
    if not ensembles:
        return ["No vote of seeds: no two runs of a setting share a split; split.seed=0 with several seeds makes them."]
    for ensemble in ensembles:
        files.write_array(out / f"disagreement_{ensemble.setting}.npy", ensemble.disagreement)
    canvas.save(draw_disagreement({each.setting: each.disagreement for each in ensembles}), out / "disagreement.png")
    return []


def _show(parts: Mapping[str, pd.DataFrame], spoken: Sequence[str], remarks: Sequence[str]) -> None:
    """Say in the terminal what is not there yet, the longest lists cut."""
    for heading, part in parts.items():
        if len(part):
            log.info("%s\n\n%s\n", heading, to_terminal(part.head(2 * MOST_SPOKEN)))
    for sentence in [*spoken[:MOST_SPOKEN], *remarks]:
        log.info("%s", textwrap.fill(sentence, TERMINAL_WIDTH))
    if len(spoken) > MOST_SPOKEN:
        log.info("%d more sentences stand in comparison.md.", len(spoken) - MOST_SPOKEN)


def _write_summary(table: pd.DataFrame, out: Path, measure: str = "oa") -> None:
    accuracy, cost = tables.show_accuracy(table), tables.show_cost(table)
    files.write(out / "summary.csv", table.to_csv(index=False))
    files.write(out / "summary.md", to_markdown(accuracy) + "\n" + to_markdown(cost))
    files.write(out / "summary.tex", to_latex(accuracy))
    canvas.save(draw_settings(table, measure), out / "settings.png")
    beside = tables.show_position(table)  # in the lower table there, whose lines are shorter
    log.info(
        "\n%s\n\n%s\n",
        to_terminal(accuracy.drop(columns=[*beside])),
        to_terminal(cost.join(beside).rename(columns=FOLDED)),
    )


def _require_one_scene(runs: Sequence[Finished]) -> None:
    """Raise HsiError where runs of one name are of different scenes."""
    metrics = [run.metrics for run in runs]
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
