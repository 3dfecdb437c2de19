"""The maps of runs, and where seeds disagree, as small pictures inside the page."""

import base64
import struct
import zlib
from collections.abc import Sequence
from html import escape
from io import BytesIO

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex
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
RAMP = [to_hex(colormaps["magma_r"](step / (INDEXED - 1))) for step in range(INDEXED)]  # of disagreement


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
    figures = []
    if scene.labels.any():
        picture = _picture(scene.labels, scene.colours, side, "Ground truth")
        figures.append(f"<figure>{picture}{_caption('Ground truth')}</figure>")
    for number, run in runs[:MOST]:
        name = shown.label(number)
        picture = _picture(shown.judgement.maps[run.folder], scene.colours, side, f"Map of {name}, {seeds_of(run)}")
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
    return ", ".join(RAMP[:: INDEXED // 8])


def palette(colours: Sequence[str]) -> str:
    """Colours '#rrggbb' of K <= `INDEXED` classes as they stand in the text of a picture, to be replaced by others.

    They are a piece of their own there: a PNG has its palette as a chunk of 3 K + 15 bytes behind 33 bytes, and base64
    writes each 3 bytes as 4 signs.
    """
    named = b"PLTE" + _palette(colours).tobytes()
    return base64.b64encode(struct.pack(">I", len(named) - 4) + named + struct.pack(">I", zlib.crc32(named))).decode()


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


def _palette(colours: Sequence[str]) -> np.ndarray:
    """Red, green and blue (K + 1, 3) of the codes 0, which is clear, and 1..K."""
    return np.array([[*bytes.fromhex(colour[1:])] for colour in ("#ffffff", *colours)], np.uint8)


def _picture(codes: np.ndarray, colours: Sequence[str], side: int, told: str) -> str:
    """A picture of codes (rows, cols): 0 is clear, 1..K have their colours; thinned to `side`."""
    small = np.ascontiguousarray(codes[places(codes.shape[0], codes.shape[1], side)])
    rows, cols = small.shape
    palette = _palette(colours)
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
