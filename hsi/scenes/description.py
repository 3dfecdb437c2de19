"""What a scene's owner says about it, beside the arrays: one set of keys for files, downloads and memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from hsi.config.build import check
from hsi.config.values import Index, Name, NotNegative, Positive, Real, Switch, Text

ThreeBands = Annotated[
    Sequence[Index], Field(min_length=3, max_length=3, description="three bands counted from 0, such as [43,21,11]")
]
Treatment = Literal["mask", "error", "interpolate", "drop"]
Ranges = Annotated[
    list[Annotated[list[NotNegative], Field(min_length=2, max_length=2)]],
    Field(description="ranges in nm, such as [[1340,1440],[1800,1960]]"),
]
DropBands = Literal["auto", "none", "water", "model"] | Ranges


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
        what to do with pixels that lack some of their bands, see `hsi.scenes.survey`.
    wavelengths
        (bands,), nm, or None.
    nodata
        value that stands for no measurement, in the units of the file; None takes the file's own.
    drop_bands
        which bands to leave out, see `hsi.scenes.survey`.
    scaled
        apply the gains, offsets or scale factor that the file states.
    memory_gb
        a cube on disk that is larger than this, in 10^9 bytes, stays there and is read block by block.
    """

    name: Name = "custom"
    classes: Sequence[Text] | Mapping[Text, str] | None = None
    rgb_bands: ThreeBands | None = None
    ignored_labels: Sequence[int] = ()
    invalid: Treatment = "mask"
    wavelengths: Sequence[Positive] | np.ndarray | None = None
    nodata: Real | None = None
    drop_bands: DropBands = "auto"
    scaled: Switch = True
    memory_gb: NotNegative = 4.0


def describe(**details: Any) -> Description:
    """Check what is said about a scene.

    Raises HsiError: a key that `Description` does not have, or a value that it does not allow.
    """
    return Description(**check(Description, details, "scene"))
