"""Hyperspectral classification: from cube to map, every number reproducible. See `hsi.api` for Python's way in."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hsi.version import __version__

if TYPE_CHECKING:
    from hsi.api import fit, from_arrays, load, open, open_run, open_sweep, predict
    from hsi.errors import HsiError
    from hsi.estimator import PatchClassifier

__all__ = [
    "HsiError",
    "PatchClassifier",
    "__version__",
    "fit",
    "from_arrays",
    "load",
    "open",
    "open_run",
    "open_sweep",
    "predict",
]

_HOMES = {"HsiError": "hsi.errors", "PatchClassifier": "hsi.estimator"}


def __getattr__(name: str) -> Any:
    """Load the names of `__all__` when first used, so that no command waits for another's libraries."""
    if name not in __all__:
        raise AttributeError(f"module 'hsi' has no attribute '{name}'")
    if name == "predict":  # a command is called so too: see there
        return import_module("hsi.predict")
    return getattr(import_module(_HOMES.get(name, "hsi.api")), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
