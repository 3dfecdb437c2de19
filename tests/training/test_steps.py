import json
import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hsi.engine import symmetry
from hsi.engine.forward import Engine, as_image, forward
from hsi.models.hybridsn import hybridsn
from hsi.scenes.synthetic import make_synthetic
from hsi.splits.random import random_split
from hsi.splits.roles import TEST, TRAIN
from hsi.training import schedule
from hsi.training.steps import Training, batch, draw_symmetry, fit

SCENE = make_synthetic(rows=24, cols=22, bands=13, classes=3, noise=0.005)
SPLIT = random_split(SCENE.labels, train=0.3, validation=0.1)
IMAGE = as_image(
    ((SCENE.cube - SCENE.cube.mean((0, 1))) / SCENE.cube.std((0, 1))).astype(np.float32), torch.device("cpu")
)


def train(training, split=SPLIT, seed=0, precision="fp32", labels=SCENE.labels):
    torch.manual_seed(seed)
    model = hybridsn(13, 3, 9)
    history, _ = fit(
        model,
        IMAGE,
        labels,
        split,
        engine=Engine(),
        training=training,
        optimizer=partial(torch.optim.AdamW, lr=2e-3),
        schedule=schedule.one_cycle,
        precision=precision,
        seed=seed,
    )
    return model, history


@given(seed=st.integers(0, 99), size=st.integers(1, 20), count=st.integers(1, 20))
def test_batches_walk_through_shuffled_epochs(seed, size, count):
    """Cut into epochs, the row of batches is a permutation of all pixels, again and again."""
    row = np.concatenate([batch(seed, step, size, count) for step in range(2 * count)])
    assert row.shape == (2 * count * size,)
    for epoch in row[: len(row) // count * count].reshape(-1, count):
        assert sorted(epoch) == list(range(count))


def test_batches_depend_on_the_seed():
    assert not np.array_equal(batch(0, 0, 50, 100), batch(1, 0, 50, 100))


def test_all_symmetries_are_drawn_about_equally_often():
    counts = np.bincount([draw_symmetry(0, step) for step in range(800)], minlength=symmetry.COUNT)
    assert counts.min() > 60


def test_it_learns():
    model, history = train(Training(steps=60, batch_size=64, augment=True))
    test = torch.as_tensor(SPLIT.pixels(TEST))
    with torch.inference_mode():
        predicted = forward(model, IMAGE, test, shared=True).argmax(1).numpy() + 1
    assert (predicted == SCENE.labels.flatten()[test.numpy()]).mean() > 0.85
    assert history["loss"].iloc[-5:].mean() < history["loss"].iloc[:5].mean() / 2


def test_epochs_count_passes_over_the_training_pixels():
    count = len(SPLIT.pixels(TRAIN))
    _, history = train(Training(epochs=2, batch_size=10))
    assert len(history) == math.ceil(2 * count / 10)


def test_validation_chooses_the_weights_and_the_test_pixels_choose_nothing():
    """The best validated weights stay; scrambling every test label changes neither weights nor history."""
    training = Training(steps=8, batch_size=32, validate_every=2)
    model, history = train(training)
    measured = history["validation_accuracy"].dropna()
    assert list(measured.index + 1) == [2, 4, 6, 8]
    scrambled = np.where(SPLIT.role == TEST, SCENE.labels % 3 + 1, SCENE.labels)
    other, other_history = train(training, labels=scrambled)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    assert history.equals(other_history)


def test_bf16_trains_too():
    _, history = train(Training(steps=20, batch_size=64), precision="bf16")
    assert history["loss"].iloc[-3:].mean() < history["loss"].iloc[:3].mean()


def test_balanced_weights_make_the_classes_equal():
    """With logits of zero the weighted loss is log K however unequal the classes are; and gradients are balanced."""
    from hsi.training.steps import _class_weights

    targets = torch.tensor([0] * 90 + [1] * 9 + [2])
    weights = _class_weights(targets, 4)
    assert weights.tolist() == pytest.approx([100 / (3 * 90), 100 / (3 * 9), 100 / 3, 0])
    assert torch.bincount(targets, weights=weights[targets]).tolist() == pytest.approx([100 / 3] * 3)


@pytest.mark.parametrize("name", ["one_cycle", "cosine", "constant"])
def test_schedules_stay_within_the_optimizers_rate_and_can_be_saved_as_json(name):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    rate = getattr(schedule, name)(optimizer, steps=50)
    rates = []
    for _ in range(50):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        rate.step()
    assert max(rates) == pytest.approx(0.5, rel=0.01)
    ends = {"one_cycle": (0.02, 0.01), "cosine": (0.5, 0.01), "constant": (0.5, 0.5)}[name]
    assert rates[0] == pytest.approx(ends[0])
    assert rates[-1] <= ends[1]
    json.dumps(rate.state_dict())
