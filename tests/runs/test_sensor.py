"""A trained model knows what it was trained on, and rejects what is not of that kind."""

from dataclasses import replace

import numpy as np
import pytest

from hsi.errors import HsiError
from hsi.runs.sensor import Sensor, require_fit, sensor_of
from hsi.scenes.synthetic import make_synthetic

SCENE = make_synthetic(rows=40, cols=40, bands=30, classes=4)
SENSOR = sensor_of(SCENE)


def changed(cube):
    return replace(SCENE, cube=np.asarray(cube))


def test_the_scene_itself_and_others_of_its_sensor_fit():
    require_fit(SCENE, SENSOR, "itself")
    other = make_synthetic(rows=30, cols=50, bands=30, classes=4, noise=0.05)  # another light, more noise
    require_fit(other, SENSOR, "itself")
    require_fit(changed(SCENE.cube[:, ::-1]), SENSOR, "itself")
    require_fit(changed(SCENE.cube * 0.9), SENSOR, "itself")


@pytest.mark.parametrize(
    ("cube", "sentence"),
    [
        (SCENE.cube / 10_000, "multiplied by 10000 they would fit"),
        (SCENE.cube * 1e4, "multiplied by 0.0001 they would fit"),
        (SCENE.cube[:, :, ::-1], "with its bands in reverse order it would fit"),
        (np.full_like(SCENE.cube, 3000), "all pixels are alike"),
        (np.full(SCENE.cube.shape, np.nan), "none has a value"),
        (np.zeros_like(SCENE.cube), "all pixels are alike"),
        (-SCENE.cube.astype(float), "0% of its values lie in the range"),
    ],
)
def test_values_of_another_kind_are_rejected_and_the_sentence_says_how_they_differ(cube, sentence):
    with pytest.raises(HsiError, match=sentence):
        require_fit(replace(changed(cube), wavelengths=None), SENSOR, "itself")


def test_wavelengths_that_are_no_numbers_do_not_switch_the_check_off():
    broken = replace(SCENE, wavelengths=np.full(SCENE.bands, np.nan))
    with pytest.raises(HsiError, match="lies at nan nm"):
        require_fit(broken, SENSOR, "itself")


def test_a_sensor_comes_back_from_json_and_damage_is_noticed():
    saved = SENSOR.as_json()
    again = Sensor.from_json(saved)
    np.testing.assert_array_equal(again.quantiles, SENSOR.quantiles)
    np.testing.assert_array_equal(again.wavelengths, SENSOR.wavelengths)
    for damage in ({"quantiles": [[1.0]]}, {"wavelengths_nm": [1.0]}, {"bands": 7}):
        with pytest.raises(ValueError, match="are not"):
            Sensor.from_json(saved | damage)


def test_quantiles_by_hand():
    cube = np.arange(1000.0).reshape(10, 100, 1)
    scene = replace(SCENE, cube=cube, labels=np.zeros((10, 100), int), wavelengths=None)
    np.testing.assert_allclose(sensor_of(scene).quantiles[:, 0], [0.999, 499.5, 998.001])
