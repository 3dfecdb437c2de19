"""What is said of a map is said of its test pixels, and of these alone."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hsi.evaluation.evaluation import evaluate
from hsi.evaluation.leakage import audit
from hsi.evaluation.position import by_position
from hsi.scenes.assemble import from_arrays
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION, Split

LABELS = np.array([[1, 1, 1, 2, 2], [1, 2, 2, 2, 0], [3, 3, 3, 3, 3]])
ROLE = np.array([[TRAIN, TEST, TEST, TEST, TEST], [VALIDATION, TRAIN, TEST, VALIDATION, UNUSED], [TEST] + [TRAIN] * 4])
MAP = np.where(ROLE == TEST, [[9, 1, 2, 2, 2], [9, 9, 1, 9, 9], [3, 9, 9, 9, 9]], 3)  # right are 4 of 6
CONFIDENCE = np.where(ROLE == TEST, [[0, 0.9, 0.6, 0.8, 0.7], [0, 0, 0.5, 0, 0], [1.0, 0, 0, 0, 0]], 0)
SPLIT = Split(ROLE.astype(np.uint8), region=np.where(ROLE == TEST, 3, 1).astype(np.uint8))
SCENE = from_arrays(np.random.default_rng(0).integers(1, 99, (3, 5, 6)), LABELS)


@pytest.mark.parametrize("context", ["own", "free"])
def test_a_map_by_hand(context):
    found = evaluate(SCENE, SPLIT, MAP, CONFIDENCE, 3, context)
    assert found.scores.confusion.tolist() == [[1, 1, 0], [1, 2, 0], [0, 0, 1]]
    assert found.calibration.accuracy == pytest.approx(4 / 6)
    assert found.calibration.confidence == pytest.approx(4.5 / 6)
    assert found.calibration.risk[-1] == pytest.approx(2 / 6)
    assert found.calibration.risk[9] == 0  # the surer half is right
    assert found.pixels == {"n_train": 6, "n_val": 2, "n_test": 6}
    assert found.leakage == audit(SPLIT, LABELS, 3, MAP, context)
    assert found.leakage["context"] == context


def test_masked_windows_are_those_of_a_map_unless_it_says_otherwise():
    assert evaluate(SCENE, SPLIT, MAP, CONFIDENCE, 3).leakage["test_windows_with_training_pixel"] == 0


def test_polygons_and_pixels_without_data_count_in_the_leaks():
    polygons, valid = np.where(LABELS > 0, LABELS, 0).astype(np.int32), np.ones(LABELS.shape, bool)
    valid[1, 4] = False
    scene = replace(SCENE, polygons=polygons, valid=valid)
    found = evaluate(scene, SPLIT, MAP, CONFIDENCE, 3, "free").leakage
    assert found == audit(SPLIT, LABELS, 3, MAP, "free", polygons, valid)
    assert found["polygons"]["on_both_sides"] == 3
    assert found["mean_overlap"] != evaluate(SCENE, SPLIT, MAP, CONFIDENCE, 3, "free").leakage["mean_overlap"]


def test_metrics_json_has_fractions_by_class_name():
    found = evaluate(SCENE, SPLIT, MAP, CONFIDENCE, 3)
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert told.pop("leakage") == found.leakage
    assert told.pop("position") == found.position == by_position(SPLIT, LABELS, SCENE.class_names, MAP, 3)
    assert told.pop("calibration") == found.calibration.as_json()
    names = SCENE.class_names
    assert told == {
        "oa": pytest.approx(4 / 6),
        "aa": pytest.approx((1 / 2 + 2 / 3 + 1) / 3),
        "kappa": pytest.approx((4 / 6 - 14 / 36) / (1 - 14 / 36)),  # chance: (2 * 2 + 3 * 3 + 1 * 1) / 36
        "per_class": dict(zip(names, [1 / 2, pytest.approx(2 / 3), 1], strict=True)),
        "per_class_precision": dict(zip(names, [1 / 2, pytest.approx(2 / 3), 1], strict=True)),
        "per_class_f1": dict(zip(names, [1 / 2, pytest.approx(2 / 3), 1], strict=True)),
        "per_class_support": dict(zip(names, [2, 3, 1], strict=True)),
        **{"n_train": 6, "n_val": 2, "n_test": 6},
    }
