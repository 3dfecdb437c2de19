"""Where numbers are computed: what the words of the configuration mean on this machine."""

import contextlib
import os
import random

import numpy as np
import pytest
import torch

from hsi.engine import device as compute
from hsi.errors import HsiError


@pytest.mark.parametrize("capable", [True, False])
def test_automatic_precision_is_float32_on_every_cpu(monkeypatch, capable):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: capable)
    assert compute.resolve_precision("auto", torch.device("cpu")) == "fp32"
    assert compute.resolve_precision("bf16", torch.device("cpu")) == "bf16"


@pytest.mark.parametrize(("capable", "word"), [(True, "bf16"), (False, "fp32")])
def test_automatic_precision_follows_the_gpu(monkeypatch, capable, word):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: capable)
    assert compute.resolve_precision("auto", torch.device("cuda")) == word


@pytest.mark.parametrize(
    ("gpu", "word", "found"), [(True, "cpu", "cpu"), (True, "auto", "cuda"), (False, "auto", "cpu")]
)
def test_automatic_takes_a_gpu_where_there_is_one(monkeypatch, gpu, word, found):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert compute.resolve_device(word) == torch.device(found)


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert compute.resolve_device("cuda") == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(HsiError, match="device=cuda: torch sees no GPU"):
        compute.resolve_device("cuda")


def draws():
    return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002


def settings():
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
    )


@pytest.fixture
def as_it_was():
    with compute.generators_kept():
        yield


@pytest.mark.usefixtures("as_it_was")
def test_a_seed_settles_all_generators_and_the_algorithms(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    torch.backends.cudnn.benchmark = True
    found = []
    for seed in (3, 3, 4):
        compute.seed_everything(seed)
        found.append(draws())
    assert found[0] == found[1]
    assert all(one != other for one, other in zip(found[1], found[2], strict=True))
    assert settings() == (True, False, False)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"  # one of the two that CUDA knows as deterministic
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    compute.seed_everything(3)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


@pytest.mark.parametrize(("deterministic", "warning"), [(False, False), (True, True), (True, False)])
@pytest.mark.parametrize("benchmark", [False, True])
@pytest.mark.usefixtures("as_it_was")
def test_what_a_seed_sets_is_put_back(deterministic, warning, benchmark):
    torch.use_deterministic_algorithms(deterministic, warn_only=warning)
    torch.backends.cudnn.benchmark = benchmark
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    expected = draws()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    with contextlib.suppress(ValueError), compute.generators_kept():
        compute.seed_everything(7)
        draws()
        raise ValueError("whatever happens in a training")
    assert draws() == expected
    assert settings() == (deterministic, deterministic and warning, benchmark)
