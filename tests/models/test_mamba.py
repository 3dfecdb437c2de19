"""What makes Mamba itself, and MambaHSI's block of two scans. The recurrence: test_recurrence.py."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.models.mamba import SelectiveScan, SpatialSpectral, mamba


def step_by_step(block: SelectiveScan, tokens: Tensor) -> Tensor:
    """One token after the other, with what Gu and Dao's figure 3 keeps in mind: some inputs and a state."""
    outputs, recent, state = [], [torch.zeros(block.skip.shape[0], dtype=tokens.dtype)] * 4, torch.zeros(())
    for token in tokens:
        x, gate = (block.opened.weight @ token).chunk(2)
        recent = [*recent[1:], x]
        x = F.silu((torch.stack(recent, dim=1) * block.convolution.weight[:, 0, :, 0]).sum(1) + block.convolution.bias)
        step, write, read = (block.selected.weight @ x).split(block.sizes)
        delta = (1 + (block.step.weight @ step + block.step.bias).exp()).log()
        decay = torch.exp(-delta[:, None] * block.log_rate.exp())
        state = decay * state + (delta * x)[:, None] * write
        outputs.append(block.closed.weight @ ((state @ read + block.skip * x) * gate * gate.sigmoid()))
    return torch.stack(outputs)


def test_the_block_is_its_own_step_by_step_form():
    torch.manual_seed(0)
    block = SelectiveScan(6, 5).double()
    tokens = torch.randn(2, 11, 6, dtype=torch.float64)
    expected = torch.stack([step_by_step(block, sequence) for sequence in tokens])
    torch.testing.assert_close(block(tokens), expected)


def test_a_token_sees_itself_and_those_before_it():
    torch.manual_seed(0)
    block = SelectiveScan(4)
    tokens = torch.randn(2, 9, 4)
    for position in range(9):
        changed = tokens.clone()
        changed[:, position] += 1
        assert torch.equal(block(changed)[:, :position], block(tokens)[:, :position])
        assert (block(changed)[:, position:] != block(tokens)[:, position:]).any(2).all()


def test_rates_and_steps_start_where_the_paper_has_them():
    """Section 3.6: S4D-Real, A_n = -(n + 1); steps of 0.001 to 0.1, their logarithm uniform."""
    block = SelectiveScan(512)
    torch.testing.assert_close(block.log_rate.exp(), torch.arange(1.0, 17).expand(1024, 16))
    steps = F.softplus(block.step.bias)
    assert 0.00099 < steps.min() < 0.0011
    assert 0.09 < steps.max() < 0.101
    assert steps.log().mean().exp().item() == pytest.approx(0.01, rel=0.2)


def test_parameters_of_the_block_are_those_of_the_authors_program():
    """128 channels: input, convolution, selection, step, rates, skip, output."""
    count = sum(p.numel() for p in SelectiveScan(128).parameters())
    assert count == 128 * 512 + 256 * 5 + 256 * (8 + 32) + (8 + 1) * 256 + 256 * 16 + 256 + 256 * 128 == 116_480


@pytest.mark.parametrize(("chosen", "reach"), [(0, range(5, 12)), (1, range(5, 6))])
def test_one_scan_follows_the_pixels_and_one_stays_in_its_pixel(chosen, reach):
    """Of 3 x 4 pixels the sixth is changed; normalisations, which see all, are left out."""
    torch.manual_seed(0)
    block = SpatialSpectral(8, 4)
    block.of_window = block.of_channels = nn.Identity()
    with torch.no_grad():
        block.weights.copy_(torch.tensor([1e9, -1e9] if chosen == 0 else [-1e9, 1e9]))
    x = torch.randn(1, 8, 3, 4)
    changed = x.clone()
    changed[:, :, 1, 1] += 1
    differs = (block(changed) != block(x)).any(1).flatten()
    assert differs.nonzero().flatten().tolist() == list(reach)


def test_a_block_whose_scans_say_nothing_doubles_its_input():
    """Each scan has a shortcut, and both together have one: MambaHSI's three residual sums."""
    block = SpatialSpectral(8, 4)
    for scan in (block.over_window, block.over_channels):
        nn.init.zeros_(scan.closed.weight)
    x = torch.randn(2, 8, 3, 3)
    torch.testing.assert_close(block(x), 2 * x)


@pytest.mark.parametrize(("window", "sides"), [(3, [3, 3, 3]), (7, [7, 4, 2]), (9, [9, 5, 3]), (25, [25, 13, 7])])
def test_the_field_is_halved_between_blocks_while_it_is_large(window, sides):
    model, seen = mamba(5, 3, window, width=0.05, states=2), []
    for module in model.modules():
        if isinstance(module, SpatialSpectral):
            module.register_forward_hook(lambda _, __, output: seen.append(output.shape[-1]))
    model(torch.randn(1, 5, window, window))
    assert seen == sides
