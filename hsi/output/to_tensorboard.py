"""Runs for TensorBoard: files of events, written by torch, in a folder of their own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hsi.config.values import Folder
from hsi.output.manifest import PICTURES
from hsi.output.tracking import Copy, Rows, measured, require

EVENTS = "events.out.tfevents.*"
LONGEST = 200  # characters of a parameter


@dataclass(frozen=True)
class TensorBoard:
    """``tracking=tensorboard``: a folder for each run below `folder`.

    Raises NotInstalled: no tensorboard.
    """

    folder: Folder = "outputs/tensorboard"

    def __post_init__(self) -> None:
        require("tensorboard", "tensorboard")

    def begin(self, folder: Path, parameters: Mapping[str, Any], manifest: str | None) -> Copy | None:
        """Begin the copy of the run in `folder`; events of an earlier one are deleted.

        Viewers that have read these drop them, as the new events begin with a restart at step 0.
        """
        from torch.utils.tensorboard import SummaryWriter  # it takes seconds to import

        place = Path(self.folder).expanduser() / name_of(folder)
        for old in place.glob(EVENTS):
            old.unlink()
        return _Events(SummaryWriter(str(place), purge_step=0), parameters)


@dataclass(frozen=True)
class _Events:
    writer: Any
    parameters: Mapping[str, Any]

    def add_steps(self, rows: Rows) -> None:
        for row in rows:
            for name, value in measured(row).items():
                self.writer.add_scalar(name, value, int(row["step"]))
        self.writer.flush()

    def add_end(self, folder: Path, figures: Mapping[str, float], steps: int) -> None:
        from torch.utils.tensorboard.summary import hparams

        asked = {name: str(value)[:LONGEST] for name, value in self.parameters.items()}
        for summary in hparams(asked, dict(figures)):
            self.writer.file_writer.add_summary(summary)
        for name, value in figures.items():
            self.writer.add_scalar(name, value, steps)
        for name in PICTURES:
            with Image.open(folder / name) as picture:
                self.writer.add_image(name, np.asarray(picture.convert("RGB")), steps, dataformats="HWC")

    def close(self, whole: bool) -> None:
        self.writer.close()


def name_of(folder: Path) -> str:
    """The folder of a run as a relative path: below outputs/ or the current directory, else the whole of it."""
    place = folder.resolve()
    for above in (Path("outputs").resolve(), Path.cwd()):
        if place.is_relative_to(above):
            place = place.relative_to(above)
            break
    return re.sub(r"[:\\]", "_", place.as_posix().lstrip("/"))
