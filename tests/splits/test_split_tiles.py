"""Tiles on sides, by lists and by share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.errors import HsiError
from hsi.evaluation.leakage import sees_training
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION
from hsi.splits.tiles import read_list, tiles_split

NAMES = tuple("abcdef")


def a_scene(seed=0):
    """Six tiles of 8 x 8 pixels that touch, two and two, with two classes everywhere and some gaps."""
    rng = np.random.default_rng(seed)
    tiles = np.arange(1, 7).reshape(3, 2).repeat(8, 0).repeat(8, 1)
    return rng.integers(0, 3, tiles.shape), tiles


def sides_of(split, tiles):
    """The role of each tile's labelled pixels."""
    return [set(np.unique(split.role[(tiles == number) & (split.role > 0)])) for number in range(1, 7)]


@given(
    seed=st.integers(0, 99), train=st.floats(0.2, 0.7), validation=st.sampled_from([0, 0.25]), scene=st.integers(0, 9)
)
def test_a_tile_is_on_one_side_and_windows_see_one(seed, train, validation, scene):
    labels, tiles = a_scene(scene)
    split = tiles_split(labels, tiles, NAMES, train=train, validation=validation, seed=seed)
    sides = sides_of(split, tiles)
    assert all(len(side) == 1 for side in sides)
    assert set.union(*sides) == ({TRAIN, VALIDATION, TEST} if validation else {TRAIN, TEST})
    assert ((split.role > 0) == (labels > 0)).all()
    assert not sees_training(split, 15)[split.role == TEST].any()
    assert split.hash == tiles_split(labels, tiles, NAMES, train=train, validation=validation, seed=seed).hash


@pytest.fixture
def lists(tmp_path):
    (tmp_path / "train.csv").write_text("tile,year\nb,2020\na.tif,2021\n")
    (tmp_path / "test.txt").write_text("cubes/f.hdr\n\ne\n")
    (tmp_path / "validation.csv").write_bytes("\ufeffyear;name\n2020;c\n".encode())
    return tmp_path


def test_lists_decide(lists):
    labels, tiles = a_scene()
    how = {"train": lists / "train.csv", "test": lists / "test.txt", "validation": lists / "validation.csv"}
    split = tiles_split(labels, tiles, NAMES, **how)
    assert sides_of(split, tiles) == [{TRAIN}, {TRAIN}, {VALIDATION}, set(), {TEST}, {TEST}]
    assert split.notes[0] == (
        "of 6 tiles with labels 2 train (a, b), 1 validate (c), 2 test (e, f), 1 take no part (d)"
    )


def test_sides_without_a_list_share_the_rest(lists):
    labels, tiles = a_scene()
    rest = tiles_split(labels, tiles, NAMES, train=str(lists / "train.csv"))
    assert sides_of(rest, tiles) == [{TRAIN}] * 2 + [{TEST}] * 4
    rest = tiles_split(labels, tiles, NAMES, test=lists / "test.txt")
    assert sides_of(rest, tiles) == [{TRAIN}] * 4 + [{TEST}] * 2
    rest = tiles_split(labels, tiles, NAMES, train=0.5, validation=0.5, test=lists / "test.txt")
    assert sorted(side.pop() for side in sides_of(rest, tiles)) == [TRAIN] * 2 + [VALIDATION] * 2 + [TEST] * 2
    rest = tiles_split(labels, tiles, NAMES, train=lists / "train.csv", validation=0.25)
    assert sorted(side.pop() for side in sides_of(rest, tiles)) == [TRAIN] * 2 + [VALIDATION] + [TEST] * 3


def test_tiles_without_labels_are_on_no_side_of_their_own():
    labels, tiles = a_scene()
    labels[tiles == 3] = 0
    tiles[:2] = 0  # between tiles
    labels[:2] = 0
    split = tiles_split(labels, tiles, NAMES)
    assert (split.role[tiles == 3] == UNUSED).all()
    assert (split.region > 0).all()


def test_faults_are_sentences(lists):
    labels, tiles = a_scene()
    for given_tiles, names in ((None, NAMES), (tiles, ())):
        with pytest.raises(HsiError, match="split=tiles needs a scene of tiles"):
            tiles_split(labels, given_tiles, names)
    (lists / "wrong.csv").write_text("tile\ng\n")
    with pytest.raises(
        HsiError, match=r"wrong\.csv names the tile g, which the scene does not have: it has tiles such as"
    ):
        tiles_split(labels, tiles, NAMES, train=lists / "wrong.csv")
    with pytest.raises(HsiError, match="tile b is in two lists, to train and to test"):
        tiles_split(labels, tiles, NAMES, train=lists / "train.csv", test=lists / "train.csv")
    with pytest.raises(HsiError, match="2 tiles with labels are left for 3 sides"):
        tiles_split(np.where(tiles < 3, labels, 0), tiles, NAMES, validation=0.2)
    with pytest.raises(HsiError, match="leave something to test"):
        tiles_split(labels, tiles, NAMES, train=0.8, validation=0.3)
    for content in (b"\0\1\2", b"\xff\xfe\x80", b"", b"tile\n"):
        (lists / "bad.csv").write_bytes(content)
        with pytest.raises(HsiError, match=r"bad\.csv (is no list of tiles|names no tile)"):
            read_list(lists / "bad.csv")
    with pytest.raises(HsiError, match=r"nowhere\.csv is no list of tiles"):
        read_list(lists / "nowhere.csv")
