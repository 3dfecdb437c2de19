"""What it takes to repeat and to quote a run: its command, configuration, surroundings, files, whom to cite."""

import shlex
from collections.abc import Mapping
from html import escape
from typing import Any

import yaml

from hsi.config.explained import read_keys
from hsi.config.shipped import CONF, published_scenes
from hsi.errors import HsiError
from hsi.reports.page.sections import table_of
from hsi.reports.page.shown import Shown
from hsi.version import __version__

FROM_ARRAYS = ("arrays", "roles")  # choices of runs whose scene or split was given in Python
CITED = ("scene", "model", "attention")  # groups whose files say in their first lines whom to cite

MANIFEST = (
    "The SHA-256 of <code>metrics.json</code>, which holds the checksums of all other files of the run but its log and "
    "this page:"
)


def record(shown: Shown) -> str:
    """The last section of the page."""
    metrics = shown.metrics
    config = yaml.safe_dump(metrics.get("config"), sort_keys=False, allow_unicode=True)
    parts = [
        f"<h3>The command that repeats it</h3>{_command(metrics)}",
        f"<h3>Its manifest</h3><p>{MANIFEST}</p>{_copied(shown.manifest)}",
        f"<h3>To cite</h3>{citations(shown)}",
        f"<details><summary>Configuration</summary><pre>{escape(config)}</pre></details>",
        f"<details><summary>Environment</summary>{table_of(surroundings(metrics))}</details>",
        f"<details><summary>Files of the scene</summary>{table_of(shown.scene.checksums)}</details>",
        f"<details><summary>Files of the run</summary>{table_of(_mapping(metrics.get('files')))}</details>",
    ]
    return "".join(parts)


def surroundings(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Versions, machine and times, by their names."""
    code, seconds = _mapping(metrics.get("code")), _mapping(metrics.get("seconds"))
    found = {"hsi": code.get("version"), "commit": code.get("commit")}
    if code.get("dirty"):
        found["changed since"] = "yes: files of the source tree differ from the commit"
    found |= {key: metrics.get(key) for key in ("python", "device", "processor", "threads", "precision")}
    found |= _mapping(metrics.get("libraries"))
    found |= {f"seconds: {name}": f"{value:.1f}" for name, value in seconds.items() if isinstance(value, int | float)}
    found |= {key: metrics.get(key) for key in ("seed", "scene_hash", "split_hash", "config_hash", "identity")}
    return {key: value for key, value in found.items() if value is not None}


def citations(shown: Shown) -> str:
    """Software, scene and model, as far as the configuration that is shipped knows them."""
    choices, code = _mapping(shown.metrics.get("choices")), _mapping(shown.metrics.get("code"))
    commit = f", commit {code['commit']}" if code.get("commit") else ""
    rows = [("software", f"hsi {code.get('version', __version__)}{commit}. Manifest of this run: {shown.manifest}.")]
    for group in CITED:
        choice = str(choices.get(group, "none"))
        if choice != "none" and (told := _header(group, choice)):
            rows.append((group, told))
    return "<dl>" + "".join(f"<dt>{group}</dt><dd>{escape(told)}</dd>" for group, told in rows) + "</dl>"


def _header(group: str, choice: str) -> str:
    """What the file of a choice says at its head; nothing of scenes that are not published, or of files not shipped."""
    try:
        option = read_keys(CONF, group, choice)
    except HsiError:
        return ""
    if group == "scene" and choice not in published_scenes():
        return ""
    return " ".join(option.header)


def _command(metrics: Mapping[str, Any]) -> str:
    choices, command = _mapping(metrics.get("choices")), metrics.get("command")
    if choices.get("scene") in FROM_ARRAYS or choices.get("split") in FROM_ARRAYS:
        return "<p>It was made in Python from arrays in memory: no command repeats it.</p>"
    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        return "<p>It is not known.</p>"
    return _copied(shlex.join(command))


def _copied(text: str) -> str:
    """A line to be copied by a button."""
    return f'<p class="copied"><code>{escape(text)}</code><button type="button" class="copy">Copy</button></p>'


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
