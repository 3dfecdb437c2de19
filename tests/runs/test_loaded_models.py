"""A model read back from its two files, made small: all of it comes back, and what does not fit is not built."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from test_applied import BANDS, CUBE, SCENE
from torch import nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine
from hsi.errors import HsiError
from hsi.mapping.scene_map import MapSettings
from hsi.mapping.unknown import evidence_table
from hsi.models.building import build_model
from hsi.reduce import Reducer
from hsi.runs import model as saved
from hsi.runs.model import HIGHEST, TrainedModel, load_model, save_model
from hsi.runs.sensor import sensor_of

OURS = {"_target_": "hsi.models.lenet.lenet", "patch_size": 9}
MINE = {"_target_": "my_small_net.Net"}
ENGINE = {"_target_": "hsi.engine.forward.Engine", "mode": "patch", "padding": "edge", "memory_gb": 0.5}
MAP = {"_target_": "hsi.mapping.scene_map.MapSettings", "symmetries": 8, "context": "free"}


def saved_model(folder, network=None, components=2, classes=3, description=OURS, **fields):
    """The model that was saved; its reducer is that of no data."""
    trained = TrainedModel(
        network=network or build_model(description, components, classes),
        reducer=Reducer(np.arange(BANDS) / 7, np.eye(BANDS)[:, :components], np.empty(0)),
        engine=Engine("patch", "edge", 0.5),
        settings=MapSettings(symmetries=8, context="free"),
        temperature=1.5,
        scene="field",
        sensor=replace(sensor_of(SCENE), wavelengths=np.linspace(400, 800, BANDS)),
        class_names=tuple("abcd"[:classes]),
        colours=("#000001",) * classes,
        label_values=tuple(range(10, 10 + classes)),
        **fields,
    )
    save_model(folder, trained, {"model": description, "engine": ENGINE, "map": MAP})
    return trained


def exchange(folder, tensors):
    """Other tensors; None takes one away."""
    path = folder / "model.safetensors"
    save_file({name: value for name, value in (load_file(path) | tensors).items() if value is not None}, path)


def test_all_of_a_model_comes_back(tmp_path):
    tables = evidence_table(np.arange(9.0, dtype=np.float32).reshape(1, 3, 3))
    trained = saved_model(tmp_path, unknown=tables)
    again = load_model(tmp_path)
    assert (again.engine, again.settings) == (trained.engine, trained.settings)
    assert (again.temperature, again.scene) == (1.5, "field")
    assert (again.class_names, again.colours) == (("a", "b", "c"), ("#000001",) * 3)
    assert again.label_values == (10, 11, 12)
    assert not again.network.training
    for name, value in vars(trained.reducer).items():
        np.testing.assert_array_equal(vars(again.reducer)[name], value)
    for name, value in trained.sensor.as_json().items():
        assert again.sensor.as_json()[name] == value, name
    for name, value in trained.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], value), name
    assert again.unknown.keys() == tables.keys()
    np.testing.assert_allclose(again.unknown["energy"], tables["energy"], rtol=1e-6)


@pytest.mark.parametrize("components", [1, 2, BANDS])
@pytest.mark.parametrize("classes", [1, 4])
def test_from_one_component_to_all_bands_and_from_one_class_on(tmp_path, components, classes):
    saved_model(tmp_path, components=components, classes=classes)
    again = load_model(tmp_path)
    assert again.reducer.weights.shape == (BANDS, components)
    assert again.network.in_channels == components
    assert len(again.class_names) == classes


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        ({"reducer.mean": torch.zeros(BANDS - 1)}, f"the reducer is not one of {BANDS} bands"),
        ({"reducer.weights": torch.zeros(BANDS + 1, 2)}, f"the reducer is not one of {BANDS} bands"),
        ({"reducer.weights": torch.zeros(BANDS, 0)}, f"the reducer is not one of {BANDS} bands"),
        ({"reducer.weights": torch.zeros(BANDS, BANDS + 1)}, f"the reducer is not one of {BANDS} bands"),
        ({"reducer.weights": torch.zeros(BANDS)}, f"the reducer is not one of {BANDS} bands"),
        ({"reducer.mean": torch.zeros(BANDS, dtype=torch.int32)}, "the reducer holds other numbers"),
        ({"reducer.weights": torch.zeros(BANDS, 2, dtype=torch.int32)}, "the reducer holds other numbers"),
        ({"reducer.mean": torch.full((BANDS,), -2e18)}, "the reducer holds other numbers"),
        ({"reducer.weights": torch.full((BANDS, 2), 2e18)}, "the reducer holds other numbers"),
        ({"reducer.mean": torch.full((BANDS,), HIGHEST, dtype=torch.float64)}, None),
        ({"reducer.weights": torch.full((BANDS, 2), -HIGHEST, dtype=torch.float64)}, None),
    ],
)
def test_a_reducer_is_one_of_the_bands_of_its_sensor(tmp_path, tensors, told):
    saved_model(tmp_path)
    exchange(tmp_path, tensors)
    if told is None:
        load_model(tmp_path)
    else:
        with pytest.raises(HsiError, match=told):
            load_model(tmp_path)


def test_without_classes_there_is_no_model(tmp_path):
    saved_model(tmp_path)
    path = tmp_path / "bundle.json"
    none = {key: [] for key in ("class_names", "colours", "label_values")}
    path.write_text(json.dumps(json.loads(path.read_text()) | none))
    with pytest.raises(HsiError, match="class names, colours and label values are not one each"):
        load_model(tmp_path)


def built_on(monkeypatch):
    """The devices on which networks are built from now on."""
    devices = []
    real = saved.build_model
    monkeypatch.setattr(
        saved, "build_model", lambda *given: devices.append(torch.get_default_device().type) or real(*given)
    )
    return devices


def test_a_network_takes_memory_only_once_its_shapes_are_known_to_fit(tmp_path, monkeypatch):
    saved_model(tmp_path)
    devices = built_on(monkeypatch)
    load_model(tmp_path)
    assert devices == ["meta", "cpu"]
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model": OURS | {"width": 2.0}}))
    devices.clear()
    with pytest.raises(HsiError, match="is not of shape"):
        load_model(tmp_path)
    assert devices == ["meta"]


def test_each_weight_of_the_network_lies_in_the_file(tmp_path, monkeypatch):
    trained = saved_model(tmp_path)
    devices = built_on(monkeypatch)
    for name, value in trained.network.named_parameters():
        exchange(tmp_path, {f"model.{name}": None})
        with pytest.raises(HsiError, match=f"{name} is not of shape"):
            load_model(tmp_path)
        exchange(tmp_path, {f"model.{name}": value.detach().contiguous()})
    assert set(devices) == {"meta"}
    load_model(tmp_path)


class Net(nn.Module):
    """Nothing that could be built without memory: it looks at the weights that it has drawn."""

    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.layer = nn.Linear(in_channels, num_classes)
        self.layer.weight.data *= float(self.layer.weight.detach().abs().max())

    def forward(self, window):
        return self.layer(window.flatten(1))


def test_a_network_of_ones_own_is_built_once_for_who_trusts_it(tmp_path, monkeypatch):
    module = type(sys)("my_small_net")
    module.Net = lambda in_channels, num_classes: WindowClassifier(
        nn.Identity(), Net(in_channels, num_classes), in_channels, 1
    )
    monkeypatch.setitem(sys.modules, "my_small_net", module)
    saved_model(tmp_path, module.Net(2, 3), description=MINE)
    with pytest.raises(HsiError, match=r"bundle\.json asks to call my_small_net\.Net as its model"):
        load_model(tmp_path)
    devices = built_on(monkeypatch)
    assert load_model(tmp_path, ["my_small_net.Net"]).map(SCENE, "cpu").class_map.shape == CUBE.shape[:2]
    assert devices == ["cpu"]


def test_a_pretrained_network_is_not_fetched_again(tmp_path, monkeypatch):
    """Networks of timm are built as they are, without the weights from the net: those lie in the file."""
    asked = []

    class StandIn(type(sys)):
        def create_model(self, name, *, pretrained, in_chans, num_classes, **_):
            asked.append(pretrained)
            return nn.Sequential(nn.Conv2d(in_chans, num_classes, 9), nn.AdaptiveAvgPool2d(1), nn.Flatten())

        def list_models(self, *_, **__):
            return ["small"]

        list_pretrained = list_models

    monkeypatch.setitem(sys.modules, "timm", StandIn("timm"))
    description = {"_target_": "hsi.models.from_timm.from_timm", "name": "small", "patch_size": 9, "size": 9}
    trained = saved_model(tmp_path, build_model(description, 2, 3), description=description | {"pretrained": True})
    asked.clear()
    devices = built_on(monkeypatch)
    again = load_model(tmp_path)
    assert (asked, devices) == ([False], ["cpu"])
    for name, value in trained.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], value)


def test_a_network_may_have_many_weights_when_all_lie_beside_it(tmp_path, monkeypatch):
    """More of them than are spared for those that are dropped again."""
    monkeypatch.setattr(saved, "SPARE", 2)
    description = {"_target_": "hsi.models.pnasnet.pnasnet", "patch_size": 9}
    network = build_model(description, 2, 3)
    assert len(list(network.parameters())) > saved.SPARE
    saved_model(tmp_path, network, description=description)
    assert len(load_model(tmp_path).network.state_dict()) == len(network.state_dict())
