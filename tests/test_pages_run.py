"""The shell blocks of README.md and docs/, word for word, one page after another in one folder, as a reader goes on.

Only trainings are cut to two steps on small windows, and sweeps to two seeds. docs/your_own_scene.md has its own test.
Left out are commands of other programs and of studies, which test_readme.py looks up, what a cluster or an extra that
is not here has to compute, and an hour of searching.
"""

import os
import re
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

import conftest
import numpy as np
import own_scene
import pytest
import torch
from conftest import ROOT
from scipy.io import savemat
from test_readme import PRESENT, blocks, folder_of

from hsi import __main__ as hsi_command
from hsi.scene import Scene

pytest.importorskip("rasterio")
pytestmark = pytest.mark.long

QUICK = ["train.steps=2", "train.epochs=null", "patch_size=9"]
TRAINS = re.compile(r"^hsi run(?!.*(--keys|--cfg|--help))")
ELSEWHERE = re.compile(r"hydra/launcher=|^hsi search (?!--help)")
EXTRAS = {"hsi export": "onnx", "tracking=tensorboard": "tensorboard", "tracking=mlflow": "mlflow"}


def lines(page: str) -> list[str]:
    """The commands of ours on a page."""
    found = [line for block in blocks(PRESENT[page], "sh") for line in block.splitlines() if line.startswith("hsi ")]
    lacking = [word for word, package in EXTRAS.items() if find_spec(package) is None]
    return [line for line in found if not ELSEWHERE.search(line) and not any(word in line for word in lacking)]


PAGES = [page for page in PRESENT if page != "docs/your_own_scene.md" and lines(page)]


def shortened(line: str) -> list[str]:
    """The words of a command, which takes seconds so; a single run goes to the folder that the page names."""
    words = shlex.split(line, comments=True)[1:]
    if not TRAINS.match(line):
        return words
    if "-m" in words:
        return [re.sub(r"^seed=.*", "seed=0,1", word) for word in words] + QUICK
    if "experiment=leak_gap" in words:
        return [*words, *QUICK, "seed=0,1"]
    return [*words, *QUICK, f"hydra.run.dir={folder_of(words[1:])}"]


def call(words: list[str]) -> int:
    """Exit status of ``hsi WORDS`` in the current directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conftest.Hydra, "get_mode", conftest.GET_MODE)  # experiment=leak_gap is a sweep by itself
        patch.setattr(sys, "argv", ["hsi", *words])
        patch.setattr(sys, "path", [*sys.path])
        try:
            hsi_command.main()
        except SystemExit as leaving:
            return int(leaving.code or 0)
        finally:
            torch.set_deterministic_debug_mode("default")
    return 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, indian_pines: Scene) -> Path:
    """The current directory, with the files that the pages name."""
    place = tmp_path_factory.mktemp("pages")
    own_scene.write_all(place)
    (place / "labels").symlink_to("tile_labels")
    (place / "data").symlink_to(os.environ.get("HSI_DATA_DIR", ROOT / "data"))
    image = own_scene.crops(0)
    savemat(place / "field.mat", {"field": own_scene.strip(image, 2)})
    savemat(place / "field_gt.mat", {"field_gt": image})
    np.savez(place / "gt.npz", gt=np.minimum(image, 2))
    savemat(place / "next.mat", {"next": indian_pines.cube[:40, :40]})
    labels, odd = indian_pines.labels, np.indices(indian_pines.labels.shape).sum(0) % 2
    savemat(place / "mask.mat", {"train": labels * odd, "test": labels * (1 - odd)})
    names = sorted(path.name for path in (place / "tiles").iterdir())
    for name, of in (("train.csv", names[:3]), ("test.csv", names[3:])):
        (place / name).write_text("\n".join(["tile", *of]) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield place


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run_one_after_another(page, folder, capfd):
    for line in lines(page):
        status, said = call(shortened(line)), "".join(capfd.readouterr())
        assert status == 0, f"{line}\n{said}"
        assert "Error" not in said, f"{line}\n{said}"
