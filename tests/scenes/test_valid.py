import numpy as np
import pytest

from hsi.errors import HsiError
from hsi.scenes.assemble import from_arrays

LABELS = np.array([[0, 1, 10], [14, 10, 1], [0, 14, 14], [0, 0, 1]])
CUBE = np.arange(4 * 3 * 5, dtype=np.uint16).reshape(4, 3, 5)


def with_gaps() -> np.ndarray:
    """Return a cube whose pixel (0, 0) lacks bands 0 and 2, pixel (2, 1) bands 2 and 3."""
    cube = np.zeros((4, 3, 5), dtype=np.float32) + np.array([10, 20, 30, 40, 100], dtype=np.float32)
    cube[0, 0, [0, 2]] = np.nan
    cube[2, 1, [2, 3]] = [np.inf, -np.inf]
    return cube


def test_invalid_values_are_refused_with_numbers_and_options():
    with pytest.raises(HsiError, match=r"4 values .* 3 of 5 bands \(0, 2, 3\).*=interpolate.*=drop"):
        from_arrays(with_gaps(), LABELS)
    with pytest.raises(HsiError, match=r"scene\.invalid=fill: choose error, interpolate or drop"):
        from_arrays(CUBE, LABELS, invalid="fill")
    with pytest.raises(HsiError, match=r"20 of 25 bands \(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, \.\.\.\)"):
        from_arrays(np.where(np.arange(25) < 20, np.nan, np.ones((4, 3, 25))), LABELS)


def test_invalid_values_are_interpolated_along_the_spectrum():
    cube = with_gaps()
    scene = from_arrays(cube, LABELS, invalid="interpolate")
    # band 0 takes the nearest value, band 2 the mean of 20 and 40
    np.testing.assert_array_equal(scene.cube[0, 0], [20, 20, 30, 40, 100])
    np.testing.assert_allclose(scene.cube[2, 1], [10, 20, 20 + 80 / 3, 20 + 160 / 3, 100], rtol=1e-6)
    np.testing.assert_array_equal(scene.cube[1], cube[1])
    assert scene.cube.dtype == np.float32
    assert np.isnan(cube[0, 0, 0])  # the caller's array stays as it was
    cube[3, 1] = np.nan
    with pytest.raises(HsiError, match=r"1 pixels have no valid band.*row 3, column 1"):
        from_arrays(cube, LABELS, invalid="interpolate")


def test_bands_with_invalid_values_are_dropped():
    wavelengths = [400, 500, 600, 700, 800]
    told = {"invalid": "drop", "wavelengths": wavelengths, "rgb_bands": [4, 3, 0]}
    scene = from_arrays(with_gaps(), LABELS, **told)
    np.testing.assert_array_equal(scene.cube, np.broadcast_to([20, 100], (4, 3, 2)))
    np.testing.assert_array_equal(scene.wavelengths, [500, 800])
    assert scene.rgb_bands == (1, 1, 0)  # band 4 is 1 now; 3 is gone, 4 nearest; 0 is gone, 1 nearest
    with pytest.raises(HsiError, match="no band is left"):
        from_arrays(np.full((4, 3, 5), np.nan), LABELS, invalid="drop")
