"""The whole page, from what is said of finished runs to one text."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from hsi.comparison.groups import Finished
from hsi.comparison.judgement import speak
from hsi.comparison.page import figures, maps, tables
from hsi.comparison.page.shown import Shown
from hsi.comparison.pairs import MEASURES
from hsi.errors import shown as cut
from hsi.reports.page.page import allowed, closed, own, palettes, rules
from hsi.scene import Scene
from hsi.version import __version__

HERE = Path(__file__).parent
SPOKEN, MOST_SPOKEN = 8, 300  # sentences on pairs: at once, and behind a click
LONG = 30  # rows of a table of pairs that is shown at once
NAV = {
    "conclusions": "Conclusions",
    "settings": "Settings",
    "seeds": "Every seed",
    "ranks": "Ranks",
    "pairs": "Pairs",
    "maps": "Maps",
    "disagreement": "Disagreement",
}
IN_FULL = {"oa": "overall accuracy (OA)", "aa": "average accuracy (AA)", "kappa": "Cohen’s kappa"}


def page(shown: Shown) -> str:
    """The text of comparison.html; equal runs give equal bytes. It loads nothing, and all that files say is escaped."""
    runs = [run for setting in shown.settings for run in setting.runs]
    title = f"Comparison: {cut(runs[0].metrics['scene'], 80)}"
    early, script = own("early.js"), closed(own("switches.js"), (HERE / "page.js").read_text(encoding="utf-8"))
    sections = {"ranks": _ranks(shown), "pairs": _pairs(shown), "maps": _maps(shown)}
    sections["disagreement"] = _disagreement(shown)
    texts = {
        "title": escape(title),
        "allowed": " ".join(map(allowed, (early, script))),
        "early": early,
        "style": own("page.css") + (HERE / "page.css").read_text(encoding="utf-8") + _colours(shown),
        "compared": escape(_compared(shown, runs)),
        "cards": _cards(shown, runs),
        "conclusions": _conclusions(shown),
        "settings": tables.settings(shown),
        "measure": IN_FULL[shown.measure],
        "dots": figures.dots(shown),
        "position": _position(shown),
        "sections": "".join(sections.values()),
        "nav": "".join(f'<a href="#{name}">{word}</a>' for name, word in NAV.items() if sections.get(name, True)),
        "version": escape(__version__),
        "script": script,
    }
    return Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(texts)


def _colours(shown: Shown) -> str:
    """The colours of the classes, where there are maps."""
    scene = shown.judgement.scene
    return "" if scene is None else rules(scene.colours, palettes(scene)[0])


def _compared(shown: Shown, runs: Sequence[Finished]) -> str:
    """What stands side by side, in a line."""
    scene, seeds = shown.judgement.scene, sorted({run.key[1] for run in runs})
    size = "" if scene is None else f"{scene.rows:,} × {scene.cols:,} pixels, {scene.num_classes:,} classes. "
    named = ", ".join(map(str, seeds)) if len(seeds) <= 10 else f"{len(seeds)} from {seeds[0]} to {seeds[-1]}"
    return f"{size}A setting is all that its runs share: they differ in nothing but their seeds, here {named}."


def _cards(shown: Shown, runs: Sequence[Finished]) -> str:
    splits, measure = len({run.key[0] for run in runs}), shown.measure
    place = int(shown.table[f"{measure}_mean"].argmax())
    alone = [value for setting in shown.settings for value in setting.beside(measure)]
    highest = shown.in_units(shown.table[f"{measure}_mean"].iloc[place])
    cards = [(f"highest mean {MEASURES[measure]}", highest, "main", shown.label(place + 1, 60))]
    if alone:
        told = "the class of the nearest training pixel"
        cards.append(("position alone", shown.in_units(sum(alone) / len(alone)), "beside", told))
    cards += [
        ("settings", f"{len(shown.settings):,}", "", f"compared by {IN_FULL[measure]}"),
        ("runs", f"{len(runs):,}", "", "each a seed of a setting"),
        ("splits", f"{splits:,}", "", "into training and test pixels"),
    ]
    return "".join(
        f'<div class="card {kind}"><dt>{name}</dt><dd><b>{value}</b><span>{escape(told)}</span></dd></div>'
        for name, value, kind, told in cards
    )


def _conclusions(shown: Shown) -> str:
    """Of pairs, by the names of their settings, and below what else a reader should know."""
    names = {number: f"“{cut(setting.name, 80)}”" for number, setting in enumerate(shown.settings, start=1)}
    spoken = speak(shown.judgement.pairs, shown.measure, names)
    more, left_out = spoken[SPOKEN:MOST_SPOKEN], len(spoken) - MOST_SPOKEN
    parts = [_list(spoken[:SPOKEN], "spoken")]
    if more:
        rest = f"<p>{left_out:,} more stand in <code>comparison.md</code>.</p>" if left_out > 0 else ""
        parts.append(f"<details><summary>{len(more):,} more sentences</summary>{_list(more, 'spoken')}{rest}</details>")
    if shown.judgement.remarks:
        parts.append(f'<div class="said">{_list(shown.judgement.remarks, "notes")}</div>')
    return "".join(parts)


def _list(sentences: Sequence[str], kind: str) -> str:
    return f'<ul class="{kind}">{"".join(f"<li>{escape(each)}</li>" for each in sentences)}</ul>' if sentences else ""


def _position(shown: Shown) -> str:
    """The key of the mark that stands for position, where there is one."""
    there = any(setting.beside(shown.measure) for setting in shown.settings)
    return '<i class="unseen dashed"></i>position alone' if there else ""


def _ranks(shown: Shown) -> str:
    ranking = shown.judgement.ranking
    if ranking is None:
        return ""
    told = (
        f"Mean ranks over {ranking.n} splits and seeds that all settings share, 1 is best. Bars join settings that "
        f"Nemenyi’s test cannot tell apart at 0.05. Friedman’s test that none differs: p = {ranking.p_friedman:.4f}."
    )
    return _section("ranks", "Ranks", f'<p>{told}</p><div class="chart wide">{figures.ranks(shown, ranking)}</div>')


def _pairs(shown: Shown) -> str:
    table, left_out = tables.pairs(shown)
    if not table:
        return ""
    told = f"First minus second, in {'kappa' if shown.measure == 'kappa' else 'points of ' + MEASURES[shown.measure]}."
    rest = f" {left_out:,} more pairs stand in <code>pairs.csv</code>." if left_out else ""
    inner = f'<div class="wide">{table}</div>'
    if table.count("<tr>") > LONG:
        inner = f"<details><summary>All pairs</summary>{inner}</details>"
    return _section("pairs", "Pairs", f"<p>{told}{rest}</p>{inner}")


def _maps(shown: Shown) -> str:
    scene = shown.judgement.scene
    if scene is None:
        return ""
    pictures, told = maps.members(shown, scene)
    legend = "".join(
        f'<li><span class="swatch" style="background:var(--class-{number})"></span>{escape(name)}</li>'
        for number, name in enumerate(scene.class_names, start=1)
    )
    told = f'<p>Each leads to the page of its run. {told}</p><ul class="legend">{legend}</ul>'
    safe, switch = palettes(scene)
    if switch:
        both = f'data-customary="{maps.palette(scene.colours)}" data-safe="{maps.palette(safe)}"'
        told = f'<div class="tools" {both}>{switch}</div>{told}'
    return _section("maps", "Maps", told + _grid(shown, scene, pictures))


def _disagreement(shown: Shown) -> str:
    scene = shown.judgement.scene
    if scene is None or not shown.judgement.ensembles:
        return ""
    told = "Runs of a setting that share a split, pixel by pixel: which share of them is against their majority."
    key = (
        f'<p class="key"><span>all agree</span><span class="ramp" style="--ramp: {maps.ramp()}"></span>'
        f"<span>{maps.darkest(shown):.0%} against the majority</span></p>"
    )
    pictures = _grid(shown, scene, maps.disagreements(shown, scene))
    return _section("disagreement", "Where seeds disagree", f"<p>{told}</p>{key}{pictures}")


def _grid(shown: Shown, scene: Scene, pictures: str) -> str:
    return f'<div class="grid" style="--wide: {maps.width(shown, scene)}px">{pictures}</div>'


def _section(name: str, title: str, inner: str) -> str:
    return f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{title}</h2>{inner}</section>'
