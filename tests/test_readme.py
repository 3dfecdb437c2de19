"""The README is followed word for word: its commands must exist and its overrides compose."""

import re
import shlex

import pytest
from conftest import ROOT
from hydra import compose, initialize_config_dir

from hsi.cli import main as cli

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines() if line.strip()]
CONFIGS = {"hsi.run": "config", "hsi.predict": "predict", "hsi.bench": "bench"}
HYDRA = [shlex.split(line, comments=True) for line in LINES if any(f"-m {module}" in line for module in CONFIGS)]


@pytest.mark.parametrize("words", HYDRA, ids=" ".join)
def test_commands_compose(words):
    module, overrides = words[2], [word for word in words[3:] if word not in ("-m", "--help")]
    first_choices = [re.sub(r"=([^\[(]*?),.*", r"=\1", word) for word in overrides]
    first_choices = [re.sub(r"=range\(.*", "=0", word) for word in first_choices]
    with initialize_config_dir(str(cli.CONF), version_base="1.3"):
        assert compose(CONFIGS[module], overrides=first_choices)


def test_make_targets_exist():
    targets = {line.split()[1] for line in LINES if line.startswith("make ")}
    assert {"run", "test"} <= targets
    assert all(f"\n{target}:" in (ROOT / "Makefile").read_text() for target in targets)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text()):
        assert target.startswith("http") or (ROOT / target).exists(), target
