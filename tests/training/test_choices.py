"""Optimizers, schedules and the temperature: what their numbers do."""

import inspect

import numpy as np
import pytest
import torch
from conftest import configure
from hypothesis import given
from hypothesis import strategies as st

from hsi.config.build import build
from hsi.training import optimizers, schedule
from hsi.training.temperature import HOTTEST, best_temperature

OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD}
GIVEN = {"lr": 0.25, "weight_decay": 0.125, "momentum": 0.5}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_that_of_torch_with_the_given_numbers(name):
    make, weight = getattr(optimizers, name), torch.nn.Parameter(torch.ones(2))
    keys = [key for key in inspect.signature(make).parameters if key != "parameters"]
    made = make([weight], **{key: GIVEN[key] for key in keys})
    assert type(made) is OPTIMIZERS[name]
    (group,) = made.param_groups
    assert group["params"] == [weight]
    assert {key: group[key] for key in keys} == {key: GIVEN[key] for key in keys}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_numbers_of_python_are_those_of_the_files(name):
    """What an optimizer takes where nothing is said is what conf/optimizer says."""
    weight = torch.nn.Parameter(torch.ones(2))
    own = getattr(optimizers, name)([weight]).param_groups[0]
    filed = build(configure(f"optimizer={name}").optimizer, "optimizer")([weight]).param_groups[0]
    assert {key: own[key] for key in GIVEN if key in own} == {key: filed[key] for key in GIVEN if key in filed}


def rates_of(make, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    rate, rates = make(optimizer, steps=steps), []
    for _ in range(steps + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        rate.step()
    return np.array(rates)


@pytest.mark.parametrize("steps", [1, 2, 20])
def test_a_constant_rate_stays(steps):
    assert (rates_of(schedule.constant, steps) == 0.5).all()


def test_a_cosine_falls_from_the_rate_to_nothing():
    expected = 0.25 * (1 + np.cos(np.pi * np.arange(21) / 20))
    np.testing.assert_allclose(rates_of(schedule.cosine, 20), expected, atol=1e-12)


@pytest.mark.parametrize(("warmup", "summit"), [(0.3, 6), (0.5, 10)])
def test_one_cycle_rises_over_its_warm_up_and_falls(warmup, summit):
    rates = rates_of(lambda optimizer, steps: schedule.one_cycle(optimizer, steps, warmup), 20)
    assert abs(rates.argmax() - (summit - 1)) <= 1
    assert rates.max() == pytest.approx(0.5, rel=0.05)
    assert (np.diff(rates[: rates.argmax()]) > 0).all()
    assert (np.diff(rates[rates.argmax() + 1 :]) < 0).all()
    assert rates[-1] < 1e-4 * rates[0]
    if warmup == 0.3:
        np.testing.assert_array_equal(rates, rates_of(schedule.one_cycle, 20))


@given(scale=st.floats(0.2, 5), seed=st.integers(0, 99))
def test_logits_that_are_stretched_want_a_temperature_that_is_stretched_alike(scale, seed):
    rng = np.random.default_rng(seed)
    logits, targets = 2 * rng.normal(size=(3, 60, 4)), rng.integers(0, 4, 60)
    logits[:, np.arange(60), targets] += 2
    found = best_temperature(logits, targets)
    if 0.1 < found < 5:
        assert best_temperature(scale * logits, targets) == pytest.approx(scale * found, rel=1e-3)


@pytest.mark.parametrize(("right", "limit"), [(True, 1 / HOTTEST), (False, HOTTEST)])
def test_the_temperature_keeps_to_its_bounds(right, limit):
    logits = 0.5 * np.eye(3)[None]
    assert best_temperature(logits, np.arange(3) if right else np.array([1, 2, 0])) == pytest.approx(limit, rel=1e-3)
