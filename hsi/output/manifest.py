"""Which files a run consists of, and the one hash that stands for all of them.

metrics.json holds the checksum of every other file, so its own stands for the whole run: ``sha256sum metrics.json``.
"""

from pathlib import Path

from hsi.files import file_checksum, is_file
from hsi.output import areas, gis
from hsi.runs.folder import CONFIG, METRICS, OVERRIDES
from hsi.runs.model import BUNDLE, WEIGHTS

ENVIRONMENT, PROBABILITIES = "environment.json", "probabilities.npy"
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


def manifest_hash(folder: Path) -> str:
    """What a paper can quote of the finished run in `folder`: '<kind>:<hex>' over all its files."""
    return file_checksum(folder / METRICS)
