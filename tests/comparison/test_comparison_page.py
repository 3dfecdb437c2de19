"""comparison.html as `hsi compare` leaves it: whole, safe, the same for the same runs, linked to its runs."""

import base64
import re
from html import unescape
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from compared_runs import SCENE, write_maps, write_position
from PIL import Image
from written_runs import write_run

from hsi.comparison.groups import find_runs
from hsi.comparison.page import figures, maps
from hsi.comparison.page.figures import cliques
from hsi.comparison.page.shown import Shown
from hsi.comparison.report import compare
from hsi.evaluation.statistics import rank
from hsi.reports.page.colours import lab, safe_colours
from hsi.scenes import labels
from hsi.scenes.synthetic import make_synthetic

UNSAFE = ("#ff0000", "#aa5500", "#0000ff")
HOSTILE = '</script><img src=x onerror="alert(1)">${title}'


class Reader(HTMLParser):
    """Refuses elements that do not nest; notes attributes by tag."""

    def __init__(self):
        super().__init__()
        self.open, self.found = [], []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text())
    reader.close()
    assert reader.open == []
    return reader


def decoded(source: str) -> np.ndarray:
    """Red, green, blue and opacity (rows, cols, 4) of a picture inside the page."""
    return np.array(Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGBA"))


def coloured(colours, codes: np.ndarray) -> np.ndarray:
    """What a picture of codes (rows, cols), 0 or 1..K, has to be in colours of these classes."""
    return np.array([[255, 255, 255, 0], *([*bytes.fromhex(colour[1:]), 255] for colour in colours)])[codes]


def make(folder: Path, models=("svm", "knn", "cnn"), seeds: int = 3, maps: bool = True) -> Path:
    """Runs of some settings, and their page in a folder beside them."""
    scene = make_synthetic(**SCENE)
    for number, model in enumerate(models):
        for seed in range(seeds):
            run = write_run(
                folder / "runs" / f"{number}, seed={seed}", model=model, seed=seed, oa=0.9 - number / 10 + seed / 100
            )
            write_position(run, 0.5, 0.1)
            if maps:
                write_maps(run, scene, 0.1 + number / 10, seed)
    compare(find_runs([folder / "runs"]), folder / "out")
    return folder / "out" / "comparison.html"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The page of three settings, one of whose runs has a page of its own."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "runs/0, seed=1").mkdir(parents=True)
    (folder / "runs/0, seed=1/report.html").touch()
    return make(folder)


def test_it_is_well_formed_and_loads_nothing(made):
    path = made
    reader, text = read(path), path.read_text()
    assert "default-src 'none'" in text
    assert all(attrs["src"].startswith("data:image/png;base64,") for _, attrs in reader.found if "src" in attrs)
    assert not {"link", "iframe", "object"} & {tag for tag, _ in reader.found}
    assert not [name for _, attrs in reader.found for name in attrs if name.startswith("on")]
    ids = [attrs["id"] for _, attrs in reader.found if "id" in attrs]
    assert len(ids) == len(set(ids))
    hrefs = [attrs["href"] for _, attrs in reader.found if "href" in attrs]
    assert {href[1:] for href in hrefs if href.startswith("#")} <= set(ids)
    assert "[comparison.html](comparison.html)" in path.with_name("comparison.md").read_text()
    before = path.read_bytes()
    compare(find_runs([path.parents[1] / "runs"]), path.parent)
    assert path.read_bytes() == before


def test_links_lead_to_the_page_of_a_run_or_to_its_folder(made):
    hrefs = {attrs["href"] for _, attrs in read(made).found if "href" in attrs and not attrs["href"].startswith("#")}
    places = {(made.parent / unquote(href)).resolve() for href in hrefs}
    assert len(places) == 9
    assert all(place.exists() for place in places)
    runs = made.parents[1].resolve() / "runs"
    assert {runs / "0, seed=1/report.html", runs / "0, seed=2"} <= places


def test_figures_are_those_of_the_runs(made):
    text = made.read_text()
    assert text.count('class="seed"') == 9
    assert "91.00 ± 1.00" in text
    assert "1: model=svm" in text
    assert "“model=svm” and “model=knn” differ by +10 points of OA on each of 3 pairs" in unescape(text)
    places = [float(x) for x in re.findall(r'class="seed" cx="([\d.]+)"', text)]
    oa = [0.9 - number / 10 + seed / 100 for number in range(3) for seed in range(3)]
    assert np.corrcoef(places, oa)[0, 1] == pytest.approx(1, abs=1e-6)


def test_pictures_have_the_colours_of_their_classes(made):
    scene, folder = make_synthetic(**SCENE), made.parents[1]
    sources = [attrs["src"] for tag, attrs in read(made).found if tag == "img"]
    shown = [decoded(each) for each in sources]
    assert (shown[0] == coloured(scene.colours, scene.labels)).all()
    for seed in range(3):
        class_map = np.load(folder / f"runs/0, seed={seed}/map.npy")
        assert (shown[1 + seed] == coloured(scene.colours, class_map)).all()
    agreed = np.load(folder / "out/disagreement_1.npy") == 0
    assert (shown[10][agreed] == shown[10][agreed][0]).all()
    assert not (shown[10][~agreed] == shown[10][agreed][0]).all(axis=1).any()


def test_safe_colours_take_the_place_of_the_customary_ones_in_the_text_of_a_map(tmp_path, monkeypatch, made):
    monkeypatch.setattr(labels, "distinct_colours", lambda count: UNSAFE[:count])
    reader = read(make(tmp_path, models=("svm",), seeds=1))
    switch = next(attrs for _, attrs in reader.found if "data-safe" in attrs)
    sources = [attrs["src"] for tag, attrs in reader.found if tag == "img"]
    codes = [make_synthetic(**SCENE).labels, np.load(tmp_path / "runs/0, seed=0/map.npy")]
    for source, of in zip(sources, codes, strict=True):
        assert source.count(switch["data-customary"]) == 1
        changed = source.replace(switch["data-customary"], switch["data-safe"])
        assert (decoded(changed) == coloured(safe_colours(UNSAFE), of)).all()
    assert 'id="palette"' not in made.read_text()  # whose colours are safe as they are


def test_disagreement_is_told_by_lightness():
    """So nobody needs other colours for it."""
    encoded = np.array([[*bytes.fromhex(colour[1:])] for colour in maps.RAMP]) / 255
    lightness = lab(np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4))[:, 0]
    assert (np.diff(lightness) < 0.2).all()
    assert lightness[0] - lightness[-1] > 90


def test_pictures_of_nothing_but_noise_stay_below_their_limit(tmp_path, monkeypatch):
    largest = maps.PIXELS + 1500 * (1 + 2 * maps.MOST)  # bytes: one a pixel, and what each picture has besides
    assert 4 / 3 * largest < 5_000_000
    monkeypatch.setattr(maps, "PIXELS", 200_000)
    scene = make_synthetic(rows=100, cols=100, bands=4, classes=3)
    noise = np.random.default_rng(0).random((100, 100))
    votes = SimpleNamespace(disagreement=noise, setting=1, seeds=3, majority=SimpleNamespace(oa=0.9), single_oa=0.8)
    found = SimpleNamespace(maps=range(maps.MOST), ensembles=[votes] * (maps.MOST + 1))
    text = maps.disagreements(Shown([SimpleNamespace(name="noise")], None, found, "oa", tmp_path), scene)
    sizes = [len(source) for source in re.findall(r'src="([^"]*)"', text)]
    assert len(sizes) == maps.MOST
    assert 60_000 < sum(sizes) <= 4 / 3 * (maps.PIXELS / 2 + 1500 * maps.MOST)


def test_many_settings_stand_above_several_axes_that_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "MOST", 2)
    text = make(tmp_path, maps=False).read_text()
    assert text.count('<svg class="dots"') == 2
    assert text.count('class="seed"') == 9
    first, second = (re.findall(r'class="grid" d="M([\d.]+)', part) for part in text.split('<svg class="dots"')[1:3])
    assert first == second != []


def test_names_stay_texts(tmp_path):
    path = make(tmp_path, models=("svm", HOSTILE, "<b>&amp;"))
    text = path.read_text()
    assert "<img src=x" not in text
    assert "${title}" in text
    read(path)


def test_without_maps_or_ranks_there_are_no_empty_parts(tmp_path):
    path = make(tmp_path, models=("svm",), seeds=1, maps=False)
    ids = {attrs.get("id") for _, attrs in read(path).found}
    assert {"conclusions", "settings", "seeds"} <= ids
    assert not {"ranks", "pairs", "maps", "disagreement"} & ids
    assert "nan" not in path.read_text().partition("<main>")[2].partition("<script>")[0].lower()


def test_many_maps_are_left_out_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(maps, "MOST", 4)
    monkeypatch.setattr(maps, "LARGEST", 500)
    path = make(tmp_path)
    images = [attrs for tag, attrs in read(path).found if tag == "img"]
    assert len(images) == 1 + 4 + 3
    assert all(int(each["width"]) * int(each["height"]) <= 500 for each in images)
    assert "The first 4 of 9 maps are shown" in path.read_text()
    assert "row and column 0, 2, 4..." in path.read_text()


def test_cliques_are_the_largest_groups_that_nemenyi_cannot_tell_apart():
    rng = np.random.default_rng(0)
    ranking = rank(pd.DataFrame(rng.normal(size=(12, 7)) + 0.7 * np.arange(7), columns=range(1, 8)))
    values, cd = ranking.ranks.to_numpy(), ranking.critical_difference
    spans = {(a, values[(values >= a) & (values - a <= cd)].max()) for a in values}
    largest = {(a, b) for a, b in spans if b > a and not any(c <= a and b <= d for c, d in spans - {(a, b)})}
    assert largest
    assert set(cliques(ranking)) == largest
