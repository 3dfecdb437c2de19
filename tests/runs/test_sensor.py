"""What a trained model knows of its scene: bands, and the values of pixels that hold data."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hsi.cube import LazyCube
from hsi.runs.sensor import QUANTILES, Sensor, data_mask, look, sensor_of
from hsi.scene import holds_data
from hsi.scenes.synthetic import make_synthetic

SCENE = make_synthetic(rows=40, cols=40, bands=30, classes=4)
SENSOR = sensor_of(SCENE)


def on_disk(cube, read=None):
    """A cube that counts the rows that are read of it."""
    log = []

    def part(rows, cols, bands):
        log.append(rows)
        return np.ascontiguousarray(cube[rows, cols] if bands is None else cube[rows, cols][:, :, bands])

    return LazyCube(cube.shape, cube.dtype, part), log


def test_a_sensor_comes_back_from_json_and_damage_is_noticed():
    sensor = replace(SENSOR, fwhm=np.full(30, 9.5), kept_bands=np.arange(2, 32), file_bands=40)
    saved = json.loads(json.dumps(sensor.as_json()))
    again = Sensor.from_json(saved)
    for name in ("quantiles", "wavelengths", "fwhm", "kept_bands"):
        np.testing.assert_array_equal(getattr(again, name), getattr(sensor, name))
    assert (again.bands, again.dtype, again.file_bands) == (30, sensor.dtype, 40)
    for damage in (
        {"quantiles": [[1.0]]},
        {"wavelengths_nm": [1.0]},
        {"fwhm_nm": [None] * 30},
        {"bands": 7},
        {"kept_bands": [1.0]},
        {"kept_bands": [*range(29), 28]},
        {"kept_bands": [*range(29), 29.5]},
        {"kept_bands": [-1, *range(29)]},
        {"kept_bands": [*range(29), 40]},
        {"file_bands": "many"},
        {"file_bands": 10**30},
        {"file_bands": None},
    ):
        with pytest.raises(ValueError, match=r"are not|is no"):
            Sensor.from_json(saved | damage)


def test_a_sensor_of_an_earlier_version_knows_less():
    old = {"bands": 30, "dtype": "uint16", "wavelengths_nm": None, "quantiles": None}
    sensor = Sensor.from_json(old)
    assert sensor.fwhm is sensor.kept_bands is sensor.file_bands is None


def test_quantiles_by_hand():
    cube = np.arange(1000.0).reshape(10, 100, 1)
    scene = replace(SCENE, cube=cube, labels=np.zeros((10, 100), int), wavelengths=None, valid=None)
    np.testing.assert_allclose(sensor_of(scene).quantiles[:, 0], [0.999, 499.5, 998.001])


def test_quantiles_of_a_scene_in_memory_are_those_of_every_nth_pixel(indian_pines):
    values = indian_pines.cube.reshape(-1, 200).astype(np.float64)  # 21,025: each of them
    np.testing.assert_array_equal(sensor_of(indian_pines).quantiles, np.quantile(values, QUANTILES, axis=0))
    large = replace(SCENE, cube=np.tile(SCENE.cube, (8, 5, 1)), valid=None)  # 64,000: every third
    np.testing.assert_array_equal(look(large), large.cube.reshape(-1, 30)[::3])


@pytest.mark.parametrize("fill", [np.nan, -9999.0, 0.0])
@pytest.mark.parametrize("known", [True, False], ids=["surveyed", "not surveyed"])
def test_pixels_without_data_are_not_looked_at_whatever_they_hold(fill, known):
    cube = np.full((50, 60, 30), fill)
    cube[3:43, 7:47] = SCENE.cube
    valid = np.zeros((50, 60), bool)
    valid[3:43, 7:47] = True
    scene = replace(SCENE, cube=cube, valid=valid if known else None, nodata=-9999.0)
    np.testing.assert_array_equal(look(scene), SCENE.cube.reshape(-1, 30).astype(float))
    lazy, _ = on_disk(cube)
    found = look(replace(scene, cube=lazy))
    assert 0 < len(found) <= 1600
    assert np.isin(found[:, 0], SCENE.cube[:, :, 0]).all()


def test_few_rows_of_a_cube_on_disk_are_read_and_they_are_spread_evenly():
    cube, log = on_disk(np.tile(SCENE.cube, (40, 20, 1)))  # 1600 x 800
    found = look(replace(SCENE, cube=cube, valid=None))
    assert len(log) == 64
    assert all(rows.stop - rows.start == 1 for rows in log)
    assert (log[0].start, log[-1].start) == (0, 1599)
    assert set(np.diff([rows.start for rows in log])) <= {25, 26}
    assert len(found) == 64 * 400  # every second pixel of a row


def test_data_in_a_corner_of_a_cube_on_disk_is_found():
    whole = np.full((1000, 10, 30), np.nan)
    whole[501, 3:7] = SCENE.cube[0, :4]
    cube, log = on_disk(whole)
    np.testing.assert_array_equal(look(replace(SCENE, cube=cube, valid=None)), SCENE.cube[0, :4])
    valid = np.isfinite(whole).all(axis=2)
    log.clear()
    np.testing.assert_array_equal(look(replace(SCENE, cube=cube, valid=valid)), SCENE.cube[0, :4])
    assert log == [slice(501, 502)]


def test_where_nothing_holds_data_nothing_is_found():
    cube, _ = on_disk(np.full((100, 10, 30), np.nan))
    assert look(replace(SCENE, cube=cube, valid=None)).shape == (0, 30)
    assert look(replace(SCENE, cube=cube, valid=np.zeros((100, 10), bool))).shape == (0, 30)


def test_a_sensor_knows_bands_widths_and_what_was_kept_of_the_file():
    kept, widths = np.arange(3, 33), np.linspace(8, 12, 30)
    found = sensor_of(replace(SCENE, fwhm=widths, kept_bands=kept, file_bands=40))
    assert (found.bands, found.dtype, found.file_bands) == (30, str(SCENE.cube.dtype), 40)
    for name, array in (("fwhm", widths), ("kept_bands", kept), ("wavelengths", SCENE.wavelengths)):
        np.testing.assert_array_equal(getattr(found, name), array)
    assert sensor_of(replace(SCENE, fwhm=np.where(kept == 5, np.nan, widths))).fwhm is None
    assert sensor_of(SCENE).fwhm is None


@pytest.mark.parametrize("step", [1, 2, 3])
def test_pixels_in_memory_are_looked_at_from_20000_on_in_steps(step):
    """As many as there are, or each second or third from twice or thrice as many on."""
    cube = np.arange(200 * step * 100 * 5.0).reshape(-1, 100, 5)
    for lost, expected in ((0, step), (1, max(1, step - 1))):
        valid = np.ones(cube.shape[:2], bool)
        valid[0, :lost] = False
        scene = replace(SCENE, cube=cube, labels=valid * 0, valid=valid, wavelengths=None)
        np.testing.assert_array_equal(look(scene), cube.reshape(-1, 5)[lost:][::expected])


@pytest.mark.parametrize("bands", [None, [7, 9]])
def test_a_file_has_at_least_the_bands_that_were_kept_of_it(bands):
    saved = {"bands": 2, "dtype": "uint16", "kept_bands": bands}
    assert Sensor.from_json(saved | {"file_bands": 10}).file_bands == 10
    for damage in (0, -1, 1.5, "10", 10**6 + 1):
        with pytest.raises(ValueError, match="file_bands"):
            Sensor.from_json(saved | {"file_bands": damage})
    assert Sensor.from_json(saved | {"file_bands": 10**6}).file_bands == 10**6


def test_bands_that_were_kept_are_numbers_below_those_of_the_file():
    saved = {"bands": 2, "dtype": "uint16", "file_bands": 10}
    found = Sensor.from_json(saved | {"kept_bands": [0, 9]})
    assert found.kept_bands.tolist() == [0, 9]
    assert found.kept_bands.dtype == np.int64
    for damage in ([0, 10], [-1, 3], [3, 3], [4, 3], [3, 4.5], [3, float("nan")]):
        with pytest.raises(ValueError, match="kept_bands"):
            Sensor.from_json(saved | {"kept_bands": damage})


def test_all_of_a_scene_is_asked_which_pixels_hold_data_where_nobody_has_looked():
    cube = SCENE.cube.astype(float)
    cube[:7, 3] = -9999
    cube[20] = 5
    scene = replace(SCENE, cube=cube, valid=None, nodata=-9999.0)
    np.testing.assert_array_equal(data_mask(scene), holds_data(cube, -9999.0))
    np.testing.assert_array_equal(data_mask(replace(scene, cube=on_disk(cube)[0])), holds_data(cube, -9999.0))
    valid = np.zeros((40, 40), bool)
    assert data_mask(replace(scene, valid=valid)) is valid


def test_rows_of_a_small_cube_on_disk_are_all_read_once_in_order():
    cube, log = on_disk(SCENE.cube)  # 40 rows of the 64 that may be read
    np.testing.assert_array_equal(look(replace(SCENE, cube=cube, valid=None)), SCENE.cube.reshape(-1, 30))
    assert [rows.start for rows in log] == list(range(40))


def test_more_rows_are_read_until_one_holds_data_and_no_more():
    whole = np.full((200, 10, 30), np.nan)
    whole[150:, :] = SCENE.cube[0, :10]
    whole[np.linspace(0, 199, 64).round().astype(int)] = np.nan
    cube, log = on_disk(whole)
    np.testing.assert_array_equal(look(replace(SCENE, cube=cube, valid=None)), SCENE.cube[0, :10])
    assert len(log) == 64 + sum(row not in {r.start for r in log[:64]} for row in range(150)) + 1
    assert len({rows.start for rows in log}) == len(log)
