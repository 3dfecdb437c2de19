"""Linear recurrences along a sequence, h_t = a_t h_(t-1) + b_t, and the selective state space made of one.

Gu, Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv 2312.00752, 2023. The published scan
is a kernel for GPUs; this one is plain torch. `sequential` is the definition, `parallel` the same in fewer and larger
steps, with a derivative that is one recurrence more, run backwards; the tests compare them.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

PART = 2**20  # states worked on at a time: what stays in a processor's cache is several times faster


def selective_scan(
    x: Tensor,
    delta: Tensor,
    rate: Tensor,
    write: Tensor,
    read: Tensor,
    recurrence: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Tensor:
    """State space whose step size, input and output weights come with each position: Gu and Dao 2023, section 3.2.

    h_t = exp(delta_t A) h_(t-1) + delta_t B_t x_t and y_t = C_t h_t, from h = 0; A, B and C are called `rate`, `write`
    and `read`. B is discretised as in the authors' program (Euler's rule), not as in their equation 4.

    Parameters
    ----------
    x, delta
        Input and positive step sizes, (B, L, channels).
    rate
        (channels, states), negative: how fast a state is forgotten.
    write, read
        (B, L, states).
    recurrence
        `parallel`, or `sequential` to compare with.

    Returns
    -------
    y (B, L, channels).
    """
    # a graph that is exported has no loop over a batch of any size, and no function of Python
    as_graph = torch.compiler.is_compiling() or torch.jit.is_tracing()
    solve = recurrence or (sequential if as_graph else parallel)
    parts = [[v.to(rate.dtype)] for v in (x, delta, write, read)]
    if not as_graph:
        count = max(1, PART // (x[0].numel() * rate.shape[1]))
        parts = [list(v[0].split(count)) for v in parts]
    outputs = []
    for u, step, b, c in zip(*parts, strict=True):
        states = solve(torch.exp(step[..., None] * rate), (step * u)[..., None] * b[:, :, None])
        outputs.append((states * c[:, :, None]).sum(3))
    return torch.cat(outputs)


def sequential(a: Tensor, b: Tensor) -> Tensor:
    """h_t = a_t h_(t-1) + b_t over axis 1 of (B, L, ...), from h = 0: the definition, step by step."""
    state, states = torch.zeros_like(b[:, 0]), []
    for decay, drive in zip(a.unbind(1), b.unbind(1), strict=True):
        state = decay * state + drive
        states.append(state)
    return torch.stack(states, dim=1)


def parallel(a: Tensor, b: Tensor) -> Tensor:
    """`sequential` in 2 sqrt(L) steps; exact and free of overflow for |a| <= 1, since nothing is divided.

    Stretches of about sqrt(L) positions run side by side, each from 0. Then each adds what the one before it ended
    with, times its own decays so far.
    """
    length = a.shape[1]
    side = math.isqrt(length - 1) + 1
    if missing := -length % side:
        a, b = (torch.cat([v, torch.zeros_like(v[:, :missing])], dim=1) for v in (a, b))
    states: Tensor = _Parallel.apply(a.unflatten(1, (-1, side)), b.unflatten(1, (-1, side)))
    return states.flatten(1, 2)[:, :length]


class _Parallel(torch.autograd.Function):
    """(B, stretches, positions, ...) twice -> the states, in the same shape."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        states, decays = b.clone(), a.clone()
        for t in range(1, a.shape[2]):
            states[:, :, t].addcmul_(a[:, :, t], states[:, :, t - 1])
            decays[:, :, t].mul_(decays[:, :, t - 1])
        for stretch in range(1, a.shape[1]):
            states[:, stretch].addcmul_(decays[:, stretch], states[:, stretch - 1, -1:])
        ctx.save_for_backward(a, states)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """A state counts for what is read of it, and for the next state, times that one's decay: from the end on."""
        a, states = ctx.saved_tensors
        of_b, decays = gradient.clone(), torch.empty_like(a)
        decays[:, :-1, -1] = a[:, 1:, 0]
        for t in range(a.shape[2] - 2, -1, -1):
            of_b[:, :, t].addcmul_(a[:, :, t + 1], of_b[:, :, t + 1])
            torch.mul(a[:, :, t + 1], decays[:, :, t + 1], out=decays[:, :, t])
        for stretch in range(a.shape[1] - 2, -1, -1):
            of_b[:, stretch].addcmul_(decays[:, stretch], of_b[:, stretch + 1, :1])
        before = torch.cat([torch.zeros_like(a[:, :1, -1:]), states[:, :-1, -1:]], dim=1)
        return torch.cat([before, states[:, :, :-1]], dim=2).mul_(of_b), of_b
