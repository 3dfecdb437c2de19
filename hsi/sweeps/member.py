"""A member of a sweep while the sweep runs: a small file that its process writes and the launching one reads."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from hsi import files
from hsi.errors import HsiError

LARGEST = 100_000  # bytes


@dataclass(frozen=True)
class Member:
    """How far a member has come.

    Parameters
    ----------
    words
        Its words on the command line.
    folder
        Of the run.
    seconds
        Wall time of its process.
    fresh
        False where the run was finished already and nothing had to be done.
    why
        Of one that has failed, a sentence.
    """

    number: int
    words: list[str]
    folder: str
    state: Literal["running", "done", "failed"] = "running"
    seconds: float = 0.0
    fresh: bool = True
    why: str = ""


ANY = TypeAdapter(Member)


def note(place: Path, member: Member) -> None:
    """Write down how far a member has come; `place` is the folder of a launch."""
    files.write_json(_file(place, member.number), asdict(member))


def read(place: Path, number: int) -> Member:
    """What a member has written last. Raises HsiError: nothing that a member writes."""
    try:
        return ANY.validate_python(files.read_json(_file(place, number), LARGEST))
    except ValidationError as error:
        raise HsiError(f"{_file(place, number)} was written by no member of a sweep") from error


def numbers(place: Path) -> list[int]:
    """The members that have started."""
    return sorted(int(path.stem) for path in place.glob("*.json") if path.stem.isdecimal())


def _file(place: Path, number: int) -> Path:
    return place / f"{number}.json"
