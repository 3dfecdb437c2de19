"""A seed draws the pixels that it has always drawn, so that results of earlier versions stay comparable.

NumPy keeps the streams of its generators (NEP 19); a picture that changes makes every published split another one.
"""

from functools import partial

import numpy as np
import pytest
from conftest import configure

from hsi.config.build import build
from hsi.splits.blocks import blocks_split
from hsi.splits.counts import class_counts, class_sizes
from hsi.splits.grown import grown_split
from hsi.splits.guard import guard_split
from hsi.splits.polygons import polygons_split
from hsi.splits.random import random_split
from hsi.splits.regions import regions_split
from hsi.splits.tiles import tiles_split


def read(picture):
    return np.array([[int(sign.replace(".", "0")) for sign in line] for line in picture.split()])


LABELS = read("""
1111...2222222
1111...2222222
1111.333......
.....333.11111
22...333.11111
22............
22.33..1111.22
22.33..1111.22
22.33.......22
""")
FIELDS = read("""
1111...4444444
1111...4444444
1111.777......
.....777.22222
55...777.22222
55............
55.88..3333.66
55.88..3333.66
55.88.......66
""")
ROW, COL = np.indices(LABELS.shape)
TILES, NAMES = 1 + ROW // 3 * 3 + COL // 5, tuple("abcdefghi")


@pytest.mark.parametrize(
    ("split", "picture"),
    [
        (
            partial(random_split, train=0.3, validation=0.1),
            """
            2331...1311333
            3333...3331333
            3323.132......
            .....331.13333
            31...133.11313
            11............
            33.33..3132.33
            13.33..1113.22
            23.31.......13
            """,
        ),
        (
            partial(random_split, per_class=8, validation=12),
            """
            2331...1311333
            3333...3331333
            3322.131......
            .....311.13333
            31...123.12313
            11............
            33.33..3132.33
            13.32..1113.22
            23.11.......22
            """,
        ),
        (
            partial(grown_split, train=0.3, validation=0.1),
            """
            3333...3331123
            1213...3331313
            1133.311......
            .....332.12333
            13...333.11333
            21............
            13.31..3133.33
            33.31..1323.21
            33.33.......31
            """,
        ),
        (
            partial(regions_split, train=0.4, validation=0.2),
            """
            3333...3333333
            3333...3333333
            3333.332......
            .....332.11111
            11...322.11111
            11............
            11.11..2222.22
            11.11..2222.22
            11.11.......22
            """,
        ),
        (
            partial(regions_split, folds=3, fold=1, per_class=5),
            """
            ...1.....1...1
            .......1....1.
            1....331......
            .....331.33333
            33...3.1.33333
            33............
            33.1...1......
            33..1..1.1....
            33...........1
            """,
        ),
        (
            partial(blocks_split, block=4, folds=3, fold=1, validation=0.1),
            """
            1111...3222211
            3333...2111133
            3333..........
            .........11133
            33.......11133
            22............
            22.....1333.22
            22.....1333.22
            22..........22
            """,
        ),
        (
            partial(guard_split, patch_size=3, train=0.4, validation=0.2),
            """
            3333...3333333
            3333...3333333
            3333.333......
            .....33.......
            ..........2221
            11............
            11.11..1111.11
            11.11..1111.11
            11.11.......11
            """,
        ),
        (
            partial(polygons_split, polygons=FIELDS, train=0.4, validation=0.2),
            """
            3333...3333333
            3333...3333333
            3333.111......
            .....111.11111
            11...111.11111
            11............
            11.33..2222.22
            11.33..2222.22
            11.33.......22
            """,
        ),
        (
            partial(tiles_split, tiles=TILES, tile_names=NAMES, train=0.4, validation=0.2),
            """
            1111...1111111
            1111...1111111
            1111.111......
            .....333.32222
            33...333.32222
            33............
            33.33..2223.33
            33.33..2223.33
            33.33.......33
            """,
        ),
    ],
)
def test_seed_3_draws_these_pixels(split, picture):
    found = split(LABELS, seed=3)
    assert {image.dtype for image in (found.role, found.region) if image is not None} == {np.dtype(np.uint8)}
    assert (found.role == read(picture)).all(), found.role


@pytest.mark.parametrize("name", ["random", "grown", "regions", "blocks", "guard", "polygons", "tiles"])
def test_functions_and_configuration_have_the_same_defaults(name):
    """Whoever calls `hsi.splits` gets what the command line gets."""
    labels, fields, tiles = (image.repeat(4, axis=0).repeat(4, axis=1) for image in (LABELS, FIELDS, TILES))
    images = {"polygons": {"polygons": fields}, "tiles": {"tiles": tiles, "tile_names": NAMES}}.get(name, {})
    asked = {"patch_size": 3} if name == "guard" else {}
    functions = (random_split, grown_split, regions_split, blocks_split, guard_split, polygons_split, tiles_split)
    function = {each.__name__.removesuffix("_split"): each for each in functions}[name]
    configured = build(configure(f"split={name}", "patch_size=3").split, "split")
    assert function(labels, **images, **asked).hash == configured(labels, **images).hash


@pytest.mark.parametrize("split", [regions_split, blocks_split, partial(polygons_split, polygons=FIELDS)])
def test_the_first_fold_tests_unless_another_is_asked_for(split):
    first, second = (split(LABELS, folds=2, fold=fold, seed=3) for fold in (0, 1))
    assert split(LABELS, folds=2, seed=3).hash == first.hash != second.hash


@pytest.mark.parametrize("split", [random_split, grown_split])
def test_what_counting_had_to_decide_is_in_the_notes(split):
    notes = []
    class_counts(class_sizes(LABELS), 0.3, 8, 12, notes)
    assert split(LABELS, per_class=8, validation=12).notes == tuple(notes) != ()
