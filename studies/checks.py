"""What a study needs of metrics.json, checked before a run enters the table."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hsi.errors import HsiError
from studies.cells import flatten

Number = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[\w.-]+$")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Choices(_Part):
    model: Name
    split: Name
    attention: Name = "none"


class _Split(_Part):
    train: Number | None = None
    per_class: int | None = None
    folds: int | None = None


class _Config(_Part):
    split: _Split
    train: dict[str, Any]


class _Leakage(_Part):
    window: int
    test_windows_with_training_pixel: Number
    test_windows_with_training_pixel_of_own_class: Number
    mean_overlap: Number


class _Seconds(_Part):
    train: Number
    map: Number


class _Cost(_Part):
    shared: int


class _Metrics(_Part):
    oa: Number
    aa: Number
    kappa: Number
    per_class: dict[str, Number | None] = Field(min_length=1)
    n_train: int
    seed: int
    scene: str
    scene_hash: str
    split_hash: str
    config_hash: Name
    parameters: int | None
    multiply_adds_per_pixel: _Cost | None
    processor: str
    device: str
    precision: str
    threads: int
    command: list[str]
    files: dict[str, str]
    choices: _Choices
    config: _Config
    leakage: _Leakage
    seconds: _Seconds


def require_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Raise HsiError where the metrics that were read from `path` lack what the tables and RESULTS.md are made of."""
    try:
        _Metrics.model_validate(metrics)
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise HsiError(f"{path} has no {key}, or not a usable one: repeat the run with force=true") from error
    foreign = [key for key in metrics if "." in key] + [key for key in flatten(metrics) if not key.isprintable()]
    if foreign:
        raise HsiError(f"{path} has the key {foreign[0]!r}, which no run writes: repeat the run with force=true")
