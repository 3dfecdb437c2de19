"""How quick report.html is: ``python -m studies.page``. Needs Chromium, chromedriver and selenium (the extra `dev`).

A generated scene of the size of Pavia University, 610 x 340 pixels and 103 bands, with a map that is right but for some
pixels. Nothing is trained. Its page is written and opened in a headless browser, in which the pointer goes over a map.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from hsi import files
from hsi.errors import HsiError
from hsi.evaluation.evaluation import evaluate
from hsi.mapping.scene_map import Prediction
from hsi.output.report import write_report
from hsi.scene import Scene
from hsi.scenes.synthetic import make_synthetic
from hsi.splits.random import random_split

BROWSERS, DRIVER = ("chromium", "chromium-browser", "google-chrome"), "chromedriver"
QUIET = (  # nothing from the network, and nobody asked anything
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
)
HOVER = """
window.waits = [];
document.addEventListener("pointermove", (event) => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => window.waits.push(performance.now() - event.timeStamp);
  channel.port2.postMessage(0);
}), true);
"""


def missing() -> str | None:
    """What there is not of browser, driver and selenium; None where all are there."""
    if not any(map(shutil.which, BROWSERS)):
        return f"no browser ({', '.join(BROWSERS)}) is installed"
    if not shutil.which(DRIVER):
        return f"{DRIVER} is not installed"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed: pip install -c constraints.txt -e '.[dev]'"
    return None


@contextmanager
def browser(width: int = 1440, height: int = 900) -> Iterator[Any]:
    """A headless browser with an empty profile, as selenium's driver of it."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = next(path for name in BROWSERS if (path := shutil.which(name)))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for word in (*QUIET, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(word)
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which(DRIVER)))
        try:
            yield driver
        finally:
            driver.quit()


def open_page(driver: Any, path: Path, seconds: float = 60) -> None:
    """Open a page and wait until its script has unpacked all that it has, and the browser has painted."""
    ready = "return document.documentElement.dataset.ready === 'yes'"
    painted = "performance.getEntriesByName('first-contentful-paint').length > 0"  # a busy browser paints later
    driver.get(path.absolute().as_uri())
    end = time.monotonic() + seconds
    while not driver.execute_script(f"{ready} && {painted}"):
        if time.monotonic() > end:
            raise HsiError(f"{path} was not ready after {seconds:g} s: {driver.get_log('browser')}")
        time.sleep(0.02)


def example(
    rows: int, cols: int, bands: int, classes: int, names: tuple[str, ...] = (), **scene: Any
) -> dict[str, Any]:
    """What `hsi.output.report.write_report` takes, of a generated scene with a map that is wrong in places.

    `names` of the classes; `scene` replaces other fields of the scene.
    """
    made: Scene = make_synthetic(rows=rows, cols=cols, bands=bands, classes=classes)
    made = replace(made, class_names=names or made.class_names, **scene)
    split = random_split(made.labels, train=0.1, seed=0)
    random = np.random.default_rng(0)
    logits = random.normal(0, 1, (rows, cols, classes)).astype(np.float32)
    likely = np.where(made.labels > 0, made.labels, random.integers(1, classes + 1, (rows, cols)))
    np.put_along_axis(logits, likely[:, :, None] - 1, 3.5, axis=2)
    chances = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    class_map, confidence = (chances.argmax(axis=2) + 1).astype(np.uint8), chances.max(axis=2)
    steps = np.arange(1, 101)
    history = pd.DataFrame({"step": steps, "loss": 2 / steps, "accuracy": 1 - 0.8 / steps, "learning_rate": 1e-3})
    history["validation_accuracy"] = np.where(steps % 10 == 0, 1 - 0.9 / steps, np.nan)
    metrics = {"model": "example", "seed": 0, "choices": {"split": "random"}, "command": ["hsi", "run"], "config": {}}
    return {
        "scene": made,
        "split": split,
        "prediction": Prediction(class_map, confidence, 0.0, chances.astype(np.float16)),
        "evaluation": evaluate(made, split, class_map, confidence, 11),
        "history": history,
        "content": files.to_json(metrics),
    }


def measure(driver: Any, path: Path, moves: int = 200) -> dict[str, float]:
    """Milliseconds until first paint, until maps and spectra are there, and from the pointer's move to its frame.

    The pointer's moves are those of the browser's own protocol, through all of its event handling.
    """
    open_page(driver, path)
    found = driver.execute_script(
        "const all = {}; for (const kind of ['paint', 'mark']) for (const each of performance.getEntriesByType(kind))"
        " all[each.name] = each.startTime; return all;"
    )
    driver.execute_script(HOVER)
    driver.execute_script("document.getElementById('panels').scrollIntoView({block: 'center'})")
    box = driver.execute_script(
        "const box = document.querySelector('.view canvas').getBoundingClientRect();"
        "return [box.x, box.y, box.width, box.height];"
    )
    top, bottom = max(box[1], 260), min(box[1] + box[3], 700)
    for step in range(moves):
        x, y = box[0] + box[2] * (0.1 + 0.8 * step / moves), top + (bottom - top) * (step % 17) / 17
        driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})
    waits = sorted(driver.execute_script("return window.waits"))
    return {
        "first paint": found["first-contentful-paint"],
        "maps drawn": found["maps"],
        "spectra unpacked": found["spectra"],
        "hover, median": median(waits),
        "hover, 95 %": waits[int(0.95 * len(waits))],
        "hover, longest": waits[-1],
        "moves": len(waits),
    }


def main(words: list[str] | None = None) -> None:
    """Write the page, open it several times, and print medians."""
    parser = argparse.ArgumentParser(prog="python -m studies.page", description=(__doc__ or "").splitlines()[0])
    for name, value in {"rows": 610, "cols": 340, "bands": 103, "classes": 9, "rounds": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=f"default: {value}")
    chosen = parser.parse_args(words)
    if fault := missing():
        raise SystemExit(fault)
    with tempfile.TemporaryDirectory() as folder:
        made = example(chosen.rows, chosen.cols, chosen.bands, chosen.classes)
        started = time.monotonic()
        path = write_report(Path(folder), **made)
        print(f"written in {time.monotonic() - started:.1f} s, {path.stat().st_size / 1e6:.1f} MB")
        rounds = []
        for _ in range(chosen.rounds):
            with browser() as driver:
                rounds.append(measure(driver, path))
        middle = {name: round(median(each[name] for each in rounds), 1) for name in rounds[0]}
        print(json.dumps(middle, indent=2))


if __name__ == "__main__":
    main()
