"""Units of wavelengths, and wavelengths in the names of bands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.scenes.wavelengths import TO_NANOMETRES, from_names, numbers, spectral_axis

POSITIVE = st.floats(0.001, 99_999, allow_nan=False).map(lambda value: round(value, 4))


@given(values=st.lists(POSITIVE, min_size=1, max_size=5), unit=st.sampled_from([*TO_NANOMETRES]), upper=st.booleans())
@pytest.mark.parametrize(
    "form",
    ["{value} {unit}", "Band {number} ({value:.4f} {unit})", "b{number}_{value}{unit}", "{unit}={value} {unit}."],
)
def test_any_name_with_a_unit(form, values, unit, upper):
    names = [form.format(value=value, unit=unit, number=number) for number, value in enumerate(values)]
    found, notes = from_names([name.title() if upper and "\u00b5" not in name else name for name in names])
    np.testing.assert_allclose(found, np.array(values) * TO_NANOMETRES[unit], rtol=1e-9)
    assert notes == ()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Band 1 (0.4512)", "Band 2 (0.4633)"], [451.2, 463.3]),
        (["451.2", "463.3"], [451.2, 463.3]),
        (["451.2 nm", "0.4633 um"], [451.2, 463.3]),
        (["Band 1 (1)", "Band 2 (2)"], None),  # numbers, no wavelengths
        (["1", "2"], None),
        (["451.2 nm", "mask"], None),
        (["451.2 nm", None], None),
        (["12 nmol", "13 nmol"], None),
        ([], None),
        (["(" * 100_000, ")" * 100_000], None),  # in no time
    ],
)
def test_names(names, expected):
    found, _ = from_names(names)
    assert (None if found is None else found.round(6).tolist()) == expected


@pytest.mark.parametrize("texts", [[], ["1", "x"], ["nan"], ["inf"], [""]])
def test_no_numbers(texts):
    assert numbers(texts) is None


def test_widths_share_the_unit_of_the_wavelengths():
    """A width of 10 alone would be taken for µm."""
    wavelengths, fwhm, notes = spectral_axis(np.array([400.0, 410]), np.array([10.0, 11]), None, 2)
    assert (wavelengths.tolist(), fwhm.tolist()) == ([400, 410], [10, 11])
    assert notes == ("no wavelength unit is given, by their size they are nm",)
    assert spectral_axis(None, np.array([10.0, 11]), None, 2) == (None, None, ())
    assert spectral_axis(None, np.array([10.0, 11]), "nm", 2)[1].tolist() == [10, 11]
