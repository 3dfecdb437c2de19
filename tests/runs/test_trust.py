"""A user's own model, as docs/adding_a_model.md teaches it: it trains, and predicts for who trusts it by name."""

import json
import re
import sys

import numpy as np
import pytest
from commands import Commands
from conftest import ROOT

PAGE = (ROOT / "docs" / "adding_a_model.md").read_text()
WORDS = ["experiment=trial", "train.steps=2", "scene.rows=24", "scene.cols=24", "hydra.run.dir=trained"]


@pytest.fixture
def commands(hsi_run, tmp_path, monkeypatch, capfd, caplog):
    """A run of the page's first, plain module."""
    (tmp_path / "my_net.py").write_text(re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)[0])
    monkeypatch.syspath_prepend(tmp_path)  # as python -m does with the current directory
    outcome = hsi_run("model=custom", "model._target_=my_net.Net", "+model.width=8", *WORDS)
    assert outcome.status == 0, outcome.err
    np.save("cube.npy", np.random.default_rng(0).integers(0, 5000, (20, 22, 60)).astype(np.uint16))
    return Commands(monkeypatch, capfd, caplog)


def test_it_predicts_with_trust_and_not_without(commands, tmp_path):
    for word in ([], ["trust=my_net"], ["trust=[my_net.Other]"]):
        status, told = commands.predict("trained", "accept_range=true", *word)
        assert status == 2
        assert "asks to call my_net.Net as its model" in told
        assert "trust=my_net.Net" in told
        assert not (tmp_path / "there/map.npy").exists()
    for word in ("trust=my_net.Net", "trust=[my_net.Net]"):
        status, told = commands.predict("trained", "accept_range=true", word)
        assert status == 0, told
        assert json.loads((tmp_path / "there/prediction.json").read_text())["trust"] == ["my_net.Net"]
        assert np.load("there/map.npy").shape == (20, 22)


def test_nothing_of_it_is_imported_without_trust(commands):
    """Importing is running: the module's own lines must not run either."""
    sys.modules.pop("my_net")
    assert commands.predict("trained", "accept_range=true")[0] == 2
    assert "my_net" not in sys.modules


def test_it_is_verified_and_compared_without_trust(commands):
    """Neither needs the network."""
    assert commands.verify("trained")[0] == 0
    status, told = commands.compare("trained")
    assert status == 0
    assert "cannot be loaded" not in told


def test_a_scene_of_ones_own_needs_trust_too(commands, tmp_path):
    """A loader of the user's, in the place of ours."""
    (tmp_path / "my_scenes.py").write_text("from hsi.scenes.synthetic import make_synthetic as made\n")
    path = tmp_path / "trained/.hydra/config.yaml"
    path.write_text(path.read_text().replace("hsi.scenes.synthetic.make_synthetic", "my_scenes.made"))
    assert commands.verify("trained")[0] == 2
    assert "config.yaml is not the configuration" in commands.verify("trained", "--trust", "my_scenes.made")[1]
    assert "cannot be loaded" in commands.compare("trained")[1]
    status, told = commands.compare("trained", "--trust", "my_scenes.made")
    assert status == 0
    assert "cannot be loaded" not in told
