from dataclasses import replace

import numpy as np
import pytest

from hsi.cube import LazyCube
from hsi.georeference import Georeference
from hsi.plots.maps import false_colour
from hsi.plots.thinned import thin
from hsi.scenes.assemble import from_arrays

RNG = np.random.default_rng(0)
CUBE = RNG.integers(1, 4000, (23, 31, 8)).astype(np.uint16)
LABELS = RNG.integers(0, 4, (23, 31))
MAP = RNG.integers(0, 4, (23, 31)).astype(np.uint8)


def a_scene(cube):
    scene = replace(from_arrays(CUBE, LABELS), cube=cube, georeference=Georeference((2.0, 0.5, 10.0, 0.25, -3.0, 20.0)))
    return scene if isinstance(cube, np.ndarray) else replace(scene, valid=None)


def on_disk(read):
    def part(rows, cols, bands):
        read.append((rows, cols, bands))
        return np.ascontiguousarray(CUBE[rows, cols] if bands is None else CUBE[rows, cols][:, :, bands])

    return LazyCube(CUBE.shape, CUBE.dtype, part)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(("side", "step"), [(10, 4), (16, 2), (31, 1), (1500, 1)])
def test_every_kth_row_and_column_is_left(side, step, lazy):
    shown, drawn = thin(a_scene(on_disk([]) if lazy else CUBE), MAP, side)
    np.testing.assert_array_equal(np.asarray(shown.cube), CUBE[::step, ::step])
    np.testing.assert_array_equal(shown.labels, LABELS[::step, ::step])
    np.testing.assert_array_equal(drawn, MAP[::step, ::step])
    np.testing.assert_array_equal(shown.valid, drawn > 0)
    assert max(drawn.shape) <= side
    assert shown.georeference.at(3, 2) == a_scene(CUBE).georeference.at(3 * step, 2 * step)


def test_only_what_is_drawn_is_read():
    read = []
    scene = replace(a_scene(on_disk(read)), rgb_bands=(5, 3, 1))
    shown, _ = thin(scene, MAP, 8)
    np.testing.assert_array_equal(false_colour(shown), false_colour(thin(replace(scene, cube=CUBE), MAP, 8)[0]))
    assert [rows.start for rows, _, _ in read] == [0, 4, 8, 12, 16, 20]
    assert all(rows.stop == rows.start + 1 and list(bands) == [1, 3, 5] for rows, _, bands in read)
