"""Every network of conf/model/ under one set of demands; it joins by its YAML alone. Baselines: test_baselines.py."""

import inspect
import sys
from functools import cache

import pytest
import torch
from conftest import ROOT, build_network, configure
from hydra.utils import get_method
from omegaconf import OmegaConf
from safetensors.torch import load, save
from torch import Tensor, nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.cost import cost
from hsi.engine.forward import forward
from hsi.errors import HsiError
from hsi.models.__main__ import networks
from hsi.models.blocks import layers
from hsi.models.blocks.attention import SqueezeExcite

MODELS = [path.stem for path in networks()]
POSITIONS = ["last", "every"]
CLASSES = 5

pytestmark = pytest.mark.parametrize("name", MODELS)


@cache
def composed(*words: str):
    """The configuration of a network, as these words on the command line make it."""
    return configure(*words).model


def build(name: str, window: int = 11, components: int = 30, attention: str = "none", **knobs) -> WindowClassifier:
    """A narrow version where the network has a width: what is asked here does not depend on it."""
    config = composed(f"model={name}").copy()
    if attention != "none":  # which leaves a network its own
        config.attention = composed(f"+attention={attention}").attention
    if "width" in config:
        knobs.setdefault("width", 0.25)
    settings = OmegaConf.merge(config, {"patch_size": window, **knobs})
    return build_network(settings, components, CLASSES)


def build_or_refuse(*arguments, **keywords) -> WindowClassifier | None:
    """The network, or None where it is refused as a user is told: in one sentence (see `hsi.cli.main.explain`)."""
    try:
        return build(*arguments, **keywords)
    except HsiError as error:
        sentence = str(error)
    assert 20 < len(sentence) < 200
    assert "\n" not in sentence
    return None


def target(name: str):
    """The function that builds a network."""
    return get_method(composed(f"model={name}")["_target_"])


def seeded(name: str, seed: int = 0, **keywords) -> WindowClassifier:
    torch.manual_seed(seed)
    return build(name, **keywords)


def with_statistics(model: WindowClassifier) -> WindowClassifier:
    """In double precision and evaluation mode, after a training pass that leaves batch statistics behind."""
    model = model.double().train()
    with torch.no_grad():
        model(1 + 2 * torch.randn(4, model.in_channels, model.window, model.window, dtype=torch.float64))
    return model.eval()


def windows(model: WindowClassifier, count: int) -> Tensor:
    return torch.randn(count, model.in_channels, model.window, model.window)


def test_it_builds_for_all_windows_and_components_or_says_why_not(name):
    """Each window and each number of components once, the extremes together; logits are finite."""
    built = 0
    for window, components in [(9, 3), (9, 15), (11, 200), (15, 30), (25, 103)]:
        model = build_or_refuse(name, window, components)
        if model is not None:
            with torch.inference_mode():
                logits = model.eval()(windows(model, 2))
            assert logits.shape == (2, CLASSES)
            assert torch.isfinite(logits).all()
            built += 1
    assert built >= 3


def test_it_can_be_built_as_its_file_has_it(name):
    """With the window that its builder recommends, too, to those who give none."""
    config = configure(f"model={name}")
    window = config.model.patch_size
    assert inspect.signature(target(name)).parameters["patch_size"].default == window
    with torch.device("meta"):
        model = build_network(config.model, config.reduce.get("components", 200), 16)
    assert model.window == window
    # 30 components through 5 channels, or 12 linear ones, are lost: no flat layer at the front has fewer than 24
    first = next((layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Conv3d)), None)
    assert not isinstance(first, nn.Conv2d) or first.out_channels >= 24


def test_the_first_line_of_its_file_cites_the_paper(name):
    first = (ROOT / "conf" / "model" / f"{name}.yaml").read_text().splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")
    cited = first[first.index("(") + 1 : first.index(")")]
    assert cited[-4:].isdigit()
    module = sys.modules[target(name).__module__]
    assert module.__doc__
    assert cited[-4:] in module.__doc__


def test_its_file_and_its_docstring_say_how_its_weights_start(name, monkeypatch):
    """Both name `initialise` where layers of the network are drawn by it, and only there."""
    called: list[torch.Size] = []
    monkeypatch.setattr(layers, "initialise", lambda weight: called.append(weight.shape))
    build(name)
    header = (ROOT / "conf" / "model" / f"{name}.yaml").read_text().partition("_target_")[0]
    said = "# Weights start as in hsi.models.blocks.layers.initialise." in header
    assert said == bool(called)
    assert not called or "`hsi.models.blocks.layers.initialise`" in str(sys.modules[target(name).__module__].__doc__)


def test_logits_are_finite_and_gradients_reach_every_parameter(name):
    model = seeded(name).train()
    logits = model(windows(model, 4))
    assert logits.shape == (4, CLASSES)
    assert torch.isfinite(logits).all()
    torch.nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    for parameter, values in model.named_parameters():
        assert values.grad is not None, parameter
        assert torch.isfinite(values.grad).all(), parameter
        assert values.grad.any(), parameter


@pytest.mark.parametrize(("window", "position"), [(9, "none"), (15, "none"), (11, "last"), (15, "every")])
def test_dense_equals_window_by_window(name, window, position):
    """At corners, borders and in the middle of a scene; a window of 15 lets residual blocks into the trunk."""
    torch.manual_seed(1)
    attention = {} if position == "none" else {"attention": "se", "attention_position": position}
    model = build_or_refuse(name, window, 15, **attention)
    if model is None:
        return
    model = with_statistics(model)
    image = torch.randn(15, 17, 16, dtype=torch.float64)
    pixels = torch.tensor([0, 15, 16, 100, 135, 136, 200, 256, 271])
    with torch.no_grad():
        dense, patch = (forward(model, image, pixels, shared=shared) for shared in (True, False))
    assert (dense - patch).abs().max() < 1e-9
    assert dense.std(0).max() > 1e-9  # the comparison is of something


def test_the_same_seed_gives_the_same_network(name):
    model, again, other = seeded(name), seeded(name), seeded(name, 1)
    x = windows(model, 2)
    first, second, third = (m.eval()(x) for m in (model, again, other))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_weights_are_saved_and_loaded(name):
    model, other = seeded(name), seeded(name, 1)
    other.load_state_dict(load(save(model.state_dict())))
    x = windows(model, 2)
    assert torch.equal(model.eval()(x), other.eval()(x))


def test_a_batch_of_one_is_the_same_window(name):
    """Trained with one window, too, or its file says why not."""
    model = with_statistics(seeded(name, window=9, components=15))
    x = windows(model, 3).double()
    with torch.no_grad():
        assert (model(x[:1]) - model(x)[:1]).abs().max() < 1e-9
    try:
        assert torch.isfinite(model.train()(x[:1])).all()
    except ValueError:
        assert "batch of one" in str(sys.modules[target(name).__module__].__doc__)


@pytest.mark.parametrize("position", POSITIONS)
def test_attention_works_or_is_refused_with_a_sentence(name, position):
    model = build_or_refuse(name, 15, attention="se", attention_position=position)
    if model is None:
        return
    assert any(isinstance(module, SqueezeExcite) for module in model.head.modules())
    assert not any(isinstance(module, SqueezeExcite) for module in model.trunk.modules())
    model(windows(model, 2)).square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


def test_attention_with_positions_fits(name):
    """CBAM also pads a convolution over the window, however small that has become."""
    model = build_or_refuse(name, window=9, attention="cbam", attention_position="every")
    if model is not None:
        assert model.eval()(windows(model, 2)).shape == (2, CLASSES)


def test_attention_after_the_last_stage_leaves_the_trunk_shared(name):
    plain = build_or_refuse(name, attention_position="last")
    attended = build_or_refuse(name, attention="se", attention_position="last")
    if plain is not None and attended is not None:
        assert attended.trunk_window == plain.trunk_window


def test_sharing_never_costs_more(name):
    spent = cost(build(name, window=11), 145, 145)
    assert 0 < spent.shared <= spent.whole
