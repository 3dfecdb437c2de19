"""Every network of conf/model/ comes back from its two files as it was, and is asked for no more than they hold."""

import json

import numpy as np
import pytest
import torch
from conftest import ESTIMATORS, ROOT, build_network, configure
from omegaconf import OmegaConf

from hsi.engine.forward import Engine
from hsi.mapping.scene_map import MapSettings
from hsi.mapping.unknown import evidence_table
from hsi.reduce import Reducer
from hsi.runs.identity import plain, settle
from hsi.runs.model import TrainedModel, load_model, save_model
from hsi.runs.sensor import Sensor

NAMES = sorted({path.stem for path in (ROOT / "conf/model").glob("*.yaml")} - {*ESTIMATORS, "custom"})
BANDS, COMPONENTS, CLASSES = 20, 13, 3


def model_of(config, **fields):
    network = build_network(OmegaConf.create(config["model"]), COMPONENTS, CLASSES).eval()
    return TrainedModel(
        network=network,
        reducer=Reducer(np.zeros(BANDS), np.eye(BANDS)[:, :COMPONENTS], np.empty(0)),
        engine=Engine(),
        settings=MapSettings(),
        temperature=1.5,
        scene="field",
        sensor=Sensor(BANDS, "uint16", None, None),
        class_names=("a", "b", "c"),
        colours=("#000000", "#111111", "#222222"),
        label_values=(1, 2, 5),
        **fields,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_network_comes_back(name, tmp_path):
    config = plain(settle(configure(f"model={name}")))
    trained = model_of(config)
    network = trained.network
    save_model(tmp_path, trained, config)
    again = load_model(tmp_path)
    assert not again.network.training
    assert (again.class_names, again.label_values, again.temperature) == (("a", "b", "c"), (1, 2, 5), 1.5)
    np.testing.assert_array_equal(again.reducer.weights, trained.reducer.weights)
    window = torch.rand(2, COMPONENTS, network.window, network.window, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(again.network(window), network(window), rtol=0, atol=0)


def test_what_is_known_of_the_unknown_comes_back_and_earlier_bundles_know_nothing(tmp_path):
    config = plain(settle(configure("model=lenet")))
    tables = evidence_table(np.random.default_rng(0).normal(size=(1, 50, CLASSES)).astype(np.float32))
    save_model(tmp_path, model_of(config, unknown=tables), config)
    again = load_model(tmp_path).unknown
    for kind, table in tables.items():
        np.testing.assert_array_equal(again[kind], table)

    save_model(tmp_path, model_of(config), config)
    bundle = json.loads((tmp_path / "bundle.json").read_text())
    assert bundle.pop("unknown") is None
    (tmp_path / "bundle.json").write_text(json.dumps(bundle))
    assert load_model(tmp_path).unknown is None
