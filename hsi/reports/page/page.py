"""The whole page, from a finished run to one text."""

import base64
import hashlib
import re
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from matplotlib import colormaps
from matplotlib.colors import to_hex

from hsi.errors import shown as cut
from hsi.georeference import Georeference
from hsi.reports.page import charts, sections
from hsi.reports.page.colours import MOST, NEAR, closest, safe_colours
from hsi.reports.page.packing import as_json
from hsi.reports.page.pixels import LEADING, pixel_data
from hsi.reports.page.record import record
from hsi.reports.page.shown import Shown
from hsi.scene import Scene
from hsi.version import __version__

HERE = Path(__file__).parent
SCRIPTS = ("switches.js", "data.js", "maps.js", "inspector.js", "controls.js")
TRAINED = (
    '<span class="lines"><i class="measured"></i>training batches '
    '<i class="validated"></i>validation pixels, if any</span>'
)
RAMP = 64  # colours of the confidence


def page(shown: Shown) -> str:
    """The text of report.html; equal runs give equal bytes. See docs/report.md."""
    scene, metrics, judged = shown.scene, shown.metrics, shown.evaluation
    title = f"{cut(scene.name, 80)}, {cut(metrics.get('model', 'model'), 40)}, seed {cut(metrics.get('seed', '?'), 20)}"
    about, arrays = pixel_data(shown)
    safe, warning = palettes(scene)
    about |= {
        "classes": [
            {"name": name, "colour": own, "safe": other}
            for name, own, other in zip(scene.class_names, scene.colours, safe, strict=True)
        ],
        "ramp": [to_hex(colormaps["cividis"](step / (RAMP - 1))) for step in range(RAMP)],
        **_placed(scene.georeference),
    }
    early, script = own("early.js"), closed(*map(own, SCRIPTS))
    texts = {
        "title": escape(title),
        "allowed": " ".join(map(allowed, (early, script))),
        "early": early,
        "style": own("page.css"),
        "palettes": f":root {{ --ramp: {', '.join(about['ramp'][::7])}, {about['ramp'][-1]}; }}\n"
        + rules(scene.colours, safe),
        "pixels": escape(sections.pixels_in_words(shown)),
        "headline": sections.headline(shown),
        "sentences": sections.sentences(shown),
        "switch": warning,
        "thinned": escape(_thinned(about, scene)),
        "leading": _leading(about),
        "confusion": sections.confusion(judged.scores.confusion, scene.class_names),
        "classes": sections.classes(shown),
        **_charts(shown),
        "areas": sections.areas(shown.areas, shown.area_notes),
        "record": record(shown),
        "version": escape(__version__),
        "data": as_json("about", about) + arrays,
        "script": script,
    }
    return Template(own("page.html")).substitute(texts)


def palettes(scene: Scene) -> tuple[tuple[str, ...], str]:
    """Colours that are safe for colour-blind readers, and the switch to them; none where the customary ones are."""
    near, first, second, reader = closest(scene.colours)
    if near >= NEAR or scene.num_classes > MOST:
        return scene.colours, ""
    names = escape(scene.class_names[first]), escape(scene.class_names[second])
    told = f"To {reader}, {names[0]} and {names[1]} differ by {near:.1f} ΔE in the customary colours"
    return safe_colours(scene.colours), (
        '<label>Colours <select id="palette"><option value="customary">customary</option>'
        f'<option value="safe">colour-blind-safe</option></select></label><span class="near">{told}.</span>'
    )


def own(name: str) -> str:
    """The text of a file beside this one."""
    return (HERE / name).read_text(encoding="utf-8")


def closed(*scripts: str) -> str:
    """Scripts as one, whose names no other script sees."""
    return f'(() => {{\n"use strict";\n{"".join(scripts)}}})();'


def allowed(script: str) -> str:
    """The word of a content security policy that lets this script run, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def rules(customary: tuple[str, ...], safe: tuple[str, ...]) -> str:
    """The colours of the classes as variables of the style sheet; anything else than a colour is refused."""
    for colour in (*customary, *safe):
        if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
            raise ValueError(f"{colour} is no colour")
    written = []
    for selector, colours in ((":root", customary), (':root[data-palette="safe"]', safe)):
        inside = " ".join(f"--class-{number}: {colour};" for number, colour in enumerate(colours, start=1))
        written.append(f"{selector} {{ {inside} }}")
    return "\n".join(written)


def _placed(place: Georeference | None) -> dict[str, Any]:
    """Where the pixels lie, for the script."""
    if place is None:
        return {"transform": None, "crs": None}
    name = re.search(r'^\w+\["([^"]*)"', place.crs or "")  # of WKT; an EPSG code stands for itself
    return {"transform": list(place.transform), "crs": cut(name[1] if name else place.crs or "", 60) or None}


def _thinned(about: dict[str, Any], scene: Scene) -> str:
    """What of a large scene is not on the page."""
    told = []
    if about["step"] > 1:
        told.append(
            f"The maps show row and column 0, {about['step']}, {2 * about['step']}... of a scene of {scene.rows:,} × "
            f"{scene.cols:,} pixels; all figures are of the whole scene."
        )
    bands = len(about["bands"])
    if bands < scene.bands:
        told.append(f"Spectra show {bands} of the {scene.bands} bands, evenly chosen, so that the page stays small.")
    return " ".join(told)


def _leading(about: dict[str, Any]) -> str:
    if about["leading"] == 1:
        return "Its probability; those of other classes were not kept (<code>map.save_probabilities</code>)"
    words = ("", "", "two", "three", "four", "five")
    return f"The {words[about['leading']]} highest probabilities" if about["leading"] <= LEADING else "Probabilities"


def _charts(shown: Shown) -> dict[str, str]:
    judged = shown.evaluation
    bins, alone = judged.leakage["accuracy_by_distance"], judged.position["accuracy_by_distance"]
    reach = judged.leakage["window"] // 2
    masked = judged.leakage["test_windows_with_training_pixel"] == 0
    drawn = {
        "Loss": charts.loss(shown.history),
        f"Accuracy {TRAINED}": charts.accuracy(shown.history),
    }
    figures = [
        f'<figure class="chart"><figcaption>{told}</figcaption>{chart}</figure>'
        for told, chart in drawn.items()
        if chart
    ]
    return {
        "distance": charts.by_distance(bins, alone),
        "counts": charts.how_many(bins, reach),
        "reach": escape(f"orange lies within a window’s reach of {reach}" + (", masked" if masked else "")),
        "reliability": charts.reliability(judged.calibration),
        "risk": charts.risk(judged.calibration),
        "ece": f"{100 * judged.calibration.ece:.1f} %",
        "aurc": f"{100 * judged.calibration.aurc:.2f} %",
        "training": f'<div class="charts">{"".join(figures)}</div>'
        if figures
        else "<p>This model learns in one go: there is no course to draw.</p>",
    }
