"""Whole tiles on one side, by lists of their names or by share."""

import csv
import difflib
from pathlib import Path, PurePath

import numpy as np

from hsi.config.values import FilePath, Seed, Share, ShareOrZero
from hsi.errors import HsiError, shown
from hsi.files import read_bytes
from hsi.splits.regions import assign, side_shares
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION, Split
from hsi.splits.sides import split_by_side, spread

LARGEST = 2**24  # bytes of a list
HEADINGS = ("tile", "tiles", "name", "names", "file", "filename")
VERBS = {TRAIN: "train", VALIDATION: "validate", TEST: "test"}


def tiles_split(
    labels: np.ndarray,
    tiles: np.ndarray | None = None,
    tile_names: tuple[str, ...] = (),
    *,
    train: Share | FilePath = 0.5,
    validation: ShareOrZero | FilePath = 0,
    test: FilePath | None = None,
    seed: Seed = 0,
) -> Split:
    """Put whole tiles on the train, validation or test side; windows keep to their side where tiles touch.

    Tiles in a list are on its side. The others are divided among the sides that have no list, in proportion to their
    shares of the labelled pixels; where every side has a list they take no part.

    Parameters
    ----------
    labels
        (rows, cols) int, 0 unlabelled, 1..K.
    tiles
        (rows, cols) int, or None: which of `tile_names` a pixel belongs to, from 1 on; 0 elsewhere.
    train, validation, test
        A share, or a text or CSV file that lists tiles: one a line, or in the column ``tile`` or ``name``; folders and
        suffixes are passed over. `test` None is what the others leave.
    seed
        Which tiles, where their sizes leave a choice.

    Raises
    ------
    HsiError
        For a scene without tiles, a list that cannot be read or names a tile that is not there or is in another
        list, or fewer tiles than sides.
    """
    if tiles is None or not tile_names:
        raise HsiError(
            "split=tiles needs a scene of tiles: give one with scene=tiles scene.cubes=DIR scene.labels=DIR, or choose "
            "split=regions"
        )
    lists = {TRAIN: train, VALIDATION: validation, TEST: test}
    side_of = _listed({side: Path(each) for side, each in lists.items() if isinstance(each, str | Path)}, tile_names)
    sizes = np.bincount(tiles[labels > 0], minlength=len(tile_names) + 1)
    sizes[0] = 0
    rest = np.flatnonzero((side_of == UNUSED) & (sizes > 0))
    shares, roles = _open_sides(train, validation, test)
    if len(roles) and len(rest) < len(roles):
        raise HsiError(
            f"{len(rest)} tiles with labels are left for {len(roles)} sides (to {', '.join(VERBS[r] for r in roles)}): "
            "give more tiles, or lists of them in split.train=, split.validation= and split.test="
        )
    if len(roles):
        side_of[rest] = np.array(roles)[assign(sizes[rest], shares, np.random.default_rng(seed))]
    side = side_of[tiles]
    notes = (_told(side_of, sizes, tile_names),)
    # pixels between the tiles, and tiles on no side, see what the nearest tile sees
    return split_by_side(labels, side, region=spread(side), notes=notes)


def _open_sides(
    train: float | str | Path, validation: float | str | Path, test: str | Path | None
) -> tuple[np.ndarray, list[int]]:
    """Shares, which add up to one, and roles of the sides that have no list."""
    given = [share for share in (train, validation) if not isinstance(share, str | Path)]
    if len(given) == 2 and test is None:
        return side_shares(given[0], given[1])
    asked = [(side, share) for side, share in ((TRAIN, train), (VALIDATION, validation)) if share in given and share]
    if test is None:
        left = 1 - sum(given)
        if left <= 0:
            raise HsiError(f"split.train and split.validation leave nothing to test of {given}: ask for less")
        asked.append((TEST, left))
    shares = np.array([float(share) for _, share in asked])
    return shares / shares.sum(), [side for side, _ in asked]


def _listed(lists: dict[int, Path], tile_names: tuple[str, ...]) -> np.ndarray:
    """(tiles + 1,) uint8: the side of each tile that a list names, 0 for the others; the first is that of no tile."""
    side_of = np.zeros(len(tile_names) + 1, dtype=np.uint8)
    numbers = {name: number for number, name in enumerate(tile_names, 1)}
    for side, path in lists.items():
        for asked in read_list(path.expanduser()):
            number = numbers.get(asked) or numbers.get(PurePath(asked.replace("\\", "/")).stem)
            if number is None:
                near = difflib.get_close_matches(asked, tile_names, 1)
                advice = f"did you mean {near[0]}?" if near else f"it has tiles such as {', '.join(tile_names[:3])}"
                raise HsiError(f"{path} names the tile {shown(asked)}, which the scene does not have: {advice}")
            if side_of[number] not in (UNUSED, side):
                raise HsiError(f"tile {asked} is in two lists, to {VERBS[int(side_of[number])]} and to {VERBS[side]}")
            side_of[number] = side
    return side_of


def read_list(path: Path) -> list[str]:
    """Names of tiles out of a text or CSV file, one a line, in the column ``tile`` or ``name`` or else the first.

    Raises HsiError: a missing, foreign or empty file.
    """
    try:
        text = read_bytes(path, LARGEST).decode("utf-8-sig") if path.is_file() else None
    except UnicodeDecodeError:
        text = None
    if text is None or "\0" in text:
        raise HsiError(f"{path} is no list of tiles: give a text or CSV file with the name of a tile in each line")
    first = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        lines = [[cell.strip() for cell in line] for line in csv.reader(text.splitlines(), delimiter=delimiter)]
    except csv.Error as error:
        raise HsiError(f"{path} is no list of tiles ({error}): give the name of a tile in each line") from error
    lines = [line for line in lines if any(line)]
    column = 0
    if lines and (heads := [place for place, cell in enumerate(lines[0]) if cell.lower() in HEADINGS]):
        column, lines = heads[0], lines[1:]
    names = [line[column] for line in lines if column < len(line) and line[column]]
    if not names:
        raise HsiError(f"{path} names no tile: give the name of one in each line")
    return names


def _told(side_of: np.ndarray, sizes: np.ndarray, tile_names: tuple[str, ...]) -> str:
    """Which tiles are where, in words."""
    labelled = np.flatnonzero(sizes > 0)
    said = []
    for side, verb in (*VERBS.items(), (UNUSED, "take no part")):
        if names := [tile_names[number - 1] for number in labelled if side_of[number] == side]:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            said.append(f"{len(names)} {verb} ({', '.join(names[:5])}{more})")
    return f"of {len(labelled)} tiles with labels {', '.join(said)}"
