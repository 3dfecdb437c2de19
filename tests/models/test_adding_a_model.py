"""The example of docs/adding_a_model.md, cut out of the page and run."""

import json
import re
import shlex

import pytest
from conftest import ROOT

PAGE = (ROOT / "docs" / "adding_a_model.md").read_text()


def block(language: str) -> str:
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    return code


COMMANDS = block("console").splitlines()


def test_the_page_has_a_plain_run_and_one_with_attention():
    assert [("+attention=" in command) for command in COMMANDS] == [False, True]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_runs(command, hsi_run, tmp_path, monkeypatch):
    """One file and one YAML, as the page names them, in an empty current directory."""
    (tmp_path / "my_models.py").write_text(block("python"))
    configuration = tmp_path / "my_conf" / "model" / "tiny.yaml"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(block("yaml"))
    assert all(f"`{name}`" in PAGE for name in ("my_models.py", "my_conf/model/tiny.yaml"))
    monkeypatch.syspath_prepend(tmp_path)  # as python -m does with the current directory

    python, dash_m, module, *words = shlex.split(command)
    assert (python, dash_m, module) == ("python", "-m", "hsi.run")
    outcome = hsi_run(*words, "train.steps=4")
    assert outcome.status == 0, outcome.err
    (written,) = tmp_path.glob("outputs/**/metrics.json")
    metrics = json.loads(written.read_text())
    assert metrics["model"] == "tiny"
    assert 0 <= metrics["oa"] <= 1
