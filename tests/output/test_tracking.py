"""Copies of runs: what reaches a tracker is what the run's files say, each step once, and no file tells of it."""

import itertools
import math
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import TRIAL
from PIL import Image

import hsi
from hsi import files
from hsi.cli.resolvers import describe, sweep_name
from hsi.errors import NotInstalled, WrongInput
from hsi.files import file_checksum
from hsi.output import result, to_mlflow, to_tensorboard, tracking
from hsi.output.manifest import PICTURES
from hsi.output.tracking import Tracker, figures_of, tracked
from hsi.runs.folder import CHECKPOINT, METRICS, manifest_hash
from hsi.runs.opened import read_history

PARAMETERS = {"model": "lenet", "train.steps": 5, "scene.classes.Corn (no till)": "#ffd700", "split.train": [0.1]}


@dataclass
class Kept(Tracker):
    """A tracker, and its copy, that keep what they are given."""

    parameters: dict = field(default_factory=dict)
    rows: list = field(default_factory=list)
    figures: dict = field(default_factory=dict)
    told: list = field(default_factory=list)

    def begin(self, folder, parameters, manifest):
        self.parameters = dict(parameters)
        self.told.append("begun")
        return self

    def add_steps(self, rows):
        self.rows += rows
        self.told.append(len(rows))

    def add_end(self, folder, figures, steps):
        self.figures = {**figures, "steps": steps}

    def close(self, whole):
        self.told.append("whole" if whole else "broken off")


@pytest.fixture
def finished(tmp_path):
    """The files of a finished run that trackers look at, by hand: five steps, measured at two of them."""
    folder = tmp_path / "run"
    history = pd.DataFrame(
        {
            "step": range(1, 6),
            "loss": [1 / 3, 0.1 + 0.2, 1e-7, 2.0, 0.25],
            "accuracy": [0.1, 0.2, 0.3, 0.4, 2 / 3],
            "learning_rate": [1e-3 / 3] * 5,
            "validation_accuracy": [math.nan, 0.5, math.nan, math.nan, 0.7],
        }
    )
    files.write(folder / "history.csv", history.to_csv(index=False))
    files.write(folder / ".hydra" / "config.yaml", "seed: 0\n")
    for number, name in enumerate(PICTURES):
        Image.new("RGB", (5 + number, 4), (number, 20, 30)).save(folder / name)
    metrics = {
        "oa": 2 / 3,
        "aa": 0.5,
        "kappa": -0.125,
        "validation_oa": 0.7,
        "position": {"oa": 0.9, "skill": None},
        "seconds": {"load": 0.5, "train": 60.25, "map": 2.0},
        "files": dict.fromkeys(("history.csv", *PICTURES, ".hydra/config.yaml"), ""),
    }
    files.write_json(folder / METRICS, metrics)
    return folder


def history_of(folder):
    return read_history(folder)


def track(folder, tracker, *histories, parameters=PARAMETERS):
    with tracked(folder, tracker, parameters) as follow:
        for history in histories:
            follow(history)


def break_off(folder, tracker, history):
    """A run that is interrupted once so much of its history is in its checkpoint."""

    def interrupted():
        with tracked(folder, tracker, PARAMETERS) as follow:
            follow(history)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_every_step_is_copied_once_however_the_history_arrives(finished):
    rows = history_of(finished).to_dict("records")
    for ends in itertools.chain.from_iterable(itertools.combinations(range(6), n) for n in range(4)):
        kept = Kept()
        track(finished, kept, *[rows[:end] for end in ends])
        pd.testing.assert_frame_equal(pd.DataFrame(kept.rows), history_of(finished))
        assert (kept.told[0], kept.told[-1], kept.told.count("begun")) == ("begun", "whole", 1)
        assert sum(part for part in kept.told if isinstance(part, int)) == kept.figures["steps"] == 5


def test_figures_are_those_of_metrics_json_and_what_is_missing_is_left_out():
    metrics = {"oa": 0.5, "aa": 0.0, "kappa": None, "position": {"oa": 0.75, "skill": -1.0}, "seconds": {"map": 2.0}}
    assert figures_of(metrics) == {"oa": 0.5, "aa": 0.0, "position/oa": 0.75, "position/skill": -1.0, "seconds/map": 2}


def test_an_interrupted_run_leaves_a_copy_that_is_broken_off(tmp_path):
    kept = Kept()
    break_off(tmp_path, kept, [{"step": 1, "loss": 0.5}])
    assert (kept.told, kept.rows, kept.figures) == (["begun", 1, "broken off"], [{"step": 1, "loss": 0.5}], {})


@pytest.mark.parametrize("door", ["begin", "add_steps", "add_end", "close"])
def test_a_tracker_that_fails_is_named_once_and_asked_no_more(finished, monkeypatch, caplog, door):
    kept, calls = Kept(), []

    def fail(*given, **named):
        calls.append(door)
        raise OSError("the server\nis away")

    monkeypatch.setattr(kept, door, fail)
    rows = history_of(finished).to_dict("records")
    track(finished, kept, rows[:1], rows[:2], rows)
    assert calls == [door]
    (warning,) = [entry.getMessage() for entry in caplog.records]
    assert warning.startswith("Tracking failed (OSError: the server is away). ")


def test_a_run_that_is_tracked_is_the_same_run(hsi_run, monkeypatch, tmp_path):
    """The same folder and files as without tracking, whether it fails or not; later the finished run is copied."""
    words = (*TRIAL, "split.validation=0.1", "train.validate_every=2", "train.checkpoint_seconds=0", "report=false")
    monkeypatch.setattr(tracking, "find_spec", lambda package: True)
    monkeypatch.setattr(result, "figures", lambda made, model: {})  # they take most of the time
    shown = [hsi_run(*words, "hydra.run.dir=plain")]
    kept, safe = Kept(), []

    def add_steps(rows):
        safe.append((tmp_path / "tracked" / CHECKPOINT).exists())
        Kept.add_steps(kept, rows)

    monkeypatch.setattr(kept, "add_steps", add_steps)
    monkeypatch.setattr(to_mlflow.MLflow, "begin", kept.begin)
    monkeypatch.setattr(kept, "add_end", None)
    asked = ("tracking=mlflow", "tracking.experiment=other")
    shown.append(hsi_run(*words, "hydra.run.dir=tracked", *asked))
    assert [outcome.status for outcome in shown] == [0, 0]
    assert ["Tracking failed" in outcome.out for outcome in shown] == [False, True]
    history = history_of(tmp_path / "tracked")
    assert kept.told == ["begun", 1, 1, 1, 1]  # live: a step with each checkpoint
    assert safe == [True] * 4  # and no step that a resumed run would do again
    pd.testing.assert_frame_equal(pd.DataFrame(kept.rows), history, rtol=1e-12, atol=0)  # pandas before 3.1 rounds

    plain, ours = (files.read_json(tmp_path / name / METRICS) for name in ("plain", "tracked"))
    del plain["seconds"], ours["seconds"]  # what is left has the checksums of all files
    assert ours == plain
    tops = tmp_path / "plain", tmp_path / "tracked"
    there, also = ({path.relative_to(top) for path in top.rglob("*")} for top in tops)
    assert there == also

    again = Kept()
    monkeypatch.setattr(to_mlflow.MLflow, "begin", again.begin)
    before = file_checksum(tmp_path / "tracked" / METRICS)
    assert "Finished already" in hsi_run(*words, "hydra.run.dir=tracked", *asked).out
    assert str(again.rows) == str(history.to_dict("records"))
    assert again.figures.pop("steps") == 4
    metrics = files.read_json(tmp_path / "tracked" / METRICS)
    assert again.figures == figures_of(metrics)
    assert again.parameters["split"] == "random"
    assert again.parameters["train.steps"] == 4
    assert file_checksum(tmp_path / "tracked" / METRICS) == before


def test_a_package_that_is_missing_is_named_before_anything_is_done(hsi_run, monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda package: None)
    outcome = hsi_run("tracking=mlflow", "scene=custom", "scene.name=a", "scene.cube=none_such.mat")
    assert outcome.status == 2
    told = outcome.out + outcome.err
    assert 'tracking=mlflow needs the package mlflow: pip install -c constraints.txt -e ".[mlflow]"' in told
    assert "none_such" not in told
    with pytest.raises(NotInstalled, match="tracking=tensorboard needs the package tensorboard: pip install"):
        to_tensorboard.TensorBoard()


def test_a_database_file_needs_more_than_a_server(monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda package: package == "mlflow" or None)
    to_mlflow.MLflow("http://tracking.invalid")
    with pytest.raises(NotInstalled, match="sqlalchemy"):
        to_mlflow.MLflow("sqlite:///a.db")


def test_folders_do_not_tell_of_tracking():
    words = ["model=svm", "seed=3"]
    asked = ["tracking=mlflow", "tracking.store=a.db", "tracking.experiment=b", "tracking.files=false"]
    asked += ["tracking.folder=c"]
    assert describe([*asked, *words]) == describe(words)
    assert sweep_name([*words, *asked]) == sweep_name(words)


def test_python_has_no_command_to_track():
    nothing = SimpleNamespace(overrides=())
    with pytest.raises(WrongInput, match="tracking="):
        hsi.fit(nothing, nothing, tracking="mlflow")


def test_a_copy_is_named_after_its_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = to_tensorboard.name_of
    assert name(Path("outputs/a/b")) == name(tmp_path / "outputs/c/../a/b") == "a/b"
    assert name(Path("elsewhere/b")) == "elsewhere/b"
    assert name(Path("/far/away")) == "far/away"


needs_tensorboard = pytest.mark.skipif(find_spec("tensorboard") is None, reason="needs the extra tensorboard")
needs_mlflow = pytest.mark.skipif(find_spec("mlflow") is None, reason="needs the extra mlflow")


@needs_tensorboard
def test_tensorboard_reads_what_the_files_say(finished, tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.chdir(tmp_path)
    rows = history_of(finished).to_dict("records")
    break_off(finished, to_tensorboard.TensorBoard("board"), [row | {"loss": 9.0} for row in rows[:3]])
    for _ in range(2):  # resumed, then repeated
        track(finished, to_tensorboard.TensorBoard("board"), rows[:2])
    (events,) = (tmp_path / "board" / "run").iterdir()
    found = EventAccumulator(str(events), {"scalars": 0, "images": 0}).Reload()

    history, metrics = history_of(finished), files.read_json(finished / METRICS)
    scalars = {name: [(e.step, e.value) for e in found.Scalars(name)] for name in found.Tags()["scalars"]}
    expected = {name: [(5, float(np.float32(value)))] for name, value in figures_of(metrics).items()}
    for name in history.columns[1:]:
        pairs = zip(history["step"], history[name].astype("float32"), strict=True)
        expected[name] = [(step, value) for step, value in pairs if not math.isnan(value)]
    figures = {name: scalars.pop(name) for name in expected if name in figures_of(metrics)}
    assert {name: values[-1:] for name, values in figures.items()} == {name: expected.pop(name) for name in figures}
    assert scalars == expected
    assert set(found.Tags()["images"]) == set(PICTURES)
    width = {name: found.Images(name)[0].width for name in PICTURES}
    assert width == {name: 5 + number for number, name in enumerate(PICTURES)}
    assert found.SummaryMetadata("_hparams_/session_start_info").plugin_data.plugin_name == "hparams"


@needs_mlflow
def test_mlflow_reads_what_the_files_say(finished, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.chdir(tmp_path)
    store = to_mlflow.MLflow("sqlite:///below/mlflow.db", "fields")
    files.write(tmp_path / "below" / "mlflow.db.part", "of a process that was killed")
    rows = history_of(finished).to_dict("records")
    break_off(finished, store, [row | {"loss": 9.0} for row in rows[:3]])
    client = MlflowClient(f"sqlite:///{tmp_path}/below/mlflow.db")
    experiment = client.get_experiment_by_name("fields").experiment_id

    def only_run():
        (run,) = client.search_runs([experiment])
        return run

    assert only_run().info.status == "FAILED"
    track(finished, store, rows[:2])  # resumed
    whole = only_run()
    assert (whole.info.status, whole.info.run_name) == ("FINISHED", "run")

    history, metrics = history_of(finished), files.read_json(finished / METRICS)
    expected = {name: [(5, value)] for name, value in figures_of(metrics).items()}
    for name in history.columns[1:]:
        pairs = zip(history["step"], history[name], strict=True)
        expected[name] = [(step, value) for step, value in pairs if not math.isnan(value)]
    assert set(whole.data.metrics) == set(expected)
    for name, values in expected.items():
        assert [(m.step, m.value) for m in client.get_metric_history(whole.info.run_id, name)] == values
    assert whole.data.params == {
        "model": "lenet",
        "train.steps": "5",
        "scene.classes.Corn _no till_": "#ffd700",
        "split.train": "[0.1]",
    }
    copied = Path(client.download_artifacts(whole.info.run_id, ""))
    for name in (*metrics["files"], METRICS):
        assert (copied / name).read_bytes() == (finished / name).read_bytes()

    track(finished, store)  # repeated: it is there already
    assert only_run().info.run_id == whole.info.run_id
    assert only_run().data.tags["hsi.manifest"] == manifest_hash(finished)
    track(finished, store, rows)  # trained anew
    assert only_run().info.run_id != whole.info.run_id
    assert len(client.get_metric_history(only_run().info.run_id, "loss")) == 5
