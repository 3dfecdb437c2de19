"""``python -m hsi.models [key=value ...]``: every network, what it costs, what it shares, its paper.

Composed from conf/model/ for Indian Pines: 145 x 145 pixels, 16 classes, 30 components or the 200 bands, as a network's
file has it. The window is the one that a
network's file recommends, or for all of them that of ``patch_size=``.
"""

if __name__ == "__main__":  # before the libraries load
    from hsi.cli.start import prepare, require_room

    prepare()
    require_room()

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from tabulate import tabulate
from tqdm import tqdm

from hsi.cli.resolvers import register_resolvers
from hsi.cli.telling import telling
from hsi.config.build import check_value
from hsi.config.explained import MAIN
from hsi.config.shipped import CONF
from hsi.config.values import Window
from hsi.config.words import require_words
from hsi.engine.contract import WindowClassifier
from hsi.engine.cost import cost
from hsi.errors import HsiError
from hsi.models.building import build_model

ROWS, COLS, BANDS, COMPONENTS, CLASSES = 145, 145, 200, 30, 16
NO_NETWORKS = ("# Baseline: ", "# Your own ")  # how the files of conf/model/ begin that have no layers to count
HEADER = ("model", "side", "sees", "parameters", "whole", "% trunk", "shared", "attention", "paper")
LEGEND = """
side: of the window in pixels; sees: those that a position of the trunk depends on, - where nothing is shared
whole: million multiply-adds a pixel, window by window; % trunk: those of them that lie in the trunk
shared: million multiply-adds a pixel with the trunk shared over the scene
attention: the values of model.attention_position that +attention=se can be given with"""
HELP = f"""hsi.models: every network, what it costs, what it shares, and its paper. Nothing is trained.

python -m hsi.models                 each with the window that its file in conf/model/ recommends
python -m hsi.models patch_size=11   all with windows of 11 x 11 pixels; those that cannot take it say why

Counted for {ROWS} x {COLS} pixels, {CLASSES} classes, {COMPONENTS} components or, by its file, {BANDS} bands. Columns:
{LEGEND}"""


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table, or help; `argv` (sys.argv's without it) are overrides as for ``hsi.run``.

    Exits with status 2 and one sentence where they cannot be read.
    """
    argv = sys.argv[1:] if argv is None else argv
    if {"-h", "--help"} & set(argv):
        print(HELP)
        return
    with telling(argv):
        print_table(argv)


def print_table(argv: Sequence[str]) -> None:
    """One row a network, and below why others are not to be had; HsiError for `argv` that all networks refuse alike."""
    for word in argv:
        if word.startswith("-"):
            raise HsiError(f"hsi.models has no option {word}: give key=value words, or --help")
        if word.partition("=")[0].lstrip("+~") in ("model", "attention"):
            raise HsiError(f"hsi.models lists all networks, and where attention can stand: leave {word} out")
    require_words(argv, MAIN)
    for word in argv:
        if not word.lstrip("+").startswith(("patch_size=", "model.")):
            raise HsiError(f"{word} changes nothing that hsi.models shows: leave it out")
    register_resolvers()
    rows, refusals = [], []
    with initialize_config_dir(str(CONF), version_base="1.3"):
        check_value(Window | None, compose(MAIN, overrides=list(argv)).patch_size, "patch_size")
        attention = compose(MAIN, ["+attention=se"]).model.attention
        for path in tqdm(networks(), "Building", unit="network", leave=False, disable=None):
            try:
                rows.append(describe(path, argv, attention))
            except HsiError as error:
                refusals.append((path.stem, str(error)))
    if not rows and len(refusals) > 1 and len({message for _, message in refusals}) == 1:
        raise HsiError(refusals[0][1])
    print(f"For {ROWS} x {COLS} pixels, {CLASSES} classes, {COMPONENTS} components or, by its file, {BANDS} bands:\n")
    print(tabulate(rows, HEADER, colalign=("left", *["right"] * 6, "left", "left"), disable_numparse=True))
    print(LEGEND)
    if refusals:
        print("\nNot to be had so:", *(f"{name}: {message}" for name, message in refusals), sep="\n")


def networks() -> list[Path]:
    """The files of conf/model/ that describe networks."""
    return [path for path in sorted((CONF / "model").glob("*.yaml")) if not path.read_text().startswith(NO_NETWORKS)]


def describe(path: Path, argv: Sequence[str], attention: DictConfig) -> tuple[str, ...]:
    """One row of the table, for the network of a file, which is tried with `attention`."""
    first = path.read_text().splitlines()[0]
    chosen = compose("config", [f"model={path.stem}", *argv])
    model = build(chosen.model, components=chosen.reduce.get("components", BANDS))
    spent, sees = cost(model, ROWS, COLS), model.window - model.trunk_window + 1
    assert spent is not None  # networks have weights
    return (
        path.stem,
        str(model.window),
        str(sees) if sees > 1 else "-",
        f"{spent.parameters:,}",
        f"{spent.whole / 1e6:.1f}",
        f"{100 * spent.trunk_share:.0f}",
        f"{spent.shared / 1e6:.1f}",
        ", ".join(position for position in ("last", "every") if takes_attention(chosen.model, attention, position))
        or "none",
        first[first.find("(") + 1 : first.find(")")],
    )


def takes_attention(config: DictConfig, attention: DictConfig, position: str) -> bool:
    """Whether a network can be had with that attention there."""
    try:
        build(config, attention=attention, attention_position=position)
    except HsiError:
        return False
    return True


def build(config: DictConfig, components: int = COMPONENTS, **settings: object) -> WindowClassifier:
    """Build a network without values, for `components`, with some of its settings exchanged."""
    changed = config.copy()
    changed.update(settings)
    with torch.device("meta"):
        return build_model(changed, components, CLASSES)


if __name__ == "__main__":
    main()
