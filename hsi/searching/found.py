"""What a search leaves behind: whose folder it is, the best cell as a file of model= and as a picture, a conclusion."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from scipy.stats import spearmanr

from hsi import files
from hsi.errors import HsiError
from hsi.plots import canvas
from hsi.plots.cell import draw_cell
from hsi.recipes import override
from hsi.searching.space import written
from hsi.searching.trials import TABLE, Trial, Trials

PICTURE, IDENTITY = "cell.png", "search.json"

YAML = """# Cell found (Liu et al. 2018): by {strategy} search on {scene}, {share:.2f} % of the validation pixels.
defaults: [cell] # all other keys are those of model=cell
cell: {cell}
"""


def claim(folder: Path, identity: str, force: bool) -> None:
    """Make a folder that of a search, or find that it is; `force` takes the table away that is there.

    Raises HsiError where it holds another search.
    """
    place = folder / IDENTITY
    if force:
        (folder / TABLE).unlink(missing_ok=True)
    elif place.exists() and files.read_json(place).get("identity") != identity:
        raise HsiError(
            f"{folder} holds a search with other settings, on other data or of another precision: choose another out=, "
            "or force=true to replace it"
        )
    files.write_json(place, {"identity": identity})


def save(folder: Path, best: Trial, strategy: str, scene: str) -> tuple[Path, Path]:
    """Write the cell as a file that model= can name, and its picture; return where they lie."""
    share = 100 * best.score.mean
    place, picture = folder / "model" / f"cell_{strategy}.yaml", folder / PICTURE
    text = YAML.format(strategy=strategy, scene=" ".join(scene.split()), share=share, cell=written(best.cell))
    files.write(place, text)
    title = f"{canvas.literal(scene)}, {strategy} search: {share:.2f} % of the validation pixels"
    canvas.save(draw_cell(best.cell, title), picture)
    return place, picture


def command(place: Path, words: Sequence[str]) -> str:
    """The command that trains what `save` wrote at `place`, on the same data."""
    path = override("hydra.searchpath", [f"file://{place.parent.parent}"])
    return shlex.join(["hsi", "run", path, f"model={place.stem}", *words])


def progress(trials: Trials) -> str:
    """A line about the trial that has just ended, the best so far and the time left."""
    last, best = list(trials.taken.values())[-1], trials.best
    left = max(trials.seconds - trials.spent, 0) / 60
    sums = "1 sum" if len(last.cell) == 1 else f"{len(last.cell)} sums"
    reached, highest = (100 * trial.score.mean for trial in (last, best))
    return f"Cell {len(trials.taken)}, {sums}: {reached:.2f} %; best {highest:.2f} %; {left:.1f} min left"


def conclude(trials: Trials) -> list[str]:
    """How far the surrogate ranked as the trainings did, a sentence for each number of sums that has three cells."""
    said = []
    for blocks in range(2, 6):
        guessed = [each for each in trials.taken.values() if len(each.cell) == blocks and each.predicted is not None]
        pairs = [(each.predicted, each.score.mean) for each in guessed]
        if len(pairs) >= 3 and all(len(set(side)) > 1 for side in zip(*pairs, strict=True)):
            rank = spearmanr(*zip(*pairs, strict=True)).statistic
            said.append(f"Ranks of the surrogate and of {len(pairs)} cells of {blocks} sums correlate by {rank:.2f}.")
    return said
