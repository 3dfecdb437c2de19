"""The notebooks run from top to bottom, on the generated scene, and are kept without output."""

import nbformat
import pytest
from conftest import ROOT, TRIAL
from nbclient import NotebookClient


def execute(name, folder, monkeypatch):
    """Outputs of all cells, run in `folder`: how many figures, and all that is printed."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    done = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    figures = sum("image/png" in output.get("data", {}) for output in outputs)
    return figures, "".join(output.get("text", "") for output in outputs)


@pytest.mark.parametrize(("model", "evident"), [("hybridsn", False), ("drn_a", True)])
def test_maps_runs_from_top_to_bottom(model, evident, hsi_run, tmp_path, monkeypatch):
    """With a figure of class activation maps where the network has it, and else the reason why there is none."""
    assert hsi_run(*TRIAL, f"model={model}", "train.steps=8", "hydra.run.dir=here").status == 0
    monkeypatch.setenv("HSI_RUN", str(tmp_path / "here"))
    figures, printed = execute("maps.ipynb", tmp_path, monkeypatch)
    assert figures == (6 if evident else 5)
    assert ("no class activation maps" in printed) is not evident


def test_convolutions_runs_from_top_to_bottom(tmp_path, monkeypatch):
    """Its cells assert what they claim."""
    monkeypatch.setenv("HSI_SCENE", "synthetic")
    figures, printed = execute("convolutions.ipynb", tmp_path, monkeypatch)
    assert figures == 12
    assert "of the former lie in the trunk" in printed


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_kept_without_output(path):
    assert not any(cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells)
