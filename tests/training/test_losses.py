"""What training pixels weigh: by hand, and as if pixels were there several times."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, forward
from hsi.engine.samples import gather
from hsi.errors import HsiError
from hsi.models.baselines import knn, random_forest, svm
from hsi.models.posteriors import posteriors
from hsi.models.scales import scales
from hsi.splits.roles import TRAIN, Split
from hsi.training import schedule
from hsi.training.losses import pixel_weights, weighed_loss
from hsi.training.once import Once
from hsi.training.steps import Steps

CPU = torch.device("cpu")
# class 1: fields of 1, 2 and 3 pixels; class 2: one of 4 pixels
LABELS = np.array([[1, 0, 1, 1, 0, 2, 2], [0, 0, 0, 0, 0, 2, 2], [1, 1, 1, 0, 0, 0, 0]])
BY_HAND = np.where(LABELS == 2, 1.0, 0.0) + np.array([[2, 0, 1, 1, 0, 0, 0], [0] * 7, [2 / 3] * 3 + [0] * 4])
STEPS = partial(Steps, partial(torch.optim.SGD, lr=0.1), schedule.constant, precision="fp32")


def samples_of(labels=LABELS, seed=0):
    cube = np.random.default_rng(seed).normal(size=(*labels.shape, 3)).astype(np.float32)
    cube += labels[..., None]
    return gather(cube, labels, Split(np.where(labels > 0, TRAIN, 0).astype(np.uint8)), 2, CPU)


def network():
    torch.manual_seed(0)
    return WindowClassifier(nn.Identity(), nn.Sequential(nn.Flatten(), nn.Linear(3, 2)), 3, 1)


def test_fields_of_a_class_weigh_alike_by_hand():
    found = pixel_weights("fields", samples_of())
    np.testing.assert_allclose(found, BY_HAND[LABELS > 0], rtol=1e-6)
    assert pixel_weights("none", samples_of()) is None


def test_weights_are_1_where_each_field_has_a_pixel():
    labels = np.zeros((5, 7), int)
    labels[::2, ::2] = np.arange(12).reshape(3, 4) % 2 + 1
    assert (pixel_weights("fields", samples_of(labels)) == 1).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_is_that_of_pixels_that_are_there_several_times(smoothing):
    """Times three the weights are whole numbers."""
    samples, model = samples_of(), network()
    times = torch.from_numpy(np.round(3 * BY_HAND[LABELS > 0]).astype(int))
    logits, targets = forward(model, samples.image, samples.train, shared=False), samples.targets[samples.train]
    places = torch.arange(len(targets))
    expected = F.cross_entropy(
        logits.repeat_interleave(times, 0), targets.repeat_interleave(times), label_smoothing=smoothing
    )
    found = weighed_loss("fields", samples, smoothing)(logits, targets, places)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    some = torch.tensor([0, 2, 7])
    part = weighed_loss("fields", samples)(logits[some], targets[some], some)
    each = F.cross_entropy(logits[some], targets[some], reduction="none")
    assert part.item() == pytest.approx((each * times[some]).sum().item() / times[some].sum().item(), rel=1e-5)


def test_a_step_takes_the_weighed_loss():
    samples, model = samples_of(), network()
    logits, targets = forward(model, samples.image, samples.train, shared=False), samples.targets[samples.train]
    expected = weighed_loss("fields", samples)(logits, targets, torch.arange(len(targets))).item()
    fitted = STEPS(1, batch_size=100, class_weights="fields").fit(model, samples, Engine())
    assert fitted.history["loss"].tolist() == pytest.approx([expected], rel=1e-5)
    plain = STEPS(1, batch_size=100).fit(network(), samples, Engine()).history["loss"].item()
    assert abs(plain - expected) > 1e-3


@pytest.mark.parametrize("make", [partial(svm, C=1, gamma=1), partial(scales, scales=[1], C=1)])
@pytest.mark.parametrize("weighing", ["balanced", "fields"])
def test_an_estimator_is_weighed_and_comes_back_from_its_state(make, weighing):
    """It knows other things than without weights, and its state, loaded, gives the same logits."""
    image, found = samples_of().image[None], []
    for words in ({"class_weights": weighing}, {}):
        samples, model = samples_of(), make(3, 2, patch_size=3)
        Once(**words).fit(model, samples, Engine())
        found.append(model)
    padded = F.pad(image, (1, 1, 1, 1))
    logits = [model.head(model.trunk(padded).permute(0, 2, 3, 1).reshape(-1, 3)[..., None, None]) for model in found]
    assert (logits[0] - logits[1]).abs().max() > 1e-3
    again = make(3, 2, patch_size=3)
    again.load_state_dict(found[0].state_dict())
    rows = model.trunk(padded).permute(0, 2, 3, 1).reshape(-1, 3)[..., None, None]
    assert torch.equal(again.head(rows), logits[0])
    assert "head.weights" in found[0].state_dict()
    assert "head.weights" not in found[1].state_dict()


def test_a_support_vector_machine_takes_weights_as_pixels_that_are_there_several_times():
    """That of whole numbers of copies; standardisation, which would see them, is given the copies' own units."""
    samples = samples_of()
    machine = posteriors(3, 2, machines=["spectra"], scale=0, balance=0)
    Once(class_weights="fields").fit(machine, samples, Engine())
    inner = machine.trunk.classifier
    assert sorted(inner.weights.tolist()) == pytest.approx(sorted(BY_HAND[LABELS > 0].tolist()), rel=1e-6)
    (fitted,) = inner.estimator.fitted_
    seen = inner.estimator.scaler_.transform(inner.samples.numpy())
    times = np.round(3 * inner.weights.numpy()).astype(int)
    copies = np.repeat(seen, times, axis=0), np.repeat(inner.targets.numpy(), times)
    expected = type(fitted)(C=fitted.C / 3, gamma=fitted._gamma, tol=1e-8).fit(*copies)
    np.testing.assert_allclose(fitted.decision_function(seen), expected.decision_function(seen), atol=5e-3)


@pytest.mark.parametrize("make", [partial(knn, neighbours=1), partial(scales, head="lda", scales=[0])])
def test_estimators_without_weights_say_so(make):
    with pytest.raises(HsiError, match=r"all weigh alike: leave train\.class_weights none"):
        Once(class_weights="fields").fit(make(3, 2), samples_of(), Engine())


def test_a_forest_takes_weights_too():
    model = random_forest(3, 2, trees=3)
    Once(class_weights="fields").fit(model, samples_of(), Engine())
    assert len(model.head.weights) == 10


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (torch.ones(3), "are not 10 numbers"),
        (torch.ones(10, dtype=torch.float64), "are not 10 numbers"),
        (torch.zeros(10), "not above 0"),
    ],
)
def test_weights_of_a_damaged_state_are_refused(weights, words):
    model = svm(3, 2, C=1, gamma=1)
    Once(class_weights="fields").fit(model, samples_of(), Engine())
    with pytest.raises(HsiError, match=words):
        svm(3, 2, C=1, gamma=1).load_state_dict(model.state_dict() | {"head.weights": weights})
