import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.cube import LazyCube
from hsi.errors import HsiError
from hsi.scenes.assemble import assemble_raster, from_arrays
from hsi.scenes.description import describe
from hsi.scenes.label_image import LabelImage
from hsi.scenes.raster import Raster

LABELS = np.array([[0, 1, 10], [14, 10, 1], [0, 14, 14], [0, 0, 1]])
CUBE = np.random.default_rng(0).normal(100, 20, (4, 3, 6)).astype(np.float32)
WAVELENGTHS = [400, 500, 600, 1400, 1900, 2000]


def with_gaps() -> np.ndarray:
    """A cube whose pixel (0, 0) lacks bands 0 and 2, pixel (2, 1) bands 2 and 3."""
    cube = CUBE.copy()
    cube[0, 0, [0, 2]] = np.nan
    cube[2, 1, [2, 3]] = [np.inf, -np.inf]
    return cube


def on_disk(cube: np.ndarray) -> LazyCube:
    def read(rows, cols, bands):
        part = cube[rows, cols]
        return np.ascontiguousarray(part if bands is None else part[:, :, bands])

    return LazyCube(cube.shape, cube.dtype, read)


def test_all_is_data_where_nothing_says_otherwise():
    scene = from_arrays(CUBE, LABELS)
    assert scene.valid.all()
    assert (scene.notes, scene.kept_bands, scene.file_bands) == ((), None, 6)


@pytest.mark.parametrize("fill", [np.nan, np.inf, -32768.0, 0.0])
def test_pixels_without_data_are_found_by_nan_by_nodata_or_by_one_value_in_all_bands(fill, caplog):
    cube = CUBE.copy()
    cube[:2, 0] = fill
    caplog.set_level(logging.INFO)
    for nodata in (None, -32768.0):
        scene = from_arrays(cube, LABELS, nodata=nodata)
        np.testing.assert_array_equal(np.argwhere(~scene.valid), [[0, 0], [1, 0]])
        assert scene.label_values == (1, 10, 14)
        assert (scene.labels[~scene.valid] == 0).all()
        assert any("2 of 12 pixels hold no data" in note for note in scene.notes)
        assert "1 labelled pixels hold no data" in caplog.text


def test_a_class_without_data_is_left_out_by_name():
    cube = CUBE.copy()
    cube[LABELS == 10] = np.nan
    scene = from_arrays(cube, LABELS, classes={"a": "#ff0000", "b": "#00ff00", "c": "#0000ff"})
    assert (scene.label_values, scene.class_names, scene.colours) == ((1, 14), ("a", "c"), ("#ff0000", "#0000ff"))
    np.testing.assert_array_equal(scene.labels, np.select([LABELS == 1, LABELS == 14], [1, 2]))
    assert "class 'b' has no pixel with data: it is left out" in scene.notes


def test_pixels_that_lack_some_bands_are_left_out_and_counted():
    scene = from_arrays(with_gaps(), LABELS)
    np.testing.assert_array_equal(np.argwhere(~scene.valid), [[0, 0], [2, 1]])
    assert scene.notes[0].startswith("2 pixels lack values in 3 bands (0, 2, 3; from 0): not mapped")


def test_or_refused_with_place_and_options():
    with pytest.raises(HsiError, match=r"2 pixels lack .*3 bands \(0, 2, 3; .*row 0, column 0.*=mask.*interp.*drop"):
        from_arrays(with_gaps(), LABELS, invalid="error")
    with pytest.raises(HsiError, match=r"scene\.invalid=fill: choose mask, error, interpolate or drop"):
        from_arrays(CUBE, LABELS, invalid="fill")


@pytest.mark.parametrize("place", [np.asarray, on_disk])
def test_or_interpolated_along_the_spectrum(place):
    cube = with_gaps()
    about = describe(invalid="interpolate", memory_gb=0)
    scene = assemble_raster(Raster(place(cube), ()), LabelImage(LABELS), about)
    assert scene.valid.all()
    found = np.asarray(scene.cube)
    # band 0 takes the nearest value, band 2 the mean of its neighbours
    np.testing.assert_allclose(found[0, 0], CUBE[0, 0][[1, 1, 2, 3, 4, 5]] * [1, 1, 0, 1, 1, 1] + _middle(CUBE[0, 0]))
    steps = CUBE[2, 1, 1] + (CUBE[2, 1, 4] - CUBE[2, 1, 1]) * np.array([1, 2]) / 3
    np.testing.assert_allclose(found[2, 1, [2, 3]], steps, rtol=1e-6)
    np.testing.assert_array_equal(found[1], CUBE[1])
    assert found.dtype == np.float32
    assert np.isnan(cube[0, 0, 0])  # the caller's array stays as it was


def _middle(spectrum: np.ndarray) -> np.ndarray:
    return np.array([0, 0, (spectrum[1] + spectrum[3]) / 2, 0, 0, 0])


def test_or_their_bands_are_dropped():
    scene = from_arrays(with_gaps(), LABELS, invalid="drop", wavelengths=WAVELENGTHS, rgb_bands=[4, 3, 0])
    np.testing.assert_array_equal(scene.cube, CUBE[:, :, [1, 4, 5]])
    np.testing.assert_array_equal(scene.wavelengths, [500, 1900, 2000])
    np.testing.assert_array_equal(scene.kept_bands, [1, 4, 5])
    assert scene.rgb_bands == (1, 1, 0)  # band 4 is 1 now; 3 is gone, 4 nearest; 0 is gone, 1 nearest
    every = np.where(np.eye(12, 6, dtype=bool).reshape(4, 3, 6), np.nan, CUBE)
    with pytest.raises(HsiError, match=r"every band has missing values.*mask or"):
        from_arrays(every, LABELS, invalid="drop")


def test_bands_without_data_are_left_out():
    cube = np.concatenate([CUBE, CUBE + 1], axis=2)
    cube[:, :, 1], cube[:, :, 4] = np.nan, 7
    cube[3] = -1  # a margin, which hides neither
    scene = from_arrays(cube, LABELS, wavelengths=np.arange(400, 412))
    kept = [0, 2, 3, *range(5, 12)]
    np.testing.assert_array_equal(scene.kept_bands, kept)
    np.testing.assert_array_equal(scene.wavelengths, np.add(kept, 400))
    np.testing.assert_array_equal(scene.valid, np.broadcast_to(np.arange(4)[:, None] < 3, (4, 3)))
    assert scene.notes[0] == "2 bands (1, 4; from 0) without data or constant, left out"
    everything = from_arrays(np.where(np.isnan(cube), 5, cube), LABELS, drop_bands="none")
    assert (everything.bands, everything.kept_bands) == (12, None)


def test_bands_are_left_out_by_wavelength_and_by_the_file():
    bad = np.arange(6) == 5
    raster = Raster(CUBE, (), wavelengths=np.array(WAVELENGTHS, float), bad_bands=bad)
    for ranges, kept in (("auto", [0, 1, 2, 3, 4]), ("water", [0, 1, 2]), ([[450, 650]], [0, 3, 4])):
        scene = assemble_raster(raster, None, describe(drop_bands=ranges))
        np.testing.assert_array_equal(scene.kept_bands, kept)
    assert assemble_raster(raster, None, describe(drop_bands="none")).bands == 6
    with pytest.raises(HsiError, match=r"the bands have none: give scene\.wavelengths"):
        from_arrays(CUBE, LABELS, drop_bands="water")
    with pytest.raises(HsiError, match="none of 6 bands is left"):
        assemble_raster(raster, None, describe(drop_bands=[[0, 3000]]))
    with pytest.raises(HsiError, match="600 to 500 nm is empty"):
        assemble_raster(raster, None, describe(drop_bands=[[600, 500]]))
    with pytest.raises(HsiError, match=r"scene\.drop_bands=wter: choose"):
        describe(drop_bands="wter")


def test_a_scene_without_any_data_is_refused():
    with pytest.raises(HsiError, match=r"no pixel holds data .*nodata \(-1\)"):
        from_arrays(np.full((4, 3, 6), -1), LABELS, nodata=-1)
    with pytest.raises(HsiError, match="no pixel holds data"):
        from_arrays(np.full((4, 3, 6), np.nan), LABELS)
    with pytest.raises(HsiError, match="every pixel lacks some band"):
        from_arrays(np.where(np.arange(72).reshape(4, 3, 6) % 6 == np.arange(12).reshape(4, 3, 1) % 6, np.nan, CUBE))


@given(st.data())
def test_what_pixels_without_data_hold_changes_nothing(data):
    """Nor does it matter whether the cube lies in memory or on disk."""
    empty = np.array(data.draw(st.lists(st.booleans(), min_size=12, max_size=12))).reshape(4, 3)
    empty[0, :2] = False
    fills = [-32768.0, 0.0, np.nan, 1e9]
    found = []
    for fill in fills:
        cube = np.where(empty[:, :, None], fill, CUBE).astype(np.float32)
        about = describe(nodata=None if np.isnan(fill) else fill, memory_gb=0)
        for place in (np.asarray, on_disk):
            scene = assemble_raster(Raster(place(cube), ()), LabelImage(LABELS), about)
            values, valid = scene.read(slice(0, 4))
            found.append((valid, values[valid], scene.labels, scene.label_values))
    for each in found:
        for ours, first in zip(each, found[0], strict=True):
            np.testing.assert_array_equal(ours, first)
    np.testing.assert_array_equal(found[0][0], ~empty)
