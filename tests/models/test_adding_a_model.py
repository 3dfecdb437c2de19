"""The examples of docs/adding_a_model.md, cut out of the page and run."""

import json
import re
import shlex

import pytest
from conftest import ROOT

PAGE = (ROOT / "docs" / "adding_a_model.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


PLAIN, SHARED = (block.splitlines() for block in blocks("console"))
FILES = dict(
    zip(("my_net.py", "my_models.py", "my_conf/model/tiny.yaml"), blocks("python") + blocks("yaml"), strict=True)
)


def test_the_page_shows_both_ways_each_with_a_knob():
    assert ["+model.width=" in command for command in PLAIN] == [False, True]
    assert ["+attention=" in command for command in SHARED] == [False, True]


@pytest.mark.parametrize("command", PLAIN + SHARED)
def test_the_example_runs(command, hsi_run, tmp_path, monkeypatch):
    """The files, as the page names them, in an empty current directory."""
    for name, content in FILES.items():
        assert f"`{name}`" in PAGE
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.syspath_prepend(tmp_path)  # as python -m does with the current directory

    python, dash_m, module, *words = shlex.split(command)
    assert (python, dash_m, module) == ("python", "-m", "hsi.run")
    outcome = hsi_run(*words, "train.steps=4")
    assert outcome.status == 0, outcome.err
    assert ("my_net.Net is a plain torch.nn.Module" in outcome.out) == (command in PLAIN)
    (written,) = tmp_path.glob("outputs/**/metrics.json")
    metrics = json.loads(written.read_text())
    assert metrics["model"] == ("custom" if command in PLAIN else "tiny")
    assert 0 <= metrics["oa"] <= 1
