"""What the values of a configuration may be: types that check a value and say in words what is allowed.

They annotate the parameters of whatever a `_target_` under conf/ names; `hsi.config.build` checks them when a stage is
built, by pydantic, and turns `description` into the sentence for the user. Words such as ``no`` and ``off`` are
false, ``yes`` and ``on`` are true.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field


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


_Number = BeforeValidator(_refuse_switch)

Count = Annotated[int, _Number, Field(ge=1, description="a whole number from 1 on")]
Index = Annotated[int, _Number, Field(ge=0, description="a whole number from 0 on")]
Seed = Annotated[int, _Number, Field(ge=0, lt=2**32, description="a whole number from 0 to 4294967295")]
Window = Annotated[
    int, _Number, Field(ge=1, description="an odd whole number of pixels from 1 on"), AfterValidator(_require_odd)
]
Real = Annotated[float, _Number, Field(allow_inf_nan=False, description="a number")]
Positive = Annotated[float, _Number, Field(gt=0, allow_inf_nan=False, description="a positive number")]
NotNegative = Annotated[float, _Number, Field(ge=0, allow_inf_nan=False, description="a number from 0 on")]
Share = Annotated[float, _Number, Field(gt=0, lt=1, description="a share between 0 and 1")]
ShareOrZero = Annotated[float, _Number, Field(ge=0, lt=1, description="a share from 0 to below 1")]
Amount = Annotated[
    float,
    _Number,
    Field(gt=0, allow_inf_nan=False, description="a share between 0 and 1, or a whole number of pixels from 1 on"),
    AfterValidator(_count_from_one_on),
]
AmountOrZero = Annotated[
    float,
    _Number,
    Field(ge=0, allow_inf_nan=False, description="0, a share between 0 and 1, or a whole number of pixels from 1 on"),
    AfterValidator(_count_from_one_on),
]
Folds = Annotated[int, _Number, Field(ge=2, description="a whole number from 2 on")]
Switch = Annotated[bool, Field(description="true or false")]
