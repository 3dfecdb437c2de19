"""Tiles on sides, by lists and by share."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.errors import HsiError
from hsi.evaluation.leakage import sees_training
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION
from hsi.splits.tiles import LARGEST, read_list, tiles_split

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


def equal_tiles(count):
    """As many tiles of 2 x 2 labelled pixels, side by side, each with both classes."""
    return np.tile([[1, 2], [2, 1]], count), np.repeat(np.arange(1, count + 1), 2)[None].repeat(2, axis=0)


@pytest.mark.parametrize(
    ("shares", "listed", "counts"),
    [  # of 12 tiles: those that train, validate, test
        ({"train": 0.25, "validation": 0.25}, {}, [3, 3, 6]),
        ({"validation": 0.6}, {"train": 2}, [2, 6, 4]),
        ({"train": 0.3, "validation": 0.1}, {"test": 4}, [6, 2, 4]),
        ({"train": 0.3}, {"test": 4}, [8, 0, 4]),
        ({"train": 0.4}, {"validation": 2}, [4, 2, 6]),
    ],
)
def test_tiles_without_a_list_are_shared_out_in_proportion(tmp_path, shares, listed, counts):
    labels, tiles = equal_tiles(12)
    names = tuple(f"tile_{number}" for number in range(12))
    lists = {}
    for side, number in listed.items():
        lists[side] = tmp_path / f"{side}.txt"
        lists[side].write_text("\n".join(names[:number]))
    split = tiles_split(labels, tiles, names, **shares, **lists)
    assert [(split.role[0, ::2] == role).sum() for role in (TRAIN, VALIDATION, TEST)] == counts
    told = [int(number) for number in re.findall(r"(?<![_\d])\d+(?= (?:train|validate|test) )", split.notes[0])]
    assert told == [count for count in counts if count]
    listed_side = next(iter(listed), None)
    if listed_side:
        role = {"train": TRAIN, "validation": VALIDATION, "test": TEST}[listed_side]
        assert (split.role[:, : 2 * listed[listed_side]] == role).all()


def test_what_leaves_nothing_to_test_is_refused(tmp_path):
    labels, tiles = equal_tiles(6)
    (tmp_path / "train.txt").write_text("a\nb\n")
    with pytest.raises(HsiError, match="leave nothing to test"):
        tiles_split(labels, tiles, NAMES, train=tmp_path / "train.txt", validation=1.0)


def test_a_tile_for_each_side_is_enough_and_more_than_five_are_counted():
    labels, tiles = equal_tiles(3)
    split = tiles_split(labels, tiles, tuple("abc"), train=0.3, validation=0.3)
    assert sorted(split.role[0, ::2]) == [TRAIN, VALIDATION, TEST]
    labels, tiles = equal_tiles(13)
    (note,) = tiles_split(labels, tiles, tuple("abcdefghijklm"), train=0.5).notes
    assert sorted(re.findall(r"and (\d+) more", note)) == ["1", "2"]
    (note,) = tiles_split(*equal_tiles(10), tuple("abcdefghij")).notes
    assert "more" not in note


def test_tiles_without_labels_take_no_part_in_the_sharing():
    labels, tiles = equal_tiles(6)
    labels[:, 4:] = 0
    split = tiles_split(labels, tiles, NAMES)
    assert sorted(set(split.role[0, :4])) == [TRAIN, TEST]
    assert "of 2 tiles with labels" in split.notes[0]
    assert sorted(np.unique(split.region)) == [TRAIN, TEST]


def test_a_tile_may_stand_twice_in_one_list_and_is_found_by_name_or_stem(tmp_path):
    labels, tiles = equal_tiles(6)
    (tmp_path / "train.txt").write_text("a\na\ncubes\\b.tif\n")
    split = tiles_split(labels, tiles, NAMES, train=str(tmp_path / "train.txt"))
    assert (split.role[:, :4] == TRAIN).all()
    assert (split.role[:, 4:] == TEST).all()
    (tmp_path / "train.txt").write_text("tile_a\n")
    with pytest.raises(HsiError, match=r"did you mean tile_b\?"):
        tiles_split(labels, tiles, ("tile_b", *NAMES[1:]), train=tmp_path / "train.txt")


def test_a_tile_whose_name_has_a_dot_is_found_by_all_of_it(tmp_path):
    labels, tiles = equal_tiles(6)
    (tmp_path / "train.txt").write_text("T32.north\n")
    split = tiles_split(labels, tiles, ("T32", "T32.north", *NAMES[2:]), train=tmp_path / "train.txt")
    assert (split.role == np.where(tiles == 2, TRAIN, TEST)).all()


def test_one_labelled_pixel_makes_a_tile_take_part():
    labels, tiles = equal_tiles(6)
    labels[:, 10:] = [[1, 0], [0, 0]]
    split = tiles_split(labels, tiles, NAMES)
    assert split.role[0, 10] in (TRAIN, TEST)
    assert "of 6 tiles with labels" in split.notes[0]


def test_pixels_between_tiles_and_tiles_on_no_side_see_what_the_nearest_tile_sees(tmp_path):
    labels, tiles = equal_tiles(6)
    for side, name in (("train", "a"), ("test", "f"), ("validation", "c")):
        (tmp_path / side).write_text(name)
    split = tiles_split(
        labels, tiles, NAMES, train=tmp_path / "train", test=tmp_path / "test", validation=tmp_path / "validation"
    )
    assert split.role[0].tolist() == [TRAIN] * 2 + [UNUSED] * 2 + [VALIDATION] * 2 + [UNUSED] * 4 + [TEST] * 2
    assert split.region[0].tolist() == [TRAIN] * 3 + [VALIDATION] * 5 + [TEST] * 4


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a\nb\n", ["a", "b"]),
        ("year;name\n2020;c\n2021\n2022;\n;\n2023; d \n", ["c", "d"]),
        ("\n\nname;remark\na;x,y,z\nb;u,v\n", ["a", "b"]),
        ("remark,Tile\nfield; wet,a\n", ["a"]),
        ("x\ttiles\n1\tb\n", ["b"]),
        ("tile,name\na,first\n", ["a"]),
        ('"a b",1\n"c",2\n', ["a b", "c"]),
    ],
)
def test_lists_by_hand(tmp_path, content, names):
    (tmp_path / "list.csv").write_text(content)
    assert read_list(tmp_path / "list.csv") == names


@given(names=st.lists(st.text("XYab_é", min_size=1), min_size=1))
def test_names_one_a_line_are_read_as_they_are(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("names") / "list.txt"
    path.write_text("\n".join(names), encoding="utf-8")
    assert read_list(path) == names


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a\0b", "is no list"), (b"\xff\xfe\x80", "is no list"), (b"", "names no tile"), (b"tile\n", "names no tile")],
)
def test_a_file_that_is_no_list_and_one_that_is_empty_are_told_apart(tmp_path, content, said):
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(HsiError, match=said):
        read_list(tmp_path / "bad.csv")


def test_a_list_of_more_than_16_million_bytes_is_not_read(tmp_path):
    path = tmp_path / "list.txt"
    with path.open("wb") as file:
        file.write(b"a\n")
        file.truncate(LARGEST + 1)
    with pytest.raises(HsiError, match=f"{LARGEST + 1:,} bytes"):
        read_list(path)
