"""comparison.html in a headless browser: sorted by pointer and keys, on a phone, without a complaint."""

import pytest
from test_comparison_page import HOSTILE, make

from studies.page import browser, missing, open_page

pytestmark = pytest.mark.skipif(missing() is not None, reason=f"needs a browser: {missing()}")
HEADS = "[...document.querySelectorAll('#settings th[scope=col]')]"
FIRST = "return [...document.querySelectorAll('#settings tbody tr')].map(row => row.cells[0].innerText).join('')"


@pytest.fixture(scope="module")
def driver():
    with browser() as opened:
        yield opened


@pytest.fixture
def page(driver, tmp_path):
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
