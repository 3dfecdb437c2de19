"""Networks in the study of fields: trained as `hsi run` trains them, and scored by hand."""

import numpy as np
import pandas as pd
import pytest

import hsi
from studies.drawn import Drawn
from studies.field_networks import BY_FIELDS, NETWORKS, STEPS, main, network, scores_of, table, undecided
from studies.fields import BASE, RECIPE


@pytest.fixture(scope="module")
def drawn():
    return Drawn(hsi.load("synthetic", rows=40, cols=36, classes=4), 3)


def test_a_network_is_that_of_a_run(drawn):
    """Training pixels in a row are to a network of single spectra what the scene is."""
    words = [*STEPS, *BY_FIELDS, "train.steps=20", "schedule=constant"]
    run = hsi.fit(drawn.scene, drawn.split, "cnn_1d", *words[1:], seed=3, device="cpu")
    found = network(drawn, words)[drawn.side]
    np.testing.assert_allclose(found.max(axis=1), run.confidence[drawn.side], atol=1e-5)
    assert (found.argmax(axis=1) + 1 == run.class_map[drawn.side]).mean() > 0.999


def test_scores_by_hand(drawn):
    """The truth, but for one class that is taken for another with little confidence: the surer half is right."""
    truth = drawn.scene.labels.astype(int)
    sure = np.where(truth == 2, 0.4, 0.9)
    mapped = np.where(truth == 2, 1, np.maximum(truth, 1))
    posteriors = np.zeros((*truth.shape, 4))
    np.put_along_axis(posteriors, mapped[..., None] - 1, sure[..., None], axis=2)
    posteriors += ((1 - sure) / 4)[..., None] * 0.9
    found = scores_of(drawn, posteriors)
    wrong = (truth[drawn.test] == 2).mean()
    assert 0.05 < wrong < 0.5
    assert found["oa"] == pytest.approx(1 - wrong)
    assert found["aa"] == pytest.approx(3 / 4)
    assert found["crops"] >= found["oa"]
    assert found["surer_half_pixels"] == pytest.approx(1)
    assert found["aurc_pixels"] <= found["oa"]


def test_every_way_is_scored_and_the_file_goes_on(drawn, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("studies.field_networks.STEPS", (*STEPS, "train.steps=3"))
    monkeypatch.setattr("studies.field_networks.hsi.load", lambda _: drawn.scene)
    words = ["--file", str(tmp_path / "networks.csv"), "--seeds"]
    main([*words, "3", "4"])
    rows = pd.read_csv(tmp_path / "networks.csv")
    assert list(rows["way"]) == [*NETWORKS, BASE, RECIPE]
    assert rows.drop(columns=["seed", "way"]).apply(lambda column: column.between(0, 1).all()).all()
    again = rows.drop(columns="seed").to_dict("records")
    monkeypatch.setattr("studies.field_networks.judge", lambda d: [{"seed": d.seed, **row} for row in again])
    main([*words, "3", "6"])
    assert list(pd.read_csv(tmp_path / "networks.csv")["seed"].unique()) == [3, 4, 5]
    capsys.readouterr()
    main(["--file", str(tmp_path / "networks.csv"), "--table"])
    assert RECIPE in capsys.readouterr().out


def test_tables_by_hand():
    """Differences of 2, 4 and 6 points: mean 4, standard deviation 2, so t = 4 / (2 / sqrt(3)); Holm takes all ways."""
    rows = [
        {"seed": seed, "way": name, "oa": 0.5 + gain * (place == 1), "aa": 0.6, "crops": 0.7}
        | {"aurc_pixels": 0.3, "aurc_fields": 0.3 - gain * (place == 1)}
        | {"surer_half_pixels": 0.8, "surer_half_fields": 0.9}
        for seed, gain in enumerate([0.02, 0.04, 0.06])
        for place, name in enumerate([*NETWORKS, BASE, RECIPE])
    ]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(pd.DataFrame(rows)).splitlines()[2:]]
    assert len(cells) == len(NETWORKS)
    assert cells[1][1:] == ["54.0", "2.0", "60.0", "70.0", "+4.00", "-0.97 to +8.97", "3 of 3", f"{3 * 0.07418:.4f}"]
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in undecided(pd.DataFrame(rows)).splitlines()[2:]
    ]
    assert len(cells) == len(NETWORKS) + 2
    assert cells[1][1:] == ["30.0", "26.0", "80.0", "90.0", "-4.00", "-8.97 to +0.97", "3 of 3", f"{6 * 0.07418:.4f}"]
    assert cells[0][7] == "0 of 3"
