"""docs/your_own_scene.md, word for word: its commands run one after another in a folder with the files it names."""

import importlib
import io
import re
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import own_scene
import pandas as pd
import pytest
import torch
from conftest import ROOT, Outcome
from test_readme import blocks, folder_of

from hsi.cli import main as cli
from hsi.cli.help import COMMANDS

rasterio = pytest.importorskip("rasterio")

PAGE = (ROOT / "docs/your_own_scene.md").read_text(encoding="utf-8")
LINES = [line for block in blocks(PAGE, "sh") for line in block.splitlines() if line.startswith("hsi ")]
# The page trains as a user would, for minutes; here a network takes three steps on small windows. What the page says
# of commands, files and messages does not depend on how well it has learnt.
QUICK = ["train.steps=3", "patch_size=9"]
SVM = "outputs/field/svm/polygons_4d124887"
LEADS = re.compile(r"^\| (`.+?) \|", flags=re.MULTILINE)


def call(line: str) -> Outcome:
    """Run a command of ours in this process and in the current directory."""
    _, command, *words = shlex.split(line, comments=True)
    if command == "run":
        words.append(f"hydra.run.dir={folder_of(words)}")  # that of the page, though the words below change its digits
        words += [] if "model=svm" in words else QUICK
    module = importlib.import_module(f"hsi.{command}")
    task = module.predict if command == "predict" else module.run
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", [f"hsi.{command}", *words])
        try:
            cli.main(task, COMMANDS[command].config)
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        finally:
            torch.set_deterministic_debug_mode("default")
    return Outcome(status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Holds the files that the page names, and is the current directory."""
    place = tmp_path_factory.mktemp("own_scene")
    own_scene.write_all(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield place


@pytest.fixture(scope="module")
def outcomes(folder):
    """What came of each command of the page, in its order."""
    return {line: call(line) for line in LINES}


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def leads(heading: str) -> list[str]:
    """The first cells of the tables of a section that are code."""
    return LEADS.findall(section(heading))


def quoted(cell: str) -> list[str]:
    """The parts of the code of a cell, cut where it has an ellipsis."""
    return [part for code in re.findall(r"`([^`]+)`", cell) for part in code.split(" ... ")]


@pytest.mark.parametrize("line", LINES)
def test_every_command_runs(line, outcomes):
    outcome = outcomes[line]
    assert outcome.status == 0, outcome.out + outcome.err
    assert "Error" not in outcome.out + outcome.err


@pytest.mark.parametrize("cell", leads("Look first"))
def test_the_audit_says_what_the_page_quotes(cell, outcomes):
    said = outcomes[LINES[0]].out
    assert LINES[0].startswith("hsi audit")
    assert [part for part in quoted(cell) if part not in said] == []


@pytest.mark.parametrize("cell", leads("What lies in the folder"))
def test_the_files_are_there(cell, folder, outcomes):
    for place in [*re.findall(r"`(outputs/\S+)`", section("What lies in the folder")), "next"]:
        assert [name for name in quoted(cell) if not (folder / place / name).is_file()] == []


def test_the_columns_of_the_areas_are_those_of_the_page(folder, outcomes):
    table = pd.read_csv(folder / SVM / "areas.csv")
    named = set(re.findall(r"`([a-z_]+)`", section("What lies in the folder").split("`areas.csv` has")[1]))
    assert named <= {*table.columns}
    assert table.adjusted_hectares_low.notna().any()
    assert table["class"].tolist() == list(own_scene.CROPS)
    np.testing.assert_allclose(table.hectares, table.pixels * own_scene.PIXEL**2 / 10_000)
    for place, known in (("next", True), ("next_scored", True), ("next_ensemble", False)):
        assert pd.read_csv(folder / place / "areas.csv").adjusted_hectares.notna().any() == known


def test_the_map_is_that_of_the_ground(folder, outcomes):
    """Every spectrum of the next scene is unlike those of other crops: the support vector machine finds all of them."""
    later = own_scene.crops(1)
    empty = (own_scene.strip(later, 3) == own_scene.NODATA).all(axis=2)
    with rasterio.open(folder / "next/map.tif") as file:
        found = file.read(1)
        assert file.crs == own_scene.CRS
        assert file.transform == own_scene.transform()
        assert file.nodata == 0
    np.testing.assert_array_equal(found == 0, empty)
    fields = (later > 0) & ~empty
    assert (found == later)[fields].mean() > 0.99
    large = np.load(folder / "next_large/map.npy")
    np.testing.assert_array_equal(large, found)


def test_unknown_pixels_have_a_class_of_their_own(folder, outcomes):
    assert pd.read_csv(folder / "next_unknown/areas.csv")["class"].tolist() == [*own_scene.CROPS, "unknown"]


def write_refused(name: str) -> str:
    """A scene that the model does not fit; returns the words that name it."""
    cube, wavelengths = own_scene.strip(own_scene.crops(1), 3), own_scene.WAVELENGTHS
    match name:
        case "moved":  # the first and the last band stay
            wavelengths = wavelengths + 40 * np.sin(np.linspace(0, np.pi, len(wavelengths)))
        case "fewer":
            cube, wavelengths = cube[:, :, ::3], wavelengths[::3]
        case "constant":
            cube = np.full_like(cube, 2000)
    own_scene.write_tiff(f"{name}.tif", cube, own_scene.transform(), own_scene.NODATA, wavelengths)
    return f"scene.cube={name}.tif scene.scaled={name != 'unit'}"


@pytest.mark.parametrize(
    ("name", "said", "ways_out"),
    [
        ("unit", "lie beyond the values that the model was trained on", ["scale=0.0001", "accept_range=true"]),
        ("moved", "which is more than half a band away", ["resample=true"]),
        ("fewer", "14 bands", ["resample=true"]),
        ("constant", "all pixels are alike, or none has a value", []),
    ],
)
def test_what_is_refused_has_the_way_out_of_the_page(name, said, ways_out, outcomes):
    page = section("The next scene")
    assert said in page or "or another number of bands" in page
    line = f"hsi predict run={SVM} {write_refused(name)} out={name}"
    refused = call(line)
    assert refused.status == 2
    assert said in refused.out + refused.err
    for way_out in ways_out:
        assert f"`{way_out}`" in page
        assert call(f"{line}_{way_out.split('=')[0]} {way_out}").status == 0


@pytest.mark.parametrize("code", [code for cell in leads("What is not data") for code in quoted(cell)[:1]])
def test_keys_of_what_is_not_data(code, outcomes):
    if code.startswith("scene."):
        audit = "hsi audit scene=custom scene.cube=field.hdr scene.labels=labels.tif"
        assert call(f"{audit} {shlex.quote(code)}").status == 0
    else:
        assert folder_of([code])
