"""Networks of timm: what is asked of the library, with a stand-in for it, and the library itself where it is."""

import sys
from types import ModuleType

import pytest
import torch
from conftest import configure
from torch import nn

from hsi.errors import HsiError, NotInstalled
from hsi.models import from_timm
from hsi.models.blocks.attention import SqueezeExcite
from hsi.models.building import build_model
from hsi.models.from_timm import Enlarge, library, start_branches

NETWORKS = {"resnet18": 32, "convnext_atto": 32, "mobilenetv3_small_100": 48, "vit_tiny_patch16_224": 224}


class StandIn(ModuleType):
    """Knows one network, fully convolutional, for images of 16 pixels and more; remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__("timm")
        self.asked: list[dict[str, object]] = []

    def list_models(self) -> list[str]:
        return ["smallnet18", "fixednet", "brokennet"]

    def list_pretrained(self) -> list[str]:
        return ["smallnet18.here", "smallnet18.there"]

    def create_model(self, name: str, **keywords: object) -> nn.Module:
        self.asked.append(keywords)
        if keywords["pretrained"]:
            raise ConnectionError("no way out")
        if name == "brokennet":
            raise TypeError("a fault of the library")
        layer = nn.Conv2d(keywords["in_chans"], keywords["num_classes"], 16)
        pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten()) if name == "smallnet18" else (nn.Flatten(),)
        return nn.Sequential(layer, nn.BatchNorm2d(keywords["num_classes"]), *pool)


@pytest.fixture
def stand_in(monkeypatch):
    timm = StandIn()
    monkeypatch.setitem(sys.modules, "timm", timm)
    return timm


@pytest.fixture
def timm():
    try:
        return library()
    except NotInstalled as reason:
        pytest.skip(str(reason))


def test_it_is_created_for_components_and_classes_without_a_download(stand_in):
    model = from_timm.from_timm(30, 7, 9, name="smallnet18", size=16)
    assert stand_in.asked == [{"pretrained": False, "in_chans": 30, "num_classes": 7}]
    assert model(torch.randn(2, 30, 9, 9)).shape == (2, 7)
    assert isinstance(model.trunk, nn.Identity)
    assert not configure("model=timm").model.pretrained


def test_windows_are_enlarged_and_never_reduced(stand_in):
    seen = []
    model = from_timm.from_timm(3, 2, 25, name="smallnet18", size=16)
    model.head[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.randn(2, 3, 25, 25)
    model(x)
    assert torch.equal(seen[0], x)
    assert Enlarge(16)(x[..., :9, :9]).shape == (2, 3, 16, 16)
    rows = Enlarge(4)(torch.tensor([[0.0, 4.0], [0.0, 4.0]]).view(1, 1, 2, 2))[0, 0]
    assert rows.tolist() == [[0, 1, 3, 4]] * 4  # bilinear, between the middles of pixels


def test_zero_scales_of_branches_start_at_one():
    network = nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm2d(3), nn.BatchNorm2d(3, affine=False))
    nn.init.zeros_(network[0].weight)
    nn.init.constant_(network[1].weight, 0.5)
    start_branches(network)
    assert [network[0].weight.tolist(), network[1].weight.tolist()] == [[1.0] * 3, [0.5] * 3]


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"name": "smallnet81"}, r"no network model.name=smallnet81: did you mean smallnet18\?"),
        ({"name": "zzz"}, "no network model.name=zzz: timm.list_models"),
        ({"name": "hub:someone/smallnet18"}, "timm has no network"),
        ({"name": "smallnet18.hre"}, "did you mean smallnet18.here or smallnet18.there"),
        ({"name": "smallnet18", "size": 12}, "makes no class scores of 12 x 12 pixels: change model.size"),
        ({"name": "fixednet", "size": 20}, "makes no class scores of 20 x 20 pixels"),
        ({"name": "smallnet18", "pretrained": True}, r"could not be fetched \(ConnectionError\)"),
        ({"name": "smallnet18", "attention": SqueezeExcite}, "leave .attention= out"),
    ],
)
def test_what_cannot_be_built_is_said(stand_in, knobs, words):
    with pytest.raises(HsiError, match=words) as refusal:
        from_timm.from_timm(3, 2, 9, **knobs)
    assert len(str(refusal.value)) < 200
    assert "\n" not in str(refusal.value)


def test_faults_of_the_library_are_not_hidden(stand_in):
    with pytest.raises(TypeError, match="a fault of the library"):
        from_timm.from_timm(3, 2, 9, name="brokennet")


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(NotInstalled, match=r'model=timm needs the package timm: pip install "hsi\[timm\]"'):
        from_timm.from_timm(3, 2)


def test_a_torchvision_of_another_build_is_said(monkeypatch, tmp_path):
    """Its compiled part does not load then, and the import of timm fails as this module does."""
    (tmp_path / "timm.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    with pytest.raises(NotInstalled, match="needs a torchvision that fits torch"):
        from_timm.from_timm(3, 2)


def test_a_run_without_timm_says_so(hsi_run, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    outcome = hsi_run("experiment=trial", "model=timm")
    assert outcome.status == 2
    assert outcome.out.endswith('Error: model=timm needs the package timm: pip install "hsi[timm]"\n')


@pytest.mark.parametrize(("name", "size"), NETWORKS.items())
def test_networks_of_timm_learn_from_windows(timm, name, size):
    """Also one that is no convolutional network, at the size that it is made for."""
    torch.manual_seed(0)
    model = build_model(configure("model=timm", f"model.name={name}", f"model.size={size}").model, 5, 3).train()
    logits = model(torch.randn(3, 5, 15, 15))
    assert logits.shape == (3, 3)
    logits.square().sum().backward()
    (first,) = (p for p in model.parameters() if p.dim() == 4 and p.shape[1] == 5)
    assert first.grad.any()


def test_resnet18_of_timm_is_that_of_the_paper(timm):
    """The count of `hsi.models.resnet.original`, less the filters of three colours, plus those of five components."""
    with torch.device("meta"):
        model = from_timm.from_timm(5, 1000)
    assert sum(p.numel() for p in model.parameters()) == 11_689_512 + 64 * (5 - 3) * 7 * 7


def test_timm_names_its_networks(timm):
    with pytest.raises(HsiError, match="did you mean resnet"):
        from_timm.from_timm(3, 2, name="resnet19")
    with pytest.raises(HsiError, match="makes no class scores of 32 x 32"):
        from_timm.from_timm(3, 2, name="vit_tiny_patch16_224")
    assert "seresnet18" in timm.list_models(), "named in the refusal of attention"
    assert "resnet18.a1_in1k" in timm.list_pretrained()
