"""The parts of a page that are text and tables."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from hsi.evaluation import leakage, position
from hsi.reports.page.shown import Shown
from hsi.splits.roles import TRAIN

MOST_CELLS = 40  # classes of a confusion matrix that is shown as one
NUMBERS = ("train", "test", "pixels", "hectares", "corrected")  # columns that stand at the right
RIGHT = ' class="n"'
MOST_CONFUSIONS = 100  # that are listed in place of a larger one


def headline(shown: Shown) -> str:
    """The accuracies, with what position alone gives in the same row."""
    scores, alone = shown.evaluation.scores, shown.evaluation.position
    calibration = shown.evaluation.calibration
    cards = [
        ("overall accuracy", f"{100 * scores.oa:.2f} %", "main", "of the test pixels are right"),
        ("position alone", f"{100 * alone['oa']:.2f} %", "beside", "the class of the nearest training pixel"),
        ("average accuracy", f"{100 * scores.aa:.2f} %", "", "mean over the classes"),
        ("kappa", f"{scores.kappa:.4f}", "", "agreement beyond chance"),
        (
            "calibration error",
            f"{100 * calibration.ece:.1f} %",
            "",
            f"confidence is {calibration.confidence:.1%} on average",
        ),
    ]
    return "".join(
        f'<div class="card {kind}"><dt>{name}</dt><dd><b>{value}</b><span>{told}</span></dd></div>'
        for name, value, kind, told in cards
    )


def sentences(shown: Shown) -> str:
    """What position gives, what test windows have seen, and what else a reader should know before the figures."""
    judged = shown.evaluation
    told = [position.in_words(judged.position, judged.scores.oa), leakage.in_words(judged.leakage)]
    notes = [*_texts(shown.metrics.get("map_notes")), *_texts(shown.metrics.get("split_notes")), *shown.scene.notes]
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in told)
    more = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return said + (f'<ul class="notes">{more}</ul>' if more else "")


def pixels_in_words(shown: Shown) -> str:
    """Size of the scene, and who trains, validates and tests."""
    scene, counts = shown.scene, shown.evaluation.pixels
    return (
        f"{scene.rows:,} × {scene.cols:,} pixels, {scene.bands:,} bands, {scene.num_classes:,} classes. "
        f"{counts['n_train']:,} pixels train, {counts['n_val']:,} validate, {counts['n_test']:,} test, "
        f"in windows of {shown.evaluation.leakage['window']} × {shown.evaluation.leakage['window']}."
    )


def classes(shown: Shown) -> str:
    """A row a class: who trains and tests, producer's and user's accuracy and F1 as bars."""
    trained = np.bincount(shown.scene.labels[shown.split.role == TRAIN], minlength=shown.scene.num_classes + 1)[1:]
    rows = []
    for number, (name, row) in enumerate(shown.evaluation.scores.per_class.iterrows()):
        bars = "".join(
            _bar(row[column], kind) if row["support"] else "<td>no test pixel</td>"
            for column, kind in (("recall", "measured"), ("precision", "validated"), ("f1", "unseen"))
        )
        rows.append(
            f'<tr><th scope="row">{_swatch(number + 1)}{escape(str(name))}</th><td class="n">{trained[number]:,}</td>'
            f'<td class="n">{int(row["support"]):,}</td>{bars}</tr>'
        )
    return _table(("class", "train", "test", "producer’s accuracy", "user’s accuracy", "F1"), rows, "classes")


def confusion(matrix: np.ndarray, names: Sequence[str]) -> str:
    """Counts of the test pixels, rows are truth; each cell is a button that selects its pixels."""
    if len(names) > MOST_CELLS:
        return _confusions(matrix, names)
    totals = matrix.sum(axis=1)
    head = "".join(
        f'<th scope="col" title="{escape(name)}"><span>{_swatch(number)}{number}</span></th>'
        for number, name in enumerate(names, start=1)
    )
    rows = []
    for truth, name in enumerate(names):
        cells = "".join(
            _cell(int(matrix[truth, said]), int(totals[truth]), truth + 1, said + 1, names)
            for said in range(len(names))
        )
        rows.append(
            f'<tr><th scope="row">{_swatch(truth + 1)}<i>{truth + 1}</i> {escape(name)}</th>{cells}'
            f'<td class="n">{totals[truth]:,}</td></tr>'
        )
    return (
        '<table class="matrix" id="matrix"><thead><tr><th>truth ↓ &nbsp; map →</th>'
        f"{head}<th>all</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def areas(table: pd.DataFrame, notes: Sequence[str]) -> str:
    """The areas as counted and as the test pixels correct them, with what has to be known to read them."""
    hectares = bool(table["hectares"].notna().any())
    widest = float(np.nanmax([table["share"].max(), table["adjusted_share_high"].max(), 1e-9]))
    rows = []
    for number, row in enumerate(table.to_dict("records"), start=1):
        cells = [f'<td class="n">{int(row["pixels"]):,}</td>', _share(row, widest)]
        cells.append(_interval(row, "adjusted_share", 100, " %"))
        if hectares:
            cells += [f'<td class="n">{row["hectares"]:,.2f}</td>', _interval(row, "adjusted_hectares", 1, "")]
        rows.append(f'<tr><th scope="row">{_swatch(number)}{escape(str(row["class"]))}</th>{"".join(cells)}</tr>')
    heads = ["class", "pixels", "share: counted, and corrected with its 95 % interval", "corrected"]
    heads += ["hectares", "corrected"] if hectares else []
    said = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return _table(heads, rows, "areas") + f'<ul class="notes">{said}</ul>'


def table_of(pairs: Mapping[str, Any]) -> str:
    """Names and values, a row each."""
    rows = [f'<tr><th scope="row">{escape(str(k))}</th><td>{escape(str(v))}</td></tr>' for k, v in pairs.items()]
    return f'<table class="pairs"><tbody>{"".join(rows)}</tbody></table>'


def _texts(value: Any) -> list[str]:
    return [str(entry) for entry in value] if isinstance(value, list | tuple) else []


def _table(heads: Sequence[str], rows: Sequence[str], kind: str) -> str:
    top = "".join(f'<th scope="col"{RIGHT if head in NUMBERS else ""}>{head}</th>' for head in heads)
    return f'<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _swatch(number: int) -> str:
    """A square in the colour of class 1..K, whichever palette is chosen."""
    return f'<span class="swatch" style="background:var(--class-{number})"></span>'


def _bar(share: float, kind: str) -> str:
    fill = f'<span class="fill {kind}" style="width:{100 * share:.2f}%"></span>'
    return f'<td class="bars"><span class="track">{fill}</span><span>{position.percent(float(share))}</span></td>'


def _share(row: Mapping[str, Any], widest: float) -> str:
    """The share of a class as a bar, and as a line its interval once the test pixels have corrected it."""
    low, high = row["adjusted_share_low"], row["adjusted_share_high"]
    line = ""
    if np.isfinite(low) and np.isfinite(high):
        left, width = 100 * max(0.0, low) / widest, 100 * (high - max(0.0, low)) / widest
        line = f'<span class="range" style="left:{left:.2f}%;width:{width:.2f}%"></span>'
    share = row["share"] if np.isfinite(row["share"]) else 0
    return (
        f'<td class="bars"><span class="track"><span class="fill measured" style="width:{100 * share / widest:.2f}%">'
        f"</span>{line}</span><span>{100 * share:.2f} %</span></td>"
    )


def _interval(row: Mapping[str, Any], name: str, factor: float, unit: str) -> str:
    value, low, high = (factor * row[key] for key in (name, f"{name}_low", f"{name}_high"))
    if not np.isfinite(value):
        return '<td class="n">not known</td>'
    ends = f" ({low:,.2f} to {high:,.2f})" if np.isfinite(low) and np.isfinite(high) else ""
    return f'<td class="n">{value:,.2f}{unit}{ends}</td>'


def _cell(count: int, total: int, truth: int, said: int, names: Sequence[str]) -> str:
    if not count:
        return "<td></td>"
    share = 100 * count / total
    pixels = f"{count:,} test pixel{'s' if count > 1 else ''}"
    if truth == said:
        told = f"{pixels} of {names[truth - 1]}, mapped as such ({share:.1f} %)"
    else:
        told = f"{pixels} of {names[truth - 1]}, mapped as {names[said - 1]} ({share:.1f} %)"
    kind = "hit" if truth == said else "miss"
    text = escape(told)
    return (
        f'<td class="{kind}" style="--s:{max(6.0, share):.1f}%"><button type="button" data-truth="{truth}" '
        f'data-said="{said}" aria-pressed="false" title="{text}" aria-label="{text}">{count}</button></td>'
    )


def _confusions(matrix: np.ndarray, names: Sequence[str]) -> str:
    """The most frequent confusions, where a matrix would be too large to look at."""
    wrong = np.where(np.eye(len(names), dtype=bool), 0, matrix)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSIONS]
    rows = []
    for place in order:
        truth, said = divmod(int(place), len(names))
        if not wrong[truth, said]:
            break
        rows.append(
            f'<tr><th scope="row">{_swatch(truth + 1)}{escape(names[truth])}</th>'
            f'<th scope="row">{_swatch(said + 1)}{escape(names[said])}</th>'
            f"{_cell(int(wrong[truth, said]), int(matrix[truth].sum()), truth + 1, said + 1, names)}</tr>"
        )
    return (
        '<table class="matrix list" id="matrix"><thead><tr><th>truth</th><th>map</th><th>test pixels</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
