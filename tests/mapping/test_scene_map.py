"""What a map is made of: votes, decisions, and the frame that it is put into."""

import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine
from hsi.engine.framed import frame
from hsi.mapping.scene_map import (
    Mapper,
    MapSettings,
    Prediction,
    Votes,
    decide,
    map_scene,
    map_type,
    mean_probabilities,
    progress_bar,
    symmetric_logits,
    vote,
)

ROWS, COLS, CLASSES = 6, 7, 4


def network(seed=0):
    torch.manual_seed(seed)
    head = nn.Sequential(nn.Flatten(), nn.Linear(5, CLASSES))
    return WindowClassifier(nn.Conv2d(2, 5, 3), head, 2, 3).double().eval()


def image_of(seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(2, ROWS, COLS)))


def votes_of(seed, count):
    return torch.from_numpy(np.random.default_rng(seed).dirichlet(np.ones(CLASSES), count)).float()


@pytest.mark.parametrize("keep", [0, CLASSES])
@pytest.mark.parametrize("doubtful", [False, True])
def test_a_map_says_of_each_pixel_with_data_what_its_votes_say(keep, doubtful):
    valid = np.random.default_rng(1).random((ROWS, COLS)) < 0.6
    probabilities = votes_of(2, valid.sum())
    surplus = torch.linspace(-1, 1, int(valid.sum())).double() if doubtful else None
    if doubtful:
        surplus[3] = 0.0  # as much as is asked for is enough
    made = decide(Votes(probabilities, surplus), valid, CLASSES + doubtful, keep, 0.0)
    expected = probabilities.argmax(1).numpy() + 1
    if doubtful:
        expected = np.where(surplus.numpy() < 0, CLASSES + 1, expected)
        assert 0 < (expected == CLASSES + 1).sum() < len(expected)
    np.testing.assert_array_equal(made.class_map[valid], expected)
    assert not made.class_map[~valid].any()
    np.testing.assert_array_equal(made.confidence[valid], probabilities.amax(1))
    assert np.isnan(made.confidence[~valid]).all()
    assert (made.class_map.dtype, made.confidence.dtype) == (np.uint8, np.float32)
    if keep:
        np.testing.assert_array_equal(made.probabilities[valid], probabilities.half())
        assert np.isnan(made.probabilities[~valid]).all()
        assert made.probabilities.dtype == np.float16
        assert made.probabilities.shape == (ROWS, COLS, CLASSES)
    else:
        assert made.probabilities is None


def test_a_map_of_nothing_is_empty():
    made = decide(None, np.zeros((ROWS, COLS), dtype=bool), 300, 2, 0.0)
    assert made.class_map.dtype == np.uint16
    assert not made.class_map.any()
    assert np.isnan(made.confidence).all()
    assert made.probabilities.shape == (ROWS, COLS, 2)
    assert np.isnan(made.probabilities).all()


def test_the_time_is_counted_from_the_start(monkeypatch):
    monkeypatch.setattr("hsi.mapping.scene_map.time.monotonic", lambda: 107.5)
    assert decide(None, np.zeros((2, 2), dtype=bool), 3, 0, 100.0).seconds == 7.5


@pytest.mark.parametrize(
    ("classes", "kind"), [(1, np.uint8), (255, np.uint8), (256, np.uint16), (70000 - 4465, np.uint16)]
)
def test_classes_are_kept_in_the_smallest_type_that_holds_them(classes, kind):
    assert map_type(classes) is kind
    assert kind(classes) == classes


@given(top=st.integers(0, 3), left=st.integers(0, 3), seed=st.integers(0, 99), whole=st.booleans())
def test_the_map_of_a_part_is_laid_into_that_of_the_scene(top, left, seed, whole):
    rng = np.random.default_rng(seed)
    part = Prediction(
        rng.integers(1, 5, (ROWS, COLS)).astype(np.uint8),
        rng.random((ROWS, COLS), dtype=np.float32),
        3.0,
        rng.random((ROWS, COLS, CLASSES)).astype(np.float16),
    )
    shape, place = (ROWS + 3, COLS + 4), (slice(top, top + ROWS), slice(left, left + COLS))
    valid = np.zeros(shape, dtype=bool)
    valid[place] = True if whole else rng.random((ROWS, COLS)) < 0.5
    laid = part.laid_into(shape, place, valid)
    inside = np.zeros(shape, dtype=bool)
    inside[place] = True
    kept = valid[place]
    for name, empty in (("class_map", 0), ("confidence", np.nan), ("probabilities", np.nan)):
        there, given = getattr(laid, name), getattr(part, name)
        assert there.dtype == given.dtype
        np.testing.assert_array_equal(there[place][kept], given[kept])
        np.testing.assert_array_equal(there[~valid], np.full_like(there[~valid], empty))
    assert laid.seconds == 3.0
    unmasked = part.laid_into(shape, place, None)
    np.testing.assert_array_equal(unmasked.confidence[place], part.confidence if whole else unmasked.confidence[place])
    assert np.isnan(unmasked.confidence[~inside]).all()


def test_a_whole_map_without_gaps_is_laid_as_it_is():
    part = Prediction(np.ones((2, 3), np.uint8), np.ones((2, 3), np.float32), 1.0)
    laid = part.laid_into((2, 3), (slice(0, 2), slice(0, 3)), np.ones((2, 3), dtype=bool))
    assert laid.class_map is part.class_map
    assert laid.confidence is part.confidence
    assert laid.probabilities is None
    wide = part.laid_into((2, 4), (slice(0, 2), slice(1, 4)), None)  # as many rows, but not as many columns
    assert wide.class_map.tolist() == [[0, 1, 1, 1]] * 2


@pytest.mark.parametrize("symmetries", [1, 8])
def test_probabilities_are_the_mean_over_the_turns_of_what_each_gives_after_the_temperature(symmetries):
    """Each turn by itself: the image is turned, mapped window by window, and turned back."""
    model, image, settings = network(), image_of(), MapSettings(symmetries)
    turns = list(symmetric_logits(model, image, Engine(), settings))
    assert len(turns) == symmetries
    expected = torch.stack([(logits / 2.5).softmax(1) for logits in turns]).mean(0)
    found = mean_probabilities(model, image, Engine(), settings, None, 2.5)
    torch.testing.assert_close(found, expected)
    made = map_scene(model, image, engine=Engine(), settings=settings, temperature=2.5)
    np.testing.assert_allclose(made.confidence.ravel(), expected.amax(1), rtol=1e-6)
    np.testing.assert_array_equal(made.class_map.ravel(), expected.argmax(1) + 1)
    plain = mean_probabilities(model, image, Engine(), settings)
    torch.testing.assert_close(plain, torch.stack([logits.softmax(1) for logits in turns]).mean(0))
    assert not torch.allclose(plain, found)


def test_probabilities_keep_to_regions_and_padding():
    model, image = network(), image_of()
    region = (torch.arange(COLS) > 3).expand(ROWS, COLS).long()
    plain = mean_probabilities(model, image, Engine(padding="edge"), MapSettings())
    masked = mean_probabilities(model, image, Engine(padding="edge"), MapSettings(), region)
    differs = ((plain - masked).abs() > 1e-9).any(1).view(ROWS, COLS)
    assert differs[:, 3:5].all()
    assert not differs[:, :3].any()
    assert not differs[:, 5:].any()
    zero = mean_probabilities(model, image, Engine(), MapSettings())
    differs = ((plain - zero).abs() > 1e-9).any(1).view(ROWS, COLS)
    assert differs[0].all()
    assert not differs[1:-1, 1:-1].any()
    free = mean_probabilities(model, image, Engine(padding="edge"), MapSettings(context="free"), region)
    assert torch.equal(free, plain)


def test_a_network_in_training_is_mapped_as_it_would_predict():
    model = WindowClassifier(
        nn.Identity(), nn.Sequential(nn.Dropout(0.5), nn.Flatten(), nn.Linear(18, 3)), 2, 3
    ).double()
    first, second = (map_scene(model.train(), image_of(), engine=Engine(), settings=MapSettings()) for _ in range(2))
    np.testing.assert_array_equal(first.confidence, second.confidence)


@pytest.mark.parametrize("save", [False, True])
def test_probabilities_are_kept_where_that_is_asked_for(save):
    made = map_scene(network(), image_of(), engine=Engine(), settings=MapSettings(save_probabilities=save))
    assert (None if made.probabilities is None else made.probabilities.shape[2]) == (CLASSES if save else None)


def test_without_any_data_nothing_is_computed():
    nothing = np.zeros((ROWS, COLS), dtype=bool)
    made = map_scene(network(), image_of(), engine=Engine(), settings=MapSettings(), valid=nothing)
    assert made.class_map.dtype == np.uint8
    assert not made.class_map.any()


def test_evidence_is_the_mean_over_the_turns_before_the_temperature():
    model, settings = network(), MapSettings(8)
    mapper = Mapper(model, Engine(), settings, 2.0, lambda logits: logits.amax(1), 0.25)
    done = []
    found = vote(mapper, frame(image_of(), 3), np.ones((ROWS, COLS), dtype=bool), done.append)
    turns = torch.stack(list(symmetric_logits(model, image_of(), Engine(), settings)))
    torch.testing.assert_close(found.surplus, turns.amax(2).mean(0) - 0.25)
    assert sum(done) == 8 * ROWS * COLS
    assert vote(mapper, frame(image_of(), 3), np.zeros((ROWS, COLS), dtype=bool), done.append) is None


@pytest.mark.parametrize(("terminal", "total", "shown"), [(True, 10, True), (True, 0, False), (False, 10, False)])
def test_a_bar_is_shown_on_a_terminal_where_there_is_something_to_do(monkeypatch, capsys, terminal, total, shown):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    with progress_bar(total, min(total, 4)) as bar:
        assert bar.disable is not shown
        if shown:
            assert (bar.total, bar.n, bar.unit) == (10, 4, "pixel")
