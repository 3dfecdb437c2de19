"""What verification comes to."""

from dataclasses import dataclass, field


@dataclass
class Verdict:
    """Whether a run is what it says; filled as its files are looked at.

    Parameters
    ----------
    manifest
        The hash over all files of the run, '<kind>:<hex>', see `hsi.runs.folder.manifest_hash`.
    differences
        What does not agree with the other files of the run, a line each.
    trusted
        What could not be found again, a line each.
    """

    manifest: str
    differences: list[str] = field(default_factory=list)
    trusted: list[str] = field(default_factory=list)
