"""report.html as a text: whole, safe, the same for the same run; the key report; runs opened again."""

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from conftest import TRIAL

import hsi
from hsi.errors import HsiError
from hsi.evaluation import leakage, position
from hsi.files import file_checksum
from hsi.output.report import write_report
from hsi.reports.page.charts import how_many, loss
from hsi.reports.page.record import citations
from hsi.reports.page.svg import linear
from hsi.verification.checked import verify
from studies.page import example

HOSTILE = ("</script><img src=x onerror=alert(1)>", '<b>corn</b> & "oats"', "${oats} $data", "'; alert(2); //")
NEEDS_NO_END = {"meta", "input", "img", "br"}


class Reader(HTMLParser):
    """Refuses elements that do not nest; notes addresses, handlers and the text of headings."""

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.handlers, self.kinds, self.ids = [], [], [], set(), []

    def handle_starttag(self, tag, attrs):
        self.kinds.add(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action", "data")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        if tag not in NEEDS_NO_END:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("path", "rect", "circle") or self.open[-1] == tag:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in NEEDS_NO_END:
            self.open.pop()


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_is_well_formed_and_asks_for_nothing(tmp_path):
    text = write_report(tmp_path, **example(30, 25, 12, 4)).read_text()
    reader = read(text)
    assert reader.addresses
    assert all(address.startswith("#") for address in reader.addresses)
    assert {address[1:] for address in reader.addresses} <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert "default-src 'none'" in text
    assert not {"img", "link", "iframe", "object"} & reader.kinds


def test_names_of_classes_and_scenes_stay_texts(tmp_path):
    made = example(
        30, 25, 12, 4, names=HOSTILE, name='"><script>alert(3)</script>', notes=("<script>alert(4)</script>",)
    )
    metrics = json.loads(made["content"]) | {
        "model": "<i>",
        "command": ["</code><script>"],
        "config": {"a": "</pre><b>"},
    }
    made["content"] = json.dumps(metrics).encode()
    text = write_report(tmp_path, **made).read_text()
    reader = read(text)
    plain = write_report(tmp_path, **example(30, 25, 12, 4)).read_text()
    assert reader.handlers == []
    assert reader.kinds == read(plain).kinds | {"ul", "li"}
    for tag in ("script", "b", "i"):
        assert text.count(f"<{tag}>") + text.count(f"<{tag} ") == plain.count(f"<{tag}>") + plain.count(f"<{tag} ")
    assert "${oats} $data" in text


def test_equal_runs_give_equal_pages(tmp_path):
    first, second = (write_report(tmp_path / f"{name}.html", **example(30, 25, 12, 4)).read_bytes() for name in "ab")
    assert first == second


def test_the_figures_are_those_of_the_run(tmp_path):
    made = example(30, 25, 12, 4)
    text, judged = write_report(tmp_path, **made).read_text(), made["evaluation"]
    assert f"<b>{100 * judged.scores.oa:.2f} %</b>" in text
    assert f"<b>{100 * judged.position['oa']:.2f} %</b>" in text
    assert position.in_words(judged.position, judged.scores.oa) in text
    assert leakage.in_words(judged.leakage) in text
    for truth, said in np.argwhere(judged.scores.confusion):
        count = judged.scores.confusion[truth, said]
        cell = f'data-truth="{truth + 1}" data-said="{said + 1}"'
        assert text.partition(cell)[2].partition("</button>")[0].endswith(f">{count}")


def test_more_classes_than_a_matrix_shows_are_listed(tmp_path):
    made = example(90, 80, 8, 45)
    text = write_report(tmp_path, **made).read_text()
    assert '<table class="matrix list"' in text
    read(text)


def test_scenes_and_models_are_cited():
    made = type("Made", (), {"manifest": "sha256:0"})()
    made.metrics = {
        "choices": {"scene": "indian_pines", "model": "hybridsn"},
        "code": {"version": "1", "commit": "abc"},
    }
    told = citations(made)
    assert "doi:10.4231/R7RX991C" in told
    assert "Roy et al. 2020" in told
    assert "commit abc" in told
    made.metrics = {"choices": {"scene": "../../secret", "model": "custom", "attention": 3}}
    assert "secret" not in citations(made)


def test_axes_have_round_ticks():
    assert [text for _, text in linear(0, 100, "").ticks] == ["0", "20", "40", "60", "80", "100"]
    assert [value for value, _ in linear(0.31, 0.94, "", 3).ticks] == pytest.approx([0.5, 0.75])


def test_what_cannot_be_drawn_is_left_out():
    history = example(30, 25, 12, 4)["history"]
    assert loss(history.head(1)) == ""
    one = [{"from": 1, "to": 1, "pixels": 5}]
    assert how_many(one, 3).count("<rect") == 1


def test_a_run_writes_its_page_and_is_verified_with_it(hsi_run):
    outcome = hsi_run(*TRIAL, "hydra.run.dir=here")
    assert outcome.status == 0, outcome.err
    page = Path("here/report.html")
    assert f"Report, to be opened in a browser: {Path('here/report.html').absolute()}" in outcome.out
    assert file_checksum(Path("here/metrics.json")) in page.read_text()
    assert "report.html" not in json.loads(Path("here/metrics.json").read_text())["files"]
    verdict = verify(Path("here"))
    assert verdict.differences == []
    assert any(line.startswith("report.html: ") for line in verdict.trusted)
    written = page.read_bytes()
    again = hsi.open_run("here").report("again.html")
    assert again.read_bytes() == written
    page.write_text(page.read_text().replace("sha256:", "sha256:0"))
    assert any("report.html" in line for line in verify(Path("here")).differences)


def test_the_page_is_no_part_of_what_a_run_is(hsi_run):
    words = [*TRIAL, "model=knn", "hydra.run.dir=here"]
    assert hsi_run(*words, "report=false").status == 0
    assert not Path("here/report.html").exists()
    metrics = json.loads(Path("here/metrics.json").read_text())
    assert "report" not in metrics["config"]
    assert "Finished already" in hsi_run(*words).out
    assert hsi_run(*words, "report=perhaps").status == 2
    Path("here/report.html").write_text("of an earlier run")
    assert hsi_run(*words, "force=true", "report=false").status == 0
    assert not Path("here/report.html").exists()


def test_a_run_in_no_folder_has_no_page():
    scene = hsi.load("synthetic", rows=40, cols=36)
    run = hsi.fit(scene, scene.split("random", train=0.3, seed=0), model="knn")
    with pytest.raises(HsiError, match="save it"):
        run.report("here.html")
