"""The maps of runs, and where seeds disagree, as small pictures inside the page."""

import base64
from html import escape
from io import BytesIO

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb
from PIL import Image

from hsi.comparison.page.shown import Shown, seeds_of
from hsi.plots.thinned import places
from hsi.reports.page.pixels import side_of
from hsi.scene import Scene

MOST = 40  # maps of runs, and as many of disagreement
PIXELS = 3_000_000  # of all pictures: a byte each at most, a third more as text
LARGEST = 90_000  # pixels of one of them
WIDE = 300  # pixels of the screen across one
INDEXED = 255  # colours beside the clear one of a picture with a palette
RAMP = [to_rgb(colormaps["magma_r"](step / (INDEXED - 1))) for step in range(INDEXED)]  # of disagreement


def members(shown: Shown, scene: Scene) -> tuple[str, str]:
    """Figures of the ground truth and of the maps of the first runs, and what is left out, in words."""
    runs = [
        (number, run)
        for number, setting in enumerate(shown.settings, start=1)
        for run in setting.runs
        if run.folder in shown.judgement.maps
    ]
    side, told = _side(shown, scene), []
    if len(runs) > MOST:
        told.append(f"The first {MOST} of {len(runs)} maps are shown; the table leads to all runs.")
    step = places(scene.rows, scene.cols, side)[0].step
    if step > 1:
        told.append(
            f"The pictures show row and column 0, {step}, {2 * step}... of a scene of {scene.rows:,} × {scene.cols:,} "
            "pixels; all figures are of the whole scene."
        )
    colours = [to_rgb(colour) for colour in scene.colours]
    figures = []
    if scene.labels.any():
        picture = _picture(scene.labels, colours, side, "Ground truth")
        figures.append(f"<figure>{picture}{_caption('Ground truth')}</figure>")
    for number, run in runs[:MOST]:
        name = shown.label(number)
        picture = _picture(shown.judgement.maps[run.folder], colours, side, f"Map of {name}, {seeds_of(run)}")
        caption = _caption(name, f"{seeds_of(run)}, {shown.in_units(run.metrics[shown.measure])}")
        figures.append(f'<figure><a href="{escape(shown.link(run))}">{picture}{caption}</a></figure>')
    return "".join(figures), " ".join(told)


def disagreements(shown: Shown, scene: Scene) -> str:
    """Figures of where the seeds of each setting are against their majority."""
    side, top, figures = _side(shown, scene), darkest(shown), []
    for each in shown.judgement.ensembles[:MOST]:
        share = np.nan_to_num(each.disagreement / top, nan=-1)
        codes = np.where(share < 0, 0, 1 + np.rint((INDEXED - 1) * share)).astype(np.uint8)
        name, disputed = shown.label(each.setting), (each.disagreement > 0).mean()
        votes = f"OA of their majority {100 * each.majority.oa:.2f} %, of one {100 * each.single_oa:.2f} %"
        caption = _caption(name, f"{each.seeds} runs, {disputed:.1%} of the pixels in dispute", votes)
        picture = _picture(codes, RAMP, side, f"Where the seeds of {name} disagree")
        figures.append(f"<figure>{picture}{caption}</figure>")
    return "".join(figures)


def darkest(shown: Shown) -> float:
    """The share of runs against the majority that the last colour of `RAMP` stands for."""
    return max(0.5, *(float(np.nanmax(each.disagreement)) for each in shown.judgement.ensembles))


def ramp() -> str:
    """Colours of a gradient, from agreement to dispute, for a style sheet."""
    return ", ".join(to_hex(colour) for colour in RAMP[:: INDEXED // 8])


def width(shown: Shown, scene: Scene) -> int:
    """Pixels of the screen that a picture is wide: a whole number for each that it has, where there is room."""
    _, kept = places(scene.rows, scene.cols, _side(shown, scene))
    cols = len(range(0, scene.cols, kept.step))
    return cols * max(1, WIDE // max(cols, len(range(0, scene.rows, kept.step))))


def _caption(name: str, *lines: str) -> str:
    told = "".join(f"<span>{escape(line)}</span>" for line in lines)
    return f"<figcaption><b>{escape(name)}</b>{told}</figcaption>"


def _side(shown: Shown, scene: Scene) -> int:
    """The longest side of a picture, so that all of them take up `PIXELS` at most."""
    count = 1 + min(MOST, len(shown.judgement.maps)) + min(MOST, len(shown.judgement.ensembles))
    return side_of(scene.rows, scene.cols, min(LARGEST, PIXELS // count))


def _picture(codes: np.ndarray, colours: list[tuple[float, float, float]], side: int, told: str) -> str:
    """A picture of codes (rows, cols): 0 is clear, 1..K have their colours; thinned to `side`."""
    small = np.ascontiguousarray(codes[places(codes.shape[0], codes.shape[1], side)])
    rows, cols = small.shape
    palette = np.rint(255 * np.array([(1.0, 1.0, 1.0), *colours])).astype(np.uint8)
    if len(colours) <= INDEXED:
        image = Image.frombytes("P", (cols, rows), small.astype(np.uint8).tobytes())
        image.putpalette(palette.tobytes())
        extra: dict[str, int] = {"transparency": 0}
    else:
        shades = np.dstack([palette.take(small, axis=0), np.where(small > 0, 255, 0).astype(np.uint8)])
        image, extra = Image.fromarray(shades), {}
    content = BytesIO()
    image.save(content, format="PNG", optimize=True, **extra)
    text = base64.b64encode(content.getvalue()).decode()
    return f'<img src="data:image/png;base64,{text}" alt="{escape(told)}" width="{cols}" height="{rows}">'
