"""Tables of pandas for terminal, Markdown and LaTeX."""

import pandas as pd
from tabulate import tabulate

TERMINAL_WIDTH = 100  # characters


NARROWEST = 16  # characters that a wrapped column keeps


def to_terminal(table: pd.DataFrame) -> str:
    """Text of at most 100 columns: the column of settings is wrapped."""
    widths: list[int | None] = [None] * len(table.columns)
    if "setting" in table.columns:
        place = list(table.columns).index("setting")
        rest = table.drop(columns="setting").astype(str)
        taken = sum(max(*map(len, name.split("\n")), *rest[name].map(len)) + 2 for name in rest.columns)
        widths[place] = max(NARROWEST, TERMINAL_WIDTH - taken)
    return tabulate(
        table, headers="keys", showindex=False, disable_numparse=True, tablefmt="simple", maxcolwidths=widths
    )


def to_markdown(table: pd.DataFrame) -> str:
    """A Markdown table."""
    return tabulate(table, headers="keys", showindex=False, disable_numparse=True, tablefmt="github") + "\n"


def to_latex(table: pd.DataFrame) -> str:
    """A LaTeX tabular with the rules of the package booktabs."""
    text = tabulate(table, headers="keys", showindex=False, disable_numparse=True, tablefmt="latex_booktabs")
    return text.replace("±", r"$\pm$") + "\n"
