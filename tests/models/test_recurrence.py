"""Recurrences: the parallel form is the step by step one, in values and gradients; what a selective scan does."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hsi.models.blocks import recurrence
from hsi.models.blocks.recurrence import parallel, selective_scan, sequential


def problem(length: int, seed: int = 0, batch: int = 3, channels: int = 4, states: int = 5) -> list[Tensor]:
    """Input, step sizes, A, B and C of a selective scan."""
    random = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    x, delta = draw(batch, length, channels), draw(batch, length, channels).exp()
    return [x, delta, -draw(channels, states).exp(), draw(batch, length, states), draw(batch, length, states)]


@given(length=st.integers(1, 40), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_parallel_is_sequential_in_values_and_gradients(length, seed):
    random = torch.Generator().manual_seed(seed)
    a, b, weights = (2 * torch.rand(2, length, 3, generator=random, dtype=torch.float64) - 1 for _ in range(3))
    inputs = a.requires_grad_(), b.requires_grad_()
    fast, plain = (solve(*inputs) for solve in (parallel, sequential))
    torch.testing.assert_close(fast, plain)
    gradients = [torch.autograd.grad((states * weights).sum(), inputs) for states in (fast, plain)]
    torch.testing.assert_close(*gradients)


def test_gradients_are_those_of_finite_differences():
    inputs = [values.requires_grad_() for values in problem(7)]
    assert torch.autograd.gradcheck(selective_scan, inputs)


@pytest.mark.parametrize("part", [1, 100, 2**20])
def test_a_scan_in_parts_is_the_scan_step_by_step(part, monkeypatch):
    monkeypatch.setattr(recurrence, "PART", part)
    inputs = [values.requires_grad_() for values in problem(12)]
    fast, plain = (selective_scan(*inputs, recurrence=solve) for solve in (parallel, sequential))
    torch.testing.assert_close(fast, plain)
    torch.testing.assert_close(*(torch.autograd.grad(y.square().sum(), inputs) for y in (fast, plain)))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_float32_is_safe_however_fast_states_decay(scale):
    """625 positions; a quotient of cumulated products would overflow from the 89th on."""
    x, delta, *rest = problem(625, batch=1)
    exact = selective_scan(x, scale * delta, *rest, recurrence=sequential)
    rounded = selective_scan(*(values.float() for values in (x, scale * delta, *rest)))
    assert (rounded - exact).abs().max() < 1e-4 * exact.abs().max()


def test_what_comes_later_is_not_seen():
    x, *rest = problem(10)
    y = selective_scan(x, *rest)
    for position in range(10):
        changed = x.clone()
        changed[:, position] += 1
        differs = (selective_scan(changed, *rest) != y).any(2).any(0)
        assert differs.tolist() == [index >= position for index in range(10)]


def test_a_constant_step_makes_it_a_convolution():
    """Gu and Dao 2023, equation 3: time invariant, of the kernel C exp(k delta A) delta B."""
    x, delta, rate, write, read = problem(9)
    delta, write, read = (values[:, :1].expand_as(values) for values in (delta, write, read))
    y = selective_scan(x, delta, rate, write, read)
    lags = torch.arange(9.0, dtype=torch.float64)[:, None, None, None]
    decays = torch.exp(lags * delta[:, 0, :, None] * rate)  # (lag, B, channels, states)
    kernel = (decays * delta[:, 0, :, None] * write[:, 0, None] * read[:, 0, None]).sum(3)
    for t in range(9):
        torch.testing.assert_close(y[:, t], sum(kernel[lag] * x[:, t - lag] for lag in range(t + 1)))


def test_a_long_step_forgets_and_a_vanishing_one_ignores():
    """The gates of Gu and Dao 2023, section 3.5.2."""
    x, delta, rate, write, read = problem(6)
    delta = torch.ones_like(delta)
    delta[:, 3] = 1e4
    forgotten = selective_scan(x, delta, rate, write, read)
    other = x.clone()
    other[:, :3] += 1
    torch.testing.assert_close(selective_scan(other, delta, rate, write, read)[:, 3:], forgotten[:, 3:])
    delta[:, 3] = 0
    ignored = selective_scan(x, delta, rate, write, read)
    kept = [0, 1, 2, 4, 5]
    short = selective_scan(*(v[:, kept] for v in (x, delta)), rate, *(v[:, kept] for v in (write, read)))
    torch.testing.assert_close(ignored[:, kept], short)
