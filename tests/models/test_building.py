"""`build_model`: what goes to which callable, plain modules as models, and what is refused."""

import logging
import sys
from types import ModuleType

import pytest
import torch
from conftest import configure
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf
from safetensors.torch import load, save
from torch import Tensor, nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.cost import activation_floats, cost
from hsi.engine.forward import Engine, logits_of
from hsi.errors import HsiError
from hsi.models.blocks.attention import CBAM
from hsi.models.building import build_model

COMPONENTS, CLASSES, WINDOW = 4, 3, 5


class Net(nn.Module):
    """Knows nothing of this project; `view` asks for contiguous memory."""

    def __init__(self, in_channels: int, num_classes: int, width: int = 8) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, width, 3)
        self.linear = nn.Linear(width * 9, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(len(x), -1, x.shape[-1]).view_as(x)
        return self.linear(self.convolution(rows).relu().view(len(x), -1))


class Bare(nn.Module):
    """Takes no number from the data."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(COMPONENTS * WINDOW**2, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Lazy(Bare):
    """Finds its sizes at the first windows."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.LazyLinear(CLASSES))


class Recurrent(nn.Module):
    """Has a layer that puts out more than a tensor."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.recurrence, self.linear = nn.GRU(in_channels, 6, batch_first=True), nn.Linear(6, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.recurrence(x.flatten(2).transpose(1, 2))[0][:, -1])


class Looks(Bare):
    """Decides by values, of which the meta device has none."""

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x if x.sum() > 0 else -x)


class Own(Bare):
    """Has a window of its own."""

    def __init__(self, patch_size: int = WINDOW) -> None:
        super().__init__()
        self.asked = patch_size


class Attended(Bare):
    def __init__(self, attention=None, attention_position: str = "last") -> None:
        super().__init__()
        self.attention, self.position = attention, attention_position


class Sized(Bare):
    def __init__(self, bands: int) -> None:
        super().__init__()


class Pair(Bare):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.layers(x), x


class Maps(Bare):
    def forward(self, x: Tensor) -> Tensor:
        return x


class Fails(Bare):
    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("of its\nown")


def anything(**keywords: object) -> nn.Module:
    return Attended(keywords.get("attention"), str(keywords.get("attention_position")))


def no_module() -> str:
    return "a network"


MODULES = [Net, Bare, Lazy, Recurrent, Looks, Own]


@pytest.fixture(autouse=True)
def her_models(monkeypatch):
    module = ModuleType("her")
    for thing in (*MODULES, Attended, Sized, Pair, Maps, Fails, anything, no_module):
        setattr(module, thing.__name__, thing)
    monkeypatch.setitem(sys.modules, "her", module)


def describe(name: str, **settings: object) -> dict[str, object]:
    """As conf/model/custom.yaml does, with what conf/config.yaml sets for all models."""
    return {
        "_target_": f"her.{name}",
        "patch_size": WINDOW,
        "attention": None,
        "attention_position": "last",
        **settings,
    }


def build(name: str, **settings: object) -> WindowClassifier:
    torch.manual_seed(0)
    return build_model(describe(name, **settings), COMPONENTS, CLASSES)


@pytest.mark.parametrize("module", [module.__name__ for module in MODULES])
def test_a_plain_module_is_a_model(module, caplog):
    with caplog.at_level(logging.INFO, logger="hsi"):
        model = build(module)
    assert f"her.{module} is a plain torch.nn.Module" in caplog.text
    assert "docs/adding_a_model.md" in caplog.text
    assert isinstance(model.trunk, nn.Identity)
    assert (model.window, model.in_channels, model.training) == (WINDOW, COMPONENTS, True)
    x = torch.randn(6, COMPONENTS, WINDOW, WINDOW)
    torch.testing.assert_close(model(x), model.head.module(x))

    other = build(module)
    for values in other.parameters():
        nn.init.zeros_(values)
    other.load_state_dict(load(save(model.state_dict())))
    assert torch.equal(other(x), model(x))


@pytest.mark.parametrize("module", [module.__name__ for module in MODULES])
def test_it_is_counted_and_maps_a_scene(module):
    model = build(module).eval()
    assert cost(model, 20, 20).parameters == sum(values.numel() for values in model.parameters())
    assert activation_floats(model, (COMPONENTS, WINDOW, WINDOW)) >= COMPONENTS * WINDOW**2
    image = torch.randn(COMPONENTS, 8, 7)
    logits = logits_of(model, image, Engine())
    seen = nn.functional.pad(image, (2, 2, 2, 2))[:, 3 : 3 + WINDOW, 4 : 4 + WINDOW]
    torch.testing.assert_close(logits[3 * 7 + 4], model(seen[None])[0].detach())


def test_layers_that_can_be_counted_are():
    assert cost(build("Net"), 20, 20).whole == 9 * 9 * COMPONENTS * 8 + 72 * CLASSES


def test_the_order_of_random_numbers_is_that_of_the_module_alone():
    model = build("Net")
    after = torch.rand(1)
    torch.manual_seed(0)
    alone = Net(COMPONENTS, CLASSES)
    assert torch.equal(model.head.module.linear.weight, alone.linear.weight)
    assert torch.equal(after, torch.rand(1))


def test_her_own_parameters_are_passed():
    assert build("Net", width=3).head.module.convolution.out_channels == 3
    assert build("Own").head.module.asked == WINDOW
    with pytest.raises(HsiError, match=r"her\.Own fails on windows of zeros"):
        build("Own", patch_size=7)
    own = describe("Own")
    del own["patch_size"]
    assert build_model(own, COMPONENTS, CLASSES).window == WINDOW


def test_a_callable_that_takes_attention_gets_it():
    attention = OmegaConf.to_container(configure("+attention=cbam").model.attention)
    for name in ("Attended", "anything"):
        module = build(name, attention=attention, attention_position="every").head.module
        assert isinstance(module.attention(8), CBAM)
        assert module.position == "every"
        assert build(name).head.module.attention is None


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("Net", {"attention": {"_target_": "torch.nn.Identity"}}, "her.Net takes no attention: leave .attention= out"),
        ("Net", {"dropout": 0.4}, r"model.dropout is no parameter of her.Net \(known are .*width\): .* model=custom"),
        ("Net", {"widht": 4}, r"model.widht is no parameter of her.Net \(did you mean width\?\)"),
        ("Bare", {"dropout": 0.4}, "model.dropout is no parameter of her.Bare: .* model=custom"),
        ("Net", {"width": "wide"}, "model.width=wide: give a whole number"),
        ("Net", {"width": -1}, "model: her.Net could not be built"),
        ("Net", {"width": "???"}, "model.width has no value yet: give model.width="),
        ("Net", {"patch_size": 4}, "patch_size=4: give an odd whole number of pixels"),
        ("Net", {"patch_size": "wide"}, "patch_size=wide: give an odd whole number of pixels"),
        ("Net", {"patch_size": None}, "model.patch_size has no value yet"),
        ("Sized", {}, r"her.Sized needs a value for bands: give \+model.bands="),
        ("Nets", {}, "her.Nets cannot be imported"),
        ("no_module", {}, "her.no_module returns a str: it has to be, or return, a torch.nn.Module"),
        ("Pair", {}, r"her.Pair puts out a tuple: .* windows \(B, 4, 5, 5\) into logits \(B, 3\)"),
        ("Maps", {}, r"her.Maps puts out \(2, 4, 5, 5\) for two windows"),
        ("Fails", {}, r"her.Fails fails on windows of zeros \(RuntimeError: of its own\)"),
    ],
)
def test_what_cannot_be_a_model_is_said(name, settings, sentence):
    with pytest.raises(HsiError, match=sentence) as refusal:
        build(name, **settings)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 250


def test_custom_is_the_file_for_ones_own_class():
    config = configure("model=custom", "model._target_=her.Net", "+model.width=2", "patch_size=5").model
    assert build_model(config, COMPONENTS, CLASSES).head.module.convolution.out_channels == 2
    with pytest.raises(HsiError, match=r"model._target_ has no value yet: .* model._target_=my_models.Net"):
        build_model(configure("model=custom").model, COMPONENTS, CLASSES)
    with pytest.raises(HsiError, match=r"model\.dropout is no parameter of her\.Net"):
        build_model(configure("model._target_=her.Net").model, COMPONENTS, CLASSES)


@pytest.mark.parametrize("name", ["svm", "svm_window", "knn", "random_forest", "scales", "posteriors"])
def test_estimators_take_no_attention(name):
    assert isinstance(build_model(configure(f"model={name}", "+attention=none").model, 4, 3), WindowClassifier)
    ignored = configure(f"model={name}", "model.attention_position=every").model
    assert isinstance(build_model(ignored, 4, 3), WindowClassifier)
    with pytest.raises(HsiError, match=rf"model={name.removesuffix('_window')} takes no attention: leave \+att"):
        build_model(configure(f"model={name}", "+attention=se").model, 4, 3)


@pytest.mark.parametrize("with_keys", [True, False])
def test_descriptions_that_older_runs_saved_still_build(with_keys):
    """They held both keys for networks, and none for estimators."""
    keys = {"attention": None, "attention_position": "last"} if with_keys else {}
    network = {"_target_": "hsi.models.lenet.lenet", "patch_size": 15, "width": 4.0, **keys}
    assert build_model(network, 30, 16).window == 15
    estimator = {"_target_": "hsi.models.baselines.knn", "neighbours": 5, "patch_size": 1, **keys}
    assert build_model(estimator, 30, 16).window == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["model=svm", "model.C=-1"], "model.C=-1: give a positive number, or a list of positive numbers"),
        (["model=svm", "model.C=[]"], r"model.C=\[\]: give a positive number, or a list"),
        (["model=svm", "model.gamma=[1,nan]"], r"model.gamma=\[1, nan\]: give"),
        (["model=knn", "model.neighbours=0"], "model.neighbours=0: give a whole number from 1 on"),
        (["model=random_forest", "model.trees=2.5"], "model.trees=2.5: give a whole number from 1 to 10000"),
        (["model.dropout=1.5"], "model.dropout=1.5: give a share from 0 to below 1"),
        (["model.dropout=true"], "model.dropout=true: give a share"),
        (["model=lenet", "model.width=0"], "model.width=0: give a positive number"),
        (["model=lenet", "model.width=nan"], "model.width=nan: give a positive number"),
        (["model=deformable", "model.modulated=maybe"], "model.modulated=maybe: give true or false"),
        (["model.attention_position=evry"], r"=evry: choose last or every; did you mean every\?"),
        (
            ["+attention=se", "model.attention.reduction=0"],
            "attention.reduction=0: give a whole number from 1 on",
        ),
        (["model.attention=se"], r"model.attention=se: attention is a group of its own, give \+attention=se"),
        (["patch_size=10"], "patch_size=10: give an odd whole number of pixels"),
    ],
)
def test_values_are_checked_and_the_key_named(words, sentence):
    with pytest.raises(HsiError, match=sentence):
        build_model(configure(*words).model, 30, 16)


def test_keys_of_attention_stand_once_and_a_model_may_choose_another_position():
    assert configure("model=senet").model.attention_position == "every"
    assert configure("model=lenet").model.attention_position == "last"
    assert configure("model=senet", "model.attention_position=last").model.attention_position == "last"
    with pytest.raises(ConfigCompositionException):
        configure("model.attention_psition=last")


def test_its_weights_stay_in_contiguous_memory():
    """In channels-last memory ``view`` would fail behind a convolution."""
    model = Engine(channels_last=True).lay_out(build("Net"))
    assert model.head.module.convolution.weight.is_contiguous()
    model(torch.randn(2, COMPONENTS, WINDOW, WINDOW).contiguous(memory_format=torch.channels_last))


@pytest.mark.parametrize("name", ["ssrn", "a2s2k_resnet", "cnn_1d", "cnn_3d", "mamba", "spectralformer"])
def test_networks_whose_papers_feed_bands_get_bands_unless_told_otherwise(name):
    assert configure(f"model={name}").reduce["_target_"] == "hsi.reduce.standardize"
    assert configure("reduce=pca", "reduce.components=15", f"model={name}").reduce.components == 15


def test_ssrn_has_its_published_parameters_as_its_file_has_it():
    """Zhong et al. 2018, for Indian Pines."""
    with torch.device("meta"):
        model = build_model(configure("model=ssrn").model, 200, 16)
    assert sum(values.numel() for values in model.parameters()) == 363_800
