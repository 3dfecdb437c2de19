"""What colour-blind readers see, against values worked out by hand, and palettes that they can use."""

import itertools

import numpy as np
import pytest
from conftest import configure

from hsi.reports.page.colours import FAR, NEAR, VISIONS, closest, lab, safe_colours
from hsi.scenes.palette import distinct_colours

SCENES = ("indian_pines", "salinas", "pavia_u", "pavia_centre", "ksc", "botswana")


def colours_of(scene: str) -> tuple[str, ...]:
    return tuple(configure(f"scene={scene}").scene.classes.values())


@pytest.mark.parametrize(
    ("linear", "expected"),
    [
        ([1, 1, 1], [100, 0, 0]),  # the white of sRGB
        ([0, 0, 0], [0, 0, 0]),
        ([0.2140411, 0.2140411, 0.2140411], [53.3890, 0, 0]),  # 127.5 / 255: 116 * cbrt(0.2140411) - 16
        ([1, 0, 0], [53.2408, 80.0925, 67.2032]),  # published for the red of sRGB, white D65
        ([0, 0, 1], [32.2970, 79.1875, -107.8602]),
    ],
)
def test_cielab_has_its_published_values(linear, expected):
    assert lab(np.array([linear], float))[0] == pytest.approx(expected, abs=0.02)


def test_greys_stay_grey_to_every_reader():
    """The rows of Machado's matrices sum to 1."""
    for matrix in VISIONS.values():
        assert np.sum(matrix, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)


def test_the_nearest_pairs_of_the_customary_palettes():
    near, first, second, reader = closest(colours_of("pavia_u"))
    names = list(configure("scene=pavia_u").scene.classes)
    assert (names[first], names[second], reader) == ("Trees", "Bare Soil", "a deuteranope")
    assert near == pytest.approx(4.9, abs=0.05)
    near, first, second, reader = closest(colours_of("indian_pines"))
    names = list(configure("scene=indian_pines").scene.classes)
    assert {names[first], names[second]} == {"Grass-pasture-mowed", "Wheat"}
    assert near == pytest.approx(2.6, abs=0.05)


def test_one_colour_is_near_to_none_and_two_of_a_kind_are_the_same():
    assert closest(("#123456",))[0] == np.inf
    assert closest(())[0] == np.inf
    assert closest(("#123456", "#ffffff", "#123456"))[:3] == (0, 0, 2)


@pytest.mark.parametrize("scene", SCENES)
def test_safe_palettes_are_safe_and_keep_what_they_can(scene):
    customary = colours_of(scene)
    safe = safe_colours(customary)
    assert closest(safe)[0] > 2 * NEAR > 2 * closest(customary)[0]
    assert sum(one == other for one, other in zip(customary, safe, strict=True)) >= len(safe) // 3
    assert safe == safe_colours.__wrapped__(customary)  # always the same


def test_full_colour_vision_counts_too():
    """A red and a blue may not both become what only colour-blind readers tell apart."""
    linear = np.array([[*bytes.fromhex(colour[1:])] for colour in safe_colours(colours_of("indian_pines"))]) / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    seen = lab(linear)
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 2 * NEAR


def test_what_is_far_apart_stays():
    assert safe_colours(distinct_colours(3)) == distinct_colours(3)
    assert closest(distinct_colours(3))[0] > FAR
