"""Shared by all tests: the commands run in this process, the small scene, the real one."""

import gc
import hashlib
import os

if "PYTEST_XDIST_WORKER" in os.environ:  # several tests at a time: a thread each, or they stand in each other's way
    os.environ["OMP_NUM_THREADS"] = "1"

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra._internal.hydra import Hydra
from hypothesis import settings
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.text import Text
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from hsi import run as run_module
from hsi.cli.main import main
from hsi.cli.resolvers import register_resolvers
from hsi.config.build import build
from hsi.config.shipped import CONF
from hsi.engine.contract import WindowClassifier
from hsi.errors import NotInstalled
from hsi.files import write
from hsi.models.building import build_model
from hsi.plots import canvas
from hsi.scene import Scene

ROOT = Path(__file__).parent.parent
# models of scikit-learn's estimators: see tests/models/test_baselines.py, test_scales.py, test_posteriors.py
ESTIMATORS = ("knn", "position", "posteriors", "random_forest", "scales", "svm", "svm_window")
TRIAL = ["experiment=trial", "train.steps=4", "patch_size=9", "scene.rows=40", "scene.cols=36"]

SAVE, GET_MODE = canvas.save, Hydra.get_mode

settings.register_profile("unhurried", deadline=None, max_examples=50)  # the machine may be busy with experiments
settings.load_profile("unhurried")

register_resolvers()


def configure(*overrides: str) -> DictConfig:
    """The configuration that these words on the command line make."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=list(overrides))


def build_network(config: DictConfig, in_channels: int, num_classes: int, **knobs: object) -> WindowClassifier:
    """A network of conf/model/; one of a library that is an extra, and is not here, skips the test."""
    try:
        return build_model(OmegaConf.merge(config, knobs), in_channels, num_classes)
    except NotInstalled as error:
        pytest.skip(str(error))


def pytest_collection_finish() -> None:
    """What has been loaded stays: no collection of garbage need look through it, as some libraries ask for often."""
    gc.collect()
    gc.freeze()


def save_draft(figure: Figure, path: Path) -> None:
    """Write a picture of one pixel that names what the figure shows: its images, lines and words."""
    shown = hashlib.sha256()
    for artist in figure.findobj():
        if isinstance(artist, AxesImage):
            shown.update(np.ascontiguousarray(artist.get_array()).tobytes())
        elif isinstance(artist, Line2D):
            shown.update(np.ascontiguousarray(artist.get_xydata()).tobytes())
        elif isinstance(artist, Text):
            shown.update(artist.get_text().encode())
    content, note = BytesIO(), PngInfo()
    note.add_text("shown", shown.hexdigest())
    Image.new("L", (1, 1)).save(content, "PNG", pnginfo=note)
    write(path, content.getvalue())


@pytest.fixture(scope="session", autouse=True)
def drafts() -> Iterator[None]:
    """Runs in this process draw no pictures: to lay out axes, and draw them, takes most of the time of a short run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canvas, "save", save_draft)
        yield


@pytest.fixture(scope="session", autouse=True)
def composed_once() -> Iterator[None]:
    """Hydra composes, looks for `hydra.mode`, and composes again; here the command line says what mode it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hydra, "get_mode", lambda self, config_name, overrides: None)
        yield


@pytest.fixture
def in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws pictures as users get them."""
    monkeypatch.setattr(canvas, "save", SAVE)


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture
def hsi_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """``python -m hsi.run WORDS`` in an empty current directory, in this process."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["hsi.run", *words])
        capfd.readouterr()
        status = 0
        try:
            main(lambda config: run_module.run(config), "config")
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        finally:
            torch.set_deterministic_debug_mode("default")
        return Outcome(status, *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def indian_pines() -> Scene:
    """The real scene, from the cache of the checkout or from its sources."""
    data_dir = os.environ.get("HSI_DATA_DIR", str(ROOT / "data"))
    return build(configure(f"data_dir={data_dir}").scene, "scene")
