"""Files that a finished run has left."""

import json
import shutil
import tempfile
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
import yaml

import hsi
from hsi import verify
from hsi.comparison import report, tables
from hsi.comparison.groups import find_runs, read_settings
from hsi.errors import HsiError
from hsi.recipes import compose_settings
from hsi.runs.folder import finished
from hsi.runs.model import load_model
from hsi.runs.opened import read_sample
from studies.record import read_record

from .mutations import Files, lay, load
from .targets import Target

KEPT = Path(__file__).parent.parent / "runs" / "of_ee5a441"
CUBE, LABELS = KEPT / "cube.npy", KEPT / "labels.npy"
NETWORK, ESTIMATOR = "cnn_2d", "svm"
STEPS = 3


@cache
def run_of(model: str) -> Files:
    """The files of a small finished run, by their names below its folder."""
    scene = hsi.open(CUBE, LABELS)
    split = scene.split("random", train=0.2, validation=0.1)
    more = () if model == "svm" else (f"train.steps={STEPS}", "+attention=se", "patch_size=9")
    words = ("reduce=pca", "reduce.components=4", "map.save_probabilities=true", "precision=fp32", "device=cpu", *more)
    made = hsi.fit(scene, split, model, *words)
    with tempfile.TemporaryDirectory() as folder:
        made.save(Path(folder) / "run")
        every = load(Path(folder) / "run")
    return {name: content for name, content in every.items() if not name.endswith((".png", ".html", ".lock"))}


def file_of(name: str, *models: str) -> Callable[[Path], list[Path]]:
    """The file of that name out of runs of models."""

    def write(folder: Path) -> list[Path]:
        return [lay({Path(name).name: run_of(model)[f"run/{name}"]}, folder / model) for model in models]

    return write


def in_run(name: str, *doors: Callable[[Path], object], model: str = NETWORK) -> Callable[[Path], None]:
    """Put a file in the place of its like in a run, and open the run by each of the doors."""

    def read(path: Path) -> None:
        folder = path.parent / "laid"
        run = lay({**run_of(model), f"run/{name}": path.read_bytes()}, folder)
        through(run, *doors)

    return read


def through(folder: Path, *doors: Callable[[Path], object]) -> None:
    """Every door has its turn; raises the first HsiError."""
    told = []
    for door in doors:
        try:
            door(folder)
        except HsiError as error:
            told.append(error)
    if told:
        raise told[0]


def open_run(folder: Path) -> None:
    run = hsi.open_run(folder)
    assert run.class_map.shape == run.confidence.shape == run.scene.labels.shape
    assert run.class_map.max() <= run.scene.num_classes
    assert ((run.scores >= -1) & np.isfinite(run.scores)).all()
    run.doubtful(2)


def verified(folder: Path) -> None:
    with mock.patch("hsi.verification.again.compose_settings", composed):
        verdict = verify.verify(folder)
    for line in (*verdict.differences, *verdict.trusted):
        assert line.isprintable()


def composed(words: list[str]) -> object:
    """What the words make: most files that are damaged leave them as they are, and it takes half the time."""
    return deepcopy(_composed(tuple(words)))


@cache
def _composed(words: tuple[str, ...]) -> object:
    return compose_settings(words)


def summarised(folder: Path) -> None:
    """As a sweep is, without the figure."""
    settings = read_settings(find_runs([folder]))
    made = tables.tabulate_settings(settings)
    for shown in (tables.show_accuracy(made), tables.show_cost(made), tables.tabulate_classes(settings)):
        assert len(shown.to_csv()) < 10**5


def compared(folder: Path) -> None:
    """Beside the same run with another seed."""
    other = folder.with_name("other")
    shutil.copytree(folder, other)
    metrics = run_of(NETWORK)["run/metrics.json"].replace(b'"seed": 0', b'"seed": 1')
    (other / "metrics.json").write_bytes(metrics)
    report.compare([folder, other], folder.with_name("out"))


def repeated(folder: Path) -> None:
    """As the same command does, which finds its run finished."""
    config = yaml.safe_load(run_of(NETWORK)["run/.hydra/config.yaml"])
    finished(folder, config, *(json.loads(run_of(NETWORK)["run/metrics.json"])[key] for key in MADE_OF), force=False)


MADE_OF = ("scene_hash", "split_hash", "precision")


def mapped(folder: Path) -> None:
    trained = load_model(folder)
    found = trained.map(hsi.open(CUBE), device="cpu")
    assert found.class_map.min() >= 1
    assert found.class_map.max() <= len(trained.class_names)
    trained.network.cpu()


MEASURED = ("confusion.csv", "history.csv", "map.npy", "confidence.npy", "split.npz")
SAID = (".hydra/overrides.yaml", "environment.json")  # which only verification reads

TARGETS = (
    Target(
        "metrics.json",
        file_of("metrics.json", NETWORK),
        in_run("metrics.json", open_run, verified, summarised, repeated, read_sample, read_record),
    ),
    *(Target(name, file_of(name, NETWORK), in_run(name, open_run, verified, read_sample)) for name in MEASURED),
    *(Target(Path(name).name, file_of(name, NETWORK), in_run(name, verified)) for name in SAID),
    Target("probabilities.npy", file_of("probabilities.npy", NETWORK), in_run("probabilities.npy", compared)),
    Target("metrics of several runs", file_of("metrics.json", NETWORK), in_run("metrics.json", compared)),
    Target(
        "config.yaml",
        file_of(".hydra/config.yaml", NETWORK),
        in_run(".hydra/config.yaml", open_run, verified, repeated),
    ),
    Target("bundle.json", file_of("bundle.json", NETWORK), in_run("bundle.json", mapped)),
    Target("model.safetensors", file_of("model.safetensors", NETWORK), in_run("model.safetensors", mapped)),
    Target(
        "bundle.json of an estimator",
        file_of("bundle.json", ESTIMATOR),
        in_run("bundle.json", mapped, model=ESTIMATOR),
    ),
    Target(
        "model.safetensors of an estimator",
        file_of("model.safetensors", ESTIMATOR),
        in_run("model.safetensors", mapped, model=ESTIMATOR),
    ),
)
