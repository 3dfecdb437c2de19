"""Words and numbers of anybody's files as they may stand in LaTeX and Markdown."""

from collections.abc import Sequence

from hsi.errors import shown

LONGEST = 200  # signs of a name
_LATEX = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{sign: f"${sign}$" for sign in "<>|"},  # which text fonts of old have not
        '"': "''",
        **{sign: f"{{{sign}}}" for sign in "[]*"},  # behind the end of a row they would be its options
        "±": r"$\pm$",
        "×": r"$\times$",
        "κ": r"$\kappa$",
        "–": "--",
    }
)
_MARKDOWN = str.maketrans({**{sign: f"\\{sign}" for sign in "\\|*_`[]"}, "<": "&lt;", ">": "&gt;", "&": "&amp;"})


def latex(text: object, longest: int = LONGEST) -> str:
    """A text for LaTeX: nothing in it is a command, and it is one line."""
    return shown(text, longest).translate(_LATEX)


def markdown(text: object, longest: int = LONGEST) -> str:
    """A text for Markdown: nothing in it is markup, and it is one line."""
    return shown(text, longest).translate(_MARKDOWN)


def tabular(columns: str, header: Sequence[str], blocks: Sequence[Sequence[Sequence[str]]]) -> str:
    """A LaTeX tabular with the rules of the package booktabs; a rule stands between blocks of rows.

    Cells come as LaTeX. A row of a single cell spans all columns. `columns` is the preamble.
    """

    def row(cells: Sequence[str]) -> str:
        whole = cells if len(cells) > 1 else [rf"\multicolumn{{{len(header)}}}{{l}}{{{cells[0]}}}"]
        return f"{' & '.join(whole)} \\\\"

    inner = [line for block in blocks for line in (r"\midrule", *map(row, block))]
    return "\n".join(
        [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", row(header), *inner, r"\bottomrule", r"\end{tabular}"]
    )
