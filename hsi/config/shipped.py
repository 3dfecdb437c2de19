"""The files under conf/: where they lie, what they name, and which keys say only where a run is computed."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_PACKAGE = Path(__file__).parents[1]
_PACKAGED = _PACKAGE / "conf"  # in a wheel
CONF = _PACKAGED if _PACKAGED.exists() else _PACKAGE.parent / "conf"  # in a source tree

PUBLISHED = "hsi.scenes.published.load_published"  # the loader that fetches files
TRACKING = "tracking"  # the group that says where runs are copied to: no part of a run at all
MACHINE = "_machine_"  # lists keys of its file that change nothing about a result
_TITLE = re.compile(r"(?:# @package .*\n)?# (?:Baseline: )?(.+?)(?: \([^()]*\d{4}\))?: ")


@cache
def targets(group: str) -> frozenset[str]:
    """The callables that the files of conf/<group>/ name in `_target_`."""
    texts = [path.read_text(encoding="utf-8") for path in (CONF / group).glob("*.yaml")]
    return frozenset(name for text in texts for name in re.findall(r"^_target_: (\S+)", text, flags=re.MULTILINE))


@cache
def machine_keys() -> frozenset[str]:
    """Dotted keys, such as ``device`` and ``engine.memory_gb``, that say where and how a run is computed.

    They change neither its folder nor its hash. Each file declares its own under `_machine_`.
    """
    found = set()
    for path in [*CONF.glob("*.yaml"), *CONF.glob("*/*.yaml")]:
        text = path.read_text(encoding="utf-8")
        if f"\n{MACHINE}:" in text:
            group = "" if path.parent == CONF else f"{path.parent.name}."
            found |= {f"{group}{key}" for key in yaml.safe_load(text)[MACHINE]}
    return frozenset(found)


@cache
def published_scenes() -> dict[str, dict[str, Any]]:
    """The descriptions under conf/scene/ of scenes that are fetched, by name."""
    described = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (CONF / "scene").glob("*.yaml")]
    return {scene["name"]: scene for scene in described if scene["_target_"] == PUBLISHED}


@cache
def title(group: str, choice: str) -> str:
    """What the literature calls a choice, such as ``model``, ``svm``: SVM (RBF); the choice itself where it is silent.

    A file of conf/ begins with it: ``# Name (Authors year): what it is.``, where the brackets may be missing.
    """
    path = {path.stem: path for path in (CONF / group).glob("*.yaml")}.get(choice)
    found = path and _TITLE.match(path.read_text(encoding="utf-8"))
    return found[1] if found else choice
