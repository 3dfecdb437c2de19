"""The comparison of finished runs, in tables, sentences and figures; ``python -m hsi.compare`` calls it."""

import logging
import textwrap
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from hsi import files
from hsi.comparison import tables, typeset
from hsi.comparison.groups import Finished, Setting, group_runs, read_run, read_settings
from hsi.comparison.judgement import judge, require_one_scene
from hsi.comparison.pairs import MEASURES
from hsi.comparison.paper import Compared, block_of
from hsi.comparison.prose import account, cited
from hsi.config.build import check_value
from hsi.config.values import Name
from hsi.plots import canvas
from hsi.plots.comparison import draw_critical_difference, draw_settings
from hsi.plots.maps import draw_disagreement
from hsi.reports.bibliography import bibliography
from hsi.reports.markup import latex
from hsi.reports.tables import TERMINAL_WIDTH, to_latex, to_markdown, to_terminal

log = logging.getLogger(__name__)

FOLDED = {name: name.replace(" ", "\n", 1) for name in ("leaking test windows %", "position OA %")}  # for the terminal
MOST_SPOKEN = 10  # pairs that the terminal tells of; the report has all


def summarise(runs: Sequence[Path], out: Path) -> pd.DataFrame:
    """Log the tables of finished `runs`, write summary.csv, .md, .tex and settings.png to `out`; returns the CSV's."""
    settings = read_settings(runs)
    table = tables.tabulate_settings(settings)
    _write_summary(settings, table, out)
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
        require_one_scene(found)
    places = {name: out / check_value(Name, name, "scene") if len(of_scenes) > 1 else out for name in of_scenes}
    compared = [_compare_scene(group_runs(found), places[name], measure, trust) for name, found in of_scenes.items()]
    _write_paper(compared, out, measure)


def _compare_scene(settings: Sequence[Setting], out: Path, measure: str, trust: Collection[str]) -> Compared:
    """Write what is said of one scene."""
    table, classes = tables.tabulate_settings(settings), tables.tabulate_classes(settings)
    _write_summary(settings, table, out, measure)
    files.write(out / "per_class.csv", classes.to_csv(index=False))

    found = judge(settings, measure, trust)
    files.write(out / "pairs.csv", tables.tabulate_pairs(found.pairs, settings).to_csv(index=False))
    if found.ranking:
        canvas.save(draw_critical_difference(found.ranking), out / "critical_difference.png")
    for ensemble in found.ensembles:
        files.write_array(out / f"disagreement_{ensemble.setting}.npy", ensemble.disagreement)
    if found.ensembles:
        canvas.save(draw_disagreement(found.disagreements), out / "disagreement.png")

    in_terminal = {
        f"Pairs, {MEASURES[measure]} of first - second": tables.show_pairs(found.pairs, measure),
        "Votes of the seeds that share a split": tables.show_ensembles(found.ensembles),
    }
    parts = {
        "Accuracy": tables.show_accuracy(table),
        "Cost and leaks": tables.show_cost(table),
        "Producer's accuracy of the classes, %": tables.show_classes(classes, settings),
        **in_terminal,
    }
    _show(in_terminal, found.spoken, found.remarks)
    report = [f"## {heading}\n\n{to_markdown(part)}" for heading, part in parts.items() if len(part)]
    report.append("## What may be concluded\n\n" + "".join(f"- {sentence}\n" for sentence in found.conclusions))
    files.write(out / "comparison.md", "\n".join(["# Comparison\n", *report]))
    log.info("Report: %s, tables and figures beside it", out / "comparison.md")
    return Compared(settings, found.pairs, found.scene, found.splits)


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


def _show(parts: Mapping[str, pd.DataFrame], spoken: Sequence[str], remarks: Sequence[str]) -> None:
    """Say in the terminal what is not there yet, the longest lists cut."""
    for heading, part in parts.items():
        if len(part):
            log.info("%s\n\n%s\n", heading, to_terminal(part.head(2 * MOST_SPOKEN)))
    for sentence in [*spoken[:MOST_SPOKEN], *remarks]:
        log.info("%s", textwrap.fill(sentence, TERMINAL_WIDTH))
    if len(spoken) > MOST_SPOKEN:
        log.info("%d more sentences stand in comparison.md.", len(spoken) - MOST_SPOKEN)


def _write_summary(settings: Sequence[Setting], table: pd.DataFrame, out: Path, measure: str = "oa") -> None:
    accuracy, cost = tables.show_accuracy(table), tables.show_cost(table)
    files.write(out / "summary.csv", table.to_csv(index=False))
    files.write(out / "summary.md", to_markdown(accuracy) + "\n" + to_markdown(cost))
    files.write(out / "summary.tex", to_latex(accuracy))
    values = [(setting.name, setting.values(measure)) for setting in settings]
    canvas.save(draw_settings(values, measure), out / "settings.png")
    beside = tables.show_position(table)  # in the lower table there, whose lines are shorter
    log.info(
        "\n%s\n\n%s\n",
        to_terminal(accuracy.drop(columns=[*beside])),
        to_terminal(cost.join(beside).rename(columns=FOLDED)),
    )
