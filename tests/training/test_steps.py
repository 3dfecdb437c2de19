import json
import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from hsi.engine import symmetry
from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, as_image, forward
from hsi.engine.samples import HIDDEN, gather
from hsi.errors import HsiError
from hsi.models.baselines import knn
from hsi.models.hybridsn import hybridsn
from hsi.scenes.synthetic import make_synthetic
from hsi.splits.random import random_split
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION, Split
from hsi.training import schedule
from hsi.training.batches import batch, draw_symmetry
from hsi.training.checkpoint import Checkpoint
from hsi.training.losses import class_weights
from hsi.training.once import Once
from hsi.training.steps import Steps

SCENE = make_synthetic(rows=24, cols=22, bands=13, classes=3, noise=0.005)
SPLIT = random_split(SCENE.labels, train=0.3, validation=0.1)
FEATURES = ((SCENE.cube - SCENE.cube.mean((0, 1))) / SCENE.cube.std((0, 1))).astype(np.float32)
WITHOUT_VALIDATION = Split(np.where(SPLIT.role == VALIDATION, UNUSED, SPLIT.role))
CPU = torch.device("cpu")
RECIPE = partial(Steps, partial(torch.optim.AdamW, lr=2e-3), schedule.one_cycle, precision="fp32")


def same(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(ours, theirs) for ours, theirs in pairs)


def train(recipe, split=SPLIT, seed=0, labels=SCENE.labels):
    torch.manual_seed(seed)
    model = hybridsn(13, 3, 9)
    samples = gather(FEATURES, labels, split, 3, CPU)
    return model, recipe.fit(model, samples, Engine(), seed).history


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
    model, history = train(RECIPE(steps=60, batch_size=64, augment=True))
    test = torch.as_tensor(SPLIT.pixels(TEST))
    with torch.inference_mode():
        predicted = forward(model, as_image(FEATURES, CPU), test, shared=True).argmax(1).numpy() + 1
    assert (predicted == SCENE.labels.flatten()[test.numpy()]).mean() > 0.85
    assert history["loss"].iloc[-5:].mean() < history["loss"].iloc[:5].mean() / 2


def test_epochs_count_passes_over_the_training_pixels():
    count = len(SPLIT.pixels(TRAIN))
    _, history = train(RECIPE(epochs=2, batch_size=10))
    assert len(history) == math.ceil(2 * count / 10)


def small():
    """A network without chance but in its beginning."""
    torch.manual_seed(0)
    trunk = nn.Sequential(nn.Conv2d(13, 6, 3), nn.Tanh())
    return WindowClassifier(trunk, nn.Sequential(nn.Flatten(), nn.Linear(6, 3)), 13, 3)


def down_and_up(optimizer, steps):
    """Descend for 30 steps and then climb: neither the first weights are the best, nor the last."""
    return LambdaLR(optimizer, lambda step: 1.0 if step < 30 else -1.0)


def fit(split, rate, schedule, steps, every):
    samples = gather(FEATURES, SCENE.labels, split, 3, CPU)
    descent = partial(torch.optim.SGD, lr=rate)
    recipe = Steps(descent, schedule, steps, batch_size=64, validate_every=every, precision="fp32")
    model = small()
    return model, recipe.fit(model, samples, Engine()).history["validation_accuracy"].dropna()


def test_the_best_validated_weights_are_those_that_stay():
    """They are, to the bit, those of the same training broken off where validation was best."""
    model, measured = fit(SPLIT, 0.1, down_and_up, 60, 3)
    assert list(measured.index + 1) == list(range(3, 61, 3))
    best = measured[measured == measured.max()].index[-1] + 1
    assert measured.iloc[0] < measured.max() > measured.iloc[-1]
    assert not model.training
    samples = gather(FEATURES, SCENE.labels, SPLIT, 3, CPU)
    with torch.inference_mode():
        found = forward(model, samples.image, samples.validation, shared=False).argmax(1)
    assert (found == samples.targets[samples.validation]).float().mean() == pytest.approx(measured.max())
    assert same(model, fit(WITHOUT_VALIDATION, 0.1, down_and_up, int(best), 3)[0])


def test_of_equals_the_later_weights_stay():
    """With steps that change the weights and no prediction, they are those of a training without validation."""
    model, measured = fit(SPLIT, 1e-6, schedule.constant, 7, 2)
    assert len(measured) == 4
    assert measured.nunique() == 1
    assert same(model, fit(WITHOUT_VALIDATION, 1e-6, schedule.constant, 7, 2)[0])
    assert not same(model, fit(WITHOUT_VALIDATION, 1e-6, schedule.constant, 2, 2)[0])


def test_the_accuracy_on_validation_pixels_is_that_of_masked_windows():
    """Of weights that are held, so that the history can be measured again."""
    stripes = (np.arange(22) % 4 < 2).astype(np.uint8)[None].repeat(24, 0)
    model, measured = fit(Split(SPLIT.role, stripes), 1e-30, schedule.constant, 1, 1)
    samples = gather(FEATURES, SCENE.labels, SPLIT, 3, CPU)
    truth = samples.targets[samples.validation]
    masked, free = (
        (forward(model, samples.image, samples.validation, shared=True, region=region).argmax(1) == truth)
        .float()
        .mean()
        for region in (torch.from_numpy(stripes), None)
    )
    assert measured.tolist() == [pytest.approx(masked.item())]
    assert masked != free


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("mode", ["dense", "patch"])
def test_a_training_sees_nothing_beyond_its_regions(mode, augment):
    """What lies in a region without training pixels may be anything: the weights are the same, to the bit."""
    region = (np.arange(22) > 11).astype(np.uint8)[None].repeat(24, 0)
    split, found = Split(np.where(region == 1, TEST, SPLIT.role).astype(np.uint8), region), []
    for features in (FEATURES, np.where(region[:, :, None] == 1, 7, FEATURES).astype(np.float32)):
        for seen in (split, Split(split.role)):
            model = small()
            recipe = Steps(partial(torch.optim.SGD, lr=0.1), schedule.constant, 4, augment=augment, precision="fp32")
            recipe.fit(model, gather(features, SCENE.labels, seen, 3, CPU), Engine(mode))
            found.append(model)
    assert same(found[0], found[2])
    assert not same(found[1], found[3])  # without regions it is seen


@pytest.mark.parametrize(("mode", "seen"), [("dense", (1, 13, 26, 24)), ("patch", (64, 13, 3, 3))])
def test_a_step_shows_the_trunk_the_scene_once_or_each_window(mode, seen):
    samples, shapes, model = gather(FEATURES, SCENE.labels, WITHOUT_VALIDATION, 3, CPU), [], small()
    model.trunk.register_forward_pre_hook(lambda _, given: shapes.append(tuple(given[0].shape)))
    RECIPE(steps=2, batch_size=64).fit(model, samples, Engine(mode))
    assert shapes == [seen] * 2


def test_a_history_has_a_row_a_step_and_the_time_it_took(monkeypatch):
    clock = iter(range(1000, 10**6))
    monkeypatch.setattr("hsi.training.steps.time.monotonic", lambda: next(clock))
    samples = gather(FEATURES, SCENE.labels, SPLIT, 3, CPU)
    fitted = RECIPE(steps=3, batch_size=8, validate_every=2).fit(small(), samples, Engine())
    assert fitted.history["step"].tolist() == [1, 2, 3]
    assert list(fitted.history) == ["step", "loss", "accuracy", "learning_rate", "validation_accuracy"]
    assert 1 <= fitted.seconds <= 10


@pytest.mark.parametrize("weights", ["none", "balanced"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_of_a_step_by_hand(weights, smoothing):
    """All training pixels in one batch; the last class of four has none."""
    samples = gather(FEATURES, SCENE.labels, SPLIT, 4, CPU)
    model = WindowClassifier(nn.Identity(), nn.Sequential(nn.Flatten(), nn.Linear(13 * 9, 4)), 13, 3)
    assert draw_symmetry(0, 0) != symmetry.IDENTITY  # which nobody has asked for here
    targets = samples.targets[samples.train]
    with torch.no_grad():
        logits = forward(model, samples.image, samples.train, shared=False)
        scores = logits.log_softmax(1)
    sizes = torch.bincount(targets, minlength=4)
    weight = torch.where(sizes > 0, len(targets) / (3 * sizes), 0) if weights == "balanced" else torch.ones(4)
    smooth = (1 - smoothing) * torch.eye(4)[targets] + smoothing / 4
    expected = -(smooth * weight * scores).sum() / weight[targets].sum()
    recipe = RECIPE(steps=1, batch_size=10**6, class_weights=weights, label_smoothing=smoothing)
    (row,) = recipe.fit(model, samples, Engine()).history.to_dict("records")
    assert row["loss"] == pytest.approx(expected.item(), rel=1e-5)
    assert row["accuracy"] == pytest.approx((logits.argmax(1) == targets).float().mean().item())
    assert row["step"] == 1
    assert np.isnan(row["validation_accuracy"]) == (len(samples.validation) == 0)


@pytest.mark.parametrize("mode", ["dense", "patch"])
def test_an_augmented_step_is_one_on_the_turned_scene(mode):
    """By hand: image and pixels are turned, and each window is that of its pixel, borders included."""
    samples = gather(FEATURES, SCENE.labels, WITHOUT_VALIDATION, 3, CPU)
    model = WindowClassifier(nn.Identity(), nn.Sequential(nn.Flatten(), nn.Linear(13 * 9, 3)), 13, 3)
    turn = draw_symmetry(0, 0)
    image = symmetry.transform(samples.image, turn)
    pixels = symmetry.transform_pixels(samples.train, 24, 22, turn)
    with torch.no_grad():
        logits = [
            forward(model, *seen, shared=False, padding=padding)
            for *seen, padding in (
                (image, pixels, "edge"),
                (image, pixels, "zero"),
                (samples.image, samples.train, "edge"),
            )
        ]
    targets = samples.targets[samples.train]
    expected, *others = (nn.functional.cross_entropy(each, targets).item() for each in logits)
    recipe = RECIPE(steps=1, batch_size=10**6, augment=True)
    fitted = recipe.fit(model, samples, Engine(mode, padding="edge"))
    assert fitted.history["loss"].tolist() == pytest.approx([expected], rel=1e-5)
    assert all(abs(expected - other) > 1e-3 for other in others)


@pytest.mark.parametrize(("precision", "seen"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_a_training_computes_in_the_precision_that_is_asked_for(precision, seen):
    samples, found, model = gather(FEATURES, SCENE.labels, WITHOUT_VALIDATION, 3, CPU), set(), small()
    model.trunk.register_forward_hook(lambda _, __, output: output.is_meta or found.add(output.dtype))
    RECIPE(steps=1, batch_size=8, precision=precision).fit(model, samples, Engine())
    assert found == {seen}


def test_the_last_step_is_validated_too():
    _, history = train(RECIPE(steps=5, batch_size=16, validate_every=3))
    assert list(history.index[history["validation_accuracy"].notna()] + 1) == [3, 5]


def test_the_test_pixels_choose_nothing():
    """Scrambling every test label changes neither weights nor history."""
    recipe = RECIPE(steps=8, batch_size=32, validate_every=2)
    model, history = train(recipe)
    scrambled = np.where(SPLIT.role == TEST, SCENE.labels % 3 + 1, SCENE.labels)
    other, other_history = train(recipe, labels=scrambled)
    assert same(model, other)
    assert history.equals(other_history)


def test_bf16_trains_too():
    _, history = train(RECIPE(steps=20, batch_size=64, precision="bf16"))
    assert history["loss"].iloc[-3:].mean() < history["loss"].iloc[:3].mean()


def test_balanced_weights_make_the_classes_equal():
    """With logits of zero the weighted loss is log K however unequal the classes are; and gradients are balanced."""
    targets = torch.tensor([0] * 90 + [1] * 9 + [2])
    weights = class_weights(targets, 4)
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


def test_samples_hide_the_classes_of_test_pixels():
    samples = gather(FEATURES, SCENE.labels, SPLIT, 3, CPU)
    seen = torch.cat([samples.train, samples.validation])
    assert torch.equal(samples.targets[seen] + 1, torch.from_numpy(SCENE.labels).flatten()[seen])
    hidden = torch.ones(len(samples.targets), dtype=torch.bool)
    hidden[seen] = False
    assert hidden.sum() > len(SPLIT.pixels(TEST)) > 0
    assert (samples.targets[hidden] == HIDDEN).all()


def test_a_checkpoint_of_other_data_is_refused(tmp_path):
    """What was trained so far belongs to one scene, split and recipe."""
    samples = gather(FEATURES, SCENE.labels, SPLIT, 3, CPU)
    path = tmp_path / "checkpoint.safetensors"
    RECIPE(steps=2, batch_size=8).fit(hybridsn(13, 3, 9), samples, Engine(), 0, Checkpoint(path, "these data"))
    assert path.exists()
    with pytest.raises(HsiError, match="belongs to a training on other data"):
        RECIPE(steps=4, batch_size=8).fit(hybridsn(13, 3, 9), samples, Engine(), 0, Checkpoint(path, "those data"))


def test_steps_refuse_what_has_no_weights():
    samples = gather(FEATURES, SCENE.labels, SPLIT, 3, CPU)
    with pytest.raises(HsiError, match="learns in one go"):
        RECIPE().fit(knn(13, 3), samples, Engine())
    with pytest.raises(HsiError, match="this model is a network"):
        Once().fit(hybridsn(13, 3, 9), samples, Engine())


def test_once_says_how_training_and_validation_pixels_fare():
    """The nearest neighbour of a training pixel is itself; validation pixels choose nothing."""
    noisy = FEATURES + np.random.default_rng(0).normal(size=FEATURES.shape).astype(np.float32)
    samples = gather(noisy, SCENE.labels, SPLIT, 3, CPU)
    model = knn(13, 3, neighbours=1)
    (row,) = Once().fit(model, samples, Engine()).history.to_dict("records")
    found = forward(model, samples.image, samples.validation, shared=False).argmax(1)
    right = (found == samples.targets[samples.validation]).float().mean().item()
    assert (row["step"], row["accuracy"], row["loss"]) == (1, 1.0, pytest.approx(0, abs=1e-5))
    assert 0 < right < 1
    assert row["validation_accuracy"] == pytest.approx(right)
    assert Once().precision_on(CPU) == "fp32"
    assert list(row) == ["step", "loss", "accuracy", "learning_rate", "validation_accuracy"]
    without = gather(FEATURES, SCENE.labels, WITHOUT_VALIDATION, 3, CPU)
    assert Once().fit(knn(13, 3, neighbours=1), without, Engine()).history["validation_accuracy"].isna().all()


def test_an_estimator_learns_and_is_judged_on_nothing_beyond_its_regions(monkeypatch):
    """What lies in a region without training pixels may be anything: what is learnt and said is the same."""
    clock = iter(range(100))
    monkeypatch.setattr("hsi.training.once.time.monotonic", lambda: next(clock))
    region = (np.arange(22) > 11).astype(np.uint8)[None].repeat(24, 0)
    role, found = np.where(region == 1, TEST, SPLIT.role).astype(np.uint8), []
    for features in (FEATURES, np.where(region[:, :, None] == 1, 7, FEATURES).astype(np.float32)):
        for seen in (Split(role, region), Split(role)):
            model = knn(13, 3, patch_size=5)
            fitted = Once().fit(model, gather(features, SCENE.labels, seen, 3, CPU), Engine())
            assert fitted.seconds == 1
            found.append((model.head.samples.tolist(), fitted.history.to_csv()))
    assert found[0] == found[2]
    assert found[1][0] != found[3][0]  # without regions it is seen
    assert found[0][1] != found[1][1]
