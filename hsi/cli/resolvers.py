"""What the files of conf/ call in their ``${hsi...:...}``."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from hsi.config.build import check_value
from hsi.config.shipped import CONF, machine_keys
from hsi.config.values import Name
from hsi.config.window import register_window
from hsi.errors import HsiError

LONGEST_NAME = 80  # characters of a folder's words; file systems allow 255 bytes
DIGITS = 8  # of the hash at the end of a folder's name
ELSEWHERE = ("model", "scene", "hydra")  # these stand in the folders above, or nowhere


def scene_name(*, _root_: DictConfig) -> str:
    """The folder of all that is made of a scene; HsiError for a name that would lead elsewhere.

    The resolver ``${hsi.scene:}``: Hydra makes the folder before any scene has been asked for its name.
    """
    name: str = check_value(Name, _root_.scene.name, "scene.name")
    return name


def model_name(*, _root_: DictConfig) -> str:
    """The folder of all that a model makes of a scene; HsiError for a choice that would lead elsewhere.

    The resolver ``${hsi.model:}``.
    """
    name: str = _root_.hydra.runtime.choices.model
    if ".." in Path(name).parts:
        raise HsiError(f"model={name}: choose a file of conf/model by its name alone")
    return name


def folder_name(*, _root_: DictConfig) -> str:
    """The folder of a run: what its command line changes, in a few words, and the start of its configuration's hash.

    The resolver ``${hsi.folder:}``. Keys that say only where a run is computed change neither.
    """
    from hsi.runs.identity import config_hash, settle

    words = describe(_root_.hydra.overrides.task)
    return f"{words}_{config_hash(settle(_root_))[:DIGITS]}"


def output_folder(command: str, *, _root_: DictConfig) -> str:
    """The folder of a map or a search: ``out=``, or one named after the command line and the start of its hash.

    The resolver ``${hsi.out:COMMAND}``. Keys that say only where a map is computed change nothing, so that shards share
    it; nor does the time that a search has, so that more of it goes on with the same.
    """
    if isinstance(_root_.out, str) and _root_.out:
        return str(Path(_root_.out).expanduser())
    return f"outputs/{command}/{scene_name(_root_=_root_)}/{sweep_name(_root_.hydra.overrides.task)}"


def sweep_name(overrides: Sequence[str]) -> str:
    """The folder of a sweep, from its command line.

    The resolver ``${hsi.sweep:...}``. Cached like Hydra's ``now``, so that the members of a sweep agree on its folder.
    """
    kept = sorted(word for word in overrides if _key(word) not in machine_keys())
    digits = hashlib.sha256("\n".join(kept).encode()).hexdigest()[:DIGITS]
    return f"{describe(overrides)}_{digits}"


def describe(overrides: Sequence[str]) -> str:
    """Overrides in the words of a folder's name: ``regions_se_seed-3``; ``default`` where there are none."""
    groups = {path.name for path in CONF.iterdir() if path.is_dir()}
    words = []
    for override in overrides:
        key, value = _key(override), override.partition("=")[2]
        hidden = key in machine_keys() or key.partition(".")[0] in ELSEWHERE[1:] or key in ELSEWHERE
        if hidden or "/" in value or "\\" in value:  # a path tells a reader little, and the hash tells the rest
            continue
        words.append(value if key in groups else f"{key.rpartition('.')[2]}-{value}")
    # neither = nor comma: the name has to pass as a value on a Hydra command line, as in run=DIR
    name = re.sub(r"[^\w+.-]+", "_", "_".join(words)).strip("_")
    return name[:LONGEST_NAME] or "default"


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0].partition("@")[0]


def register_resolvers() -> None:
    """Make known what the files of conf/ call in their ``${hsi...:...}``."""
    OmegaConf.register_new_resolver("hsi.scene", scene_name, replace=True)
    OmegaConf.register_new_resolver("hsi.model", model_name, replace=True)
    OmegaConf.register_new_resolver("hsi.folder", folder_name, replace=True)
    OmegaConf.register_new_resolver("hsi.out", output_folder, replace=True)
    OmegaConf.register_new_resolver("hsi.sweep", sweep_name, use_cache=True, replace=True)
    register_window()
