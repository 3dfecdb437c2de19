"""Tables of a page: its script sorts them by what they show, and without it they are whole."""

from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

from hsi.comparison import tables
from hsi.comparison.page.shown import Shown, seeds_of
from hsi.comparison.pairs import MEASURES

MOST_PAIRS = 300  # rows of the table of pairs
WORDS = ("setting", "precision", "pair")  # columns without numbers


def settings(shown: Shown) -> str:
    """A row a setting: accuracy, what position gives, cost, and links to its runs; the best means are bold."""
    accuracy = tables.show_accuracy(shown.table).drop(columns="95 % interval")
    written = accuracy.join(tables.show_cost(shown.table)[["train s", "map s", "parameters"]])
    heads = {"oa": "OA %", "aa": "AA %", "kappa": "kappa"}
    best = {heads[measure]: int(shown.table[f"{measure}_mean"].argmax()) for measure in MEASURES}
    links = [
        " ".join(f'<a href="{escape(shown.link(run))}">{escape(seeds_of(run))}</a>' for run in setting.runs)
        for setting in shown.settings
    ]
    return _sortable(written, best, links)


def pairs(shown: Shown) -> tuple[str, int]:
    """A row a tested pair, by the names of its settings; and how many rows were left out. Empty without any pair."""
    names = {number: shown.label(number) for number in range(1, len(shown.settings) + 1)}
    written = tables.show_pairs(shown.judgement.pairs, shown.measure, names)
    left_out = max(0, len(written) - MOST_PAIRS)
    return (_sortable(written.head(MOST_PAIRS)) if len(written) else ""), left_out


def _sortable(written: pd.DataFrame, best: Mapping[str, int] | None = None, links: Sequence[str] = ()) -> str:
    """A table; `best` are rows by column, and `links`, one a row, are a last column as HTML."""
    kinds = ["" if head in WORDS else ' class="n"' for head in written.columns]
    top = [f'<th scope="col"{kind}>{escape(head)}</th>' for head, kind in zip(written.columns, kinds, strict=True)]
    rows = []
    for place, row in enumerate(written.itertuples(index=False)):
        cells = []
        for head, kind, value in zip(written.columns, kinds, row, strict=True):
            text = escape(str(value))
            if head in ("setting", "pair"):
                cells.append(f'<th scope="row">{text}</th>')
            else:
                cells.append(f"<td{kind}>{f'<b>{text}</b>' if (best or {}).get(head) == place else text}</td>")
        cells += [f'<td class="members">{links[place]}</td>'] if links else []
        rows.append(f"<tr>{''.join(cells)}</tr>")
    top += ['<th class="members" scope="col">members</th>'] if links else []
    return f'<table class="sortable"><thead><tr>{"".join(top)}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
