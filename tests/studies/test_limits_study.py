"""The operations that are held against the limit are those that torch counts."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from hsi.models.hybridsn import hybridsn
from studies import limits, volumes


def test_operations_are_those_that_torch_counts(capsys):
    """Forward and backward: the whole step's, of convolutions and products."""
    torch.manual_seed(0)
    image, pixels = torch.randn(30, 25, 25), torch.randint(625, (40,))
    network = hybridsn(30, 16)
    with FlopCounterMode(display=False) as counter:
        volumes.train(network, image, pixels)
    counted = 0
    for layer, given, needs in limits.layers_of(network, image, pixels).values():
        _, _, ahead, back = limits.measure(layer, given, needs, rounds=1)
        counted += ahead + back
    assert counted == counter.get_total_flops()


def test_the_table_ends_in_the_limit(capsys, monkeypatch):
    monkeypatch.setattr(limits, "SQUARE", 256)
    limits.main(["--rounds", "1", "--side", "25", "--batch", "20"])
    rows = capsys.readouterr().out.splitlines()
    assert rows[-2].split()[-1] == "100"
    assert len(rows) == 2 + 7 + 3 + 1
