import pytest
import torch

from hsi.engine import symmetry


@pytest.mark.parametrize("turn", range(symmetry.COUNT))
def test_pixels_follow_the_scene(turn):
    scene = torch.arange(12).view(3, 4)
    turned = symmetry.transform(scene, turn)
    assert torch.equal(turned.flatten()[symmetry.transform_pixels(torch.arange(12), 3, 4, turn)], scene.flatten())


def test_they_are_eight_different_ones():
    scene = torch.arange(9).view(3, 3)
    assert len({tuple(symmetry.transform(scene, turn).flatten().tolist()) for turn in range(8)}) == 8


def test_the_first_is_the_identity():
    scene = torch.arange(12).view(3, 4)
    assert torch.equal(symmetry.transform(scene, symmetry.IDENTITY), scene)
