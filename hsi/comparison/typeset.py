"""The tables of a paper in LaTeX, Markdown and CSV."""

import re
from collections.abc import Sequence
from itertools import chain

import pandas as pd

from hsi.comparison.methods import in_order, name_methods
from hsi.comparison.paper import NONE, Block, Compared, Row, printed
from hsi.comparison.prose import Paragraphs, Sentence
from hsi.comparison.tables import show_pairs
from hsi.evaluation.statistics import Spread
from hsi.reports.markup import latex, markdown, tabular
from hsi.reports.tables import to_markdown

PACKAGES = r"% In the preamble: \usepackage{booktabs,siunitx}"
SETUP = r"\sisetup{separate-uncertainty, retain-zero-uncertainty, table-align-uncertainty, detect-weight, mode=text}"
TRAIN, TEST = "Train", "Test"


def methods_of(blocks: Sequence[Block]) -> list[str]:
    """The columns of a table: all methods, what position gives and the support vector machine first."""
    return in_order(list(chain.from_iterable(block.methods for block in blocks)))


def caption(compared: Sequence[Compared]) -> str:
    """What the numbers of the table are."""
    counts = {len(setting.runs) for each in compared for setting in each.settings}
    runs = "of one run" if counts == {1} else f"mean ± standard deviation of {_ends(counts)} runs"
    apart = any(
        len({frozenset(run.key[0] for run in setting.runs) for setting in each.settings}) > 1 for each in compared
    )
    return (
        "Producer's accuracy of each class, overall accuracy (OA), average accuracy (AA) and Cohen's kappa (κ × 100) "
        f"of the test pixels in %, {runs}. The best of each row is bold. Train and Test "
        "are numbers of pixels. Position is the class of the nearest training pixel, no spectrum read."
        + (" Not all methods have the same training and test pixels." if apart else "")
    )


def _ends(counts: set[int]) -> str:
    return str(min(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def to_csv(blocks: Sequence[Block]) -> str:
    """A row a class or measure, with scene, pixels, and mean and standard deviation of each method in percent."""
    methods = methods_of(blocks)
    rows = []
    for block in blocks:
        for row in (*block.classes, *block.measures):
            cells: dict[str, object] = {"scene": block.scene, "class": row.name, "train": row.train, "test": row.test}
            for method in methods:
                found = row.values.get(method)
                cells |= {f"{method} mean": found and found.mean, f"{method} sd": found and found.sd}
            rows.append(cells)
    return pd.DataFrame(rows).to_csv(index=False)


def accuracy_in_markdown(blocks: Sequence[Block]) -> str:
    """The table of accuracies; the best of each row is bold."""
    methods = methods_of(blocks)
    rows: list[list[str]] = []
    for block in blocks:
        if len(blocks) > 1:
            rows.append([f"*{markdown(block.scene)}*", *[""] * (2 + len(methods))])
        for row in (*block.classes, *block.measures):
            cells = [_in_words(row.values.get(method)) for method in methods]
            bold = [f"**{cell}**" if method in row.best else cell for method, cell in zip(methods, cells, strict=True)]
            rows.append([markdown(row.name), row.train, row.test, *bold])
    return to_markdown(pd.DataFrame(rows, columns=["Class", TRAIN, TEST, *map(markdown, methods)]))


def accuracy_in_latex(blocks: Sequence[Block]) -> str:
    """The same as a tabular, for the packages booktabs and siunitx."""
    methods = methods_of(blocks)
    every = [row for block in blocks for row in (*block.classes, *block.measures)]
    columns = "lrr" + "".join(
        _column([row.values[method] for row in every if method in row.values]) for method in methods
    )
    parts: list[list[list[str]]] = []
    for block in blocks:
        heading = [[rf"\textit{{{latex(block.scene)}}}"]] if len(blocks) > 1 else []
        parts.append(heading + [_row(row, methods) for row in block.classes])
        parts.append([_row(row, methods) for row in block.measures])
    return tabular(columns, ["Class", TRAIN, TEST, *(f"{{{latex(method)}}}" for method in methods)], parts)


def pairs_of(compared: Sequence[Compared], measure: str) -> pd.DataFrame:
    """Every tested pair by the names of its methods; of several scenes, the scene as well."""
    shown = []
    for each in compared:
        names = dict(enumerate(name_methods(each.settings), start=1))
        table = show_pairs(each.pairs, measure, names)
        if len(compared) > 1 and len(table):
            table.insert(0, "scene", each.title)
        shown.append(table)
    return pd.concat(shown, ignore_index=True)


def pairs_in_markdown(pairs: pd.DataFrame) -> str:
    """The table of pairs."""
    return to_markdown(pairs.map(markdown))


def pairs_in_latex(pairs: pd.DataFrame) -> str:
    """The table of pairs as a tabular."""
    words = [name for name in pairs.columns if name in ("scene", "pair")]
    columns = "l" * len(words) + "r" * (len(pairs.columns) - len(words))
    rows = [
        [latex(value) if name in words else _with_minus(latex(value)) for name, value in row.items()]
        for row in pairs.to_dict("records")
    ]
    return tabular(columns, [latex(name) for name in pairs.columns], [rows])


def table(inner: str, text: str, label: str) -> str:
    """A tabular as a table of two columns' width, with caption and label."""
    return "\n".join(
        [
            r"\begin{table*}",
            r"\centering",
            r"\footnotesize\setlength{\tabcolsep}{4pt}",
            SETUP,
            rf"\caption{{{text}}}",
            rf"\label{{{label}}}",
            inner,
            r"\end{table*}",
            "",
        ]
    )


def _row(row: Row, methods: Sequence[str]) -> list[str]:
    return [latex(row.name), latex(row.train), latex(row.test), *(_number(row, method) for method in methods)]


def _number(row: Row, method: str) -> str:
    found = row.values.get(method)
    if found is None:
        return f"{{{latex(NONE)}}}"
    number = printed(found.mean) + ("" if found.sd is None else f" +- {printed(found.sd)}")
    return rf"\bfseries {number}" if method in row.best else number


def _column(values: Sequence[Spread]) -> str:
    """A column of siunitx that is wide enough for what stands in it."""
    whole = max(len(printed(value.mean).partition(".")[0]) for value in values)
    spreads = [printed(value.sd) for value in values if value.sd is not None]
    width = f"({max(len(text) - 1 for text in spreads)})" if spreads else ""
    return f"S[table-format={whole}.2{width}]"


def _in_words(found: Spread | None) -> str:
    if found is None:
        return NONE
    return printed(found.mean) + ("" if found.sd is None else f" ± {printed(found.sd)}")


def _with_minus(text: str) -> str:
    return "--" if text == "-" else re.sub(r"-(?=\d)", "$-$", text)


def account_in_markdown(paragraphs: Paragraphs) -> str:
    """The section on methods; works are cited as Pandoc reads them."""
    told = ((heading, [_sentence_in_markdown(each) for each in sentences]) for heading, sentences in paragraphs)
    return "\n".join(f"**{markdown(heading)}.** {' '.join(sentences)}\n" for heading, sentences in told)


def account_in_latex(paragraphs: Paragraphs) -> str:
    """The same for LaTeX."""
    told = ((heading, [_sentence_in_latex(each) for each in sentences]) for heading, sentences in paragraphs)
    return "\n".join(rf"\paragraph{{{latex(heading)}}} {' '.join(sentences)}" + "\n" for heading, sentences in told)


def _sentence_in_markdown(sentence: Sentence) -> str:
    works = "; ".join(f"@{key}" for key in sentence.cited)
    return markdown(sentence.words, len(sentence.words)) + (f" [{works}]." if works else ".")


def _sentence_in_latex(sentence: Sentence) -> str:
    works = ",".join(sentence.cited)
    return latex(sentence.words, len(sentence.words)) + (rf"~\cite{{{works}}}." if works else ".")
