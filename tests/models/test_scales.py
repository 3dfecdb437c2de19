"""Scales: the filters are SciPy's, what is masked counts for nothing, and both engines and all blocks agree."""

import json

import numpy as np
import pytest
import torch
from conftest import TRIAL, configure
from scipy.ndimage import gaussian_filter
from torch import nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, logits_of
from hsi.engine.samples import gather
from hsi.errors import HsiError
from hsi.models.building import build_model
from hsi.models.scales import GaussianScales, MeanKernel, scales
from hsi.runs.model import load_model
from hsi.runs.opened import open_run
from hsi.splits.roles import Split
from hsi.training.once import Once

ROWS, COLS, BANDS, CLASSES = 23, 27, 3, 3


def an_image(seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(BANDS, ROWS, COLS)).astype(np.float32))


def smoothed(image, widths, window, engine="dense", region=None, memory_gb=2.0):
    """What the trunk gives for every pixel: (scales, BANDS, ROWS, COLS)."""
    model = WindowClassifier(GaussianScales(widths, window), nn.Flatten(), BANDS, window)
    found = logits_of(model, image, Engine(engine, memory_gb=memory_gb), region)
    return found.T.reshape(len(widths), BANDS, ROWS, COLS).numpy()


@pytest.mark.parametrize("engine", ["dense", "patch"])
def test_filters_are_those_of_scipy_divided_by_what_lies_inside(engine):
    image, widths = an_image(), (0, 0.8, 1, 2.3)
    found = smoothed(image, widths, 15, engine)
    assert (found[0] == image.numpy()).all()
    for scale, planes in zip(widths[1:], found[1:], strict=True):
        given = {"sigma": scale, "mode": "constant", "radius": int(np.ceil(3 * scale))}
        inside = gaussian_filter(np.ones((ROWS, COLS)), **given)
        for band, plane in zip(image.numpy().astype(float), planes, strict=True):
            np.testing.assert_allclose(plane, gaussian_filter(band, **given) / inside, atol=1e-6)
            middle = np.s_[7:-7, 7:-7]
            np.testing.assert_allclose(plane[middle], gaussian_filter(band, **given)[middle], atol=1e-6)


def test_masked_means_by_hand():
    """One row of three pixels, the last of another region: its weight goes to the others."""
    image = torch.tensor([[[1.0, 2.0, 40.0]]])
    region = torch.tensor([[0, 0, 1]])
    model = WindowClassifier(GaussianScales([1.0], 3), nn.Flatten(), 1, 3)
    beside = float(np.exp(-0.5))  # the weight of a neighbour, where the pixel itself has 1
    wanted = [(1 + 2 * beside) / (1 + beside), (2 + beside) / (1 + beside), 40.0]
    rows = torch.cat([image] * 3, 1)  # all rows alike: the mean along them changes nothing
    for mode in ("dense", "patch"):
        found = logits_of(model, rows, Engine(mode), torch.cat([region] * 3))[:, 0].view(3, 3)
        for row in found.tolist():
            assert row == pytest.approx(wanted, rel=1e-5)


def test_nothing_of_another_region_is_seen():
    image, region = an_image(), torch.zeros(ROWS, COLS, dtype=torch.int64)
    region[:, 11:] = 1
    other = image.clone()
    other[:, :, 11:] = 1000 + 7 * other[:, :, 11:]
    before, after = (smoothed(seen, (1, 3), 19, region=region) for seen in (image, other))
    np.testing.assert_array_equal(before[..., :11], after[..., :11])
    assert (before[..., 11:] != after[..., 11:]).all()
    constant = smoothed(torch.full_like(image, 4.0), (1, 3), 19, region=region)
    np.testing.assert_allclose(constant, 4.0, rtol=1e-5)  # at borders and masks too


def test_window_by_window_shared_and_in_small_parts_agree():
    image = an_image(1)
    whole = smoothed(image, (0, 1, 2), 13)
    np.testing.assert_allclose(smoothed(image, (0, 1, 2), 13, "patch"), whole, atol=1e-6)
    np.testing.assert_allclose(smoothed(image, (0, 1, 2), 13, memory_gb=2e-5), whole, atol=1e-6)


def test_a_kernel_for_each_scale_by_hand():
    """Two scales of one channel: the mean of exp(-gamma d**2) of each."""
    kernel = MeanKernel(2, 0.5)
    found = kernel(np.array([[0.0, 1.0]]), np.array([[2.0, 1.0], [0.0, 0.0]]))
    np.testing.assert_allclose(found, [[(np.exp(-2) + 1) / 2, (1 + np.exp(-0.5)) / 2]])


@pytest.mark.parametrize("given", [{"head": "svm"}, {"head": "svm", "kernel": "mean"}, {"head": "lda"}])
def test_it_learns_what_one_pixel_cannot_tell(given):
    """Classes differ by a hundredth of the noise of a pixel; their fields are smooth."""
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 2, 3], [8, 8, 7])[:, None] * np.ones(COLS, dtype=int)
    image = np.eye(3, BANDS)[labels - 1] + rng.normal(size=(ROWS, COLS, BANDS))
    role = np.where(rng.random(labels.shape) < 0.3, 1, 3).astype(np.uint8)
    samples = gather(image.astype(np.float32), labels, Split(role), CLASSES, torch.device("cpu"))
    rights = []
    for widths in ((0,), (0, 1, 2)):
        model = scales(BANDS, CLASSES, scales=widths, **given)
        Once().fit(model, samples, Engine())
        found = logits_of(model, samples.image, Engine()).argmax(1).view(ROWS, COLS).numpy() + 1
        rights.append((found == labels)[role == 3].mean())
    assert rights[0] < 0.75 < 0.85 < rights[1]


def test_the_window_is_as_wide_as_the_widest_filter():
    assert scales(4, 3, scales=(1, 2.5)).window == 2 * 8 + 1
    assert build_model(configure("model=scales").model, 15, 16).window == 145
    narrow = build_model(configure("model=scales", "patch_size=9").model, 15, 16)
    assert narrow.window == 9
    assert narrow.trunk.radii == [3, 4, 4, 4, 4, 4]
    assert narrow.trunk_channels == 6 * 15


def test_weights_are_positive_even_and_sum_to_one():
    for number, radius in enumerate((trunk := GaussianScales((0, 0.3, 4), 25)).radii):
        weights = trunk.get_buffer(f"weights_{number}")
        assert len(weights) == 2 * radius + 1
        assert weights.sum() == pytest.approx(1)
        assert (weights == weights.flip(0)).all()
        assert (weights >= 0).all()


@pytest.mark.parametrize("value", [[], [-1], "two", [1, None]])
def test_scales_that_are_none(value):
    with pytest.raises(HsiError, match=r"model\.scales"):
        build_model({"_target_": "hsi.models.scales.scales", "scales": value}, 4, 3)


def test_a_run_its_window_and_back_from_its_files(hsi_run, tmp_path):
    outcome = hsi_run(
        *TRIAL, "model=scales", "model.scales=[0,1,2]", "model.kernel=mean", "patch_size=null", "hydra.run.dir=made"
    )
    assert outcome.status == 0, outcome.err
    metrics = json.loads((tmp_path / "made/metrics.json").read_text())
    assert metrics["oa"] > 0.9
    assert metrics["leakage"]["window"] == 13
    run = open_run(tmp_path / "made")
    again = load_model(tmp_path / "made").map(run.load_scene())
    np.testing.assert_array_equal(again.class_map, run.class_map)


def test_a_scene_narrower_than_the_filters_is_told(hsi_run):
    outcome = hsi_run(*TRIAL, "model=scales", "patch_size=null", "hydra.run.dir=made")
    assert outcome.status == 2
    assert "patch_size=145 is larger than the scene of" in outcome.out
