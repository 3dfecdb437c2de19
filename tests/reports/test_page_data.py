"""What a page holds of the pixels: nothing lost that is not said to be."""

import base64
import json
import re
import zlib

import numpy as np
import pytest

from hsi.cube import LazyCube
from hsi.output.report import write_report
from hsi.reports.page import pixels
from hsi.reports.page.packing import as_json
from hsi.reports.page.pixels import STEPS, WHOLE, leading, quantised, side_of
from studies.page import example


def data_of(text: str, name: str) -> bytes:
    (found,) = re.findall(rf'<script type="[^"]*" id="data-{name}">([^<]*)</script>', text)
    return found.encode() if name == "about" else zlib.decompress(base64.b64decode(found))


def spectra_of(text: str) -> np.ndarray:
    """Decoded as the page's script does it."""
    about = json.loads(data_of(text, "about"))
    codes = np.frombuffer(data_of(text, "spectra"), np.uint8).reshape(about["rows"], about["cols"], -1)
    low, high = np.array(about["low"]), np.array(about["high"])
    return low + np.cumsum(codes, axis=2, dtype=np.uint8) / STEPS * (high - low)


def test_every_spectrum_is_there_to_half_a_step(tmp_path):
    made = example(30, 20, 12, 4)
    text = write_report(tmp_path, **made).read_text()
    cube = made["scene"].cube
    step = np.ptp(cube.reshape(-1, 12), axis=0) / STEPS
    assert (np.abs(spectra_of(text) - cube) <= 0.501 * step + 1e-5 * np.abs(cube).max()).all()
    for name, image in (("map", made["prediction"].class_map), ("truth", made["scene"].labels)):
        assert (np.frombuffer(data_of(text, name), np.uint8) == image.ravel()).all()
    assert (np.frombuffer(data_of(text, "role"), np.uint8) == made["split"].role.ravel()).all()
    means = json.loads(data_of(text, "about"))["means"]
    for number, mean in enumerate(means, start=1):
        assert mean == pytest.approx(cube[made["scene"].labels == number].mean(axis=0), rel=1e-5)


def test_large_scenes_are_thinned_and_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr(pixels, "MOST_PIXELS", 200)
    monkeypatch.setattr(pixels, "MOST_VALUES", 1000)
    made = example(40, 30, 12, 4)
    text = write_report(tmp_path, **made).read_text()
    about = json.loads(data_of(text, "about"))
    assert (about["step"], about["rows"], about["cols"]) == (3, 14, 10)
    assert about["bands"] == [0, 2, 4, 6, 8, 10]
    assert (np.frombuffer(data_of(text, "map"), np.uint8) == made["prediction"].class_map[::3, ::3].ravel()).all()
    assert "row and column 0, 3, 6... of a scene of 40 × 30 pixels" in text
    assert "Spectra show 6 of the 12 bands" in text
    assert f"{100 * made['evaluation'].scores.oa:.2f} %" in text  # of all pixels


@pytest.mark.parametrize(
    ("rows", "cols"), [(1, 1), (610, 340), (145, 145), (1096, 715), (20_000, 20_000), (100_000, 3)]
)
def test_thinned_scenes_are_as_large_as_allowed(rows, cols):
    side = side_of(rows, cols, pixels.MOST_PIXELS)
    step = -(-max(rows, cols) // side)
    kept = [-(-rows // each) * -(-cols // each) for each in (step, step - 1) if each]
    assert kept[0] <= pixels.MOST_PIXELS
    assert len(kept) == 1 or kept[1] > pixels.MOST_PIXELS


def test_of_a_cube_on_disk_only_what_is_shown_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pixels, "MOST_PIXELS", 200)
    made = example(40, 30, 12, 4)
    cube, read = made["scene"].cube, []

    def take(rows: slice, cols: slice, bands: np.ndarray | None) -> np.ndarray:
        read.extend(range(rows.start, rows.stop))
        return np.ascontiguousarray(cube[rows, cols] if bands is None else cube[rows, cols][:, :, bands])

    lazy = example(40, 30, 12, 4, cube=LazyCube(cube.shape, cube.dtype, take))
    text = write_report(tmp_path, **lazy).read_text()
    assert set(read) == set(range(0, 40, 3))
    assert text == write_report(tmp_path, **made).read_text()


def test_the_highest_probabilities_start_with_the_map():
    chances = np.array([[[0.1, 0.45, 0.45], [0.2, 0.3, 0.5], [np.nan] * 3]], np.float16)
    class_map, confidence = np.array([[3, 3, 0]], np.uint8), np.array([[0.4501, 0.5, np.nan]], np.float32)
    classes, found = leading(class_map, confidence, chances)
    assert classes.tolist() == [[[3, 2, 1], [3, 2, 1], [0, 0, 0]]]
    assert found[0, 0].tolist() == pytest.approx([4501, 4500, 1000], abs=2)  # the first in full precision
    assert found[0, 2].tolist() == [0, 0, 0]
    classes, found = leading(class_map, confidence, None)
    assert (classes[..., 0].tolist(), found[..., 0].tolist()) == ([[3, 3, 0]], [[4501, WHOLE // 2, 0]])


def test_bands_that_never_change_and_pixels_without_data():
    values = np.array([[[1, 5], [3, 5], [99, 99]]], np.float32)
    low, high, codes = quantised(values, np.array([[True, True, False]]))
    assert (low.tolist(), high.tolist()) == ([1, 5], [3, 5])
    assert np.cumsum(codes, axis=2, dtype=np.uint8).tolist() == [[[0, 0], [255, 0], [0, 0]]]


def test_nothing_in_json_ends_its_element():
    hostile = {"name": "</script><script>alert(1)</script><!-- & ]]>"}
    text = as_json("about", hostile)
    assert text.count("<") == 2
    assert json.loads(text[text.index(">") + 1 : text.rindex("</")]) == hostile
    with pytest.raises(ValueError, match="JSON"):
        as_json("about", {"value": float("nan")})
