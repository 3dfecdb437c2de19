"""What the files of conf/ call in their ``${hsi...:...}``."""

import hashlib
import re
from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf

WITHOUT_EFFECT = ("force", "data_dir")  # keys that change nothing about a result
LONGEST_NAME = 120  # characters of a folder name; file systems allow 255 bytes


def folder_name(overrides: str | Sequence[str]) -> str:
    """A folder's name from the overrides that make a run, so that the same command finds its folder again.

    The resolver ``${hsi.name:...}`` of conf/config.yaml. Cached like Hydra's ``now``, so that the members
    of a sweep agree on the sweep's folder.
    """
    words = overrides.split(",") if isinstance(overrides, str) else list(overrides)
    kept = [word for word in words if word.lstrip("+").split("=")[0] not in WITHOUT_EFFECT]
    # neither = nor comma: the name has to pass as a value on a Hydra command line, as in run=DIR
    name = re.sub(r"[^\w+.-]", "_", "_".join(kept).replace("=", "-")) or "default"
    if len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return name


def window(default: int, *, _root_: DictConfig) -> int:
    """Give the side of a model's windows: ``patch_size=`` where it was given, else the model's own `default`.

    The resolver ``${hsi.window:...}`` of conf/model/.
    """
    return default if _root_.patch_size is None else _root_.patch_size


def register_resolvers() -> None:
    """Make known what the files of conf/ call in their ``${hsi...:...}``."""
    OmegaConf.register_new_resolver("hsi.name", folder_name, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("hsi.window", window, replace=True)
