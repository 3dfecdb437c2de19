"""``python -m hsi.models [key=value ...]``: every network, what it costs, what it shares, its paper.

Composed from conf/model/ for Indian Pines: 145 x 145 pixels, 30 components, 16 classes. The window is the one that a
network's file recommends, or for all of them that of ``patch_size=``.
"""

import sys
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException, InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig
from tabulate import tabulate

from hsi.cli.faults import explain
from hsi.cli.resolvers import register_resolvers
from hsi.config.shipped import CONF
from hsi.engine.contract import WindowClassifier
from hsi.engine.cost import cost
from hsi.errors import HsiError

ROWS, COLS, COMPONENTS, CLASSES = 145, 145, 30, 16
HEADER = ("model", "window", "sees", "parameters", "whole", "% trunk", "shared", "attention", "paper")
LEGEND = """
sees: pixels that a position of the shared trunk depends on, of the window's; - where nothing is shared
whole: million multiply-adds a pixel, window by window; % trunk: those of them that lie in the trunk
shared: million multiply-adds a pixel with the trunk shared over the scene
attention: the values of model.attention_position that +attention=se can be given with"""


def main(words: list[str]) -> None:
    """Print the table; `words` are overrides as for ``hsi.run``."""
    register_resolvers()
    rows, refusals = [], []
    with initialize_config_dir(str(CONF), version_base="1.3"):
        for path in networks():
            try:
                rows.append(describe(path, words))
            except InstantiationException as error:
                refusals.append(f"{path.stem}: {_refusal(error)}")
    print(f"For {ROWS} x {COLS} pixels, {COMPONENTS} components, {CLASSES} classes:\n")
    print(tabulate(rows, HEADER, colalign=("left", *["right"] * 6, "left", "left"), disable_numparse=True))
    print(LEGEND)
    if refusals:
        print("\nNot to be had so:", *refusals, sep="\n")


def networks() -> list[Path]:
    """The files of conf/model/ that describe networks; what has no layers to count calls itself a baseline."""
    return [path for path in sorted((CONF / "model").glob("*.yaml")) if not path.read_text().startswith("# Baseline: ")]


def describe(path: Path, words: list[str]) -> tuple[str, ...]:
    """One row of the table, for the network of a file."""
    first = path.read_text().splitlines()[0]
    config = compose("config", [f"model={path.stem}", *words, "+attention=se"]).model
    model = build(config, attention=None)
    price, sees = cost(model, ROWS, COLS), model.window - model.trunk_window + 1
    return (
        path.stem,
        str(model.window),
        str(sees) if sees > 1 else "-",
        f"{price.parameters:,}",
        f"{price.whole / 1e6:.1f}",
        f"{100 * price.trunk_share:.0f}",
        f"{price.shared / 1e6:.1f}",
        ", ".join(position for position in ("last", "every") if takes_attention(config, position)) or "none",
        first[first.find("(") + 1 : first.find(")")],
    )


def takes_attention(config: DictConfig, position: str) -> bool:
    """Whether a network can be had with the attention of its configuration there."""
    try:
        build(config, attention_position=position)
    except InstantiationException as error:
        _refusal(error)
        return False
    return True


def build(config: DictConfig, **settings: object) -> WindowClassifier:
    """Build a network without values."""
    with torch.device("meta"):
        return instantiate(config, in_channels=COMPONENTS, num_classes=CLASSES, **settings)


def _refusal(error: InstantiationException) -> HsiError:
    """Return why a network is not to be had; faults of the program go on."""
    if isinstance(error.__cause__, HsiError):
        return error.__cause__
    raise error


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except HydraException as fault:
        print(f"Error: {explain(fault)}", file=sys.stderr)
        sys.exit(2)
