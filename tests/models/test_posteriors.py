"""Posteriors: statistics within fields by hand, means of the own side alone, and models back from their files."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import TRIAL, configure
from torch import nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, logits_of, trunk_floats
from hsi.engine.samples import gather
from hsi.errors import HsiError
from hsi.models.building import build_model
from hsi.models.posteriors import (
    RIDGE,
    FieldComponents,
    FieldDiscriminant,
    MeanOfMachines,
    posteriors,
    within_fields,
)
from hsi.runs.model import load_model
from hsi.runs.opened import open_run
from hsi.splits.roles import Split
from hsi.training.once import Once

ROWS, COLS, BANDS, CLASSES = 14, 12, 5, 3
EVERY = ["spectra", "components", "discriminant"]


def a_scene(seed=0, region=None):
    """Three stripes of three noisy materials; half of the pixels train."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 2, 3], [5, 5, 4])[:, None] * np.ones(COLS, dtype=int)
    image = rng.normal(size=(CLASSES, BANDS))[labels - 1] + 0.7 * rng.normal(size=(ROWS, COLS, BANDS))
    role = np.where(rng.random(labels.shape) < 0.5, 1, 3).astype(np.uint8)
    return gather(image.astype(np.float32), labels, Split(role, region), CLASSES, torch.device("cpu")), labels


def fitted(samples, **given):
    model = posteriors(BANDS, CLASSES, **{"components": 2, "scale": 1, **given})
    Once().fit(model, samples, Engine())
    return model


def test_variance_within_fields_by_hand():
    """Fields (0, 2), (10, 16) and a single pixel: variances 1 and 9, each weighing alike whatever its size."""
    spectra = np.array([[0.0], [2], [10], [16], [99]])
    assert within_fields(spectra, np.array([4, 4, 7, 7, 9])) == pytest.approx(np.array([[5 * (1 + RIDGE)]]))
    many = np.array([[0.0], [2], [0], [2], [0], [2], [10], [16]])
    assert within_fields(many, np.array([1] * 6 + [2] * 2)) == pytest.approx(np.array([[5 * (1 + RIDGE)]]))
    np.testing.assert_array_equal(within_fields(np.ones((3, 2)), np.array([1, 2, 2])), np.eye(2))


def test_components_have_unit_variance_within_fields_and_the_most_of_all_first():
    rng = np.random.default_rng(0)
    fields = np.repeat(np.arange(6), 20)
    spectra = rng.normal(size=(6, 4))[fields] * [1, 9, 1, 1] + rng.normal(size=(120, 4)) * [1, 1, 5, 0.1]
    found = FieldComponents(3).fit(spectra, fields=fields)
    seen = found.transform(spectra)
    assert seen.shape == (120, 3)
    np.testing.assert_allclose(found.axes_.T @ within_fields(spectra, fields) @ found.axes_, np.eye(3), atol=1e-9)
    covariance = np.cov(seen.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-9 * covariance.max())
    assert (np.diff(np.diag(covariance)) < 0).all()
    assert FieldComponents(9).fit(spectra, fields=fields).transform(spectra).shape == (120, 4)


def test_a_discriminant_by_hand():
    """Of one class, fields about 0 (many pixels) and 4 (two): its mean is 2; the other's is 8, so 5 parts them."""
    spectra = np.array([[-1.0], [1]] * 50 + [[3], [5]] + [[7], [9]])
    fields = np.repeat([1, 2, 3], [100, 2, 2])
    targets = np.repeat([0, 2], [102, 2])
    found = FieldDiscriminant().fit(spectra, targets, fields)
    assert found.classes_.tolist() == [0, 2]
    low, middle, high = found.decision_function(np.array([[4.9], [5.0], [5.1]]))
    assert low[0] > low[1]
    assert high[0] < high[1]
    assert middle[0] == pytest.approx(middle[1])
    assert high[1] - high[0] == pytest.approx((8 - 2) * 0.1 / (1 + RIDGE))  # the variance within fields is 1


def test_posteriors_are_means_of_those_of_the_machines():
    rng = np.random.default_rng(1)
    for classes in (2, 3):
        targets = np.arange(60) % classes
        fields, spectra = np.arange(60) // classes % 4 * classes + targets, rng.normal(size=(60, 4)) + targets[:, None]
        alone = [MeanOfMachines((name,), 2).fit(spectra, targets, fields).predict_proba(spectra) for name in EVERY]
        assert all((found.argmax(1) == targets).mean() > 0.6 for found in alone)
        together = MeanOfMachines(EVERY, 2).fit(spectra, targets, fields).predict_proba(spectra)
        np.testing.assert_allclose(together, np.mean(alone, axis=0))
        np.testing.assert_allclose(together.sum(1), 1)


def test_what_learns_is_given_spectra_and_the_fields_of_the_training_pixels():
    """Two pieces of class 1, one of class 2, whose pixels touch over a corner."""
    labels = np.array([[1, 1, 0, 1], [0, 0, 2, 0], [0, 0, 0, 2]])
    role = np.where(labels > 0, 1, 0).astype(np.uint8)
    role[0, 1] = 3
    samples = gather(np.arange(12, dtype=np.float32).reshape(3, 4, 1), labels, Split(role), 2, torch.device("cpu"))
    seen = SimpleNamespace()

    class Listening(nn.Flatten):
        def learn(self, *given):
            seen.spectra, seen.targets, seen.fields = (values.flatten().tolist() for values in given)

        def forward(self, x):
            return torch.cat([x, x], 1)[:, :, 1:-1, 1:-1] if x.dim() == 4 else x

    Once().fit(WindowClassifier(Listening(), nn.Flatten(), 1, 3), samples, Engine())
    assert (seen.spectra, seen.targets, seen.fields) == ([0, 3, 6, 11], [0, 0, 1, 1], [1, 2, 3, 3])


@pytest.mark.parametrize("machines", [EVERY[:1], EVERY[1:2], EVERY[2:], EVERY])
def test_of_scale_0_it_is_the_machines_alone(machines):
    samples, _ = a_scene()
    model = fitted(samples, machines=machines, scale=0, balance=0)
    assert model.window == 1
    spectra = samples.image.flatten(1).T
    expected = model.trunk.classifier.estimator.predict_proba(spectra.numpy())
    found = logits_of(model, samples.image, Engine()).softmax(1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_balance_divides_by_powers_of_shares():
    samples, _ = a_scene()
    plain, balanced = (fitted(samples, balance=balance) for balance in (0, 0.5))
    counts = torch.bincount(samples.targets[samples.train])
    ratio = (logits_of(balanced, samples.image, Engine()) - logits_of(plain, samples.image, Engine())).exp()
    wanted = (counts / counts.sum()) ** -0.5
    np.testing.assert_allclose(ratio, wanted.expand_as(ratio), rtol=1e-4)


def test_window_by_window_shared_and_in_small_parts_agree():
    region = torch.ones(ROWS, COLS, dtype=torch.int64)
    region[:, 7:] = 3
    samples, _ = a_scene()
    model = fitted(samples)
    assert model.window == 7
    for sides in (None, region):
        whole = logits_of(model, samples.image, Engine("dense"), sides)
        assert whole.isfinite().all()
        for engine in (Engine("patch"), Engine("dense", memory_gb=1e-5)):
            np.testing.assert_allclose(logits_of(model, samples.image, engine, sides), whole, atol=1e-4)


def test_means_are_of_the_own_side_alone_by_hand():
    """A row of three pixels, the last on another side: weights 1 and exp(-1/2) for the two others, 1 for the last."""
    samples, _ = a_scene()
    model, single = fitted(samples, patch_size=3, balance=0), fitted(samples, scale=0, balance=0)
    row = samples.image[:, 2:3, 4:7]
    image = torch.cat([row] * 3, 1)  # all rows alike: the mean along them changes nothing
    region = torch.tensor([[1, 1, 3]] * 3)
    one, two, three = logits_of(single, row, Engine()).softmax(1)
    beside = np.exp(-0.5)
    wanted = torch.stack([(one + beside * two) / (1 + beside), (two + beside * one) / (1 + beside), three])
    for mode in ("dense", "patch"):
        found = logits_of(model, image, Engine(mode), region).softmax(1).view(3, 3, -1)
        for line in found:
            np.testing.assert_allclose(line, wanted, atol=1e-5)


def test_it_learns_from_spectra_whatever_the_window():
    samples, labels = a_scene()
    narrow, wide = fitted(samples, patch_size=1), fitted(samples, scale=1.5)
    for name in ("samples", "targets", "fields"):
        assert torch.equal(*(getattr(model.trunk.classifier, name) for model in (narrow, wide)))
    rights = []
    for model in (narrow, wide):
        found = logits_of(model, samples.image, Engine()).argmax(1).view(ROWS, COLS).numpy() + 1
        rights.append((found == labels)[samples.targets.view(ROWS, COLS).numpy() < 0].mean())
    assert rights[0] + 0.05 < rights[1]


def test_its_memory_is_counted_without_computing():
    assert trunk_floats(posteriors(BANDS, CLASSES)) >= BANDS + CLASSES


def test_a_state_with_other_fields_is_refused():
    samples, _ = a_scene()
    state = fitted(samples).state_dict()
    again = posteriors(BANDS, CLASSES, components=2, scale=1)
    again.load_state_dict(state)
    np.testing.assert_array_equal(*(logits_of(m, samples.image, Engine()) for m in (again, fitted(samples))))
    for fields in (state["trunk.classifier.fields"][1:], state["trunk.classifier.fields"].double()):
        with pytest.raises(HsiError, match=r"the fields of the \d+ training pixels are not"):
            again.load_state_dict(state | {"trunk.classifier.fields": fields})


@pytest.mark.parametrize(
    ("given", "key"),
    [({"machines": []}, "machines"), ({"machines": ["svm"]}, "machines"), ({"scale": -1}, "scale"), ({"C": 0}, "C")],
)
def test_values_that_are_not_allowed(given, key):
    with pytest.raises(HsiError, match=rf"model\.{key}"):
        build_model({"_target_": "hsi.models.posteriors.posteriors", **given}, 4, 3)


def test_the_window_is_as_wide_as_the_gaussian():
    assert build_model(configure("model=posteriors").model, BANDS, CLASSES).window == 2 * 8 + 1
    assert build_model(configure("model=posteriors", "patch_size=5").model, BANDS, CLASSES).window == 5


def test_a_run_its_window_and_back_from_its_files(hsi_run, tmp_path):
    words = ["model=posteriors", "model.scale=1", "patch_size=null", "split=regions", "split.draw=random"]
    outcome = hsi_run(*TRIAL, *words, "hydra.run.dir=made")
    assert outcome.status == 0, outcome.err
    metrics = json.loads((tmp_path / "made/metrics.json").read_text())
    assert metrics["oa"] > 0.8
    assert metrics["leakage"]["window"] == 7
    assert metrics["leakage"]["test_windows_with_training_pixel"] == 0
    assert "fields go to their sides in random order (split.draw=random)" in metrics["split_notes"]
    run = open_run(tmp_path / "made")
    again = load_model(tmp_path / "made").map(run.load_scene(), region=run.split.region)
    np.testing.assert_array_equal(again.class_map, run.class_map)
