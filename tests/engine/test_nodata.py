import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hsi.engine.nodata import OUTSIDE, fill, nearest_data, reach


@given(margin=st.integers(1, 4), share=st.floats(0.01, 0.9), seed=st.integers(0, 1000))
def test_the_nearest_pixel_with_data_is_found_as_by_hand(margin, share, seed):
    valid = np.random.default_rng(seed).random((9, 11)) < share
    found = nearest_data(valid, margin)
    data = np.argwhere(valid)
    for place in np.ndindex(valid.shape):
        steps = data - place
        near = len(steps) and np.abs(steps).max(axis=1).min() <= margin
        if valid[place]:
            assert found[place] == place[0] * 11 + place[1]
        elif near:
            row, col = min(data, key=lambda other: (((other - place) ** 2).sum(), *(other - place)))
            assert found[place] == row * 11 + col
        else:
            assert found[place] == OUTSIDE


@given(margin=st.integers(1, 3), share=st.floats(0.05, 0.9), seed=st.integers(0, 1000))
def test_a_part_is_filled_like_the_whole(margin, share, seed):
    """What windows around rows and columns 8..11 see of it, where the part has what `reach` asks for."""
    window = 2 * margin + 1
    valid = np.random.default_rng(seed).random((20, 20)) < share
    valid[8:12, 8:12] |= not valid[8:12, 8:12].any()
    image = torch.arange(400.0).view(1, 20, 20)
    whole, _ = fill(image, valid, window, "edge")
    far = reach(window, "edge")
    first = 8 - far
    place = slice(first, 12 + far), slice(first, 12 + far)
    part, _ = fill(image[:, *place], valid[place], window, "edge")
    for row, col in np.argwhere(valid[8:12, 8:12]) + 8:
        own = slice(row - margin, row + margin + 1), slice(col - margin, col + margin + 1)
        there = tuple(slice(side.start - first, side.stop - first) for side in own)
        assert torch.equal(part[:, *there], whole[:, *own])


def test_a_pixel_without_data_belongs_to_the_region_whose_values_it_repeats():
    valid = np.array([[True, False, False, True]])
    region = torch.tensor([[1, 1, 1, 2]])
    image, sides = fill(torch.tensor([[[5.0, 9.0, 9.0, 7.0]]]), valid, 3, "edge", region)
    assert image.tolist() == [[[5.0, 5.0, 7.0, 7.0]]]
    assert sides.tolist() == [[1, 1, 2, 2]]


@pytest.mark.parametrize("margin", range(6))
def test_the_corner_of_a_window_is_filled_from_its_middle_and_needs_what_lies_as_far_again(margin):
    """A pixel with data alone: all of its window repeats it, the corners too, and nothing beyond."""
    valid = np.zeros((2 * margin + 3, 2 * margin + 3), dtype=bool)
    valid[margin + 1, margin + 1] = True
    found = nearest_data(valid, margin)
    inside = np.pad(np.ones((2 * margin + 1, 2 * margin + 1), dtype=bool), 1)
    assert (found[inside] == (margin + 1) * (2 * margin + 3) + margin + 1).all()
    assert (found[~inside] == OUTSIDE).all()
    far = reach(2 * margin + 1, "edge") - margin
    assert far**2 <= 2 * margin**2 < (far + 1) ** 2
    assert reach(2 * margin + 1, "zero") == reach(2 * margin + 1, "reflect") == margin
