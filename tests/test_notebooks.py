"""The notebooks run from top to bottom on the generated scene, and are kept with small outputs of their own code."""

import os

import nbformat
import pytest
from conftest import ROOT, TRIAL
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook, new_output

from studies.notebooks import FOLDER, faults, tidy

SHORT = {"HSI_SCENE": "synthetic", "HSI_STEPS": "3", "HSI_SEEDS": "2"}


@pytest.fixture(scope="module")
def kernel():
    """One for all: libraries are loaded once, and each notebook begins without names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        manager, client = start_new_kernel()
    yield manager
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def execute(kernel, tmp_path):
    def execute(name, **more):
        """Outputs of all cells, run in an empty folder: how many figures, and all that is printed."""
        (tmp_path / "notebooks").mkdir()
        notebook = nbformat.read(FOLDER / name, as_version=4)
        own = {key: value for key, value in os.environ.items() if not key.startswith("HSI_")} | SHORT | more
        begin = f"%reset -f\nimport os\nos.environ.clear()\nos.environ.update({own!r})\n"
        begin += f"os.chdir({str(tmp_path / 'notebooks')!r})\nimport torch\ntorch.set_num_threads(1)\n"
        notebook.cells.insert(0, new_code_cell(begin))
        done = NotebookClient(notebook, km=kernel, timeout=300).execute()
        outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
        assert [output.text for output in outputs if output.get("name") == "stderr"] == []
        figures = sum("image/png" in output.get("data", {}) for output in outputs)
        return figures, "".join(output.get("text", "") for output in outputs)

    return execute


def test_every_notebook_is_executed_here_and_named_on_its_page():
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in FOLDER.glob("*.ipynb"):
        assert f'execute("{path.name}"' in (ROOT / "tests/test_notebooks.py").read_text()
        assert f"[{path.stem}]({path.name})" in page


def test_quickstart(execute, tmp_path):
    figures, printed = execute("quickstart.ipynb")
    assert figures == 3
    assert (tmp_path / "outputs/notebooks/quickstart/metrics.json").is_file()
    assert "64 x 64 pixels, 60 bands, 6 classes" in printed
    same = float(printed.partition("% with symmetries=8")[0].split()[-1])
    assert same > 99.9  # by construction, but for rounding


def test_maps_of_a_short_hybridsn_of_its_own(execute):
    """Its activation maps are by gradients."""
    figures, printed = execute("maps.ipynb")
    assert figures == 8
    assert printed.count("\n") == 1  # what test windows have seen, and no refusal


def test_maps_of_a_run_that_is_there_and_has_no_gradients(execute, hsi_run, tmp_path):
    assert hsi_run(*TRIAL, "model=knn", "hydra.run.dir=outputs/here").status == 0
    figures, printed = execute("maps.ipynb", HSI_RUN=str(tmp_path / "outputs/here"))
    assert figures == 6
    assert printed.count("this model has no activation maps, as it has no gradients") == 2


def test_compare(execute, tmp_path):
    figures, printed = execute("compare.ipynb")
    assert figures == 1
    assert len([*tmp_path.rglob("metrics.json")]) == 4
    assert "All runs are of one scene" in printed


def test_leakage(execute):
    figures, printed = execute("leakage.ipynb")
    assert figures == 4
    assert "half of the fields: OA" in printed


def test_own_scene(execute):
    pytest.importorskip("rasterio")
    figures, printed = execute("own_scene.ipynb")
    assert figures == 2
    assert "EPSG:32632 (64, 64) (10.0, 10.0)" in printed
    assert "No test window (1 x 1 pixels) contains a training pixel." in printed
    assert "beyond the values that the model was trained on" in printed


@pytest.mark.long
def test_why_results_differ(execute):
    """Its cells assert that equal seeds give equal maps."""
    figures, printed = execute("why_results_differ.ipynb")
    assert figures == 1
    assert "OA" in printed


def test_convolutions(execute):
    """Its cells assert what they claim, the answers to the exercises among it."""
    figures, printed = execute("convolutions.ipynb")
    assert figures == 12
    assert "of the former lie in the trunk" in printed
    assert "all answers hold" in printed


@pytest.mark.long
def test_networks(execute):
    """As `test_convolutions`."""
    figures, printed = execute("networks.ipynb")
    assert figures == 16
    assert "all answers hold" in printed


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_kept_with_small_outputs_of_their_own_code(path):
    assert faults(nbformat.read(path, as_version=4)) == []


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        (new_output("error", ename="E", evalue="e", traceback=[]), "an error"),
        (new_output("stream", name="stderr", text="100 %"), "a warning, or a progress bar"),
        (new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}}), "a widget"),
        (new_output("stream", text="written to /tmp/x/map.png"), "a place on a machine"),
        (new_output("execute_result", {"text/plain": "PosixPath('/home/me/x')"}), "a place on a machine"),
        (new_output("stream", text="x" * 600_000), "more than 600,000 bytes"),
    ],
)
def test_what_should_not_be_kept_is_found(output, fault):
    kept = tidy(new_notebook(cells=[new_code_cell("1 + 1", outputs=[output])]))
    assert faults(kept) == [fault]
    clean = tidy(new_notebook(cells=[new_code_cell("1 + 1", outputs=[new_output("stream", text="read/tmp/x")])]))
    assert faults(clean) == []
    clean.cells[0].source = "1 + 2"
    clean.cells[0].metadata["execution"] = {"started": "now"}
    assert faults(clean) == ["times of cells", "outputs of other code"]
    assert "no outputs" in faults(new_notebook(cells=[new_code_cell("1 + 1")]))
