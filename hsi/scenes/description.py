"""What a scene's owner says about it, beside the arrays: one set of keys for files, downloads and memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from hsi.config.build import check
from hsi.config.values import Index, Positive

# Hydra reads scene.name=2024 and scene.classes=[1,2] as numbers
Text = Annotated[str, Field(coerce_numbers_to_str=True, description="text")]
ThreeBands = Annotated[
    Sequence[Index], Field(min_length=3, max_length=3, description="three bands counted from 0, such as [43,21,11]")
]
Treatment = Literal["error", "interpolate", "drop"]


@dataclass(frozen=True, eq=False)
class Description:
    """What is known about a scene beside its arrays; `describe` makes a checked one.

    Parameters
    ----------
    name
        for titles and reports.
    classes
        names, or name -> colour '#rrggbb', in ascending order of the label values; those of ignored labels may be
        named or left out. None gives 'class <value>'.
    rgb_bands
        bands for red, green, blue of the false-colour image, counted from 0, or None.
    ignored_labels
        label values to treat as unlabelled, beside 0.
    invalid
        what to do with NaN and infinite values, see `hsi.scenes.valid`.
    wavelengths
        (bands,), nm, or None.
    """

    name: Text = "custom"
    classes: Sequence[Text] | Mapping[Text, str] | None = None
    rgb_bands: ThreeBands | None = None
    ignored_labels: Sequence[int] = ()
    invalid: Treatment = "error"
    wavelengths: Sequence[Positive] | np.ndarray | None = None


def describe(**details: Any) -> Description:
    """Check what is said about a scene.

    Raises HsiError: a key that `Description` does not have, or a value that it does not allow.
    """
    return Description(**check(Description, details, "scene"))
