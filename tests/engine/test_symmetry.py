import numpy as np
import pytest
import torch

from hsi.engine import symmetry


@pytest.mark.parametrize("turn", range(symmetry.COUNT))
def test_pixels_follow_the_scene(turn):
    scene = torch.arange(12).view(3, 4)
    turned = symmetry.transform(scene, turn)
    assert torch.equal(turned.flatten()[symmetry.transform_pixels(torch.arange(12), 3, 4, turn)], scene.flatten())


@pytest.mark.parametrize("turn", range(symmetry.COUNT))
def test_each_number_is_a_quarter_turn_and_from_four_on_a_mirror_image_of_it(turn):
    """A seed names its symmetries by number, so that a run can be repeated."""
    scene = np.arange(24).reshape(2, 3, 4)
    expected = np.rot90(scene, turn % 4, axes=(1, 2))
    expected = expected[:, :, ::-1] if turn >= 4 else expected
    np.testing.assert_array_equal(symmetry.transform(torch.from_numpy(scene), turn), expected)


def test_they_are_eight_different_ones():
    scene = torch.arange(9).view(3, 3)
    assert len({tuple(symmetry.transform(scene, turn).flatten().tolist()) for turn in range(8)}) == 8


def test_the_first_is_the_identity():
    scene = torch.arange(12).view(3, 4)
    assert torch.equal(symmetry.transform(scene, symmetry.IDENTITY), scene)
