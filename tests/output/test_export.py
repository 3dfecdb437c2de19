"""Exported graphs give the run's own logits, whatever reads them, and a map by NumPy alone is the map of the run."""

import io
import json
import re
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import ESTIMATORS, ROOT, build_network, configure
from omegaconf import OmegaConf
from torch import nn

import hsi
from hsi import export as command
from hsi.cli import main as cli
from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, logits_of
from hsi.errors import HsiError
from hsi.mapping.scene_map import MapSettings
from hsi.models.baselines import knn
from hsi.models.posteriors import posteriors
from hsi.output import export as exporting
from hsi.output.export import export
from hsi.output.graphs import Reduction, graphs_of, own_logits
from hsi.reduce import Reducer
from hsi.runs.identity import plain, settle
from hsi.runs.model import TrainedModel
from hsi.runs.sensor import Sensor

NAMES = sorted({path.stem for path in (ROOT / "conf/model").glob("*.yaml")} - {*ESTIMATORS, "custom"})
KINDS = {"cnn_1d", "deformable", "hybridsn", "mamba", "resnet", "spectralformer", "ssftt", "unet"}  # of layers
EACH = [name if name in KINDS else pytest.param(name, marks=pytest.mark.long) for name in NAMES]
BANDS, COMPONENTS, CLASSES = 20, 13, 3
DRAW = np.random.default_rng(0)
REDUCER = Reducer(DRAW.uniform(900, 9000, BANDS), DRAW.normal(size=(BANDS, COMPONENTS)) / 300, np.empty(0))


def trained_as(network, **fields):
    sensor = Sensor(BANDS, "uint16", np.linspace(400, 2500, BANDS), REDUCER.mean + np.array([[-300.0], [0.0], [300.0]]))
    model = TrainedModel(
        network=network,
        reducer=REDUCER,
        engine=Engine(),
        settings=MapSettings(),
        temperature=1.5,
        scene="field",
        sensor=sensor,
        class_names=("a", "b", "c"),
        colours=("#000000", "#111111", "#222222"),
        label_values=(1, 2, 5),
    )
    return replace(model, **fields)


def network_of(name, **knobs):
    """As its file has it, but for those of `knobs` that it has."""
    model = plain(settle(configure(f"model={name}")))["model"]
    torch.manual_seed(0)
    changed = {key: value for key, value in knobs.items() if key in model}
    return build_network(OmegaConf.create(model | changed), COMPONENTS, CLASSES).eval()


SMALL = trained_as(network_of("cnn_3d"))
WINDOW = SMALL.network.window


def spectra(*shape):
    return DRAW.normal(REDUCER.mean, 300, (*shape, BANDS)).astype(np.float32)


def test_the_reduction_is_that_of_the_run_and_nothing_where_there_is_no_data():
    cube = spectra(4, 5)
    cube[1, 2, 7], cube[3, 0] = np.nan, np.inf
    valid = np.isfinite(cube).all(axis=2)
    found = Reduction(REDUCER)(torch.from_numpy(cube).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found, REDUCER.transform(cube, valid), rtol=1e-4, atol=1e-3)
    assert (found[~valid] == 0).all()


def test_large_values_lose_no_digits():
    far = replace(REDUCER, mean=REDUCER.mean + 1e6 + 1 / 3)
    cube = np.round(far.mean + DRAW.normal(scale=3, size=(50, 1, BANDS))).astype(np.float32)
    found = Reduction(far)(torch.from_numpy(cube).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found, far.transform(cube), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (3, 8)])
def test_the_block_is_the_map_of_the_engine(size):
    """Padded with NaN, a block is a scene; inside a scene, its margin is what lies there."""
    rows, cols = size
    margin = WINDOW // 2
    cube = spectra(rows + WINDOW, cols + WINDOW)
    image = torch.from_numpy(REDUCER.transform(cube)).permute(2, 0, 1)
    expected = logits_of(SMALL.network, image, Engine()).T.reshape(CLASSES, *cube.shape[:2]).numpy() / 1.5
    block = graphs_of(SMALL)["block"]
    padded = np.pad(cube, [(margin, margin), (margin, margin), (0, 0)], constant_values=np.nan)
    for part, wanted in (
        (padded, expected),
        (cube[1 : rows + WINDOW, 1 : cols + WINDOW], expected[:, 1 + margin : -margin, 1 + margin : -margin]),
    ):
        values = np.ascontiguousarray(part.transpose(2, 0, 1)[None])
        found = block(torch.from_numpy(values)).detach().numpy()[0]
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(own_logits(SMALL, block, values)[0], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", EACH)
def test_every_network_can_be_written_as_torchscript(name, tmp_path):
    """`export` compares both graphs with the run; here a batch is read back as well."""
    trained = trained_as(network_of(name, width=0.25, least=1, patch_size=9))
    windows, _, _ = export(trained, tmp_path / "model.pt", "torchscript")
    values = np.ascontiguousarray(spectra(11, trained.network.window, trained.network.window).transpose(0, 3, 1, 2))
    found = torch.jit.load(windows)(torch.from_numpy(values)).numpy()
    expected = own_logits(trained, graphs_of(trained)["windows"], values)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@pytest.mark.long
@pytest.mark.parametrize("name", ["cnn_3d", "hybridsn", "ssftt"])  # in two and three dimensions; tokens
def test_networks_can_be_written_as_onnx(name, tmp_path):
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    trained = trained_as(network_of(name))
    windows, block, about = export(trained, tmp_path / "field.onnx")
    assert [path.name for path in (windows, block, about)] == ["field.onnx", "field.block.onnx", "field.onnx.json"]
    for path in (windows, block):
        proto = onnx.load(io.BytesIO(path.read_bytes()))
        onnx.checker.check_model(proto, full_check=True)
        assert proto.producer_name == "hsi"
    session = onnxruntime.InferenceSession(windows)
    values = np.ascontiguousarray(spectra(11, trained.network.window, trained.network.window).transpose(0, 3, 1, 2))
    expected = own_logits(trained, graphs_of(trained)["windows"], values)
    found = session.run(["logits"], {"windows": values})[0]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    described, metadata = json.loads(about.read_text()), session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["class_names"]) == described["class_names"] == ["a", "b", "c"]
    assert json.loads(metadata["label_values"]) == [1, 2, 5]
    assert json.loads(metadata["wavelengths_nm"]) == trained.sensor.wavelengths.tolist()
    assert int(metadata["window"]) == trained.network.window
    assert int(metadata["components"]) == COMPONENTS
    assert metadata["beyond_the_border"] == "NaN"
    assert metadata.keys() == described.keys()


def test_torchscript_carries_its_description(tmp_path):
    _, block, about = export(SMALL, tmp_path / "model.pt", "torchscript")
    extra = {"model.json": ""}
    torch.jit.load(block, _extra_files=extra)
    assert json.loads(extra["model.json"]) == json.loads(about.read_text())


def test_the_network_of_the_run_stays_as_it_is(tmp_path):
    network = network_of("cnn_3d").train()
    export(trained_as(network), tmp_path / "model.pt", "torchscript")
    assert network.training
    assert all(weight.requires_grad for weight in network.parameters())


class Fickle(nn.Module):
    """What it does depends on the batch, which a trace cannot know."""

    def forward(self, x):
        logits = x.mean((2, 3))[:, :CLASSES]
        return logits if len(x) < 3 else logits + 1


class Checked(nn.Module):
    def forward(self, x):
        if x.sum().item() > 1e30:
            raise ValueError
        return x.mean((2, 3))[:, :CLASSES]


def test_a_graph_with_other_logits_than_the_run_is_not_written(tmp_path):
    trained = trained_as(WindowClassifier(nn.Identity(), Fickle(), COMPONENTS, 3))
    with pytest.raises(HsiError, match=r"gives other logits than the run, .*: nothing was written"):
        export(trained, tmp_path / "model.pt", "torchscript")
    assert not list(tmp_path.iterdir())


def test_a_graph_that_cannot_be_made_is_told_in_a_sentence(tmp_path):
    pytest.importorskip("onnxruntime")
    trained = trained_as(WindowClassifier(nn.Identity(), Checked(), COMPONENTS, 3))
    with pytest.raises(HsiError, match=r"cannot be written as format=onnx \(.*\): try format=torchscript$"):
        export(trained, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", ["onnx", "torchscript"])
def test_estimators_have_no_graph(format, tmp_path):
    for make in (knn, posteriors):
        with pytest.raises(HsiError, match="an estimator of scikit-learn, which has no graph"):
            export(trained_as(make(COMPONENTS, CLASSES)), tmp_path / "model", format)


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(HsiError, match=rf'needs the package {package}: pip install "hsi\[onnx\]"'):
        export(SMALL, tmp_path / "model.onnx")


def test_the_gap_is_a_share_of_the_largest_logit_or_of_one():
    logits = np.array([[100.0, -200.0]])
    assert exporting._gap(logits + 0.5, logits) == pytest.approx(0.5 / 200)
    assert exporting._gap(logits / 1000 + 0.5, logits / 1000) == pytest.approx(0.5)
    assert exporting._gap(logits[:, :1], logits) == np.inf
    assert not exporting._gap(logits * np.nan, logits) <= exporting.TOLERANCE


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with a finished run, and the cube that it was trained on."""
    folder = tmp_path_factory.mktemp("finished")
    scene = hsi.load("synthetic", rows=40, cols=36)
    try:
        run = hsi.fit(scene, scene.split("random", train=0.3), model="hybridsn", steps=30, patch_size=9, device="cpu")
    finally:
        torch.set_deterministic_debug_mode("default")
    run.save(folder / "trained")
    np.save(folder / "cube.npy", scene.cube)
    return folder


@pytest.fixture
def small_run(finished, tmp_path, monkeypatch):
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hsi_export(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["hsi.export", *words])
    try:
        cli.main(command.run, "export")
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def test_numpy_and_onnxruntime_make_the_map_of_the_run(small_run, monkeypatch, capfd):
    """The page is followed word for word."""
    pytest.importorskip("onnxruntime")
    assert hsi_export(monkeypatch, "run=trained", "out=model.onnx") == 0
    told = capfd.readouterr().out
    assert all(name in told for name in ("model.onnx\n", "model.block.onnx\n", "model.onnx.json\n"))
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs/onnx.md").read_text(), flags=re.DOTALL)[1]
    assert "hsi" not in code
    exec(compile(code, "docs/onnx.md", "exec"), {})
    expected = np.load("trained/map.npy")
    assert len(np.unique(expected)) > 3
    np.testing.assert_array_equal(np.load("class_map.npy"), expected)
    assert {path.name for path in small_run.iterdir()} == {
        *("trained", "cube.npy", "class_map.npy", "model.onnx", "model.block.onnx", "model.onnx.json")
    }  # no folder of Hydra, no log


def test_the_command_writes_beside_the_run_unless_told_otherwise(small_run, monkeypatch):
    assert hsi_export(monkeypatch, "run=trained", "format=torchscript") == 0
    module = torch.jit.load("trained/model.block.pt")
    padded = np.pad(np.load("cube.npy").astype(np.float32), [(4, 4), (4, 4), (0, 0)], constant_values=np.nan)
    logits = module(torch.from_numpy(padded.transpose(2, 0, 1)[None].copy())).detach()
    np.testing.assert_array_equal(logits[0].argmax(0) + 1, np.load("trained/map.npy"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run=nowhere"], "nowhere holds no finished run"),
        ([], "run has no value yet: give run=..."),
        (["run=nowhere", "format=tflite"], "format=tflite: choose onnx or torchscript"),
        (["run=nowhere", "scene=synthetic"], "unknown key scene"),
        (["run=nowhere", "out="], "out="),
    ],
)
def test_bad_commands_get_a_sentence(words, sentence, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert hsi_export(monkeypatch, *words) == 2
    said = "".join(capfd.readouterr())
    assert sentence in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())
