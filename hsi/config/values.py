"""What the values of a configuration may be: types that check a value and say in words what is allowed.

They annotate the parameters of whatever a `_target_` under conf/ names; `hsi.config.build` checks them when a stage is
built, by pydantic, and turns `description` into the sentence for the user. Words such as ``no`` and ``off`` are
false, ``yes`` and ``on`` are true.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

MOST = 10**12  # of whatever is counted: pixels, steps


def _refuse_switch(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is needed, not true or false")
    return value


def _require_odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("an even window has no middle pixel")
    return value


def _count_from_one_on(value: float) -> float | int:
    if value < 1:
        return value
    if not float(value).is_integer():
        raise ValueError("neither a share nor a whole number")
    return int(value)


def _require_path(value: Any) -> Any:
    if not isinstance(value, str | Path) or value == "":
        raise ValueError("no path")
    return value


def _require_folder(value: str | Path) -> str | Path:
    place = Path(value).expanduser()
    if place.exists() and not place.is_dir():
        raise ValueError("a file")
    return value


_Number = BeforeValidator(_refuse_switch)

Count = Annotated[int, _Number, Field(ge=1, le=MOST, description="a whole number from 1 on")]
Index = Annotated[int, _Number, Field(ge=0, le=MOST, description="a whole number from 0 on")]
Seed = Annotated[int, _Number, Field(ge=0, lt=2**32, description="a whole number from 0 to 4294967295")]
Window = Annotated[
    int,
    _Number,
    Field(ge=1, le=MOST, description="an odd whole number of pixels from 1 on"),
    AfterValidator(_require_odd),
]
Real = Annotated[float, _Number, Field(allow_inf_nan=False, description="a number")]
Gigabytes = Annotated[
    float, _Number, Field(gt=0, le=10**6, allow_inf_nan=False, description="a positive number up to 1000000")
]
Positive = Annotated[float, _Number, Field(gt=0, allow_inf_nan=False, description="a positive number")]
NotNegative = Annotated[float, _Number, Field(ge=0, allow_inf_nan=False, description="a number from 0 on")]
Share = Annotated[float, _Number, Field(gt=0, lt=1, description="a share between 0 and 1")]
ShareOrZero = Annotated[float, _Number, Field(ge=0, lt=1, description="a share from 0 to below 1")]
Amount = Annotated[
    float,
    _Number,
    Field(
        gt=0, le=MOST, allow_inf_nan=False, description="a share between 0 and 1, or a whole number of pixels from 1 on"
    ),
    AfterValidator(_count_from_one_on),
]
AmountOrZero = Annotated[
    float,
    _Number,
    Field(
        ge=0,
        le=MOST,
        allow_inf_nan=False,
        description="0, a share between 0 and 1, or a whole number of pixels from 1 on",
    ),
    AfterValidator(_count_from_one_on),
]
Folds = Annotated[int, _Number, Field(ge=2, description="a whole number from 2 on")]
Switch = Annotated[bool, Field(description="true or false")]
Symmetries = Annotated[Literal[1, 8], _Number, Field(description="1 or 8")]
FilePath = Annotated[
    str | Path, BeforeValidator(_require_path), Field(description="a path, in quotes if it is a number")
]
Folder = Annotated[
    str | Path, BeforeValidator(_require_path), AfterValidator(_require_folder), Field(description="a folder")
]
# Hydra reads scene.name=2024 and scene.classes=[1,2] as numbers
Text = Annotated[str, Field(coerce_numbers_to_str=True, description="text")]
Name = Annotated[  # of a scene, and so of folders: never empty, never a way out of the folder above
    str,
    Field(
        coerce_numbers_to_str=True,
        max_length=100,
        pattern=r"^[^/\\\p{C}]*[^/\\\s.\p{C}][^/\\\p{C}]*$",
        description="a name without slashes or control signs, of at most 100 signs",
    ),
]
