"""The package as others install it: a built wheel, outside the checkout."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, TRIAL


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_whole_configuration(wheel):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("hsi/conf/")}
    assert inside == {f"hsi/conf/{path.relative_to(ROOT / 'conf')}" for path in (ROOT / "conf").rglob("*.yaml")}


def test_the_wheel_holds_what_the_page_is_made_of(wheel):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith((".js", ".css", ".html"))}
    own = (path.relative_to(ROOT) for path in (ROOT / "hsi").rglob("*") if path.suffix in (".js", ".css", ".html"))
    assert inside == {str(path) for path in own}
    assert inside


def test_the_installed_wheel_runs_from_another_folder(wheel, tmp_path):
    """In a new environment that sees this one's dependencies, but not its checkout."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    (site,) = environment.glob("lib/python*/site-packages")
    # a path alone: .pth files over there, such as that of an editable install, have no effect here
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    where = subprocess.run(
        [python, "-c", "import hsi; print(hsi.__file__)"], cwd=elsewhere, env=clean, capture_output=True, text=True
    )
    assert str(environment) in where.stdout
    done = subprocess.run(
        [python, "-m", "hsi.run", *TRIAL], cwd=elsewhere, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (written,) = elsewhere.glob("outputs/**/metrics.json")

    def call(*argv: str) -> str:
        """The command hsi as it is installed."""
        command = [environment / "bin" / "hsi", *argv]
        return subprocess.run(command, cwd=elsewhere, env=clean, capture_output=True, text=True, check=True).stdout

    assert "train.steps=" in call("run", "--keys", "train")
    assert call("verify", str(written.parent)).startswith("verified: ")
    assert "hsi run" in call()
