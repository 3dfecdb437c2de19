"""comparison.html in a headless browser: sorted by pointer and keys, on a phone, on paper, without a complaint."""

import pytest
from test_comparison_page import HOSTILE, UNSAFE, make

from hsi.reports.page.colours import safe_colours
from hsi.scenes import labels
from studies.page import browser, missing, open_page

pytestmark = pytest.mark.skipif(missing() is not None, reason=f"needs a browser: {missing()}")
HEADS = "[...document.querySelectorAll('#settings th[scope=col]')]"
SWATCHES = (
    "return [...document.querySelectorAll('.legend .swatch')].map(each => getComputedStyle(each).backgroundColor)"
)
DRAWN = """
const picture = document.querySelector("#maps img"), canvas = document.createElement("canvas"), found = new Set();
await picture.decode();
const context = canvas.getContext("2d");
context.drawImage(picture, 0, 0);
const { data } = context.getImageData(0, 0, picture.naturalWidth, picture.naturalHeight);
for (let at = 0; at < data.length; at += 4) if (data[at + 3]) found.add(`rgb(${data.slice(at, at + 3).join(", ")})`);
return [...found];
"""
FIRST = "return [...document.querySelectorAll('#settings tbody tr')].map(row => row.cells[0].innerText).join('')"


@pytest.fixture(scope="module")
def driver():
    with browser() as opened:
        yield opened


@pytest.fixture
def page(driver, tmp_path, monkeypatch):
    monkeypatch.setattr(labels, "distinct_colours", lambda count: UNSAFE[:count])
    open_page(driver, make(tmp_path, models=("svm", HOSTILE, "knn")))
    yield driver
    assert driver.get_log("browser") == []
    assert "Comparison" in driver.title


def test_a_table_is_sorted_by_its_headings(page):
    from selenium.webdriver import Keys

    heads = page.execute_script(f"return {HEADS}.map(head => head.innerText.trim())")
    oa = page.find_elements("css selector", "#settings th[scope=col]")[heads.index("OA %")]
    button = oa.find_element("css selector", "button")
    order = [page.execute_script(FIRST)]
    button.click()
    order.append(page.execute_script(FIRST))
    assert oa.get_attribute("aria-sort") == "descending"
    button.send_keys(Keys.ENTER)
    order.append(page.execute_script(FIRST))
    assert oa.get_attribute("aria-sort") == "ascending"
    assert order == ["123", "123", "321"]
    page.find_element("css selector", "#settings th[scope=col] button").send_keys(Keys.SPACE)
    assert page.execute_script(f"return {HEADS}.filter(head => head.ariaSort).length") == 1
    assert "members" in heads


def test_the_safe_palette_is_a_switch_for_the_keys(page):
    from selenium.webdriver import Keys

    switch = page.find_element("id", "palette")
    page.execute_script("arguments[0].focus()", switch)
    for key, colours in ((Keys.ARROW_DOWN, safe_colours(UNSAFE)), (Keys.ARROW_UP, UNSAFE)):
        page.switch_to.active_element.send_keys(key)
        expected = [f"rgb({', '.join(map(str, bytes.fromhex(colour[1:])))})" for colour in colours]
        assert page.execute_script(SWATCHES) == expected
        assert set(page.execute_script(DRAWN)) == set(expected)


def test_on_paper_it_is_light_and_whole_without_controls(page):
    page.execute_script(
        "const box = document.getElementById('theme'); box.value = 'dark'; box.dispatchEvent(new Event('change'));"
        "addEventListener('beforeprint', () => { window.ground = getComputedStyle(document.body).backgroundColor; });"
    )
    page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert page.execute_script("return window.ground") == "rgb(255, 255, 255)"
    assert page.execute_script("return document.documentElement.dataset.theme") == "dark"
    paper = {"width": 718, "height": 1046, "deviceScaleFactor": 1, "mobile": False}  # A4 within margins of 1 cm
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", paper)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") <= 718
        assert not [each for each in page.find_elements("css selector", "select, nav, .skip") if each.is_displayed()]
        for chart in page.find_elements("css selector", ".chart svg"):
            assert 0 < chart.size["height"] < 1046
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_a_phone_and_in_the_dark(page):
    grounds = set()
    for theme in ("light", "dark"):
        page.execute_script(
            "const box = document.getElementById('theme'); box.value = arguments[0];"
            "box.dispatchEvent(new Event('change'));",
            theme,
        )
        grounds.add(page.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2
    screen = {"width": 390, "height": 844, "deviceScaleFactor": 3, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") <= 390
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
