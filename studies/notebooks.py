"""The notebooks, run on Indian Pines and kept with small outputs: ``python -m studies.notebooks --help``.

They run from top to bottom in an empty folder, with one thread, on the scene and the short trainings that they name
themselves. What is kept says nothing of the machine, and belongs to the code of its cells: a hash of these stands in
the metadata.
"""

import argparse
import base64
import hashlib
import os
import re
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

from hsi import files
from hsi.errors import HsiError

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "notebooks"
LARGEST = 600_000  # bytes of a notebook
COLOURS = 128  # of a picture
PLACE = re.compile(r"(?<![\w.~/])/(?:tmp|home|root|mnt|var|opt|usr|Users)/|[A-Z]:\\\\")  # where a machine keeps files
PICTURE = "image/png"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def execute(path: Path, data: Path) -> NotebookNode:
    """A notebook with its outputs, run in an empty folder; HsiError where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    own = {key: value for key, value in os.environ.items() if not key.startswith("HSI_")}
    own |= {"PYTHONPATH": str(ROOT), "HSI_DATA_DIR": str(data.absolute()), "OMP_NUM_THREADS": "1"}
    with TemporaryDirectory() as empty:
        (Path(empty) / "notebooks").mkdir()
        where = {"metadata": {"path": str(Path(empty) / "notebooks")}}
        return NotebookClient(notebook, timeout=3600, resources=where).execute(env=own)


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Keep of an executed notebook what a reader sees: small pictures, no times, no kernel of this machine."""
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
        for output in cell.get("outputs", []):
            if PICTURE in output.get("data", {}):
                output.data[PICTURE] = _shrink(output.data[PICTURE])
                output.metadata = NotebookNode()
    kept = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "outputs_of": source_hash(notebook)}
    notebook.metadata = nbformat.from_dict(kept)
    return notebook


def _shrink(picture: str) -> str:
    """A PNG in base64, with a palette."""
    content = BytesIO()
    with Image.open(BytesIO(base64.b64decode(picture))) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(content, "png", optimize=True)
    return base64.b64encode(content.getvalue()).decode()


def source_hash(notebook: NotebookNode) -> str:
    """Of the code of all cells: outputs of another code are none of this notebook."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join(code).encode()).hexdigest()


def faults(notebook: NotebookNode) -> list[str]:
    """What a kept notebook should not have, in words."""
    cells: list[Any] = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    said = "\n".join(_said(output) for output in outputs)
    found = {
        "no outputs": not outputs,
        "an error": any(output.output_type == "error" for output in outputs),
        "a warning, or a progress bar": any(output.get("name") == "stderr" for output in outputs),
        "a widget": any("widget" in kind for output in outputs for kind in output.get("data", {})),
        "a place on a machine": PLACE.search(said) is not None,
        "times of cells": any(cell.metadata for cell in notebook.cells),
        "outputs of other code": notebook.metadata.get("outputs_of") != source_hash(notebook),
        f"more than {LARGEST:,} bytes": len(nbformat.writes(notebook).encode()) > LARGEST,
    }
    return [fault for fault, there in found.items() if there]


def _said(output: NotebookNode) -> str:
    """Its texts, pictures apart."""
    texts = [text for kind, text in output.get("data", {}).items() if not kind.startswith("image/")]
    return "\n".join([*map(str, texts), output.get("text", ""), *output.get("traceback", [])])


def main(words: list[str] | None = None) -> None:
    """Run the notebooks, and keep each once it is whole."""
    parser = argparse.ArgumentParser(prog="python -m studies.notebooks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as quickstart; default: all")
    parser.add_argument("--data", type=Path, default=ROOT / "data", metavar="DIR", help="of the scene; default: data")
    chosen = parser.parse_args(words)
    paths = [FOLDER / f"{name}.ipynb" for name in chosen.names] or sorted(FOLDER.glob("*.ipynb"))
    try:
        for path in paths:
            if not path.is_file():
                known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.ipynb")))
                raise HsiError(f"{path.name} is no notebook: choose {known}")
            kept = tidy(execute(path, chosen.data))
            if wrong := faults(kept):
                raise HsiError(f"{path.name} is left as it was, since its outputs have {', '.join(wrong)}")
            files.write(path, nbformat.writes(kept) + "\n")
            print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", flush=True)
    except HsiError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
