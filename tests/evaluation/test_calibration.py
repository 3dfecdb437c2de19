"""Calibration: tables by hand, the temperature that made the data, and what a run leaves behind."""

import json

import numpy as np
import pytest
from conftest import TRIAL
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from hsi.evaluation.calibration import calibration
from hsi.runs.opened import open_run
from hsi.training.temperature import best_temperature


def test_calibration_error_by_hand():
    """Bins of 1/15: 0.50 lies in (7/15, 8/15], the pair at 0.9 and 0.92 in (13/15, 14/15], 1.0 in the last."""
    found = calibration(np.array([0.50, 0.90, 0.92, 1.0]), np.array([True, True, False, True]))
    assert found.ece == pytest.approx((abs(1 - 0.5) + 2 * abs(0.5 - 0.91) + 0) / 4)
    assert found.bin_count.tolist() == [0] * 7 + [1] + [0] * 5 + [2, 1]
    assert found.bin_accuracy[13] == 0.5
    assert np.isnan(found.bin_accuracy[0])
    assert found.as_json()["bin_accuracy"][0] is None


def test_edge_of_a_bin_belongs_to_the_bin_below():
    found = calibration(np.array([1 / 15, np.nextafter(1 / 15, 1)]), np.array([True, True]))
    assert found.bin_count[:2].tolist() == [1, 1]


def test_risk_coverage_by_hand():
    """Surest first: right, wrong, then two pixels of one confidence, of which one is wrong: half an error each."""
    found = calibration(np.array([0.6, 0.9, 0.6, 0.8]), np.array([True, True, False, False]))
    risks = [0, 1 / 2, 1.5 / 3, 2 / 4]
    assert found.aurc == pytest.approx(np.mean(risks))
    kept = np.maximum(np.round(4 * found.coverage), 1).astype(int)
    np.testing.assert_allclose(found.risk, np.array(risks)[kept - 1])


pixels = st.lists(st.tuples(st.integers(0, 100), st.booleans()), min_size=1, max_size=60)


@given(pixels, st.randoms())
def test_order_of_pixels_does_not_matter(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    one, other = (
        calibration(np.array([c / 100 for c, _ in p]), np.array([right for _, right in p])) for p in (pairs, shuffled)
    )
    assert one.ece == pytest.approx(other.ece)
    assert one.aurc == pytest.approx(other.aurc)
    np.testing.assert_allclose(one.risk, other.risk)


@given(pixels)
def test_bounds(pairs):
    found = calibration(np.array([c / 100 for c, _ in pairs]), np.array([right for _, right in pairs]))
    assert abs(found.accuracy - found.confidence) - 1e-9 <= found.ece <= 1  # the triangle inequality
    assert found.risk[-1] == pytest.approx(1 - found.accuracy)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_is_found_again(temperature):
    """Targets drawn from softmax(logits / T) are explained best by T."""
    rng = np.random.default_rng(0)
    logits = 3 * rng.normal(size=(20000, 4))
    cumulated = softmax(logits / temperature, axis=1).cumsum(1)
    targets = (rng.random(len(logits))[:, None] > cumulated).sum(1)
    assert best_temperature(logits[None], targets) == pytest.approx(temperature, rel=0.05)


def test_temperature_of_two_turns_is_that_of_their_mean_probability():
    """Two turns that see the same are one turn."""
    rng = np.random.default_rng(1)
    logits, targets = rng.normal(size=(1, 200, 3)), rng.integers(0, 3, 200)
    assert best_temperature(np.repeat(logits, 2, 0), targets) == pytest.approx(best_temperature(logits, targets))


def test_temperature_stays_finite_where_all_is_right():
    logits = 2 * np.eye(3)[None]
    assert 0.05 <= best_temperature(logits, np.arange(3)) < 0.06


@pytest.mark.parametrize("symmetries", [1, 8])
def test_run_writes_probabilities_and_calibration(hsi_run, tmp_path, symmetries):
    words = ["split.validation=0.1", "map.calibrate=temperature", f"map.symmetries={symmetries}"]
    outcome = hsi_run(*TRIAL, *words, "hydra.run.dir=made")
    assert outcome.status == 0, outcome.err
    made = tmp_path / "made"
    run = open_run(made)
    probabilities = np.load(made / "probabilities.npy")
    assert probabilities.shape == (40, 36, 6)
    assert probabilities.dtype == np.float16
    np.testing.assert_allclose(probabilities.sum(2, dtype=np.float64), 1, atol=5e-3)
    np.testing.assert_allclose(probabilities.max(2), run.confidence, atol=1e-3)
    chosen = np.take_along_axis(probabilities, run.class_map[:, :, None].astype(int) - 1, 2)[:, :, 0]
    np.testing.assert_allclose(chosen, run.confidence, atol=1e-3)
    found = run.metrics["calibration"]
    scene = run.load_scene()
    test = run.split.role == 3
    right = run.class_map[test] == scene.labels[test]
    assert found["ece"] == calibration(run.confidence[test], right).ece
    assert found["temperature"] != 1
    assert json.loads((made / "bundle.json").read_text())["temperature"] == found["temperature"]
    assert {"reliability.png", "risk_coverage.png"} <= {path.name for path in made.iterdir()}


def test_temperature_improves_the_validation_pixels_and_changes_no_class(hsi_run, tmp_path):
    words = [*TRIAL, "split.validation=0.1", "split.train=0.2"]
    assert hsi_run(*words, "hydra.run.dir=plain").status == 0
    assert hsi_run(*words, "map.calibrate=temperature", "hydra.run.dir=fitted").status == 0
    plain, fitted = (open_run(tmp_path / name) for name in ("plain", "fitted"))
    np.testing.assert_array_equal(plain.class_map, fitted.class_map)
    labels, losses = plain.load_scene().labels, []
    for run in (plain, fitted):
        places = np.nonzero(run.split.role == 2)
        given_to_truth = np.load(run.folder / "probabilities.npy").astype(float)[*places, labels[places] - 1]
        losses.append(-np.log(given_to_truth).mean())
    assert losses[1] < losses[0]


def test_temperature_without_validation_pixels_is_refused_before_training(hsi_run, tmp_path):
    outcome = hsi_run(*TRIAL, "map.calibrate=temperature", "hydra.run.dir=made")
    assert outcome.status == 2
    assert "fitted on validation pixels and the split has none" in outcome.err + outcome.out
    assert not (tmp_path / "made/checkpoint.safetensors").exists()


def test_unknown_calibration_is_refused(hsi_run):
    outcome = hsi_run(*TRIAL, "map.calibrate=platt")
    assert outcome.status == 2
    assert "map.calibrate=platt: choose none or temperature" in outcome.err + outcome.out


def test_probabilities_are_left_out_on_request(hsi_run, tmp_path):
    assert hsi_run(*TRIAL, "map.save_probabilities=false", "hydra.run.dir=made").status == 0
    assert not (tmp_path / "made/probabilities.npy").exists()


def test_means_bins_and_coverages_by_hand():
    found = calibration(np.array([0.5, 0.9, 0.92, 1.0], np.float32), np.array([1, 1, 0, 1]))
    assert (found.confidence, found.accuracy) == (pytest.approx(0.83), 0.75)
    assert found.bin_confidence[[7, 13, 14]].tolist() == [0.5, pytest.approx(0.91), 1]
    assert found.bin_accuracy[[7, 13, 14]].tolist() == [1, 0.5, 1]
    assert len(found.bin_confidence) == len(found.bin_accuracy) == len(found.bin_count) == 15
    np.testing.assert_allclose(found.coverage, [0.05 * part for part in range(1, 21)])
    # kept are 0.2, 0.4 ... 4 pixels, rounded, one at least: 1.0 is right, 0.92 wrong, 0.9 and 0.5 right
    risk_of = {1: 0, 2: 1 / 2, 3: 1 / 3, 4: 1 / 4}
    kept = [1] * 7 + [2] * 5 + [3] * 5 + [4] * 3
    np.testing.assert_allclose(found.risk, [risk_of[number] for number in kept])


def test_metrics_json_has_lists_and_null_for_empty_bins():
    found = calibration(np.array([0.5, 0.9]), np.array([True, False]))
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert set(told) == set(vars(found))
    assert told["bin_count"] == [0] * 7 + [1] + [0] * 5 + [1, 0]
    assert told["bin_confidence"] == [None] * 7 + [0.5] + [None] * 5 + [0.9, None]
    assert told["ece"] == pytest.approx((0.5 + 0.9) / 2)
    assert told["risk"][-1] == 0.5
