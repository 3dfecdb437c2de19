import nbformat
import pytest
from conftest import ROOT, TRIAL
from nbclient import NotebookClient


@pytest.mark.parametrize("name", ["maps.ipynb"])
def test_notebooks_run_from_top_to_bottom(name, hsi_run, tmp_path, monkeypatch):
    assert hsi_run(*TRIAL, "train.steps=8", "hydra.run.dir=here").status == 0
    monkeypatch.setenv("HSI_RUN", str(tmp_path / "here"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    done = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    figures = [
        output for cell in done.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert len(figures) == 5


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_kept_without_output(path):
    assert not any(cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells)
