"""The study's parts: its machine is scikit-learn's, its recipe is the shipped one, its table is computed by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import configure
from scipy.special import softmax
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.svm import SVC

import hsi
from hsi.engine.forward import Engine, logits_of
from hsi.engine.samples import gather
from hsi.models.building import build_model
from hsi.models.posteriors import SHARPNESS
from hsi.training.once import Once
from studies.drawn import Drawn
from studies.fields import (
    BASE,
    GRID,
    IDEAS,
    RECIPE,
    SPECTRA,
    TRANSDUCTIVE,
    beaten,
    chosen_by,
    judge,
    main,
    table,
    window_means,
)


@pytest.fixture(scope="module")
def drawn():
    return Drawn(hsi.load("synthetic", rows=40, cols=36, classes=4), 3)


def test_its_machine_is_that_of_scikit_learn(drawn):
    known, seen = drawn.spectra[drawn.train], drawn.spectra[drawn.test]
    expected = SVC(C=100, gamma=1 / known.shape[1]).fit(known, drawn.truth).decision_function(seen)
    np.testing.assert_allclose(
        drawn.machine(drawn.spectra)[drawn.test], softmax(SHARPNESS * expected, axis=1), atol=1e-6
    )
    few = drawn.components(3)
    expected = SVC(C=100, gamma="scale").fit(few[drawn.train], drawn.truth).decision_function(few[drawn.side])
    found = drawn.machine(few, "scale", whole=True)[drawn.side]
    np.testing.assert_allclose(found, softmax(SHARPNESS * expected, axis=1), atol=1e-6)


def test_its_recipe_is_the_shipped_one(drawn):
    config = configure("experiment=ip_regions")
    assert (config.split.train, config.split.draw) == (0.5, "random")
    model = build_model(config.model, drawn.cube.shape[2], 4)
    samples = gather(drawn.cube.astype(np.float32), drawn.scene.labels, drawn.split, 4, torch.device("cpu"))
    Once().fit(model, samples, Engine())
    found = logits_of(model, samples.image, Engine(), samples.region).softmax(1).view(40, 36, 4).numpy()
    expected = IDEAS[RECIPE](drawn)[drawn.side]
    np.testing.assert_allclose(found[drawn.side], expected / expected.sum(axis=1, keepdims=True), atol=1e-3)


@pytest.mark.parametrize("by_fields", [True, False])
def test_it_chooses_as_a_search_does(drawn, by_fields):
    known, truth = drawn.spectra[drawn.train], drawn.truth
    order = np.lexsort(np.vstack([known.T, truth]))
    folds = GroupKFold(3) if by_fields else KFold(3, shuffle=True, random_state=0)
    groups = drawn.fields[order] if by_fields else None
    grid = {"C": sorted({C for C, _ in GRID}), "gamma": sorted({gamma / known.shape[1] for _, gamma in GRID})}
    search = GridSearchCV(SVC(), grid, cv=folds).fit(known[order], truth[order], groups=groups)
    C, gamma = chosen_by(drawn, by_fields)
    assert search.best_params_ == {"C": C, "gamma": pytest.approx(gamma / known.shape[1])}


def test_ideas_but_the_transductive_ones_do_not_read_the_test_side(drawn):
    """Replace the spectra of the whole test side: what is learned, and so the posteriors of the old ones, stays."""
    changed = Drawn(drawn.scene, drawn.seed)
    changed.__dict__["cube"] = np.where(drawn.side[..., None], drawn.cube[::-1, ::-1] * 1.1, drawn.cube)
    np.testing.assert_array_equal(changed.components(4)[drawn.train], drawn.components(4)[drawn.train])
    np.testing.assert_array_equal(changed.noise_fractions(4)[drawn.train], drawn.noise_fractions(4)[drawn.train])
    np.testing.assert_allclose(window_means(changed, 3)[drawn.train], window_means(drawn, 3)[drawn.train])
    assert sum(name.startswith(TRANSDUCTIVE) for name in IDEAS) == 2


def test_every_idea_is_scored_and_the_file_goes_on(drawn, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("studies.fields.hsi.load", lambda _: drawn.scene)
    words = ["--file", str(tmp_path / "fields.csv"), "--seeds"]
    main([*words, "3", "4"])
    first = pd.read_csv(tmp_path / "fields.csv")
    assert list(first["idea"]) == list(IDEAS)
    assert first[["oa", "aa", "crops"]].ge(0).all(axis=None)
    assert first[["oa", "aa", "crops"]].le(1).all(axis=None)
    assert (first["crops"] >= first["oa"]).all()
    assert first["oa"].iloc[0] == pytest.approx(judge(drawn)[0]["oa"], abs=1e-6)
    monkeypatch.setattr(
        "studies.fields.judge", lambda d: [{"seed": d.seed, "idea": BASE, "oa": 1, "aa": 1, "crops": 1}]
    )
    main([*words, "3", "5"])
    assert set(pd.read_csv(tmp_path / "fields.csv")["seed"]) == {3, 4}
    assert len(pd.read_csv(tmp_path / "fields.csv")) == len(IDEAS) + 1
    capsys.readouterr()
    main(["--file", str(tmp_path / "fields.csv"), "--table"])
    assert BASE in capsys.readouterr().out


def test_a_table_by_hand():
    """Differences of 2, 4 and 6 points: mean 4, standard deviation 2, so t = 4 / (2 / sqrt(3)) with 2 degrees."""
    rows = [
        {"seed": seed, "idea": name, "oa": 0.5 + gain, "aa": 0.6, "crops": 0.7}
        for seed, gains in enumerate([(0, 0.02, -0.01), (0, 0.04, 0.01), (0, 0.06, 0.03)])
        for name, gain in zip([BASE, "SNV", "15 MNF components"], gains, strict=True)
    ]
    lines = table(pd.DataFrame(rows)).splitlines()
    assert len(lines) == 5
    cells = [cell.strip() for cell in next(line for line in lines if "SNV" in line).split("|")[1:-1]]
    assert cells[:6] == ["SNV", "54.0", "2.0", "60.0", "70.0", "+4.00"]
    assert cells[6:] == ["-0.97 to +8.97", "3 of 3", "0.1484"]  # p = 0.0742, twice by Holm


def test_the_recipe_is_held_against_every_machine_on_spectra():
    """It is 4 points better than each, give or take 2, so t is that of the table by hand; Holm takes all alike."""
    rows = [
        {"seed": seed, "idea": name, "oa": 0.5 + (name == RECIPE) * gain, "aa": 0.6, "crops": 0.7}
        for seed, gain in enumerate([0.02, 0.04, 0.06])
        for name in (*SPECTRA, RECIPE)
    ]
    lines = beaten(pd.DataFrame(rows)).splitlines()[2:]
    assert [line.split("|")[1].strip() for line in lines] == list(SPECTRA)
    assert len(SPECTRA) == 11
    cells = {tuple(cell.strip() for cell in line.split("|")[2:-1]) for line in lines}
    assert cells == {("50.0", "+4.00", "-0.97 to +8.97", "3 of 3", f"{11 * 0.07418:.4f}")}
