"""Where numbers are computed: what the words of the configuration mean on this machine."""

import pytest
import torch

from hsi.engine import device as compute


@pytest.mark.parametrize("capable", [True, False])
def test_automatic_precision_is_float32_on_every_cpu(monkeypatch, capable):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: capable)
    assert compute.resolve_precision("auto", torch.device("cpu")) == "fp32"
    assert compute.resolve_precision("bf16", torch.device("cpu")) == "bf16"


@pytest.mark.parametrize(("capable", "word"), [(True, "bf16"), (False, "fp32")])
def test_automatic_precision_follows_the_gpu(monkeypatch, capable, word):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: capable)
    assert compute.resolve_precision("auto", torch.device("cuda")) == word
