"""A scene meets a model of another one: what fits is taken, what can be brought to it is, and the rest is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from test_sensor import on_disk

from hsi.errors import HsiError
from hsi.runs.adapt import adapt, half_widths, interpolation
from hsi.runs.sensor import Sensor, sensor_of
from hsi.scene import holds_data
from hsi.scenes.synthetic import make_synthetic

SCENE = make_synthetic(rows=40, cols=40, bands=30, classes=4)
SENSOR = sensor_of(SCENE)
KEPT = np.delete(np.arange(30), [4, 5, 20])
DROPPED = replace(  # as a survey leaves it
    SCENE,
    cube=np.ascontiguousarray(SCENE.cube[:, :, KEPT]),
    wavelengths=SCENE.wavelengths[KEPT],
    kept_bands=KEPT,
    file_bands=30,
)


def changed(cube):
    return replace(SCENE, cube=np.asarray(cube), valid=None)


def lazily(scene):
    return replace(scene, cube=on_disk(np.ascontiguousarray(scene.cube))[0])


def test_the_scene_itself_and_others_of_its_sensor_are_taken_as_they_are():
    assert adapt(SCENE, SENSOR, "itself") is SCENE
    other = make_synthetic(rows=30, cols=50, bands=30, classes=4, noise=0.05)  # another light, more noise
    for scene in (other, changed(SCENE.cube[:, ::-1]), changed(SCENE.cube * 0.95), lazily(SCENE)):
        assert adapt(scene, SENSOR, "itself") is scene


def test_nominal_wavelengths_hold_no_sensor_against_another():
    moved = replace(SCENE, wavelengths=SCENE.wavelengths + 100)
    with pytest.raises(HsiError, match="more than half a band away"):
        adapt(moved, SENSOR, "itself")
    nominal = replace(moved, nominal=True)
    assert sensor_of(nominal).wavelengths is None
    assert adapt(nominal, SENSOR, "itself").cube is SCENE.cube
    assert adapt(moved, sensor_of(nominal), "itself") is moved
    with pytest.raises(HsiError, match="resample=true needs wavelengths on both sides"):
        adapt(nominal, replace(SENSOR, bands=20), "itself", resample=True)


@pytest.mark.parametrize(
    ("cube", "sentence"),
    [
        (SCENE.cube / 10_000, r"100 % of its pixels lie beyond .* so give scale=10000$"),
        (SCENE.cube * 1e4, r"so give scale=0\.0001$"),
        (-SCENE.cube.astype(float), r"about -1 times as large; .* accept_range=true$"),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_values_of_another_kind_are_refused_and_the_sentence_says_how_they_differ(cube, sentence, lazy):
    scene = replace(changed(cube), wavelengths=None)
    scene = lazily(scene) if lazy else scene
    with pytest.raises(HsiError, match=sentence):
        adapt(scene, SENSOR, "itself")
    assert adapt(scene, SENSOR, "itself", accept_range=True) is scene
    assert adapt(scene, replace(SENSOR, quantiles=None), "itself") is scene


@pytest.mark.parametrize(
    "cube",
    [np.full_like(SCENE.cube, 3000), np.full(SCENE.cube.shape, np.nan), np.tile(SCENE.cube[:1, :1], (40, 40, 1))],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_nothing_to_map_is_refused_whatever_is_accepted(cube, lazy):
    scene = lazily(changed(cube)) if lazy else changed(cube)
    with pytest.raises(HsiError, match="all pixels are alike, or none has a value"):
        adapt(scene, replace(SENSOR, quantiles=None), "itself", accept_range=True)


@pytest.mark.parametrize(("strange", "fits"), [(80, True), (81, False)])
@pytest.mark.parametrize(("bands", "count"), [(16, True), (15, False)])
def test_five_percent_of_the_pixels_may_lie_beyond_in_most_bands(strange, fits, bands, count):
    """Of 1600 pixels 80 are 5 %; 15 of 30 bands are not most."""
    cube = SCENE.cube.astype(float).clip(SENSOR.quantiles[0], SENSOR.quantiles[-1]).reshape(-1, 30)
    cube[:strange, :bands] = SENSOR.quantiles[-1][:bands] + 1
    scene = changed(cube.reshape(40, 40, 30))
    if fits or not count:
        assert adapt(scene, SENSOR, "itself") is scene
    else:
        with pytest.raises(HsiError, match="5 % of its pixels"):
            adapt(scene, SENSOR, "itself")


def test_a_scale_brings_other_units_in_and_values_are_float32():
    small = changed(SCENE.cube / 10_000)
    for scene in (small, lazily(small)):
        fitting = adapt(scene, SENSOR, "itself", scale=10_000)
        assert fitting.cube.dtype == np.float32
        np.testing.assert_array_equal(np.asarray(fitting.cube), small.cube.astype(np.float32) * np.float32(10_000))


def test_a_scale_on_top_of_one_is_the_product_of_both():
    with pytest.raises(HsiError, match=r"so give scale=100$"):
        adapt(changed(SCENE.cube / 100), SENSOR, "itself", scale=10_000)


@pytest.mark.parametrize("nodata", [-32768.0, None])
@pytest.mark.parametrize("lazy", [False, True])
def test_pixels_without_data_stay_without_when_spectra_change(nodata, lazy):
    cube = SCENE.cube.astype(np.float64)
    cube[:5] = -32768
    cube[7, 7, 3] = np.nan
    scene = replace(SCENE, cube=cube, nodata=nodata, valid=None)
    shifted = replace(SENSOR, wavelengths=SENSOR.wavelengths + 1)
    for how in ({"scale": 1.0001}, {"resample": True}, {"resample": True, "scale": 1.0001}):
        fitting = adapt(lazily(scene) if lazy else scene, shifted, "itself", **how)
        valid = fitting.read(slice(0, 40))[1]
        np.testing.assert_array_equal(valid, holds_data(cube, nodata))
        assert np.isnan(np.asarray(fitting.cube)[~valid]).all()


@pytest.mark.parametrize("lazy", [False, True])
def test_a_file_with_all_its_bands_gives_those_of_the_model(lazy):
    model = sensor_of(DROPPED)
    scene = lazily(SCENE) if lazy else SCENE
    fitting = adapt(scene, model, "itself")
    np.testing.assert_array_equal(np.asarray(fitting.cube), DROPPED.cube)
    np.testing.assert_array_equal(fitting.wavelengths, DROPPED.wavelengths)
    assert (fitting.bands, fitting.file_bands) == (27, 30)
    assert fitting.notes[-1].startswith("27 of its 30 bands")
    assert adapt(fitting, model, "itself") is fitting


def test_what_has_dropped_the_same_bands_is_taken_as_it_is():
    model = sensor_of(DROPPED)
    assert adapt(DROPPED, model, "itself") is DROPPED
    short = replace(DROPPED, kept_bands=None, file_bands=None)  # a file of 27 bands
    assert adapt(short, model, "itself") is short
    fewer = replace(model, kept_bands=None, file_bands=None)  # of an earlier version
    assert adapt(DROPPED, fewer, "itself") is DROPPED


def test_a_scene_that_has_dropped_fewer_bands_loses_the_others_too():
    kept = np.delete(np.arange(30), [5])
    scene = replace(
        SCENE, cube=SCENE.cube[:, :, kept], wavelengths=SCENE.wavelengths[kept], kept_bands=kept, file_bands=30
    )
    np.testing.assert_array_equal(adapt(scene, sensor_of(DROPPED), "itself").cube, DROPPED.cube)


def test_other_bands_are_refused_and_the_way_out_is_named_where_there_is_one():
    with pytest.raises(HsiError, match=r"has 27 bands, the model was trained on 30 \(itself\): .*resample=true"):
        adapt(DROPPED, SENSOR, "itself")
    with pytest.raises(HsiError, match=r"trained on 30 \(itself\): predict scenes of the same sensor and bands"):
        adapt(replace(DROPPED, wavelengths=None), SENSOR, "itself")
    other = replace(DROPPED, kept_bands=np.delete(np.arange(30), [1, 2, 3]), wavelengths=None)
    with pytest.raises(HsiError, match=r"read with other bands of its files .*: leave out the same bands"):
        adapt(other, sensor_of(DROPPED), "itself")


def test_half_a_band_is_half_its_width_or_half_the_way_to_the_nearer_neighbour():
    sensor = Sensor(4, "uint16", np.array([400.0, 410, 430, 700]), None)
    assert half_widths(sensor).tolist() == [5, 5, 10, 135]
    assert half_widths(replace(sensor, fwhm=np.array([8.0, 0, 12, 10]))).tolist() == [4, 5, 6, 5]
    assert half_widths(Sensor(1, "uint16", np.array([400.0]), None)).tolist() == [5]


@pytest.mark.parametrize(("shift", "fits"), [(4.0, True), (-4.0, True), (4.001, False), (-4.001, False)])
def test_half_a_band_is_the_border(shift, fits):
    sensor = replace(SENSOR, fwhm=np.full(30, 8.0))
    moved = SCENE.wavelengths.copy()
    moved[3] += shift
    scene = replace(SCENE, wavelengths=moved)
    if fits:
        assert adapt(scene, sensor, "itself") is scene
    else:
        with pytest.raises(HsiError, match=r"band 3 lies at .*more than half a band away: .*resample=true$"):
            adapt(scene, sensor, "itself")


def test_wavelengths_that_are_no_numbers_do_not_switch_the_check_off():
    broken = replace(SCENE, wavelengths=np.full(SCENE.bands, np.nan))
    with pytest.raises(HsiError, match=r"lies at nan nm.* give its wavelengths"):
        adapt(broken, SENSOR, "itself")
    with pytest.raises(HsiError, match="cannot be resampled"):
        adapt(broken, SENSOR, "itself", resample=True)


WAVELENGTHS = st.lists(st.integers(400, 2500), min_size=1, max_size=12, unique=True).map(np.array)


@given(WAVELENGTHS, st.lists(st.floats(350, 2600), min_size=1, max_size=9), st.data())
def test_the_matrix_interpolates_as_numpy_does(found, wanted, data):
    spectrum = data.draw(arrays(np.float32, len(found), elements=st.floats(0, 100, width=32)))
    order = np.argsort(found)
    expected = np.interp(wanted, found[order], spectrum[order])
    np.testing.assert_allclose(spectrum @ interpolation(found, np.array(wanted)), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("lazy", [False, True])
def test_spectra_are_resampled_to_the_wavelengths_of_the_model(lazy):
    fine = np.linspace(SCENE.wavelengths[0] - 3, SCENE.wavelengths[-1] + 3, 77)
    spectra = np.apply_along_axis(lambda s: np.interp(fine, SCENE.wavelengths, s), 2, SCENE.cube)
    scene = replace(SCENE, cube=spectra, wavelengths=fine, rgb_bands=(70, 40, 0), file_bands=77)
    with pytest.raises(HsiError, match="resample=true"):
        adapt(scene, SENSOR, "itself")
    fitting = adapt(lazily(scene) if lazy else scene, SENSOR, "itself", resample=True)
    expected = np.apply_along_axis(lambda s: np.interp(SCENE.wavelengths, fine, s), 2, spectra)
    np.testing.assert_allclose(np.asarray(fitting.cube), expected, rtol=1e-5)
    assert fitting.cube.dtype == np.float32
    np.testing.assert_array_equal(fitting.wavelengths, SENSOR.wavelengths)
    assert fitting.rgb_bands == tuple(np.abs(SCENE.wavelengths - fine[band]).argmin() for band in (70, 40, 0))
    assert fitting.notes[-1] == "Its 77 bands are interpolated to the 30 of the model."
    assert adapt(fitting, SENSOR, "itself", resample=True) is fitting


def test_nothing_is_resampled_where_wavelengths_are_the_same():
    assert adapt(SCENE, SENSOR, "itself", resample=True) is SCENE
    fitting = adapt(SCENE, sensor_of(DROPPED), "itself", resample=True)
    np.testing.assert_array_equal(fitting.cube, DROPPED.cube)


def test_bands_beyond_the_ends_of_the_other_scene_cannot_be_resampled():
    step = SCENE.wavelengths[1] - SCENE.wavelengths[0]
    near = replace(SCENE, wavelengths=np.linspace(SCENE.wavelengths[0] + step / 2, SCENE.wavelengths[-1], 30))
    adapt(near, SENSOR, "itself", resample=True, accept_range=True)
    far = replace(SCENE, wavelengths=np.linspace(SCENE.wavelengths[0] + step, SCENE.wavelengths[-1], 30))
    with pytest.raises(HsiError, match=f"trained on {SCENE.wavelengths[0]:.0f} nm too .*cannot be resampled"):
        adapt(far, SENSOR, "itself", resample=True)


def test_resampling_needs_wavelengths_on_both_sides():
    with pytest.raises(HsiError, match=r"scene synthetic has none: give scene\.wavelengths="):
        adapt(replace(SCENE, wavelengths=None), SENSOR, "itself", resample=True)
    with pytest.raises(HsiError, match=r"those of the model are not known \(itself\): leave it out"):
        adapt(SCENE, replace(SENSOR, wavelengths=None), "itself", resample=True)


def test_bands_bring_their_widths_colours_and_numbers_along():
    """Red and green stay, blue was dropped: band 3 lies beside it, as near as 6 and before it."""
    model = sensor_of(DROPPED)
    scene = replace(SCENE, fwhm=np.linspace(8, 12, 30), rgb_bands=(22, 12, 4))
    fitting = adapt(scene, model, "itself")
    np.testing.assert_array_equal(fitting.fwhm, scene.fwhm[KEPT])
    np.testing.assert_array_equal(fitting.kept_bands, KEPT)
    assert fitting.rgb_bands == (19, 10, 3)
    assert adapt(replace(SCENE, fwhm=None, rgb_bands=None, wavelengths=None), model, "itself").rgb_bands is None
    assert fitting.name == scene.name
    assert len(fitting.notes) == len(scene.notes) + 1


def test_a_file_of_another_layout_fits_by_its_number_of_bands_alone():
    model = sensor_of(DROPPED)
    longer = replace(SCENE, cube=np.repeat(SCENE.cube, 2, axis=2)[:, :, :31], wavelengths=None, file_bands=None)
    with pytest.raises(HsiError, match="has 31 bands, the model was trained on 27"):
        adapt(longer, model, "itself")
    cut = replace(SCENE, cube=SCENE.cube[:, :, KEPT], wavelengths=None, kept_bands=np.arange(27), file_bands=31)
    assert adapt(cut, model, "itself") is cut


def test_wavelengths_that_differ_by_rounding_are_the_same():
    for apart, same in ((0.9e-6, True), (1.1e-5, False)):
        scene = replace(SCENE, wavelengths=SCENE.wavelengths + apart)
        assert (adapt(scene, SENSOR, "itself", resample=True) is scene) == same


@pytest.mark.parametrize(
    ("cube", "said"),
    [
        (SCENE.cube[:, :, ::-1], r"with its bands in reverse order it would fit"),
        (SCENE.cube * 1e2, r"so give scale=0\.01$"),
        (SCENE.cube / 1e3, r"so give scale=1000$"),
        (SCENE.cube.astype(float) * 40, r"about 40 times as large"),
    ],
)
def test_the_way_out_is_named_where_there_is_one(cube, said):
    """The bands of this sensor come in a narrow range each, so that their order shows."""
    steep = SCENE.cube.mean(axis=2, keepdims=True) * np.linspace(0.2, 3, 30)
    ratio = np.asarray(cube).astype(float) / SCENE.cube
    values = steep[:, :, ::-1] if "reverse" in said else steep * ratio
    model = replace(sensor_of(changed(steep)), wavelengths=None)
    with pytest.raises(HsiError, match=said):
        adapt(replace(changed(values), wavelengths=None), model, "itself")


def test_fewer_strange_values_are_remarked_on(caplog):
    """Below nine tenths of all values within the range; at nine tenths nothing is said."""
    for bands, said in ((3, False), (4, True)):
        caplog.clear()
        cube = SCENE.cube.astype(float).clip(SENSOR.quantiles[0], SENSOR.quantiles[-1])
        cube[:, :, :bands] = SENSOR.quantiles[-1][:bands] + 1
        scene = changed(cube)
        assert adapt(scene, SENSOR, "itself") is scene
        assert ("trust its map less" in caplog.text) == said
        assert (f"Only {100 * (1 - bands / 30):.0f} % of the values" in caplog.text) == said


def test_bands_in_reverse_order_are_remarked_on_where_half_of_them_could_be_right(caplog):
    """Of 30 bands the outer 7 at either end differ: 14 are not most, and turned round all would fit."""
    lift = np.where(np.arange(30) < 7, 0.5, np.where(np.arange(30) > 22, 2.0, 1.0))
    cube = np.random.default_rng(0).uniform(500, 520, (40, 40, 1)) * lift
    model = replace(sensor_of(changed(cube)), wavelengths=None)
    scene = replace(changed(cube[:, :, ::-1]), wavelengths=None)
    assert adapt(scene, model, "itself") is scene
    assert "its bands seem to come in reverse order" in caplog.text


def test_values_at_the_ends_of_the_range_lie_within():
    cube = np.broadcast_to(SENSOR.quantiles[0], (40, 40, 30)).copy()
    cube[::2] = SENSOR.quantiles[-1]
    scene = changed(cube)
    assert adapt(scene, SENSOR, "itself") is scene


@pytest.mark.parametrize("lazy", [False, True])
def test_constant_pixels_of_few_bands_are_data_and_of_five_are_a_margin(lazy):
    for bands, kept in ((4, True), (5, False)):
        cube = np.random.default_rng(0).uniform(1, 9, (6, 7, bands))
        cube[2] = 3
        scene = replace(SCENE, cube=cube, labels=np.zeros((6, 7), int), valid=None, wavelengths=None, file_bands=None)
        model = Sensor(bands, "float64", None, None)
        fitting = adapt(lazily(scene) if lazy else scene, model, "itself", scale=2)
        assert np.isfinite(np.asarray(fitting.cube)[2]).all() == kept
        np.testing.assert_array_equal(np.asarray(fitting.cube)[3:], (cube[3:].astype(np.float32) * 2))
        assert fitting.nodata is None


def test_only_bands_that_a_spectrum_is_made_of_can_lack_data():
    """Beyond the model's wavelengths a band may be missing; one that is interpolated from may not."""
    wide = np.append(SCENE.wavelengths, SCENE.wavelengths[-1] + [10, 20, 30])
    cube = np.concatenate([SCENE.cube, SCENE.cube[:, :, :3]], axis=2).astype(float)
    cube[3, 4, 32], cube[5, 6, 29] = np.nan, np.nan
    scene = replace(SCENE, cube=cube, wavelengths=wide, valid=None, rgb_bands=None, file_bands=33)
    fitting = adapt(scene, SENSOR, "itself", resample=True)
    assert np.argwhere(np.isnan(fitting.cube).any(axis=2)).tolist() == [[5, 6]]
    assert fitting.rgb_bands is None
    assert (fitting.kept_bands, fitting.file_bands) == (None, None)
    widths = np.full(30, 7.0)
    again = adapt(scene, replace(SENSOR, fwhm=widths), "itself", resample=True)
    np.testing.assert_array_equal(again.fwhm, widths)
