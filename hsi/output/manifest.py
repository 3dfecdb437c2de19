"""Which files a run consists of, and their checksums, which stand in metrics.json."""

from pathlib import Path

from hsi.files import file_checksum, is_file
from hsi.output import areas, gis
from hsi.runs.folder import CONFIG, OVERRIDES
from hsi.runs.model import BUNDLE, WEIGHTS
from hsi.runs.opened import PROBABILITIES

ENVIRONMENT = "environment.json"
PICTURES = ("map.png", "confusion.png", "history.png", "leakage.png", "reliability.png", "risk_coverage.png")
FILES = (
    "map.npy",
    "confidence.npy",
    "split.npz",
    "confusion.csv",
    "history.csv",
    areas.TABLE,
    areas.NOTES,
    WEIGHTS,
    BUNDLE,
    ENVIRONMENT,
    *PICTURES,
    str(CONFIG),
    str(OVERRIDES),
)
SOMETIMES = (PROBABILITIES, *gis.EVERY)  # by configuration, scene and installed packages


def manifest(folder: Path) -> dict[str, str]:
    """Checksums of the files of the run in `folder`, by their names; metrics.json, which holds them, is not among them.

    Nor is run.log, which goes on to be written.
    """
    return {name: file_checksum(folder / name) for name in (*FILES, *SOMETIMES) if is_file(folder / name)}
