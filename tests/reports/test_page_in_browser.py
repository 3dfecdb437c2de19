"""report.html as a reader uses it, in a headless browser: by pointer, by keys, on a phone, with hostile names."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from hsi.georeference import Georeference
from hsi.output.report import write_report
from studies.page import browser, example, measure, missing, open_page

pytestmark = pytest.mark.skipif(missing() is not None, reason=f"needs a browser: {missing()}")

ROWS, COLS, CLASSES = 60, 50, 5
UNSAFE = ("#00ff00", "#008000", "#ff0000", "#aa5500", "#0000ff")
PLACE = Georeference((20.0, 0.0, 5e5, 0.0, -20.0, 4.5e6), "EPSG:32616")


@pytest.fixture(scope="module")
def driver():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def made():
    return example(ROWS, COLS, 24, CLASSES, georeference=PLACE, colours=UNSAFE)


@pytest.fixture
def page(driver, made, tmp_path):
    open_page(driver, write_report(tmp_path, **made))
    yield driver
    assert [entry for entry in driver.get_log("browser") if entry["level"] != "INFO"] == []


def text(driver, id):
    return driver.execute_script("return document.getElementById(arguments[0]).innerText", id)


def choose(driver, id, value):
    driver.execute_script(
        "const [id, value] = arguments, box = document.getElementById(id);"
        "box.value = value; box.dispatchEvent(new Event('change'));",
        *(id, value),
    )


def centre(driver, row, col, view=1):
    """Where in the window the middle of a pixel of the scene is, in the map."""
    return driver.execute_script(
        """const [row, col, view, rows, cols] = arguments, canvas = document.querySelectorAll(".view")[view].firstChild;
        document.getElementById("inspector").scrollIntoView();
        const box = canvas.getBoundingClientRect();
        const scale = parseFloat(document.getElementById("zoom").innerText) / devicePixelRatio;
        const left = Math.max(0, (box.width - cols * scale) / 2), top = Math.max(0, (box.height - rows * scale) / 2);
        return [box.x + left + (col + 0.5) * scale, box.y + top + (row + 0.5) * scale];""",
        *(row, col, view, ROWS, COLS),
    )


def point(driver, x, y, kind="mouseMoved"):
    button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
    driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **button})
    driver.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")


def dots(driver, view):
    """The dots of a map as it is drawn, (rows, cols, 4)."""
    address = driver.execute_script(
        "return document.querySelectorAll('.view')[arguments[0]].firstChild.toDataURL()", view
    )
    return np.array(Image.open(BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGBA"))


def small(driver, view):
    """A map as it is drawn, a dot for each pixel of the scene, which has to be a whole number of equal dots."""
    image = dots(driver, view)
    scale = int(text(driver, "zoom").split(" :")[0])
    top, left = (max(0, free) // 2 for free in (image.shape[0] - ROWS * scale, image.shape[1] - COLS * scale))
    part = image[top : top + ROWS * scale, left : left + COLS * scale]
    whole = part[::scale, ::scale]
    assert (whole.repeat(scale, 0).repeat(scale, 1) == part).all()
    return whole


def test_maps_have_the_colours_of_their_classes_dot_by_dot(page, made):
    colours = np.array([[0, 0, 0, 0]] + [[*bytes.fromhex(c[1:]), 255] for c in made["scene"].colours])
    assert (small(page, 0) == colours[made["scene"].labels]).all()
    assert (small(page, 1) == colours[made["prediction"].class_map]).all()


def test_a_pixel_is_told_when_pointed_at_in_any_map(page, made):
    scene, prediction = made["scene"], made["prediction"]
    for view, (row, col) in enumerate([(3, 4), (20, 33), (59, 49), (0, 0)]):
        point(page, *centre(page, row, col, view))
        place, facts = text(page, "place"), text(page, "facts")
        assert place.startswith(f"Row {row}, column {col}")
        assert f"x {5e5 + 20 * (col + 0.5):.0f}" in place.replace(".0", "")
        assert "EPSG:32616" in place
        said, truth = prediction.class_map[row, col], scene.labels[row, col]
        assert scene.class_names[said - 1] in facts
        assert (scene.class_names[truth - 1] if truth else "unlabelled") in facts
        chances = np.sort(prediction.probabilities[row, col].astype(float))[::-1]
        told = [float(line.removesuffix(" %")) for line in text(page, "chances").splitlines() if line.endswith("%")]
        assert told == pytest.approx(100 * chances, abs=0.06)
    assert "wavelength (nm)" in text(page, "inspector")


def test_a_class_is_hidden_by_its_box_and_shown_again(page, made):
    box = "document.querySelectorAll('#legend input')[1]"
    before = small(page, 1)
    page.execute_script(f"{box}.focus(); {box}.click()")
    gone = small(page, 1)
    hidden = made["prediction"].class_map == 2
    assert (gone[hidden] == 0).all()
    assert (gone[~hidden] == before[~hidden]).all()
    assert (small(page, 0)[made["scene"].labels == 2] == 0).all()
    page.execute_script(f"{box}.click()")
    assert (small(page, 1) == before).all()


def test_a_cell_of_the_matrix_selects_its_pixels(page, made):
    confusion = made["evaluation"].scores.confusion
    truth, said = np.argwhere(confusion * (1 - np.eye(CLASSES, dtype=int)))[0] + 1
    cell = f'document.querySelector(\'#matrix [data-truth="{truth}"][data-said="{said}"]\')'
    page.execute_script(f"{cell}.click()")
    chosen = (made["split"].role == 3) & (made["scene"].labels == truth) & (made["prediction"].class_map == said)
    assert chosen.sum() == confusion[truth - 1, said - 1]
    opaque = small(page, 1)[:, :, 3]
    assert (opaque[chosen] == 255).all()
    assert (opaque[~chosen] < 60).all()
    assert f"{chosen.sum()} test pixel" in text(page, "selection")
    page.execute_script("document.getElementById('previous').click(); document.getElementById('next').click()")
    assert text(page, "place").split(" (")[0] in {f"Row {row}, column {col}" for row, col in np.argwhere(chosen)}
    page.execute_script(f"{cell}.click()")
    assert (small(page, 1)[:, :, 3] == 255).all()


def test_all_can_be_done_by_keys(page):
    from selenium.webdriver import Keys

    canvas = page.find_elements("css selector", ".view canvas")[2]
    canvas.send_keys(Keys.HOME)  # not one of its keys
    start = text(page, "place").split()
    canvas.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    end = text(page, "place").split()
    assert int(end[1][:-1]) == min(ROWS - 1, int(start[1][:-1]) + 1)
    assert int(end[3]) == min(COLS - 1, int(start[3]) + 1)
    assert "held" in text(page, "place")
    assert "True class" in page.execute_script("return document.getElementById('said').textContent")
    zoom = text(page, "zoom")
    canvas.send_keys("+")
    assert text(page, "zoom") != zoom
    canvas.send_keys("0", Keys.ESCAPE)
    assert text(page, "zoom") == zoom
    assert "held" not in text(page, "place")
    stops = page.execute_script("return document.querySelectorAll('#matrix [tabindex=\"0\"]').length")
    assert stops == 1
    first = page.find_element("css selector", "#matrix [tabindex='0']")
    first.send_keys(Keys.ARROW_DOWN)
    assert page.switch_to.active_element.get_attribute("data-truth") != first.get_attribute("data-truth")


def test_a_click_holds_a_pixel_until_escape(page):
    x, y = centre(page, 10, 10)
    point(page, x, y)
    for kind in ("mousePressed", "mouseReleased"):
        point(page, x, y, kind)
    assert "Row 10, column 10 (held)" in text(page, "place")
    point(page, *centre(page, 30, 30))
    assert "Row 10, column 10 (held)" in text(page, "place")


def test_the_safe_palette_is_a_switch_and_themes_change_the_ground(page, made):
    before = small(page, 1)
    page.execute_script(
        "const box = document.getElementById('palette'); box.value = 'safe'; box.dispatchEvent(new Event('change'))"
    )
    assert (small(page, 1) != before).any()
    grounds = set()
    for theme in ("light", "dark"):
        choose(page, "theme", theme)
        grounds.add(page.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


def test_on_a_phone_nothing_is_wider_than_the_screen(page):
    screen = {"width": 390, "height": 844, "deviceScaleFactor": 3, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        page.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0], 100))")
        assert page.execute_script("return document.documentElement.scrollWidth") <= 390
        assert small(page, 1).shape == (ROWS, COLS, 4)
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_hostile_names_run_nothing(driver, tmp_path):
    names = (
        "</script><script>document.title='owned'</script>",
        "<img src=x onerror=\"document.title='owned'\">",
        "a",
        "b",
    )
    open_page(driver, write_report(tmp_path, **example(30, 25, 12, 4, names=names, name=names[1])))
    assert driver.title != "owned"
    assert driver.title.endswith(", example, seed 0")
    assert names[0] in driver.execute_script("return document.getElementById('legend').textContent")
    assert driver.get_log("browser") == []


def test_the_benchmark_measures(driver, tmp_path):
    found = measure(driver, write_report(tmp_path, **example(30, 25, 12, 4)), moves=5)
    assert found["moves"] > 0
    assert found["first paint"] > 0
    assert 0 < found["maps drawn"] < found["spectra unpacked"]
    assert 0 < found["hover, median"] <= found["hover, longest"]
